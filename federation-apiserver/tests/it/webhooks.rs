//! Webhooks: who is asked about what, and what comes of the answers. Words are those of kube-apiserver 1.36.3.

use federation_apiserver::UserInfo;
use serde_json::{Value, json};

use crate::harness::{Answer, CONFIGMAPS, DEPLOYMENTS, Hub, MERGE, configmap, deployment};
use crate::webhook_server::WebhookServer;

const GROUP: &str = "/apis/admissionregistration.k8s.io/v1";

async fn hub() -> Hub {
    Hub::start().await.as_user(UserInfo::new("admin", ["system:masters"]))
}

/// Registers webhooks of a sort instead of those before.
async fn register(hub: &Hub, sort: &str, name: &str, hooks: Vec<Value>) {
    let plural = format!("{GROUP}/{}webhookconfigurations", sort.to_lowercase());
    hub.delete(&format!("{plural}/{name}"), Value::Null).await;
    let configuration = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": format!("{sort}WebhookConfiguration"),
        "metadata": {"name": name}, "webhooks": hooks});
    hub.post(&plural, configuration).await.expect(201);
}

async fn create(hub: &Hub, name: &str) -> Answer {
    hub.post(CONFIGMAPS, configmap(name, "v")).await
}

fn message(answer: &Answer, code: u16) -> String {
    answer.expect(code)["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn webhooks_refuse() {
    let (hub, server) = (hub().await, WebhookServer::start().await);
    register(&hub, "Validating", "c", vec![server.hook("deny", json!({}))]).await;
    let refused = create(&hub, "a").await;
    assert_eq!(
        message(&refused, 400),
        "admission webhook \"deny.example.com\" denied the request without explanation"
    );
    assert!(refused.json().get("reason").is_none() && refused.json().get("details").is_none());
    register(&hub, "Validating", "c", vec![server.hook("conflict", json!({}))]).await;
    let refused = create(&hub, "a").await.expect(409);
    assert_eq!(refused["reason"], "Conflict");
    assert_eq!(
        refused["message"],
        "admission webhook \"conflict.example.com\" denied the request: no way"
    );
    register(&hub, "Validating", "c", vec![server.hook("warn", json!({}))]).await;
    let told = create(&hub, "a").await;
    assert_eq!(told.code, 201);
    assert_eq!(told.headers.get("warning").unwrap(), "299 - \"careful\"");
    register(&hub, "Validating", "c", vec![server.hook("conflict", json!({}))]).await;
    let path = format!("{CONFIGMAPS}/a");
    assert_eq!(hub.patch(&path, MERGE, json!({"data": {"key": "w"}})).await.code, 409);
    assert_eq!(hub.delete(&path, Value::Null).await.code, 409);
    let internal = hub.as_user(UserInfo::internal("test"));
    assert_eq!(
        create(&internal, "b").await.code,
        201,
        "Meridian's own parts are not asked about"
    );
}

#[tokio::test]
async fn webhooks_change_objects_one_after_the_other() {
    let (hub, server) = (hub().await, WebhookServer::start().await);
    let first = server.hook("label", json!({"reinvocationPolicy": "IfNeeded"}));
    let second = server.hook("data", json!({}));
    register(&hub, "Mutating", "c", vec![first, second]).await;
    register(&hub, "Validating", "c", vec![server.hook("allow", json!({}))]).await;
    let made = create(&hub, "a").await.expect(201);
    assert_eq!(made["metadata"]["labels"], json!({"by": "webhook"}));
    assert_eq!(made["data"], json!({"key": "v", "more": "1"}));
    let asked = server.asked();
    assert_eq!(asked.len(), 4, "the first again, since the second changed the object");
    let last = &asked[3];
    assert_eq!(last["object"]["data"]["more"], "1", "who judges sees what is stored");
    assert_eq!(last["operation"], "CREATE");
    assert_eq!(last["kind"], json!({"group": "", "version": "v1", "kind": "ConfigMap"}));
    assert_eq!(
        last["resource"],
        json!({"group": "", "version": "v1", "resource": "configmaps"})
    );
    assert_eq!((&last["name"], &last["namespace"]), (&json!("a"), &json!("default")));
    assert_eq!(last["userInfo"]["username"], "admin");
    assert_eq!((&last["oldObject"], &last["dryRun"]), (&Value::Null, &json!(false)));

    register(&hub, "Mutating", "c", vec![server.hook("unknown", json!({}))]).await;
    assert!(create(&hub, "b").await.expect(201).get("nope").is_none());
    register(&hub, "Mutating", "c", vec![server.hook("broken", json!({}))]).await;
    assert_eq!(create(&hub, "c").await.code, 500);
}

#[tokio::test]
async fn who_does_not_answer() {
    let (hub, server) = (hub().await, WebhookServer::start().await);
    let fails = |why: &str| format!("Internal error occurred: failed calling webhook {why}");
    register(&hub, "Validating", "c", vec![server.hook("failing", json!({}))]).await;
    assert_eq!(
        message(&create(&hub, "a").await, 500),
        fails(
            "\"failing.example.com\": failed to call webhook: an error on the server (\"unknown\") has prevented the request \
             from succeeding"
        )
    );
    register(
        &hub,
        "Validating",
        "c",
        vec![server.hook("silent", json!({"timeoutSeconds": 1}))],
    )
    .await;
    let url = format!("https://localhost:{}/silent?timeout=1s", server.port);
    assert_eq!(
        message(&create(&hub, "a").await, 500),
        fails(&format!(
            "\"silent.example.com\": failed to call webhook: Post \"{url}\": context deadline exceeded"
        ))
    );
    register(&hub, "Validating", "c", vec![server.hook("uid", json!({}))]).await;
    assert!(
        message(&create(&hub, "a").await, 500).contains("received invalid webhook response: expected response.uid=")
    );
    let mut unknown = server.hook("allow", json!({}));
    unknown["clientConfig"]["caBundle"] = Value::Null;
    register(&hub, "Validating", "c", vec![unknown]).await;
    assert!(message(&create(&hub, "a").await, 500).contains("failed to call webhook: Post \"https://localhost:"));
    let service = json!({"clientConfig": {"service": {"name": "s", "namespace": "default"}}});
    register(&hub, "Validating", "c", vec![server.hook("allow", service)]).await;
    assert!(message(&create(&hub, "a").await, 500).contains("give the webhook a clientConfig.url"));
    register(
        &hub,
        "Validating",
        "c",
        vec![server.hook("failing", json!({"failurePolicy": "Ignore"}))],
    )
    .await;
    assert_eq!(create(&hub, "a").await.code, 201);
}

#[tokio::test]
async fn webhooks_are_asked_about_what_they_chose() {
    let (hub, server) = (hub().await, WebhookServer::start().await);
    let chosen = json!({"objectSelector": {"matchLabels": {"a": "b"}}});
    register(&hub, "Validating", "c", vec![server.hook("deny", chosen)]).await;
    assert_eq!(create(&hub, "a").await.code, 201);
    let namespaced = json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "other"}}});
    register(&hub, "Validating", "c", vec![server.hook("deny", namespaced)]).await;
    assert_eq!(create(&hub, "b").await.code, 201);
    let conditions = |text: &str| json!({"matchConditions": [{"name": "c", "expression": text}]});
    register(
        &hub,
        "Validating",
        "c",
        vec![server.hook("deny", conditions("request.name == 'no'"))],
    )
    .await;
    assert_eq!(create(&hub, "c").await.code, 201);
    register(
        &hub,
        "Validating",
        "c",
        vec![server.hook("deny", conditions("object.nope == 1"))],
    )
    .await;
    assert_eq!(
        message(&create(&hub, "d").await, 403),
        "configmaps \"d\" is forbidden: expression 'object.nope == 1' resulted in error: no such key: nope"
    );
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn subresources_and_deletions_are_shown_as_they_are() {
    let (hub, server) = (hub().await, WebhookServer::start().await);
    let of_deployments = json!({"rules": [{"operations": ["*"], "apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments", "deployments/*"]}]});
    register(
        &hub,
        "Validating",
        "c",
        vec![server.hook("allow", of_deployments.clone())],
    )
    .await;
    hub.post(DEPLOYMENTS, deployment("web")).await.expect(201);
    let path = format!("{DEPLOYMENTS}/web");
    hub.patch(&format!("{path}/scale"), MERGE, json!({"spec": {"replicas": 3}}))
        .await
        .expect(200);
    hub.delete(&path, Value::Null).await.expect(200);
    let asked = server.asked();
    let [_, scale, deletion] = asked.as_slice() else {
        panic!("{asked:?}")
    };
    assert_eq!(
        scale["kind"],
        json!({"group": "autoscaling", "version": "v1", "kind": "Scale"})
    );
    assert_eq!(scale["subResource"], "scale");
    assert_eq!(scale["object"]["spec"]["replicas"], 3);
    assert_eq!(scale["oldObject"]["spec"]["replicas"], 2);
    assert_eq!(deletion["operation"], "DELETE");
    assert_eq!(deletion["object"], Value::Null);
    assert_eq!(deletion["oldObject"]["metadata"]["name"], "web");

    register(&hub, "Mutating", "c", vec![server.hook("scale", of_deployments)]).await;
    let made = hub.post(DEPLOYMENTS, deployment("api")).await.expect(201);
    assert_eq!(made["spec"]["replicas"], 7);
    let path = format!("{DEPLOYMENTS}/api/scale");
    let scaled = hub
        .patch(&path, MERGE, json!({"spec": {"replicas": 3}}))
        .await
        .expect(200);
    assert_eq!(scaled["spec"]["replicas"], 7);
}
