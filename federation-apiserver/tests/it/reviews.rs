//! Reviews: who am I, may I, what may I, may they.

use federation_apiserver::UserInfo;
use serde_json::{Value, json};

use crate::harness::Hub;

const WHO: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
const AUTHORIZATION: &str = "/apis/authorization.k8s.io/v1";

fn get(resource: &str) -> Value {
    json!({"spec": {"resourceAttributes": {"verb": "get", "resource": resource, "namespace": "default"}}})
}

#[tokio::test]
async fn everybody_may_ask_about_themselves() {
    let hub = Hub::start().await;
    let vera = hub.as_user(UserInfo::new("vera", ["system:meridian:viewers"]));
    let who = vera.post(WHO, json!({})).await.expect(201);
    assert_eq!(
        who["status"]["userInfo"],
        json!({"username": "vera", "groups": ["system:meridian:viewers", "system:authenticated"]})
    );
    let path = format!("{AUTHORIZATION}/selfsubjectaccessreviews");
    let may = vera.post(&path, get("services")).await.expect(201);
    assert_eq!(
        (&may["kind"], &may["status"]["allowed"]),
        (&json!("SelfSubjectAccessReview"), &json!(true))
    );
    assert_eq!(
        vera.post(&path, get("secrets")).await.expect(201)["status"]["allowed"],
        false
    );
    let asked = json!({"spec": {"nonResourceAttributes": {"verb": "get", "path": "/metrics"}}});
    assert_eq!(vera.post(&path, asked).await.expect(201)["status"]["allowed"], true);
    let rules = vera
        .post(
            &format!("{AUTHORIZATION}/selfsubjectrulesreviews"),
            json!({"spec": {"namespace": "default"}}),
        )
        .await
        .expect(201);
    let rules = rules["status"]["resourceRules"].as_array().unwrap().clone();
    let of = |plural: &str| {
        let names = |rule: &&Value| rule["resources"].as_array().unwrap().contains(&json!(plural));
        rules.iter().find(names)
    };
    assert_eq!(of("services").unwrap()["verbs"], json!(["get", "list", "watch"]));
    assert!(of("secrets").is_none());
    vera.post(&format!("{AUTHORIZATION}/subjectaccessreviews"), get("services"))
        .await
        .expect(403);
    let nobody = hub.as_user(UserInfo::anonymous());
    nobody.post(WHO, json!({})).await.expect(403);
}

#[tokio::test]
async fn administrators_may_ask_about_others() {
    let hub = Hub::start().await;
    let path = format!("{AUTHORIZATION}/subjectaccessreviews");
    let mut asked = get("services");
    asked["spec"]["user"] = json!("bob");
    assert_eq!(
        hub.post(&path, asked.clone()).await.expect(201)["status"]["allowed"],
        false
    );
    asked["spec"]["groups"] = json!(["system:masters"]);
    assert_eq!(
        hub.post(&path, asked.clone()).await.expect(201)["status"]["allowed"],
        true
    );
    hub.post(&path, get("services")).await.expect(422);
    let local = |namespace: &str| format!("{AUTHORIZATION}/namespaces/{namespace}/localsubjectaccessreviews");
    hub.post(&local("default"), asked.clone()).await.expect(201);
    hub.post(&local("other"), asked).await.expect(422);
}

#[tokio::test]
async fn reviews_are_asked_and_not_kept() {
    let hub = Hub::start().await;
    hub.get(WHO).await.expect(405);
    hub.post(WHO, json!({"kind": "ConfigMap", "apiVersion": "v1"}))
        .await
        .expect(400);
    let path = format!("{AUTHORIZATION}/selfsubjectaccessreviews");
    hub.post(&path, json!({})).await.expect(422);
    let both = json!({"spec": {"resourceAttributes": {"verb": "get"}, "nonResourceAttributes": {"verb": "get"}}});
    hub.post(&path, both).await.expect(422);
    hub.post(&format!("{AUTHORIZATION}/selfsubjectrulesreviews"), json!({}))
        .await
        .expect(400);
    let listed = hub.get(AUTHORIZATION).await.expect(200);
    let review = &listed["resources"][1];
    assert_eq!(
        (&review["name"], &review["verbs"]),
        (&json!("selfsubjectaccessreviews"), &json!(["create"]))
    );
}

#[tokio::test]
async fn reviews_in_protobuf() {
    let hub = Hub::start().await;
    let mut asked = get("services");
    asked["apiVersion"] = json!("authorization.k8s.io/v1");
    asked["kind"] = json!("SelfSubjectAccessReview");
    let headers = [
        ("content-type", "application/vnd.kubernetes.protobuf"),
        ("accept", "application/vnd.kubernetes.protobuf,application/json"),
    ];
    let body = machinery::protobuf::encode(&asked).unwrap();
    let answer = hub
        .send(
            "POST",
            &format!("{AUTHORIZATION}/selfsubjectaccessreviews"),
            &headers,
            body,
        )
        .await;
    assert_eq!(answer.code, 201, "{}", answer.text());
    assert_eq!(
        machinery::protobuf::decode(&answer.bytes).unwrap()["status"]["allowed"],
        true
    );
}
