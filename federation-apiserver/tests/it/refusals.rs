//! Requests that are wrong in themselves: what they are told, and that they change nothing.

use federation_apiserver::UserInfo;
use serde_json::{Value, json};

use crate::harness::{APPLY, CONFIGMAPS, DEPLOYMENTS, Hub, JSON_PATCH, MERGE, STRATEGIC, configmap, deployment};

#[tokio::test]
async fn a_patch_never_changes_what_an_object_is() {
    let hub = Hub::start().await;
    let before = hub.post(CONFIGMAPS, configmap("a", "1")).await.expect(201);
    let path = format!("{CONFIGMAPS}/a");
    let replace = json!([{"op": "replace", "path": "/kind", "value": "Secret"}]);
    for (kind, body) in [
        (MERGE, json!({"kind": "Secret"})),
        (MERGE, json!({"apiVersion": "v2"})),
        (MERGE, json!({"kind": null})),
        (STRATEGIC, json!({"kind": "Secret"})),
        (JSON_PATCH, replace),
    ] {
        let refused = hub.patch(&path, kind, body).await.expect(422);
        assert_eq!(
            (&refused["reason"], &refused["details"]["causes"][0]["field"]),
            (&json!("Invalid"), &json!("patch"))
        );
    }
    assert_eq!(hub.get(&path).await.expect(200), before);
}

#[tokio::test]
async fn patches_that_make_no_object() {
    let hub = Hub::start().await;
    hub.post(DEPLOYMENTS, deployment("web")).await.expect(201);
    let path = format!("{DEPLOYMENTS}/web");
    let strict = format!("{path}?fieldValidation=Strict");
    let unknown = hub.patch(&strict, MERGE, json!({"spec": {"foo": 1}})).await.expect(422);
    assert_eq!(
        unknown["message"],
        "Deployment.apps \"web\" is invalid: patch: Invalid value: \"{\\\"spec\\\":{\\\"foo\\\":1}}\": strict decoding error: unknown field \"spec.foo\""
    );
    hub.patch(&path, STRATEGIC, json!({"spec": {"replicas": "x"}}))
        .await
        .expect(422);
    let forced = hub
        .patch(&format!("{path}?force=true"), MERGE, json!({}))
        .await
        .expect(422);
    assert_eq!(
        forced["details"]["causes"][0]["message"],
        "Forbidden: may not be specified for non-apply patch"
    );
    let broken = hub
        .send("PATCH", &path, &[("content-type", MERGE)], "{")
        .await
        .expect(400);
    assert!(
        broken["message"]
            .as_str()
            .unwrap()
            .starts_with("error decoding patch: ")
    );
    let nameless = json!({"metadata": {"name": "web"}});
    let refused = hub
        .patch(&format!("{path}?fieldManager=m"), APPLY, nameless)
        .await
        .expect(400);
    assert_eq!(refused["message"], "invalid object type: /, Kind=");
    let missing = json!([{"op": "remove", "path": "/spec/nope"}]);
    let refused = hub.patch(&path, JSON_PATCH, missing).await.expect(422);
    assert_eq!(
        refused["details"],
        json!({}),
        "kubectl prints causes in place of the message"
    );
}

#[tokio::test]
async fn bodies_that_cannot_be_read() {
    let hub = Hub::start().await;
    let unrecognized = "the object provided is unrecognized (must be of type ConfigMap): ";
    for (kind, body) in [
        ("application/json", "{"),
        ("application/json", ""),
        ("application/json", "[]"),
        ("application/yaml", "a: [b"),
        ("application/vnd.kubernetes.protobuf", "k8s\0what"),
    ] {
        let refused = hub
            .send("POST", CONFIGMAPS, &[("content-type", kind)], body)
            .await
            .expect(400);
        let message = refused["message"].as_str().unwrap();
        assert!(message.starts_with(unrecognized), "{message}");
    }
    let headers = [("content-type", "application/json")];
    hub.send("POST", CONFIGMAPS, &headers, "null").await.expect(422);
    let typed = hub
        .post(CONFIGMAPS, json!({"metadata": {"name": "x"}, "data": [1]}))
        .await
        .expect(400);
    let message = typed["message"].as_str().unwrap();
    assert!(
        message.starts_with("ConfigMap in version \"v1\" cannot be handled as a ConfigMap: json: "),
        "{message}"
    );
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there() {
    let hub = Hub::start().await;
    for (method, path, code) in [
        ("GET", "/api/v1/namespaces/default/foos", 404),
        ("GET", "/api/v2/configmaps", 404),
        ("GET", "/apis/apps/v2/deployments", 404),
        ("GET", "/api/v1/configmaps/x", 404),
        ("GET", "/api/v1/namespaces/default/configmaps/x/foo", 404),
        ("POST", "/api/v1/configmaps", 405),
        ("PUT", CONFIGMAPS, 405),
        ("FOO", CONFIGMAPS, 405),
        ("PUT", "/version", 405),
    ] {
        let status = hub.send(method, path, &[], "").await.expect(code);
        let message = match code {
            404 => "the server could not find the requested resource",
            _ => "the server does not allow this method on the requested resource",
        };
        assert_eq!(
            (&status["message"], &status["details"]),
            (&json!(message), &json!({})),
            "{method} {path}"
        );
    }
    assert_eq!(hub.get("/apis/nope/v1/foos").await.text(), "404 page not found\n");
}

#[tokio::test]
async fn reads_of_versions_that_never_were() {
    let hub = Hub::start().await;
    hub.post(CONFIGMAPS, configmap("a", "1")).await.expect(201);
    hub.get(&format!("{CONFIGMAPS}/a?resourceVersion=abc"))
        .await
        .expect(400);
    hub.get(&format!("{CONFIGMAPS}/a?resourceVersion=1")).await.expect(200);
    let late = hub.get(&format!("{CONFIGMAPS}/a?resourceVersion=99999999")).await;
    assert_eq!(late.headers["retry-after"], "1");
    assert_eq!(
        late.expect(504)["details"]["causes"][0]["reason"],
        "ResourceVersionTooLarge"
    );
    let both = format!("{CONFIGMAPS}?continue=abc&resourceVersion=1&resourceVersionMatch=Exact");
    hub.get(&both).await.expect(422);
}

#[tokio::test]
async fn deletions_that_are_about_something_else() {
    let hub = Hub::start().await;
    hub.post(CONFIGMAPS, configmap("a", "1")).await.expect(201);
    let path = format!("{CONFIGMAPS}/a");
    hub.delete(&path, json!({"kind": "ConfigMap", "apiVersion": "v1"}))
        .await
        .expect(400);
    hub.delete(&format!("{path}?gracePeriodSeconds=soon"), Value::Null)
        .await
        .expect(400);
    let refused = hub
        .delete(&path, json!({"preconditions": {"uid": "z"}}))
        .await
        .expect(409);
    let message = refused["message"].as_str().unwrap();
    assert!(
        message.starts_with(
            "Operation cannot be fulfilled on ConfigMap \"a\": the UID in the precondition (z) does not match"
        ),
        "{message}"
    );
    hub.get(&path).await.expect(200);
}

#[tokio::test]
async fn failures_are_spelled_as_asked() {
    let hub = Hub::start().await;
    let path = format!("{CONFIGMAPS}/nope");
    let yaml = hub.send("GET", &path, &[("accept", "application/yaml")], "").await;
    assert_eq!(
        (yaml.code, &yaml.headers["content-type"]),
        (404, &"application/yaml".parse().unwrap())
    );
    assert!(yaml.text().contains("reason: NotFound"), "{}", yaml.text());
    let protobuf = [("accept", "application/vnd.kubernetes.protobuf,application/json")];
    let answer = hub.send("GET", &path, &protobuf, "").await;
    assert_eq!(
        machinery::protobuf::decode(&answer.bytes).unwrap()["reason"],
        "NotFound"
    );
    hub.send("GET", &path, &[("accept", "image/png")], "").await.expect(406);
}

#[tokio::test]
async fn impersonation_gives_rights_up_and_never_adds_any() {
    let hub = Hub::start().await;
    let bob = [("impersonate-user", "bob")];
    let refused = hub.send("GET", CONFIGMAPS, &bob, "").await.expect(403);
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("User \"bob\" cannot list"),
        "{refused}"
    );
    let viewer = [
        ("impersonate-user", "bob"),
        ("impersonate-group", "system:meridian:viewers"),
    ];
    hub.send("GET", CONFIGMAPS, &viewer, "").await.expect(200);
    hub.send("GET", CONFIGMAPS, &[("impersonate-group", "g")], "")
        .await
        .expect(400);
    let vera = hub.as_user(UserInfo::new("vera", ["system:meridian:viewers"]));
    let refused = vera
        .send("GET", CONFIGMAPS, &[("impersonate-user", "admin")], "")
        .await
        .expect(403);
    assert_eq!(
        refused["message"],
        "users \"admin\" is forbidden: User \"vera\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope"
    );
}
