//! Conversion webhooks: objects in a version other than the stored one, by asking. Words are those of kube-apiserver 1.36.3.

use std::time::Duration;

use federation_apiserver::UserInfo;
use serde_json::{Value, json};

use crate::harness::{Hub, MERGE};
use crate::webhook_server::WebhookServer;

const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const V1: &str = "/apis/example.com/v1/namespaces/default/boxes";
const V2: &str = "/apis/example.com/v2/namespaces/default/boxes";

fn definition(client: &Value, storage: &str) -> Value {
    let text = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {"size": {"type": "string"}}}}});
    let numbers = json!({"type": "object", "properties": {"spec": {"type": "object", "properties":
        {"width": {"type": "integer"}, "height": {"type": "integer"}}}}});
    let version = |name: &str, schema: &Value| json!({"name": name, "served": true, "storage": name == storage, "schema": {"openAPIV3Schema": schema}});
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "boxes.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced",
            "names": {"plural": "boxes", "singular": "box", "kind": "Box", "listKind": "BoxList"},
            "versions": [version("v2", &numbers), version("v1", &text)],
            "conversion": {"strategy": "Webhook", "webhook": {"clientConfig": client, "conversionReviewVersions": ["v1"]}}}})
}

async fn hub(client: &Value) -> Hub {
    let hub = Hub::start().await.as_user(UserInfo::new("admin", ["system:masters"]));
    hub.post(CRDS, definition(client, "v2")).await.expect(201);
    until_served(&hub, V1).await;
    hub
}

async fn until_served(hub: &Hub, path: &str) {
    for _ in 0..1000 {
        if hub.get(path).await.code != 404 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{path} is not served");
}

fn small(name: &str) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Box", "metadata": {"name": name}, "spec": {"size": "1x2"}})
}

#[tokio::test]
async fn objects_are_converted_both_ways() {
    let server = WebhookServer::start().await;
    let hub = hub(&server.client("convert")).await;
    let made = hub.post(V1, small("a")).await.expect(201);
    assert_eq!(
        (&made["apiVersion"], &made["spec"]),
        (&json!("example.com/v1"), &json!({"size": "1x2"}))
    );
    let asked = server.asked();
    assert_eq!(asked.len(), 1, "once, to store it");
    assert_eq!(asked[0]["desiredAPIVersion"], "example.com/v2");
    let stored = hub.get(&format!("{V2}/a")).await.expect(200);
    assert_eq!(
        stored["spec"],
        json!({"width": 1, "height": 2}),
        "what the schema does not know is pruned"
    );
    assert!(server.asked().is_empty(), "what is stored needs nobody");
    for _ in 0..3 {
        let shown = hub.get(&format!("{V1}/a")).await.expect(200);
        assert_eq!(shown["spec"]["size"], "1x2");
        assert_eq!(
            shown["metadata"]["resourceVersion"],
            stored["metadata"]["resourceVersion"]
        );
    }
    assert_eq!(server.asked().len(), 1, "once for each version of an object");
    let patched = hub
        .patch(&format!("{V1}/a"), MERGE, json!({"spec": {"size": "3x4"}}))
        .await
        .expect(200);
    assert_eq!(patched["spec"]["size"], "3x4");
    let stored = hub.get(&format!("{V2}/a")).await.expect(200);
    assert_eq!(stored["spec"], json!({"width": 3, "height": 4}));
    hub.delete(&format!("{V1}/a"), Value::Null).await.expect(200);
    assert_eq!(hub.get(&format!("{V2}/a")).await.code, 404);
}

#[tokio::test]
async fn a_list_asks_once_and_a_watch_sees_its_own_version() {
    let server = WebhookServer::start().await;
    let hub = hub(&server.client("convert")).await;
    for number in 0..20 {
        let body = json!({"apiVersion": "example.com/v2", "kind": "Box", "metadata": {"name": format!("b{number:02}")},
            "spec": {"width": number, "height": 1}});
        hub.post(V2, body).await.expect(201);
    }
    assert!(server.asked().is_empty());
    let list = hub.get(V1).await.expect(200);
    assert_eq!(list["items"][7]["spec"]["size"], "7x1");
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0]["objects"].as_array().unwrap().len(), 20);
    let version = list["metadata"]["resourceVersion"].as_str().unwrap();
    let mut watch = hub.watch(&format!("{V1}?watch=true&resourceVersion={version}")).await;
    hub.patch(&format!("{V2}/b07"), MERGE, json!({"spec": {"height": 9}}))
        .await
        .expect(200);
    let event = watch.next().await.unwrap();
    assert_eq!(
        (&event["type"], &event["object"]["spec"]["size"]),
        (&json!("MODIFIED"), &json!("7x9"))
    );
    assert_eq!(event["object"]["apiVersion"], "example.com/v1");
}

#[tokio::test]
async fn what_was_stored_in_an_older_version_is_converted_when_it_is_read() {
    let server = WebhookServer::start().await;
    let hub = hub(&server.client("convert")).await;
    let mut older = definition(&server.client("convert"), "v1");
    older["metadata"]["resourceVersion"] =
        hub.get(&format!("{CRDS}/boxes.example.com")).await.expect(200)["metadata"]["resourceVersion"].clone();
    hub.put(&format!("{CRDS}/boxes.example.com"), older).await.expect(200);
    hub.post(V1, small("a")).await.expect(201);
    assert_eq!(hub.get(&format!("{V2}/a")).await.expect(200)["spec"]["width"], 1);
}

#[tokio::test]
async fn a_hook_that_fails_is_told_and_keeps_nothing_from_going() {
    let server = WebhookServer::start().await;
    let hub = hub(&server.client("refuse")).await;
    let message = |answer: Value| answer["message"].as_str().unwrap().to_owned();
    let refused = hub.post(V1, small("a")).await.expect(500);
    assert_eq!(
        message(refused),
        "Internal error occurred: conversion webhook for example.com/v1, Kind=Box failed: not today"
    );
    let body = json!({"apiVersion": "example.com/v2", "kind": "Box", "metadata": {"name": "b"}, "spec": {"width": 1}});
    hub.post(V2, body).await.expect(201);
    for path in [V1.to_owned(), format!("{V1}/b")] {
        assert_eq!(
            message(hub.get(&path).await.expect(500)),
            "Internal error occurred: conversion webhook for example.com/v2, Kind=Box failed: not today"
        );
    }
    let mut watch = hub.watch(&format!("{V1}?watch=true")).await;
    let told = watch.next().await.unwrap();
    assert_eq!((&told["type"], &told["object"]["code"]), (&json!("ERROR"), &json!(500)));
    // A definition goes with all its objects, though nobody can convert them.
    hub.delete(&format!("{CRDS}/boxes.example.com"), Value::Null)
        .await
        .expect(200);
    for _ in 0..1000 {
        if hub.get(&format!("{CRDS}/boxes.example.com")).await.code == 404 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the definition never went");
}

#[tokio::test]
async fn a_hook_behind_a_service_says_what_to_do() {
    let client = json!({"service": {"namespace": "a", "name": "b"}});
    let hub = hub(&client).await;
    let refused = hub.post(V1, small("a")).await.expect(500);
    let message = refused["message"].as_str().unwrap();
    assert!(message.contains("give the webhook a clientConfig.url"), "{message}");
}

#[tokio::test]
async fn policies_see_the_version_that_they_name() {
    let server = WebhookServer::start().await;
    let hub = hub(&server.client("convert")).await;
    const GROUP: &str = "/apis/admissionregistration.k8s.io/v1";
    let policy = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "narrow"},
        "spec": {"matchConstraints": {"resourceRules": [{"operations": ["CREATE"], "apiGroups": ["example.com"],
            "apiVersions": ["v2"], "resources": ["boxes"]}]},
            "validations": [{"expression": "object.spec.width < 5", "message": "too wide"}]}});
    hub.post(&format!("{GROUP}/validatingadmissionpolicies"), policy)
        .await
        .expect(201);
    let binding = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "narrow"}, "spec": {"policyName": "narrow", "validationActions": ["Deny"]}});
    hub.post(&format!("{GROUP}/validatingadmissionpolicybindings"), binding)
        .await
        .expect(201);
    let mut wide = small("wide");
    wide["spec"]["size"] = json!("7x1");
    let refused = hub.post(V1, wide).await.expect(422);
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .ends_with("denied request: too wide")
    );
    hub.post(V1, small("a")).await.expect(201);
}
