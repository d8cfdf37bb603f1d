//! Quotas are counted: what is there before them, what comes, and what goes.

use kube::api::DeleteParams;
use serde_json::{Value, json};

use crate::hub::Hub;

const QUOTAS: &str = "/api/v1/namespaces/shop/resourcequotas";
const CONFIG_MAPS: &str = "/api/v1/namespaces/shop/configmaps";

fn config_map(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop"}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_knows_what_is_there() {
    let hub = Hub::start().await;
    hub.namespace("shop").await;
    hub.create(CONFIG_MAPS, config_map("before")).await;
    let hard = json!({"count/configmaps": "2", "services": "3", "count/nobodies.example.com": "1"});
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q", "namespace": "shop"}, "spec": {"hard": hard}});
    hub.create(QUOTAS, quota).await;
    let uses = |used: Value| move |quota: Option<&Value>| quota.is_some_and(|quota| quota["status"]["used"] == used);
    hub.until(
        "counted",
        QUOTAS,
        "q",
        uses(json!({"count/configmaps": "1", "services": "0"})),
    )
    .await;
    hub.create(CONFIG_MAPS, config_map("more")).await;
    hub.until(
        "charged",
        QUOTAS,
        "q",
        uses(json!({"count/configmaps": "2", "services": "0"})),
    )
    .await;
    hub.delete(CONFIG_MAPS, "before", &DeleteParams::default()).await;
    hub.until(
        "given back",
        QUOTAS,
        "q",
        uses(json!({"count/configmaps": "1", "services": "0"})),
    )
    .await;
    hub.create(CONFIG_MAPS, config_map("again")).await;
    let full = hub.get(QUOTAS, "q").await.unwrap();
    assert_eq!(full["status"]["used"]["count/configmaps"], "2");
    assert_eq!(full["status"]["hard"], hard);
}
