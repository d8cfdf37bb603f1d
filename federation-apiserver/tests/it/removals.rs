//! Too much at once: what goes from a member one by one is held back, what takes others along is refused, until confirmed.

use serde_json::{Value, json};

use crate::harness::{FEDERATION, Hub, MERGE};

const MANY: usize = 60;
const CONFIRMED: &str = "federation.meridian.dev/removals-confirmed-until";

/// A hub with a namespace, and so many ConfigMaps in it that one cluster holds.
async fn hub() -> Hub {
    let hub = Hub::start().await;
    let cluster = json!({"apiVersion": "federation.meridian.dev/v1alpha1", "kind": "Cluster", "metadata": {"name": "eu-1"}, "spec": {}});
    hub.post(&format!("{FEDERATION}/clusters"), cluster).await.expect(201);
    hub.post("/api/v1/namespaces", json!({"metadata": {"name": "shop"}}))
        .await
        .expect(201);
    for number in 0..MANY {
        let name = format!("c-{number}");
        let object = json!({"metadata": {"name": name}, "data": {}});
        let object = hub.post("/api/v1/namespaces/shop/configmaps", object).await.expect(201);
        let placement = json!({"metadata": {"name": format!("configmap-{name}")}, "spec": {"reason": "test",
            "clusters": [{"name": "eu-1"}], "resource": {"apiVersion": "v1", "kind": "ConfigMap", "namespace": "shop", "name": name,
            "uid": object["metadata"]["uid"]}}});
        hub.post(&placements(), placement).await.expect(201);
        let row = json!({"status": {"clusters": [{"name": "eu-1", "applied": true}]}});
        hub.patch(&format!("{}/configmap-{name}/status", placements()), MERGE, row)
            .await
            .expect(200);
    }
    hub
}

fn placements() -> String {
    format!("{FEDERATION}/namespaces/shop/placements")
}

async fn leave(hub: &Hub, number: usize) {
    let path = format!("{}/configmap-c-{number}", placements());
    hub.patch(&path, MERGE, json!({"spec": {"clusters": []}}))
        .await
        .expect(200);
}

async fn confirm(hub: &Hub, until: &str) {
    let said = json!({"metadata": {"annotations": {CONFIRMED: until}}});
    hub.patch(&format!("{FEDERATION}/clusters/eu-1"), MERGE, said)
        .await
        .expect(200);
}

/// Waits until as many manifests as there are say this.
async fn until_all_say(hub: &Hub, wanted: &str) -> Vec<Value> {
    let path = format!("{FEDERATION}/clusters/eu-1/manifests");
    for _ in 0..500 {
        let list = hub.get(&path).await.expect(200);
        let items = list["items"].as_array().cloned().unwrap_or_default();
        if items.len() == MANY && items.iter().all(|item| item["spec"]["action"] == wanted) {
            return items;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the manifests never all said {wanted}");
}

#[tokio::test]
async fn too_much_at_once_is_held_until_confirmed() {
    let hub = hub().await;
    until_all_say(&hub, "Apply").await;
    for number in 0..MANY {
        leave(&hub, number).await;
    }
    let held = until_all_say(&hub, "Hold").await;
    assert_eq!(held[0]["spec"]["heldBack"], true);
    let said = held[0]["spec"]["error"].as_str().unwrap();
    assert!(said.contains("meridian confirm-removals eu-1"), "{said}");
    confirm(&hub, "2020-01-01T00:00:00Z").await;
    let again = until_all_say(&hub, "Hold").await;
    assert_eq!(again, held, "a confirmation that is over changes nothing");
    confirm(&hub, "2999-01-01T00:00:00Z").await;
    until_all_say(&hub, "Absent").await;
}

#[tokio::test]
async fn a_namespace_that_takes_much_along_is_refused_until_confirmed() {
    let hub = hub().await;
    let refused = hub.delete("/api/v1/namespaces/shop", Value::Null).await.expect(403);
    let said = refused["message"].as_str().unwrap();
    assert!(
        said.starts_with("namespaces \"shop\" is forbidden: it would remove 60 of the 60 objects in eu-1"),
        "{said}"
    );
    assert!(said.contains("next: meridian confirm-removals eu-1"), "{said}");
    let dry = hub
        .delete("/api/v1/namespaces/shop?dryRun=All", Value::Null)
        .await
        .expect(403);
    assert_eq!(dry["reason"], "Forbidden", "who asks before gets the same answer");
    hub.delete("/api/v1/namespaces/shop/configmaps/c-1", Value::Null)
        .await
        .expect(200);
    confirm(&hub, "2999-01-01T00:00:00Z").await;
    hub.delete("/api/v1/namespaces/shop", Value::Null).await.expect(200);
}
