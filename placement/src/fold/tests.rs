//! Rows in, hub status out.

use api::placement::TargetCluster;

use super::*;

fn placement(targets: &[(&str, i64)], rows: Vec<Value>) -> Placement {
    let mut placement = Placement::default();
    placement.spec.resource_generation = 3;
    placement.spec.reason = "No cluster fits: 0 of 0.".into();
    placement.spec.clusters = targets
        .iter()
        .map(|(name, replicas)| TargetCluster {
            name: (*name).into(),
            replicas: Some(*replicas),
            bounds: None,
            ..Default::default()
        })
        .collect();
    placement.status.clusters = rows
        .into_iter()
        .map(|row| serde_json::from_value(row).unwrap())
        .collect();
    placement
}

fn deployment(replicas: i64) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "generation": 3},
        "spec": {"replicas": replicas}, "status": {"observedGeneration": 2}})
}

fn row(name: &str, observed: i64, replicas: i64, available: bool) -> Value {
    let up = if available { replicas } else { 0 };
    json!({"name": name, "applied": true, "observedHubGeneration": observed, "status": {
        "replicas": replicas, "updatedReplicas": replicas, "readyReplicas": up, "availableReplicas": up,
        "conditions": [{"type": "Available", "status": if available { "True" } else { "False" }}]}})
}

fn condition<'a>(status: &'a Value, type_: &str) -> &'a Value {
    status["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["type"] == type_)
        .unwrap()
}

#[test]
fn a_rolled_out_deployment_reads_as_in_one_cluster() {
    let placement = placement(&[("a", 2), ("b", 1)], vec![row("a", 3, 2, true), row("b", 3, 1, true)]);
    let status = fold(&deployment(3), &placement, "t1").unwrap();
    assert_eq!(
        (
            &status["replicas"],
            &status["updatedReplicas"],
            &status["readyReplicas"],
            &status["availableReplicas"]
        ),
        (&json!(3), &json!(3), &json!(3), &json!(3))
    );
    assert_eq!(status["observedGeneration"], 3);
    assert!(status.get("unavailableReplicas").is_none());
    assert_eq!(condition(&status, "Available")["status"], "True");
    assert_eq!(condition(&status, "Progressing")["reason"], "NewReplicaSetAvailable");
}

#[test]
fn one_cluster_that_lags_holds_the_whole_back() {
    let placement = placement(&[("a", 2), ("b", 1)], vec![row("a", 3, 2, true), row("b", 2, 1, false)]);
    let status = fold(&deployment(3), &placement, "t1").unwrap();
    assert_eq!(status["observedGeneration"], 2, "not every cluster has seen it");
    assert_eq!(condition(&status, "Available")["status"], "False");
    assert!(
        condition(&status, "Available")["message"]
            .as_str()
            .unwrap()
            .contains("b")
    );
    assert_eq!(condition(&status, "Progressing")["reason"], "ReplicaSetUpdated");
}

#[test]
fn no_cluster_at_all_is_neither_observed_nor_available() {
    let status = fold(&deployment(3), &placement(&[], vec![]), "t1").unwrap();
    assert_eq!(status["observedGeneration"], 2);
    assert_eq!(condition(&status, "Available")["reason"], "NoCluster");
}

#[test]
fn a_missed_deadline_and_refused_pods_are_told() {
    let mut slow = row("b", 3, 1, false);
    slow["status"]["conditions"] = json!([
        {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"},
        {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}]);
    let status = fold(
        &deployment(3),
        &placement(&[("a", 2), ("b", 1)], vec![row("a", 3, 2, true), slow]),
        "t1",
    )
    .unwrap();
    assert_eq!(condition(&status, "Progressing")["reason"], "ProgressDeadlineExceeded");
    assert_eq!(condition(&status, "ReplicaFailure")["message"], "In b: exceeded quota");
}

#[test]
fn copies_that_are_to_go_count_as_old_replicas() {
    let placement = placement(&[("a", 3)], vec![row("a", 3, 3, true), row("b", 2, 1, true)]);
    let status = fold(&deployment(3), &placement, "t1").unwrap();
    assert_eq!(
        (&status["replicas"], &status["updatedReplicas"]),
        (&json!(4), &json!(3))
    );
    assert_eq!(condition(&status, "Progressing")["reason"], "ReplicaSetUpdated");
}

#[test]
fn times_change_only_with_what_they_date() {
    let mut object = deployment(3);
    let ready = placement(&[("a", 3)], vec![row("a", 3, 3, true)]);
    let first = fold(&object, &ready, "t1").unwrap();
    object["status"] = first.clone();
    let second = fold(&object, &ready, "t2").unwrap();
    assert_eq!(first, second);
    let lost = placement(&[("a", 3)], vec![row("a", 3, 3, false)]);
    let third = fold(&object, &lost, "t3").unwrap();
    assert_eq!(condition(&third, "Available")["lastTransitionTime"], "t3");
    assert_eq!(
        condition(&third, "Progressing")["lastTransitionTime"],
        "t1",
        "its status is still True"
    );
    assert!(status_differs(&first, &third));
    let mut later = first.clone();
    later["conditions"][0]["lastTransitionTime"] = json!("t9");
    assert!(!status_differs(&first, &later));
}

#[test]
fn a_service_has_the_addresses_of_all_its_clusters() {
    let service = |type_: &str| json!({"apiVersion": "v1", "kind": "Service", "spec": {"type": type_}, "metadata": {"name": "web"}});
    let row = |name: &str, addresses: Value| json!({"name": name, "applied": true, "addresses": addresses});
    let placed = placement(
        &[("a", 0), ("b", 0)],
        vec![
            row("a", json!(["10.0.0.2", "lb.example.com"])),
            row("b", json!(["10.0.0.1", "10.0.0.2"])),
            row("gone", json!(["10.0.0.9"])),
        ],
    );
    let status = fold(&service("LoadBalancer"), &placed, "t").unwrap();
    assert_eq!(
        status,
        json!({"loadBalancer": {"ingress": [{"ip": "10.0.0.1", "ipMode": "VIP"}, {"ip": "10.0.0.2", "ipMode": "VIP"}, {"hostname": "lb.example.com"}]}})
    );
    assert_eq!(
        fold(&service("ClusterIP"), &placed, "t").unwrap(),
        json!({"loadBalancer": {}})
    );
    assert!(!status_differs(&json!({}), &json!({"loadBalancer": {}})));
    let config_map = json!({"apiVersion": "v1", "kind": "ConfigMap"});
    assert_eq!(fold(&config_map, &placed, "t"), None);
}

#[test]
fn a_replica_set_sums() {
    let object =
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"generation": 3}, "spec": {"replicas": 3}});
    let placed = placement(&[("a", 2), ("b", 1)], vec![row("a", 3, 2, true), row("b", 3, 1, true)]);
    let status = fold(&object, &placed, "t").unwrap();
    assert_eq!(
        status,
        json!({"replicas": 3, "readyReplicas": 3, "availableReplicas": 3, "observedGeneration": 3})
    );
}

#[test]
fn sets_sum_what_their_clusters_count() {
    let set = |kind: &str| json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "db", "generation": 3}, "spec": {}});
    let counted = |name: &str, status: Value| json!({"name": name, "applied": true, "observedHubGeneration": 3, "status": status});
    let stateful = placement(
        &[("a", 2), ("b", 1)],
        vec![
            counted(
                "a",
                json!({"replicas": 2, "readyReplicas": 1, "availableReplicas": 1, "currentRevision": "db-1", "updateRevision": "db-2"}),
            ),
            counted(
                "b",
                json!({"replicas": 1, "availableReplicas": 0, "currentRevision": "db-1", "updateRevision": "db-3"}),
            ),
        ],
    );
    assert_eq!(
        fold(&set("StatefulSet"), &stateful, "t1").unwrap(),
        json!({"replicas": 3, "readyReplicas": 1, "availableReplicas": 1, "currentRevision": "db-1", "observedGeneration": 3})
    );
    let nodes =
        |count: i64| json!({"desiredNumberScheduled": count, "numberReady": count, "updatedNumberScheduled": count});
    let daemons = placement(
        &[("a", 0), ("b", 0)],
        vec![counted("a", nodes(3)), counted("b", nodes(4))],
    );
    assert_eq!(
        fold(&set("DaemonSet"), &daemons, "t1").unwrap(),
        json!({"currentNumberScheduled": 0, "desiredNumberScheduled": 7, "numberMisscheduled": 0, "numberReady": 7,
            "updatedNumberScheduled": 7, "observedGeneration": 3})
    );
}

#[test]
fn a_job_is_done_once_all_its_copies_are() {
    let mut job =
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once", "generation": 1}, "spec": {}});
    let told = |name: &str, status: Value| json!({"name": name, "applied": true, "status": status});
    let done = |end: &str| {
        json!({"succeeded": 1, "startTime": "2026-01-01T00:00:00Z", "completionTime": end,
        "conditions": [{"type": "Complete", "status": "True"}]})
    };
    assert_eq!(
        fold(&job, &placement(&[("a", 0)], vec![]), "t1"),
        None,
        "nobody spoke yet"
    );
    let one = placement(&[("a", 0)], vec![told("a", done("2026-01-01T00:01:00Z"))]);
    assert_eq!(fold(&job, &one, "t1"), Some(done("2026-01-01T00:01:00Z")));
    let half = placement(
        &[("a", 0), ("b", 0)],
        vec![told("a", done("2026-01-01T00:01:00Z")), told("b", json!({"active": 1}))],
    );
    let status = fold(&job, &half, "t1").unwrap();
    assert_eq!(
        status,
        json!({"active": 1, "succeeded": 1, "startTime": "2026-01-01T00:00:00Z"})
    );
    let both = placement(
        &[("a", 0), ("b", 0)],
        vec![
            told("a", done("2026-01-01T00:01:00Z")),
            told("b", done("2026-01-01T00:02:00Z")),
        ],
    );
    let status = fold(&job, &both, "t1").unwrap();
    assert_eq!(status["completionTime"], "2026-01-01T00:02:00Z");
    job["status"] = status;
    assert_eq!(fold(&job, &half, "t1"), None, "what it came to never changes");
    job["status"] = Value::Null;
    let failed = json!({"failed": 1, "conditions": [{"type": "Failed", "status": "True"}]});
    let mixed = placement(
        &[("a", 0), ("b", 0)],
        vec![told("a", done("2026-01-01T00:01:00Z")), told("b", failed)],
    );
    assert_eq!(fold(&job, &mixed, "t1").unwrap()["conditions"][0]["type"], "Failed");
}

#[test]
fn a_pod_shows_what_its_cluster_says() {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "generation": 1}, "spec": {}});
    assert_eq!(fold(&pod, &placement(&[("a", 0)], vec![]), "t1"), None);
    let row = |name: &str, ready: bool, phase: &str| json!({"name": name, "applied": true, "ready": ready, "status": {"phase": phase}});
    let one = placement(&[("a", 0)], vec![row("a", true, "Succeeded")]);
    assert_eq!(fold(&pod, &one, "t1"), Some(json!({"phase": "Succeeded"})));
    let several = placement(
        &[("a", 0), ("b", 0)],
        vec![row("a", true, "Running"), row("b", false, "Failed")],
    );
    assert_eq!(fold(&pod, &several, "t1"), Some(json!({"phase": "Failed"})));
}

mod kinds;
