//! What is deleted goes everywhere, in its order, and nothing else does.

use api::PlacementKey;
use kube::api::DeleteParams;
use serde_json::{Value, json};

use crate::hub::{Hub, OURS};

const CONFIG_MAPS: &str = "/api/v1/namespaces/shop/configmaps";

fn config_map(name: &str, owner: Option<&Value>) -> Value {
    let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop"}, "data": {"a": "b"}});
    if let Some(owner) = owner {
        object["metadata"]["ownerReferences"] = json!([{
            "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"], "blockOwnerDeletion": true,
        }]);
    }
    object
}

fn key(name: &str) -> PlacementKey {
    PlacementKey {
        namespace: "shop".into(),
        name: name.into(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_object_goes_from_every_member_before_its_placement_goes() {
    let hub = Hub::start().await;
    let members = [hub.join("us-1").await, hub.join("eu-1").await];
    hub.namespace("shop").await;
    hub.create(CONFIG_MAPS, config_map("a", None)).await;
    let placements = format!("{OURS}/namespaces/shop/placements");
    hub.until("applied", &placements, "configmap-a", |placement| {
        placement.is_some_and(|p| {
            p["status"]["clusters"]
                .as_array()
                .is_some_and(|rows| rows.len() == 2 && rows.iter().all(|row| row["applied"] == true))
        })
    })
    .await;
    hub.delete(CONFIG_MAPS, "a", &DeleteParams::default()).await;
    hub.until("the placement goes last", &placements, "configmap-a", |placement| {
        placement.is_none()
    })
    .await;
    for member in &members {
        assert!(!member.holds.lock().unwrap().contains_key(&key("configmap-a")));
    }

    // The same name again, as a new object.
    hub.create(CONFIG_MAPS, config_map("a", None)).await;
    hub.until("applied again", &placements, "configmap-a", |placement| {
        placement.is_some_and(|p| {
            p["status"]["clusters"]
                .as_array()
                .is_some_and(|rows| rows.len() == 2 && rows.iter().all(|row| row["applied"] == true))
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_goes_once_it_is_empty_everywhere() {
    let hub = Hub::start().await;
    let us = hub.join("us-1").await;
    hub.namespace("shop").await;
    hub.until(
        "its account",
        "/api/v1/namespaces/shop/serviceaccounts",
        "default",
        |account| account.is_some(),
    )
    .await;
    for name in ["a", "b", "c"] {
        hub.create(CONFIG_MAPS, config_map(name, None)).await;
    }
    let system = format!("{OURS}/namespaces/meridian-system/placements");
    hub.until("namespace placed", &system, "namespace-shop", |placement| {
        placement.is_some_and(|p| p["status"]["clusters"][0]["applied"] == true)
    })
    .await;
    hub.delete("/api/v1/namespaces", "shop", &DeleteParams::default()).await;
    hub.until("the namespace goes", "/api/v1/namespaces", "shop", |namespace| {
        namespace.is_none()
    })
    .await;
    hub.until("and its placement", &system, "namespace-shop", |placement| {
        placement.is_none()
    })
    .await;
    assert!(us.holds.lock().unwrap().is_empty(), "{:?}", us.holds.lock().unwrap());
    assert!(hub.get("/api/v1/namespaces", "default").await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leaving_cluster_goes_once_nothing_is_left_in_it() {
    let hub = Hub::start().await;
    let us = hub.join("us-1").await;
    let eu = hub.join("eu-1").await;
    hub.namespace("shop").await;
    hub.create(CONFIG_MAPS, config_map("a", None)).await;
    let placements = format!("{OURS}/namespaces/shop/placements");
    let targets = |placement: Option<&Value>| {
        placement
            .and_then(|p| p["spec"]["clusters"].as_array().map(Vec::len))
            .unwrap_or_default()
    };
    hub.until("placed", &placements, "configmap-a", |placement| {
        targets(placement) == 2
    })
    .await;
    while us.holds.lock().unwrap().len() < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    hub.delete(&format!("{OURS}/clusters"), "us-1", &DeleteParams::default())
        .await;
    hub.until("it left", &format!("{OURS}/clusters"), "us-1", |cluster| {
        cluster.is_none()
    })
    .await;
    assert!(us.holds.lock().unwrap().is_empty(), "{:?}", us.holds.lock().unwrap());
    assert!(
        eu.holds.lock().unwrap().contains_key(&key("configmap-a")),
        "others were not touched"
    );
    hub.until("one target left", &placements, "configmap-a", |placement| {
        targets(placement) == 1
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dependents_follow_their_owner_as_the_user_chose() {
    let hub = Hub::start().await;
    hub.namespace("shop").await;
    let rows = [("background", true), ("foreground", true), ("orphan", false)];
    for (policy, goes) in rows {
        let owner = hub
            .create(CONFIG_MAPS, config_map(&format!("owner-{policy}"), None))
            .await;
        let name = format!("dependent-{policy}");
        hub.create(CONFIG_MAPS, config_map(&name, Some(&owner))).await;
        let params = match policy {
            "background" => DeleteParams::background(),
            "foreground" => DeleteParams::foreground(),
            _ => DeleteParams::orphan(),
        };
        hub.delete(CONFIG_MAPS, &format!("owner-{policy}"), &params).await;
        hub.until("the owner goes", CONFIG_MAPS, &format!("owner-{policy}"), |owner| {
            owner.is_none()
        })
        .await;
        if goes {
            hub.until("the dependent goes", CONFIG_MAPS, &name, |dependent| {
                dependent.is_none()
            })
            .await;
        } else {
            let kept = hub.until("the dependent is free", CONFIG_MAPS, &name, |dependent| {
                dependent.is_some_and(|d| d["metadata"]["ownerReferences"].as_array().is_none_or(Vec::is_empty))
            });
            kept.await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_keeps_a_history_and_takes_it_along() {
    let hub = Hub::start().await;
    hub.namespace("shop").await;
    let (deployments, sets) = (
        "/apis/apps/v1/namespaces/shop/deployments",
        "/apis/apps/v1/namespaces/shop/replicasets",
    );
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "c", "image": "a:1"}]}}}});
    hub.create(deployments, deployment).await;
    let revisions = async |wanted: &[&str]| {
        let wanted: Vec<&str> = wanted.to_vec();
        hub.until_listed("its revisions", sets, |sets| {
            let revision = |set: &Value| {
                set["metadata"]["annotations"]["deployment.kubernetes.io/revision"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            };
            let mut seen: Vec<String> = sets.iter().map(revision).collect();
            seen.sort();
            seen == wanted
        })
        .await;
    };
    revisions(&["1"]).await;
    let image = json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "a:2"}]}}}});
    hub.merge(deployments, "web", image).await;
    revisions(&["1", "2"]).await;
    hub.delete(deployments, "web", &DeleteParams::foreground()).await;
    revisions(&[]).await;
    hub.until("the Deployment goes", deployments, "web", |web| web.is_none())
        .await;
}
