//! A drain under the controllers: the time at which replicas begin to leave stands in the taint alone, so controllers that were not
//! there when it began keep it too.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::hub::{Hub, OURS};
use crate::placing::{DEPLOYMENTS, deployment, placements, shares};

fn names(placement: Option<&Value>) -> Vec<String> {
    placement
        .map(|placement| shares(placement).into_iter().map(|(name, _)| name).collect())
        .unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_that_began_before_the_controllers_did_keeps_its_time() {
    let hub = Hub::start().await;
    let _members = [hub.join("us-1").await, hub.join("eu-1").await, hub.join("ap-1").await];
    hub.namespace("shop").await;
    hub.create(DEPLOYMENTS, deployment("web", 6)).await;
    hub.until("rolled out", DEPLOYMENTS, "web", |object| {
        object.is_some_and(|object| object["status"]["readyReplicas"] == 6)
    })
    .await;

    let added = Timestamp::now();
    let taint = json!({"key": "federation.meridian.dev/drain", "value": "6", "effect": "NoExecute", "timeAdded": added.to_string()});
    hub.merge(
        &format!("{OURS}/clusters"),
        "us-1",
        json!({"spec": {"taints": [taint]}}),
    )
    .await;
    hub.until(
        "the drain to be seen",
        &placements("shop"),
        "deployment-web",
        |placement| placement.is_some_and(|placement| placement["spec"]["leaving"][0]["name"] == "us-1"),
    )
    .await;
    hub.stop_controllers().await;
    hub.start_controllers();

    // Nothing else happens: time alone takes the replicas away.
    hub.until(
        "the replicas to leave",
        &placements("shop"),
        "deployment-web",
        |placement| {
            names(placement) == ["ap-1", "eu-1"]
                && placement.is_some_and(|placement| placement["spec"].get("leaving").is_none())
        },
    )
    .await;
    assert!(
        Timestamp::now().duration_since(added).as_secs() >= 6,
        "not before the names are forgotten"
    );
    hub.until("all of them to be ready elsewhere", DEPLOYMENTS, "web", |object| {
        object.is_some_and(|object| object["status"]["readyReplicas"] == 6)
    })
    .await;
}
