//! What policies make of three members: spread over regions, groups in order, and replicas by what their nodes have room for.

use std::collections::BTreeMap;

use e2e::{Federation, eventually};
use serde_json::{Value, json};

use crate::shop::PATIENCE;

/// A Deployment and the policy for it alone.
fn manifests(name: &str, replicas: i64, cpu: &str, placement: &Value) -> String {
    let policy = json!({"apiVersion": "federation.meridian.dev/v1alpha1", "kind": "PropagationPolicy",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": name}], "placement": placement}});
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "default"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "c", "image": "example.com/c:1", "resources": {"requests": {"cpu": cpu}}}]}}}});
    json!({"apiVersion": "v1", "kind": "List", "items": [policy, deployment]}).to_string()
}

fn apply(federation: &Federation, dir: &std::path::Path, name: &str, replicas: i64, cpu: &str, placement: &Value) {
    let file = dir.join(format!("{name}.json"));
    std::fs::write(&file, manifests(name, replicas, cpu, placement)).unwrap();
    federation
        .kubectl(&["apply", "-f", &file.display().to_string()])
        .unwrap();
}

fn placement(federation: &Federation, name: &str) -> Result<Value, String> {
    let placement = format!("deployment-{name}");
    federation
        .kubectl_json(&["get", "placement", &placement])
        .map_err(|error| error.0)
}

fn shares(placement: &Value) -> BTreeMap<String, i64> {
    let targets = placement["spec"]["clusters"].as_array().cloned().unwrap_or_default();
    let share = |target: &Value| {
        let name = target["name"].as_str().unwrap_or_default().to_owned();
        (name, target["replicas"].as_i64().unwrap_or_default())
    };
    targets.iter().map(share).collect()
}

fn is_scheduled(placement: &Value) -> (String, String) {
    let conditions = placement["status"]["conditions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let scheduled = conditions
        .into_iter()
        .find(|one| one["type"] == "Scheduled")
        .unwrap_or_default();
    let text = |key: &str| scheduled[key].as_str().unwrap_or_default().to_owned();
    (text("status"), text("reason"))
}

fn until(federation: &Federation, what: &str, name: &str, holds: impl Fn(&Value) -> bool) -> Value {
    eventually(what, PATIENCE, || {
        let placement = placement(federation, name)?;
        if holds(&placement) {
            Ok(placement)
        } else {
            Err(placement["spec"].to_string())
        }
    })
}

#[test]
fn spread_groups_and_room() {
    let dir = tempfile::tempdir().unwrap();
    let federation = Federation::start(dir.path(), 3).unwrap();
    // Members join while the hub takes requests already.
    eventually("three ready members that told their capacity", PATIENCE, || {
        let clusters = federation.kubectl_json(&["get", "clusters"]).map_err(|error| error.0)?;
        let clusters = clusters["items"].as_array().cloned().unwrap_or_default();
        let is_ready = |one: &Value| one["type"] == "Ready" && one["status"] == "True";
        let ready = clusters.iter().filter(|cluster| {
            let conditions = cluster["status"]["conditions"].as_array().cloned().unwrap_or_default();
            conditions.iter().any(is_ready) && !cluster["status"]["capacity"].is_null()
        });
        let count = ready.count();
        (count == 3).then_some(()).ok_or(format!("{count} of 3"))
    });

    // Two of three regions, and never a moment in the third: the policy was written before the object.
    let two = json!({"spreadConstraints": [{"spreadByField": "region", "minGroups": 2, "maxGroups": 2}]});
    apply(&federation, dir.path(), "spread", 6, "10m", &two);
    let spread = until(&federation, "a spread", "spread", |placement| {
        shares(placement).len() == 2
    });
    assert_eq!(shares(&spread).values().sum::<i64>(), 6);
    assert!(
        spread["spec"]["excluded"].to_string().contains("SpreadConstraint"),
        "{spread}"
    );
    // More regions than there are place nothing, and are named.
    let nine = json!({"spreadConstraints": [{"spreadByField": "region", "minGroups": 9}]});
    apply(&federation, dir.path(), "nine", 20, "10m", &nine);
    let unmet = until(&federation, "a refusal", "nine", |placement| {
        is_scheduled(placement) == ("False".to_owned(), "SpreadConstraintsUnmet".to_owned())
    });
    assert!(shares(&unmet).is_empty(), "{unmet}");
    let explained = federation
        .command(&["explain", "placement", "deployment", "nine"])
        .unwrap();
    assert!(explained.contains("region: 3 of at least 9 groups"), "{explained}");

    // The first group while it fits, the next one when it is drained.
    let groups = json!({"clusterAffinities": [
        {"affinityName": "own", "clusterNames": ["eu-1"]},
        {"affinityName": "rented", "clusterNames": ["us-1", "ap-1"]}]});
    apply(&federation, dir.path(), "ordered", 4, "10m", &groups);
    let own = until(&federation, "the first group", "ordered", |placement| {
        shares(placement) == BTreeMap::from([("eu-1".to_owned(), 4)])
    });
    assert_eq!(own["spec"]["affinity"]["name"], "own", "{}", own["spec"]["affinity"]);

    // The nodes have 64 cores each, so three pods of twenty fit into each member, and nine of twelve in all.
    let room = json!({"replicaScheduling": {"replicaDivisionPreference": "Weighted",
        "weightPreference": {"dynamicWeight": "AvailableReplicas"}}});
    apply(&federation, dir.path(), "large", 12, "20", &room);
    let short = until(&federation, "what fits, and the shortage", "large", |placement| {
        shares(placement).values().sum::<i64>() == 9
    });
    assert_eq!(shares(&short).into_values().collect::<Vec<_>>(), [3, 3, 3]);
    assert_eq!(short["spec"]["unplacedReplicas"], 3);
    until(&federation, "a condition that says so", "large", |placement| {
        is_scheduled(placement) == ("False".to_owned(), "ReplicasUnplaced".to_owned())
    });
    // Real pods of the members take that room.
    eventually("nine pods", PATIENCE, || {
        let pods = federation
            .kubectl_json(&["get", "pods", "-l", "app=large"])
            .map_err(|error| error.0)?;
        let count = pods["items"].as_array().map_or(0, Vec::len);
        (count == 9).then_some(()).ok_or(format!("{count} pods"))
    });

    let drained = federation.command(&["drain", "eu-1", "--wait=false"]).unwrap();
    println!("{drained}");
    let rented = until(&federation, "the second group", "ordered", |placement| {
        let shares = shares(placement);
        !shares.contains_key("eu-1") && shares.values().sum::<i64>() == 4
    });
    assert_eq!(
        rented["spec"]["affinity"]["name"], "rented",
        "{}",
        rented["spec"]["affinity"]
    );
}
