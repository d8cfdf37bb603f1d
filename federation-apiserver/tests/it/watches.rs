//! Watches: from a revision, with initial events, through selectors, to their end.

use federation_apiserver::{Profile, ServerConfig};
use serde_json::{Value, json};

use crate::harness::{CONFIGMAPS, Hub, MERGE, configmap};

fn told(event: &str, name: &str) -> (String, String) {
    (event.to_owned(), name.to_owned())
}

#[tokio::test]
async fn events_follow_a_revision() {
    let hub = Hub::start().await;
    let at = hub.get(CONFIGMAPS).await.expect(200)["metadata"]["resourceVersion"]
        .as_str()
        .unwrap()
        .to_owned();
    hub.post(CONFIGMAPS, configmap("a", "1")).await.expect(201);
    let mut watch = hub
        .watch(&format!("{CONFIGMAPS}?watch=true&resourceVersion={at}"))
        .await;
    assert_eq!(watch.told().await, told("ADDED", "a"));
    let patched = hub
        .patch(&format!("{CONFIGMAPS}/a"), MERGE, json!({"data": {"key": "2"}}))
        .await
        .expect(200);
    let event = watch.next().await.unwrap();
    assert_eq!((&event["type"], &event["object"]), (&json!("MODIFIED"), &patched));
    hub.delete(&format!("{CONFIGMAPS}/a"), Value::Null).await.expect(200);
    assert_eq!(watch.told().await, told("DELETED", "a"));
}

#[tokio::test]
async fn initial_events_end_with_a_bookmark() {
    let hub = Hub::start().await;
    hub.post(CONFIGMAPS, configmap("a", "1")).await.expect(201);
    let query = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let mut watch = hub.watch(&format!("{CONFIGMAPS}?{query}")).await;
    assert_eq!(watch.told().await, told("ADDED", "a"));
    let bookmark = watch.next().await.unwrap();
    assert_eq!(bookmark["type"], "BOOKMARK");
    assert_eq!(
        bookmark["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"],
        "true"
    );
    assert_eq!(bookmark["object"]["kind"], "ConfigMap");
    hub.post(CONFIGMAPS, configmap("b", "1")).await.expect(201);
    assert_eq!(watch.told().await, told("ADDED", "b"));
}

#[tokio::test]
async fn leaving_a_selector_is_a_deletion() {
    let hub = Hub::start().await;
    let mut watch = hub
        .watch(&format!("{CONFIGMAPS}?watch=true&labelSelector=in%3Dyes"))
        .await;
    let path = format!("{CONFIGMAPS}/a");
    hub.post(CONFIGMAPS, configmap("a", "1")).await.expect(201);
    hub.patch(&path, MERGE, json!({"metadata": {"labels": {"in": "yes"}}}))
        .await
        .expect(200);
    assert_eq!(watch.told().await, told("ADDED", "a"));
    let left = hub
        .patch(&path, MERGE, json!({"metadata": {"labels": {"in": null}}}))
        .await
        .expect(200);
    let event = watch.next().await.unwrap();
    assert_eq!(
        (&event["type"], &event["object"]["metadata"]["labels"]["in"]),
        (&json!("DELETED"), &json!("yes"))
    );
    assert_eq!(
        event["object"]["metadata"]["resourceVersion"],
        left["metadata"]["resourceVersion"]
    );
}

#[tokio::test]
async fn too_old_is_told_in_the_stream() {
    let mut config = ServerConfig::new(Profile::Hub);
    config.cache.history.events_max = 2;
    let hub = Hub::with(config).await;
    let first = hub.get(&format!("{CONFIGMAPS}?limit=1")).await.expect(200);
    for name in ["a", "b", "c"] {
        hub.post(CONFIGMAPS, configmap(name, "1")).await.expect(201);
    }
    let at = first["metadata"]["resourceVersion"].as_str().unwrap();
    let mut watch = hub
        .watch(&format!("{CONFIGMAPS}?watch=true&resourceVersion={at}"))
        .await;
    let event = watch.next().await.unwrap();
    assert_eq!(
        (&event["type"], &event["object"]["code"], &event["object"]["reason"]),
        (&json!("ERROR"), &json!(410), &json!("Expired"))
    );
    assert!(watch.next().await.is_none());
    let page = hub.get(&format!("{CONFIGMAPS}?limit=1")).await.expect(200);
    for name in ["d", "e", "f"] {
        hub.post(CONFIGMAPS, configmap(name, "1")).await.expect(201);
    }
    let token = page["metadata"]["continue"].as_str().unwrap();
    let expired = hub
        .get(&format!("{CONFIGMAPS}?limit=1&continue={token}"))
        .await
        .expect(410);
    let fresh = expired["metadata"]["continue"].as_str().unwrap();
    let next = hub
        .get(&format!("{CONFIGMAPS}?limit=1&continue={fresh}"))
        .await
        .expect(200);
    assert_eq!(
        next["items"][0]["metadata"]["name"], "b",
        "goes on where the page ended, at whatever is current"
    );
}

#[tokio::test]
async fn a_watch_ends_in_time_with_a_bookmark() {
    let hub = Hub::start().await;
    let mut watch = hub
        .watch(&format!(
            "{CONFIGMAPS}?watch=true&resourceVersion=0&timeoutSeconds=3&allowWatchBookmarks=true"
        ))
        .await;
    let mut types = Vec::new();
    while let Some(event) = watch.next().await {
        types.push(event["type"].as_str().unwrap().to_owned());
    }
    assert_eq!(
        types,
        ["BOOKMARK", "BOOKMARK"],
        "the end of the initial state, and the end"
    );
}

#[tokio::test]
async fn watches_end_when_the_server_drains() {
    let hub = Hub::start().await;
    let mut watch = hub.watch(&format!("{CONFIGMAPS}?watch=true")).await;
    hub.post(CONFIGMAPS, configmap("a", "1")).await.expect(201);
    assert_eq!(watch.told().await, told("ADDED", "a"));
    hub.server.shutdown().cancel();
    assert!(watch.next().await.is_none());
    assert_eq!(hub.get("/readyz").await.code, 500);
    assert_eq!(hub.get("/livez").await.code, 200);
}
