//! Server-side apply, as syncers and Helm use it.

use serde_json::{Value, json};

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
        "Apply failed with 1 conflict: conflict with \"one\": .data.key"
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

/// Manager, operation, subresource and fields of each entry.
fn owners(object: &Value) -> Vec<(String, String, String, Value)> {
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    object["metadata"]["managedFields"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|entry| {
            (
                text(entry, "manager"),
                text(entry, "operation"),
                text(entry, "subresource"),
                entry["fieldsV1"].clone(),
            )
        })
        .collect()
}

fn owner(name: &str, operation: &str, subresource: &str, fields: Value) -> (String, String, String, Value) {
    (name.to_owned(), operation.to_owned(), subresource.to_owned(), fields)
}

#[tokio::test]
async fn every_write_owns_what_it_changes() {
    let hub = Hub::start().await;
    let path = format!("{CONFIGMAPS}/a");
    let mut body = configmap("a", "1");
    body["data"]["other"] = json!("x");
    let created = hub
        .post(&format!("{CONFIGMAPS}?fieldManager=maker"), body)
        .await
        .expect(201);
    let all = json!({"f:data": {".": {}, "f:key": {}, "f:other": {}}});
    assert_eq!(owners(&created), [owner("maker", "Update", "", all)]);

    let edited = hub
        .patch(
            &format!("{path}?fieldManager=editor"),
            MERGE,
            json!({"data": {"key": "2", "other": null}}),
        )
        .await
        .expect(200);
    let editor = owner("editor", "Update", "", json!({"f:data": {"f:key": {}}}));
    assert_eq!(
        owners(&edited).iter().find(|o| o.0 == "editor"),
        Some(&editor),
        "{edited}"
    );
    let maker = owner("maker", "Update", "", json!({"f:data": {}}));
    assert_eq!(
        owners(&edited).iter().find(|o| o.0 == "maker"),
        Some(&maker),
        "what is gone is nobody's"
    );

    // An apply of another value meets the editor; by force it takes the field, and the editor has nothing left.
    let refused = hub
        .patch(&format!("{path}?fieldManager=gitops"), APPLY, configmap("a", "3"))
        .await
        .expect(409);
    assert_eq!(
        refused["message"],
        "Apply failed with 1 conflict: conflict with \"editor\" using v1: .data.key"
    );
    let forced = hub
        .patch(
            &format!("{path}?fieldManager=gitops&force=true"),
            APPLY,
            configmap("a", "3"),
        )
        .await
        .expect(200);
    let names: Vec<String> = owners(&forced).into_iter().map(|o| o.0).collect();
    assert_eq!(names, ["gitops", "maker"]);

    // A write that changes nothing changes no entry.
    let mut same = forced.clone();
    same["metadata"].as_object_mut().unwrap().remove("managedFields");
    let kept = hub.put(&format!("{path}?fieldManager=nobody"), same).await.expect(200);
    assert_eq!(kept, forced);

    // Tracking begins anew where a client says so.
    let cleared = hub
        .patch(
            &format!("{path}?fieldManager=x"),
            MERGE,
            json!({"metadata": {"managedFields": [{}]}}),
        )
        .await
        .expect(200);
    assert!(owners(&cleared).is_empty(), "{cleared}");
    let applied = hub
        .patch(&format!("{path}?fieldManager=gitops"), APPLY, configmap("a", "4"))
        .await
        .expect(409);
    assert!(
        applied["message"].as_str().unwrap().contains("before-first-apply"),
        "{applied}"
    );
}

#[tokio::test]
async fn a_status_is_owned_apart() {
    let hub = Hub::start().await;
    let path = format!("{DEPLOYMENTS}/web");
    hub.post(&format!("{DEPLOYMENTS}?fieldManager=maker"), deployment("web"))
        .await
        .expect(201);
    hub.patch(
        &format!("{path}/status?fieldManager=controller"),
        MERGE,
        json!({"status": {"replicas": 1, "observedGeneration": 1}}),
    )
    .await
    .expect(200);
    hub.patch(
        &format!("{path}/scale?fieldManager=scaler"),
        MERGE,
        json!({"spec": {"replicas": 5}}),
    )
    .await
    .expect(200);
    let scaled = hub.get(&path).await.expect(200);
    let of = |name: &str| owners(&scaled).into_iter().find(|o| o.0 == name).unwrap();
    assert_eq!(
        of("controller"),
        owner(
            "controller",
            "Update",
            "status",
            json!({"f:status": {"f:observedGeneration": {}, "f:replicas": {}}})
        )
    );
    assert_eq!(
        of("scaler"),
        owner("scaler", "Update", "scale", json!({"f:spec": {"f:replicas": {}}}))
    );
    let (_, _, _, fields) = of("maker");
    assert!(fields["f:spec"].get("f:replicas").is_none(), "{fields}");
    assert_eq!(
        fields["f:spec"]["f:strategy"]["f:rollingUpdate"]["."],
        json!({}),
        "defaults are the maker's"
    );
    assert!(fields["f:spec"].get(".").is_none() && fields.get("f:status").is_none());
}
