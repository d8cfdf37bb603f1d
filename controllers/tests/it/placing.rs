//! An object goes out, its status comes back, and doubt takes nothing away.

use serde_json::{Value, json};

use crate::hub::{Hub, OURS, condition, ready};

pub(crate) const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/shop/deployments";
const SERVICES: &str = "/api/v1/namespaces/shop/services";

pub(crate) fn placements(namespace: &str) -> String {
    format!("{OURS}/namespaces/{namespace}/placements")
}

pub(crate) fn deployment(name: &str, replicas: i64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "web", "image": "example.com/web:1"}]},
            },
        },
    })
}

pub(crate) fn shares(placement: &Value) -> Vec<(String, i64)> {
    let targets = placement["spec"]["clusters"].as_array().cloned().unwrap_or_default();
    targets
        .iter()
        .map(|t| {
            (
                t["name"].as_str().unwrap().to_owned(),
                t["replicas"].as_i64().unwrap_or(-1),
            )
        })
        .collect()
}

fn sum(placement: Option<&Value>) -> i64 {
    placement
        .map(|placement| shares(placement).iter().map(|(_, replicas)| replicas).sum())
        .unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_goes_out_and_its_status_comes_back() {
    let hub = Hub::start().await;
    let _members = [hub.join("us-1").await, hub.join("eu-1").await, hub.join("ap-1").await];
    hub.namespace("shop").await;
    hub.create(DEPLOYMENTS, deployment("web", 7)).await;
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80}]},
    });
    hub.create(SERVICES, service).await;

    let available = |object: Option<&Value>, replicas: i64| {
        object.is_some_and(|object| {
            object["status"]["availableReplicas"] == replicas
                && object["status"]["observedGeneration"] == object["metadata"]["generation"]
        }) && condition(object, "Available") == "True"
    };
    hub.until("rolled out", DEPLOYMENTS, "web", |object| available(object, 7))
        .await;
    let before = hub.get(&placements("shop"), "deployment-web").await.unwrap();
    assert_eq!(sum(Some(&before)), 7);
    assert_eq!(shares(&before).len(), 3);
    assert!(
        !before["spec"]["steps"].as_array().unwrap().is_empty(),
        "it says how it was decided"
    );
    hub.until("addresses", SERVICES, "web", |service| {
        service
            .is_some_and(|s| s["status"]["loadBalancer"]["ingress"] == json!([{"ip": "127.101.0.1", "ipMode": "VIP"}]))
    })
    .await;
    hub.until(
        "the namespace follows",
        &placements("meridian-system"),
        "namespace-shop",
        |placement| placement.is_some_and(|placement| shares(placement).len() == 3),
    )
    .await;

    hub.merge(DEPLOYMENTS, "web", json!({"spec": {"replicas": 8}})).await;
    hub.until("scaled", DEPLOYMENTS, "web", |object| available(object, 8))
        .await;
    let after = hub.get(&placements("shop"), "deployment-web").await.unwrap();
    let changed = shares(&before)
        .iter()
        .zip(&shares(&after))
        .filter(|(old, new)| old != new)
        .count();
    assert_eq!(changed, 1, "one replica more changes one cluster");
    hub.until("healthy", &placements("shop"), "deployment-web", |placement| {
        condition(placement, "Healthy") == "True" && condition(placement, "Applied") == "True"
    })
    .await;
    let object = hub.get(DEPLOYMENTS, "web").await.unwrap();
    assert!(
        !object.to_string().contains("federation.meridian.dev"),
        "the user's object stays the user's: {object}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_chooses_and_a_silent_cluster_keeps_what_it_has() {
    let hub = Hub::start().await;
    let us = hub.join("us-1").await;
    let _eu = hub.join("eu-1").await;
    hub.namespace("shop").await;
    let policy = json!({
        "apiVersion": "federation.meridian.dev/v1alpha1", "kind": "PropagationPolicy",
        "metadata": {"name": "api", "namespace": "shop"},
        "spec": {
            "resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}],
            "placement": {"clusterAffinity": {"clusterNames": ["eu-1"]}},
        },
    });
    hub.create(&format!("{OURS}/namespaces/shop/propagationpolicies"), policy)
        .await;
    hub.create(DEPLOYMENTS, deployment("api", 3)).await;
    hub.create(DEPLOYMENTS, deployment("web", 4)).await;
    let only_eu = |placement: Option<&Value>| placement.is_some_and(|p| shares(p) == [("eu-1".to_owned(), 3)]);
    let api = hub
        .until("by policy", &placements("shop"), "deployment-api", only_eu)
        .await
        .unwrap();
    assert_eq!(api["spec"]["policy"], "PropagationPolicy shop/api");
    hub.until("applied", &placements("shop"), "deployment-web", |p| {
        condition(p, "Applied") == "True"
    })
    .await;

    us.silence();
    let clusters = format!("{OURS}/clusters");
    hub.until("silence is noticed", &clusters, "us-1", |cluster| {
        ready(cluster) == "Unknown"
    })
    .await;
    hub.merge(DEPLOYMENTS, "web", json!({"spec": {"replicas": 6}})).await;
    hub.until(
        "new replicas go elsewhere",
        &placements("shop"),
        "deployment-web",
        |placement| placement.is_some_and(|p| shares(p) == [("eu-1".to_owned(), 4), ("us-1".to_owned(), 2)]),
    )
    .await;
    let about_cluster = |events: &Value| {
        let events = events["items"].as_array().cloned().unwrap_or_default();
        events
            .iter()
            .any(|event| event["reason"] == "ClusterNotReady" && event["involvedObject"]["name"] == "us-1")
    };
    while !about_cluster(&hub.list("/api/v1/namespaces/default/events").await) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_member_refuses_is_told() {
    let hub = Hub::start().await;
    let us = hub.join("us-1").await;
    *us.refuses.lock().unwrap() = Some("forbidden by quota".to_owned());
    hub.namespace("shop").await;
    hub.create(DEPLOYMENTS, deployment("web", 2)).await;
    let told = |placement: Option<&Value>| {
        placement.is_some_and(|p| p["status"]["clusters"][0]["error"] == "forbidden by quota")
    };
    hub.until(
        "the error stands in the row",
        &placements("shop"),
        "deployment-web",
        told,
    )
    .await;
    *us.refuses.lock().unwrap() = None;
    hub.until("and goes", DEPLOYMENTS, "web", |object| {
        condition(object, "Available") == "True"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_writes_nothing() {
    let hub = Hub::start().await;
    let _members = [hub.join("us-1").await, hub.join("eu-1").await];
    hub.namespace("shop").await;
    for index in 0..20 {
        hub.create(DEPLOYMENTS, deployment(&format!("web-{index}"), 3)).await;
    }
    for index in 0..20 {
        let name = format!("web-{index}");
        hub.until("rolled out", DEPLOYMENTS, &name, |object| {
            condition(object, "Available") == "True"
        })
        .await;
        hub.until("applied", &placements("shop"), &format!("deployment-{name}"), |p| {
            condition(p, "Healthy") == "True"
        })
        .await;
    }
    let revision = |list: Value| list["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    // What was on its way settles: two looks a second apart that see the same.
    let mut before = revision(hub.list(&placements("shop")).await);
    loop {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        let now = revision(hub.list(&placements("shop")).await);
        if now == before {
            break;
        }
        before = now;
    }
    hub.stop_controllers().await;
    hub.start_controllers();
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(
        revision(hub.list(&placements("shop")).await),
        before,
        "nothing was written"
    );
}
