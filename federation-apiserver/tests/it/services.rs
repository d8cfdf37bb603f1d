//! Services: addresses and ports are given, kept, checked and freed.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{Hub, MERGE, SERVICES};

fn service(name: &str, spec: Value) -> Value {
    let mut spec = spec;
    spec["ports"] = json!([{"port": 80}]);
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})
}

#[tokio::test]
async fn addresses_are_unique_and_freed() {
    let hub = std::sync::Arc::new(Hub::start().await);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..20 {
        let hub = hub.clone();
        tasks.spawn(async move {
            let object = hub
                .post(
                    SERVICES,
                    service(&format!("s{number}"), json!({"type": "LoadBalancer"})),
                )
                .await
                .expect(201);
            let text = |pointer: &str| object.pointer(pointer).unwrap().to_string();
            (text("/spec/clusterIP"), text("/spec/ports/0/nodePort"))
        });
    }
    let (mut addresses, mut ports) = (BTreeSet::new(), BTreeSet::new());
    while let Some(done) = tasks.join_next().await {
        let (address, port) = done.unwrap();
        assert!(addresses.insert(address) && ports.insert(port), "given once");
    }
    let taken = hub.get(&format!("{SERVICES}/s0")).await.expect(200)["spec"]["clusterIP"].clone();
    let refused = hub
        .post(SERVICES, service("again", json!({"clusterIP": taken})))
        .await
        .expect(422);
    assert_eq!(refused["details"]["causes"][0]["field"], "spec.clusterIPs");
    hub.delete(&format!("{SERVICES}/s0"), Value::Null).await.expect(200);
    hub.post(SERVICES, service("again", json!({"clusterIP": taken})))
        .await
        .expect(201);
}

#[tokio::test]
async fn what_was_given_stays() {
    let hub = Hub::start().await;
    let created = hub
        .post(SERVICES, service("web", json!({"type": "NodePort"})))
        .await
        .expect(201);
    let path = format!("{SERVICES}/web");
    let mut plain = service("web", json!({"type": "NodePort"}));
    plain["metadata"]["resourceVersion"] = created["metadata"]["resourceVersion"].clone();
    let replaced = hub.put(&path, plain).await.expect(200);
    assert_eq!(replaced["spec"], created["spec"]);
    let narrowed = hub
        .patch(&path, MERGE, json!({"spec": {"type": "ClusterIP"}}))
        .await
        .expect(200);
    assert!(narrowed["spec"]["ports"][0].get("nodePort").is_none());
    assert_eq!(narrowed["spec"]["clusterIP"], created["spec"]["clusterIP"]);
    hub.patch(&path, MERGE, json!({"spec": {"clusterIP": "10.96.0.77"}}))
        .await
        .expect(422);
}
