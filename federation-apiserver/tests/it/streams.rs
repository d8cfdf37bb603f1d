//! Manifests down and reports up.

use federation_apiserver::UserInfo;
use serde_json::{Value, json};

use crate::harness::{DEPLOYMENTS, FEDERATION, Hub, MERGE, deployment};

async fn cluster(hub: &Hub, name: &str) {
    let body = json!({"apiVersion": "federation.meridian.dev/v1alpha1", "kind": "Cluster", "metadata": {"name": name}, "spec": {}});
    hub.post(&format!("{FEDERATION}/clusters"), body).await.expect(201);
}

const PLACEMENTS: &str = "/apis/federation.meridian.dev/v1alpha1/namespaces/default/placements";

async fn place(hub: &Hub, clusters: &[&str]) -> Value {
    let object = hub.get(&format!("{DEPLOYMENTS}/web")).await.expect(200);
    let resource = json!({"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "default", "name": "web",
        "uid": object["metadata"]["uid"]});
    let targets: Vec<Value> = clusters
        .iter()
        .map(|name| json!({"name": name, "replicas": 1}))
        .collect();
    let body = json!({"apiVersion": "federation.meridian.dev/v1alpha1", "kind": "Placement", "metadata": {"name": "deployment-web"},
        "spec": {"resource": resource, "resourceGeneration": 1, "clusters": targets, "reason": "test"}});
    hub.post(PLACEMENTS, body).await.expect(201)
}

#[tokio::test]
async fn manifests_follow_the_hub() {
    let hub = Hub::start().await;
    cluster(&hub, "eu-1").await;
    hub.post(DEPLOYMENTS, deployment("web")).await.expect(201);
    let path = format!("{FEDERATION}/clusters/eu-1/manifests");
    let list = hub.get(&path).await.expect(200);
    assert_eq!((&list["kind"], &list["items"]), (&json!("ManifestList"), &json!([])));
    let at = list["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    let mut watch = hub.watch(&format!("{path}?watch=true&resourceVersion={at}")).await;

    place(&hub, &["eu-1"]).await;
    let event = watch.next().await.unwrap();
    assert_eq!(
        (&event["type"], &event["object"]["spec"]["action"]),
        (&json!("ADDED"), &json!("Apply"))
    );
    assert_eq!(event["object"]["spec"]["object"]["spec"]["replicas"], 1);
    hub.patch(&format!("{DEPLOYMENTS}/web"), MERGE, json!({"spec": {"paused": true}}))
        .await
        .expect(200);
    let event = watch.next().await.unwrap();
    assert_eq!(
        (&event["type"], &event["object"]["spec"]["hubGeneration"]),
        (&json!("MODIFIED"), &json!(2))
    );

    let row = json!({"status": {"clusters": [{"name": "eu-1", "applied": true, "observedHubGeneration": 1}]}});
    hub.patch(&format!("{PLACEMENTS}/deployment-web/status"), MERGE, row)
        .await
        .expect(200);
    hub.patch(
        &format!("{PLACEMENTS}/deployment-web"),
        MERGE,
        json!({"spec": {"clusters": []}}),
    )
    .await
    .expect(200);
    let event = watch.next().await.unwrap();
    assert_eq!(
        (&event["type"], &event["object"]["spec"]["action"]),
        (&json!("MODIFIED"), &json!("Absent"))
    );
    let gone = json!({"status": {"clusters": []}});
    hub.patch(&format!("{PLACEMENTS}/deployment-web/status"), MERGE, gone)
        .await
        .expect(200);
    assert_eq!(watch.next().await.unwrap()["type"], "DELETED");
}

#[tokio::test]
async fn a_missing_object_changes_nothing() {
    let hub = Hub::start().await;
    cluster(&hub, "eu-1").await;
    hub.post(DEPLOYMENTS, deployment("web")).await.expect(201);
    place(&hub, &["eu-1"]).await;
    let path = format!("{FEDERATION}/clusters/eu-1/manifests");
    let before = hub.get(&path).await.expect(200);
    assert_eq!(before["items"].as_array().unwrap().len(), 1);
    let at = before["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    hub.delete(&format!("{DEPLOYMENTS}/web"), Value::Null).await.expect(200);
    let mut watch = hub
        .watch(&format!("{path}?watch=true&resourceVersion={at}&timeoutSeconds=1"))
        .await;
    assert!(
        watch.next().await.is_none(),
        "the decision still names the cluster: it keeps what it has"
    );
}

#[tokio::test]
async fn a_policy_changes_many_manifests_each_with_its_own_version() {
    let hub = Hub::start().await;
    cluster(&hub, "eu-1").await;
    for number in 0..3 {
        let name = format!("web{number}");
        let uid = hub.post(DEPLOYMENTS, deployment(&name)).await.expect(201)["metadata"]["uid"].clone();
        let body = json!({"metadata": {"name": format!("deployment-{name}")}, "spec": {
            "resource": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "default", "name": name, "uid": uid},
            "resourceGeneration": 1, "clusters": [{"name": "eu-1", "replicas": 1}], "reason": "test"}});
        hub.post(PLACEMENTS, body).await.expect(201);
    }
    let path = format!("{FEDERATION}/clusters/eu-1/manifests");
    let at = hub.get(&path).await.expect(200)["metadata"]["resourceVersion"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut watch = hub.watch(&format!("{path}?watch=true&resourceVersion={at}")).await;
    let policy = json!({"metadata": {"name": "labels"}, "spec": {"overrideRules": [{"overriders": {
        "labelsOverrider": [{"operator": "add", "value": {"where": "eu"}}]}}]}});
    hub.post(&format!("{FEDERATION}/clusteroverridepolicies"), policy)
        .await
        .expect(201);
    let mut versions = Vec::new();
    for _ in 0..3 {
        let event = watch.next().await.unwrap();
        assert_eq!(event["object"]["spec"]["object"]["metadata"]["labels"]["where"], "eu");
        versions.push(
            event["object"]["metadata"]["resourceVersion"]
                .as_str()
                .unwrap()
                .parse::<u64>()
                .unwrap(),
        );
    }
    assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
    let mut resumed = hub
        .watch(&format!("{path}?watch=true&resourceVersion={}", versions[0]))
        .await;
    let event = resumed.next().await.unwrap();
    assert_eq!(
        event["object"]["metadata"]["resourceVersion"],
        versions[1].to_string(),
        "resumes between the two"
    );
}

#[tokio::test]
async fn reports_are_kept_and_forgotten() {
    let hub = Hub::start().await;
    cluster(&hub, "eu-1").await;
    hub.post(DEPLOYMENTS, deployment("web")).await.expect(201);
    place(&hub, &["eu-1"]).await;
    let own = hub.as_user(UserInfo::new(
        "system:meridian:cluster:eu-1",
        ["system:meridian:clusters"],
    ));
    let path = format!("{FEDERATION}/clusters/eu-1/reports");
    let batch = json!({"heartbeat": {"reachable": true}, "reports": [
        {"cluster": "eu-1", "placement": {"namespace": "default", "name": "deployment-web"}, "state": "Applied", "hash": "h"},
        {"cluster": "eu-1", "placement": {"namespace": "default", "name": "unknown"}, "state": "Applied"}]});
    let epoch = own.post(&path, batch.clone()).await.expect(200)["epoch"].clone();
    assert!(epoch.is_string());
    let report = format!("{FEDERATION}/namespaces/default/reports/eu-1.deployment-web");
    let kept = hub.get(&report).await.expect(200);
    assert_eq!(kept["spec"]["state"], "Applied");
    let first = hub.get(&format!("{FEDERATION}/heartbeats/eu-1")).await.expect(200);
    own.post(&path, batch.clone()).await.expect(200);
    assert_eq!(
        hub.get(&report).await.expect(200)["metadata"]["resourceVersion"],
        kept["metadata"]["resourceVersion"]
    );
    let second = hub.get(&format!("{FEDERATION}/heartbeats/eu-1")).await.expect(200);
    assert_ne!(first["spec"]["received"], second["spec"]["received"]);
    assert_eq!(
        hub.get(&format!("{FEDERATION}/reports")).await.expect(200)["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );

    own.post(&format!("{FEDERATION}/clusters/us-1/reports"), batch.clone())
        .await
        .expect(403);
    hub.post(&format!("{FEDERATION}/clusters/us-1/reports"), batch)
        .await
        .expect(404);
    hub.post(&path, json!({"reports": 5})).await.expect(400);
    let mut watch = hub
        .watch(&format!(
            "{FEDERATION}/reports?watch=true&resourceVersion={}",
            second["metadata"]["resourceVersion"].as_str().unwrap()
        ))
        .await;
    hub.delete(&format!("{PLACEMENTS}/deployment-web"), Value::Null)
        .await
        .expect(200);
    assert_eq!(
        watch.next().await.unwrap()["type"],
        "DELETED",
        "what was said of it goes with it"
    );
}
