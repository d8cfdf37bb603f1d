//! Server-side apply, as syncers and Helm use it.

use serde_json::json;

use crate::harness::{APPLY, CONFIGMAPS, DEPLOYMENTS, Hub, MERGE, configmap, deployment};

#[tokio::test]
async fn creates_changes_and_lets_go() {
    let hub = Hub::start().await;
    let path = format!("{CONFIGMAPS}/a?fieldManager=m");
    let mut body = configmap("a", "1");
    body["data"]["other"] = json!("x");
    let created = hub.patch(&path, APPLY, body.clone()).await.expect(201);
    assert_eq!(created["metadata"]["managedFields"][0]["manager"], "m");
    let again = hub.patch(&path, APPLY, body).await.expect(200);
    assert_eq!(
        again["metadata"]["resourceVersion"],
        created["metadata"]["resourceVersion"]
    );
    hub.patch(&format!("{CONFIGMAPS}/a"), MERGE, json!({"data": {"theirs": "y"}}))
        .await
        .expect(200);
    let changed = hub.patch(&path, APPLY, configmap("a", "2")).await.expect(200);
    assert_eq!(
        changed["data"],
        json!({"key": "2", "theirs": "y"}),
        "what is no longer applied goes, the rest stays"
    );
}

#[tokio::test]
async fn conflicts() {
    let hub = Hub::start().await;
    hub.patch(&format!("{CONFIGMAPS}/a?fieldManager=one"), APPLY, configmap("a", "1"))
        .await
        .expect(201);
    let refused = hub
        .patch(&format!("{CONFIGMAPS}/a?fieldManager=two"), APPLY, configmap("a", "2"))
        .await
        .expect(409);
    assert_eq!(
        refused["message"],
        "Apply failed with 1 conflict: conflict with \"one\" using v1: .data.key"
    );
    assert_eq!(refused["details"]["causes"][0]["reason"], "FieldManagerConflict");
    let forced = hub
        .patch(
            &format!("{CONFIGMAPS}/a?fieldManager=two&force=true"),
            APPLY,
            configmap("a", "2"),
        )
        .await;
    assert_eq!(forced.expect(200)["data"]["key"], "2");
    hub.patch(&format!("{CONFIGMAPS}/a"), APPLY, configmap("a", "2"))
        .await
        .expect(422);
}

#[tokio::test]
async fn defaults_do_not_make_drift() {
    let hub = Hub::start().await;
    let path = format!("{DEPLOYMENTS}/web?fieldManager=m&force=true");
    let created = hub.patch(&path, APPLY, deployment("web")).await.expect(201);
    assert_eq!(
        created["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"],
        "IfNotPresent"
    );
    let again = hub.patch(&path, APPLY, deployment("web")).await.expect(200);
    assert_eq!(
        again["metadata"]["resourceVersion"],
        created["metadata"]["resourceVersion"]
    );
}

#[tokio::test]
async fn a_version_of_nothing_makes_what_is_missing_and_touches_nothing_else() {
    let hub = Hub::start().await;
    let path = format!("{CONFIGMAPS}/a?fieldManager=one&force=true");
    let mut wanted = configmap("a", "1");
    wanted["metadata"]["resourceVersion"] = json!(i64::MAX.to_string());
    let made = hub.patch(&path, APPLY, wanted.clone()).await.expect(201);
    wanted["data"]["key"] = json!("2");
    let refused = hub.patch(&path, APPLY, wanted).await.expect(409);
    assert!(refused["message"].as_str().unwrap().contains("has been modified"));
    assert_eq!(hub.get(&format!("{CONFIGMAPS}/a")).await.expect(200), made);
}
