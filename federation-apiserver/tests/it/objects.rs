//! Create, read, update, patch, delete: what they do and how they refuse.

use federation_apiserver::Profile;
use serde_json::{Value, json};

use crate::harness::{CONFIGMAPS, DEPLOYMENTS, Hub, JSON_PATCH, MERGE, STRATEGIC, configmap, deployment};

#[tokio::test]
async fn an_object_lives_and_dies() {
    let hub = Hub::start().await;
    let created = hub.post(CONFIGMAPS, configmap("a", "1")).await.expect(201);
    let version = created["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    assert!(created["metadata"]["uid"].is_string() && created["metadata"]["creationTimestamp"].is_string());
    assert!(created["metadata"].get("generation").is_none());
    let path = format!("{CONFIGMAPS}/a");
    assert_eq!(hub.get(&path).await.expect(200), created);

    let same = hub.put(&path, created.clone()).await.expect(200);
    assert_eq!(
        same["metadata"]["resourceVersion"], version,
        "a write that changes nothing writes nothing"
    );
    let patched = hub.patch(&path, MERGE, json!({"data": {"key": "2"}})).await.expect(200);
    assert_eq!(patched["data"]["key"], "2");
    let stale = hub.put(&path, created).await.expect(409);
    assert_eq!(
        stale["message"],
        "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the latest version and try again"
    );
    let deleted = hub.delete(&path, Value::Null).await.expect(200);
    assert_eq!(
        (&deleted["status"], &deleted["details"]["name"]),
        (&json!("Success"), &json!("a"))
    );
    let missing = hub.get(&path).await.expect(404);
    assert_eq!(missing["message"], "configmaps \"a\" not found");
}

#[tokio::test]
async fn refusals() {
    let hub = Hub::start().await;
    hub.post(CONFIGMAPS, configmap("taken", "1")).await.expect(201);
    // method path body | code reason
    for (method, path, body, code, reason) in [
        ("POST", CONFIGMAPS, configmap("taken", "1"), 409, "AlreadyExists"),
        (
            "POST",
            CONFIGMAPS,
            json!({"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "x"}}),
            400,
            "BadRequest",
        ),
        ("POST", CONFIGMAPS, json!({"metadata": {}}), 422, "Invalid"),
        (
            "POST",
            CONFIGMAPS,
            json!({"metadata": {"name": "Bad_Name"}}),
            422,
            "Invalid",
        ),
        (
            "POST",
            CONFIGMAPS,
            json!({"metadata": {"name": "x"}, "data": [1]}),
            400,
            "BadRequest",
        ),
        (
            "POST",
            CONFIGMAPS,
            json!({"metadata": {"name": "x", "namespace": "other"}}),
            400,
            "BadRequest",
        ),
        (
            "POST",
            "/api/v1/namespaces/missing/configmaps",
            configmap("x", "1"),
            404,
            "NotFound",
        ),
        (
            "PUT",
            "/api/v1/namespaces/default/configmaps/none",
            configmap("none", "1"),
            404,
            "NotFound",
        ),
        (
            "PUT",
            "/api/v1/namespaces/default/configmaps/taken",
            configmap("other", "1"),
            400,
            "BadRequest",
        ),
        (
            "DELETE",
            "/api/v1/namespaces/default/configmaps/none",
            json!({}),
            404,
            "NotFound",
        ),
        ("DELETE", "/api/v1/namespaces/default", json!({}), 403, "Forbidden"),
        (
            "DELETE",
            "/api/v1/namespaces/default/configmaps/taken",
            json!({"preconditions": {"uid": "x"}}),
            409,
            "Conflict",
        ),
        (
            "DELETE",
            "/api/v1/namespaces/default/configmaps/taken",
            json!({"propagationPolicy": "No"}),
            422,
            "Invalid",
        ),
        (
            "POST",
            "/api/v1/namespaces/default/configmaps/taken",
            configmap("taken", "1"),
            405,
            "MethodNotAllowed",
        ),
        ("DELETE", "/api/v1/namespaces", json!({}), 405, "MethodNotAllowed"),
    ] {
        let headers = [("content-type", "application/json")];
        let answer = hub.send(method, path, &headers, body.to_string()).await;
        let status = answer.expect(code);
        assert_eq!(
            (&status["kind"], &status["reason"]),
            (&json!("Status"), &json!(reason)),
            "{method} {path}"
        );
    }
    for (kind, body, code) in [
        ("application/json", "{", 400),
        ("application/json", "[]", 400),
        ("text/plain", "x", 415),
        ("application/vnd.kubernetes.protobuf", "not protobuf", 400),
    ] {
        assert_eq!(
            hub.send("POST", CONFIGMAPS, &[("content-type", kind)], body).await.code,
            code,
            "{kind} {body}"
        );
    }
    let big = format!("{{\"data\":{{\"a\":\"{}\"}}}}", "x".repeat(3 << 20));
    let status = hub.send("POST", CONFIGMAPS, &[], big).await.expect(413);
    assert_eq!(status["message"], "Request entity too large: limit is 3145728");
}

#[tokio::test]
async fn patches() {
    let hub = Hub::start().await;
    hub.post(DEPLOYMENTS, deployment("web")).await.expect(201);
    let path = format!("{DEPLOYMENTS}/web");
    let strategic = json!({"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "b"}]}}}});
    let object = hub.patch(&path, STRATEGIC, strategic).await.expect(200);
    assert_eq!(
        object["spec"]["template"]["spec"]["containers"]
            .as_array()
            .unwrap()
            .len(),
        2,
        "merged by name"
    );
    assert_eq!(object["metadata"]["generation"], 2);
    let object = hub
        .patch(
            &path,
            JSON_PATCH,
            json!([{"op": "replace", "path": "/spec/replicas", "value": 5}]),
        )
        .await;
    assert_eq!(object.expect(200)["spec"]["replicas"], 5);
    let failed = json!([{"op": "test", "path": "/spec/replicas", "value": 6}]);
    hub.patch(&path, JSON_PATCH, failed).await.expect(422);
    hub.patch(&path, MERGE, json!({"metadata": {"resourceVersion": "1"}}))
        .await
        .expect(409);
    hub.patch(&path, "application/json", json!({})).await.expect(415);
    let immutable = json!({"spec": {"selector": {"matchLabels": {"app": "other"}}}});
    hub.patch(&path, MERGE, immutable).await.expect(422);
    let labelled = hub
        .patch(&path, MERGE, json!({"metadata": {"labels": {"a": "b"}}}))
        .await
        .expect(200);
    assert_eq!(labelled["metadata"]["generation"], 3, "labels are not spec");
}

#[tokio::test]
async fn parts_keep_to_themselves() {
    let hub = Hub::start().await;
    let mut body = deployment("web");
    body["status"] = json!({"replicas": 9});
    let created = hub.post(DEPLOYMENTS, body).await.expect(201);
    assert!(
        created
            .get("status")
            .is_none_or(|status| status.get("replicas").is_none()),
        "status is not the client's"
    );
    let path = format!("{DEPLOYMENTS}/web");
    let status = json!({"spec": {"replicas": 7}, "status": {"replicas": 2, "observedGeneration": 1}});
    let object = hub.patch(&format!("{path}/status"), MERGE, status).await.expect(200);
    assert_eq!(
        (&object["spec"]["replicas"], &object["status"]["replicas"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(object["metadata"]["generation"], 1);
    let scale = hub.get(&format!("{path}/scale")).await.expect(200);
    assert_eq!(
        (&scale["kind"], &scale["spec"]["replicas"]),
        (&json!("Scale"), &json!(2))
    );
    let scaled = hub
        .patch(&format!("{path}/scale"), MERGE, json!({"spec": {"replicas": 4}}))
        .await
        .expect(200);
    assert_eq!(scaled["spec"]["replicas"], 4);
    let mut stale = scale;
    stale["spec"]["replicas"] = json!(1);
    hub.put(&format!("{path}/scale"), stale).await.expect(409);
    assert_eq!(hub.get(&path).await.expect(200)["spec"]["replicas"], 4);
}

#[tokio::test]
async fn finalizers_hold() {
    let hub = Hub::start().await;
    let mut body = configmap("held", "1");
    body["metadata"]["finalizers"] = json!(["example.com/hold"]);
    hub.post(CONFIGMAPS, body).await.expect(201);
    let path = format!("{CONFIGMAPS}/held");
    let marked = hub
        .delete(&path, json!({"propagationPolicy": "Foreground"}))
        .await
        .expect(200);
    assert!(marked["metadata"]["deletionTimestamp"].is_string());
    assert_eq!(
        marked["metadata"]["finalizers"],
        json!(["example.com/hold", "foregroundDeletion"])
    );
    let again = hub.delete(&path, Value::Null).await.expect(200);
    assert_eq!(
        again["metadata"]["resourceVersion"],
        marked["metadata"]["resourceVersion"]
    );
    hub.patch(
        &path,
        MERGE,
        json!({"metadata": {"finalizers": ["foregroundDeletion"]}}),
    )
    .await
    .expect(200);
    hub.patch(&path, MERGE, json!({"metadata": {"finalizers": null}}))
        .await
        .expect(200);
    hub.get(&path).await.expect(404);
}

#[tokio::test]
async fn namespaces_end_in_two_steps() {
    let hub = Hub::start().await;
    let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}});
    let created = hub.post("/api/v1/namespaces", body).await.expect(201);
    assert_eq!(created["metadata"]["labels"]["kubernetes.io/metadata.name"], "shop");
    assert_eq!(
        (&created["spec"]["finalizers"], &created["status"]["phase"]),
        (&json!(["kubernetes"]), &json!("Active"))
    );
    let marked = hub
        .delete("/api/v1/namespaces/shop", json!({"propagationPolicy": "Background"}))
        .await
        .expect(200);
    assert_eq!(marked["status"]["phase"], "Terminating");
    let refused = hub
        .post("/api/v1/namespaces/shop/configmaps", configmap("x", "1"))
        .await
        .expect(403);
    assert_eq!(refused["details"]["causes"][0]["reason"], "NamespaceTerminating");
    let mut last = marked;
    last["spec"]["finalizers"] = json!([]);
    hub.put("/api/v1/namespaces/shop/finalize", last).await.expect(200);
    hub.get("/api/v1/namespaces/shop").await.expect(404);
}

#[tokio::test]
async fn names_are_generated() {
    let hub = Hub::start().await;
    let body = json!({"metadata": {"generateName": "gen-"}});
    let name = hub.post(CONFIGMAPS, body).await.expect(201)["metadata"]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(name.starts_with("gen-") && name.len() == 9, "{name}");
}

#[tokio::test]
async fn dry_runs_and_field_validation() {
    let hub = Hub::start().await;
    let dry = hub
        .post(&format!("{CONFIGMAPS}?dryRun=All"), configmap("dry", "1"))
        .await
        .expect(201);
    assert!(dry["metadata"]["uid"].is_string() && dry["metadata"].get("resourceVersion").is_none());
    hub.get(&format!("{CONFIGMAPS}/dry")).await.expect(404);
    let mut odd = configmap("odd", "1");
    odd["metadata"]["foo"] = json!(1);
    let strict = hub
        .post(&format!("{CONFIGMAPS}?fieldValidation=Strict"), odd.clone())
        .await
        .expect(400);
    assert_eq!(
        strict["message"],
        "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \"metadata.foo\""
    );
    let warned = hub.post(CONFIGMAPS, odd).await;
    assert_eq!(
        warned.headers["warning"],
        "299 - \"unknown field \\\"metadata.foo\\\"\""
    );
    assert!(warned.expect(201)["metadata"].get("foo").is_none());
    let doubled = r#"{"metadata":{"name":"d"},"data":{"a":"1","a":"2"}}"#;
    let answer = hub
        .send("POST", &format!("{CONFIGMAPS}?fieldValidation=Strict"), &[], doubled)
        .await
        .expect(400);
    assert_eq!(
        answer["message"],
        "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: duplicate field \"data.a\""
    );
}

#[tokio::test]
async fn some_kinds_are_created_by_update() {
    let hub = Hub::start().await;
    let lease = json!({"metadata": {"name": "l"}, "spec": {"holderIdentity": "a"}});
    let path = "/apis/coordination.k8s.io/v1/namespaces/default/leases/l";
    hub.put(path, lease.clone()).await.expect(201);
    let unversioned = hub.put(path, lease).await.expect(422);
    assert!(
        unversioned["message"]
            .as_str()
            .unwrap()
            .contains("must be specified for an update"),
        "{unversioned}"
    );
}

#[tokio::test]
async fn racing_patches_all_land() {
    let hub = std::sync::Arc::new(Hub::start().await);
    hub.post(CONFIGMAPS, configmap("busy", "0")).await.expect(201);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..20 {
        let hub = hub.clone();
        tasks.spawn(async move {
            let body = json!({"data": {format!("k{number}"): "v"}});
            hub.patch(&format!("{CONFIGMAPS}/busy"), MERGE, body).await.expect(200);
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let object = hub.get(&format!("{CONFIGMAPS}/busy")).await.expect(200);
    assert_eq!(object["data"].as_object().unwrap().len(), 21);
}

#[tokio::test]
async fn collections_are_deleted() {
    let hub = Hub::start().await;
    for name in ["a", "b", "c"] {
        let mut body = configmap(name, "1");
        body["metadata"]["labels"] = json!({"keep": if name == "c" { "yes" } else { "no" }});
        hub.post(CONFIGMAPS, body).await.expect(201);
    }
    let deleted = hub
        .delete(&format!("{CONFIGMAPS}?labelSelector=keep%3Dno"), Value::Null)
        .await
        .expect(200);
    assert_eq!(deleted["items"].as_array().unwrap().len(), 2);
    assert_eq!(
        hub.get(CONFIGMAPS).await.expect(200)["items"].as_array().unwrap().len(),
        1
    );
}

#[tokio::test]
async fn a_member_has_pods_and_no_federation() {
    let member = Hub::of(Profile::Member).await;
    let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let created = member.post("/api/v1/namespaces/default/pods", pod).await.expect(201);
    assert_eq!(
        (&created["status"]["phase"], &created["spec"]["restartPolicy"]),
        (&json!("Pending"), &json!("Always"))
    );
    let running = json!({"status": {"phase": "Running"}});
    member
        .patch("/api/v1/namespaces/default/pods/p/status", STRATEGIC, running)
        .await
        .expect(200);
    let list = member
        .get("/api/v1/pods?fieldSelector=status.phase%3DRunning")
        .await
        .expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(
        member.get("/apis/federation.meridian.dev/v1alpha1/clusters").await.code,
        404
    );
}
