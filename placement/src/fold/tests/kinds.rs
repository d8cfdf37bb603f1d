//! Kinds of the network, of storage and of policies, and custom ones: rows in, hub status out.

use super::*;

/// `name: status` rows of as many clusters as are named.
fn folded(object: Value, clusters: &[&str], rows: &[(&str, Value)]) -> Option<Value> {
    let targets: Vec<(&str, i64)> = clusters.iter().map(|name| (*name, 1)).collect();
    let row = |(name, status): &(&str, Value)| json!({"name": name, "applied": true, "observedHubGeneration": 3, "status": status});
    let mut placement = placement(&targets, rows.iter().map(row).collect());
    placement
        .spec
        .clusters
        .iter_mut()
        .for_each(|target| target.replicas = None);
    fold(&object, &placement, "t2")
}

fn of(api_version: &str, kind: &str) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "a", "namespace": "shop", "generation": 3}, "spec": {}})
}

#[test]
fn claims_tell_the_worst_phase_and_the_least_room() {
    let claim = |phase: &str, storage: &str| json!({"phase": phase, "capacity": {"storage": storage}, "accessModes": ["ReadWriteOnce"]});
    // rows | phase, storage
    for (rows, phase, storage) in [
        (
            vec![("a", claim("Bound", "5Gi")), ("b", claim("Bound", "900Mi"))],
            "Bound",
            json!("900Mi"),
        ),
        (
            vec![("a", claim("Bound", "5Gi")), ("b", json!({"phase": "Pending"}))],
            "Pending",
            json!("5Gi"),
        ),
        (
            vec![("a", claim("Lost", "5Gi")), ("b", json!({"phase": "Pending"}))],
            "Lost",
            json!("5Gi"),
        ),
        (vec![("a", claim("Bound", "5Gi"))], "Pending", json!("5Gi")),
    ] {
        let status = folded(of("v1", "PersistentVolumeClaim"), &["a", "b"], &rows).unwrap();
        assert_eq!(
            (&status["phase"], &status["capacity"]["storage"]),
            (&json!(phase), &storage),
            "{rows:?}"
        );
    }
    let whole = claim("Bound", "1Gi");
    assert_eq!(
        folded(of("v1", "PersistentVolumeClaim"), &["a"], &[("a", whole.clone())]),
        Some(whole)
    );
    assert_eq!(folded(of("v1", "PersistentVolumeClaim"), &["a"], &[]), None);
}

#[test]
fn budgets_are_summed() {
    let budget = |healthy: i64, allowed: i64| {
        json!({"currentHealthy": healthy, "desiredHealthy": 2, "disruptionsAllowed": allowed,
        "expectedPods": 3, "disruptedPods": {"web-1": "t0"}, "observedGeneration": 1})
    };
    let object = of("policy/v1", "PodDisruptionBudget");
    let status = folded(object.clone(), &["a", "b"], &[("a", budget(3, 1)), ("b", budget(2, 0))]).unwrap();
    assert_eq!(
        (
            &status["currentHealthy"],
            &status["desiredHealthy"],
            &status["disruptionsAllowed"],
            &status["expectedPods"]
        ),
        (&json!(5), &json!(4), &json!(1), &json!(6))
    );
    assert_eq!(status["disruptedPods"], json!({"web-1.a": "t0", "web-1.b": "t0"}));
    assert_eq!(
        (
            &status["observedGeneration"],
            &condition(&status, "DisruptionAllowed")["status"]
        ),
        (&json!(3), &json!("True"))
    );
    let none = folded(object, &["a"], &[("a", budget(2, 0))]).unwrap();
    assert_eq!(condition(&none, "DisruptionAllowed")["status"], "False");
}

#[test]
fn ingresses_have_the_entries_of_all() {
    let at = |ip: &str| json!({"loadBalancer": {"ingress": [{"ip": ip}, {"hostname": "lb.example.com"}]}});
    let rows = [("a", at("10.0.0.2")), ("b", at("10.0.0.1"))];
    let status = folded(of("networking.k8s.io/v1", "Ingress"), &["a", "b"], &rows).unwrap();
    let wanted = json!([{"hostname": "lb.example.com"}, {"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}]);
    assert_eq!(status["loadBalancer"]["ingress"], wanted);
    let none = folded(of("networking.k8s.io/v1", "Ingress"), &["a"], &[]).unwrap();
    assert_eq!(none, json!({"loadBalancer": {}}));
}

#[test]
fn cron_jobs_tell_the_last_times_anywhere() {
    let rows = [
        (
            "a",
            json!({"lastScheduleTime": "2026-01-01T00:00:00Z", "active": [{"name": "x"}]}),
        ),
        (
            "b",
            json!({"lastScheduleTime": "2026-01-01T00:05:00Z", "lastSuccessfulTime": "2026-01-01T00:06:00Z"}),
        ),
    ];
    let status = folded(of("batch/v1", "CronJob"), &["a", "b"], &rows).unwrap();
    let wanted = json!({"active": [{"name": "x"}], "lastScheduleTime": "2026-01-01T00:05:00Z", "lastSuccessfulTime": "2026-01-01T00:06:00Z"});
    assert_eq!(status, wanted);
}

#[test]
fn autoscalers_are_summed() {
    let rows = [
        (
            "a",
            json!({"currentReplicas": 2, "desiredReplicas": 3, "lastScaleTime": "2026-01-01T00:00:00Z"}),
        ),
        ("b", json!({"currentReplicas": 1, "desiredReplicas": 1})),
    ];
    let status = folded(of("autoscaling/v2", "HorizontalPodAutoscaler"), &["a", "b"], &rows).unwrap();
    assert_eq!(
        (
            &status["currentReplicas"],
            &status["desiredReplicas"],
            &status["observedGeneration"]
        ),
        (&json!(3), &json!(4), &json!(3))
    );
}

#[test]
fn custom_kinds_are_folded_by_their_conditions() {
    let said = |status: &str, message: &str| {
        json!({"phase": "Running", "shards": 2, "conditions": [
        {"type": "Ready", "status": status, "reason": "R", "message": message, "lastTransitionTime": "t1"}]})
    };
    let mut object = of("example.com/v1", "Widget");
    object["status"] = json!({"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "t0"}]});
    // rows of two clusters | status, message, since
    for (rows, status, message, since) in [
        (
            vec![("a", said("True", "well")), ("b", said("True", "well"))],
            "True",
            "well",
            "t0",
        ),
        (
            vec![("a", said("True", "well")), ("b", said("False", "no disk"))],
            "False",
            "no disk",
            "t2",
        ),
        (
            vec![("a", said("False", "no net")), ("b", said("False", "no disk"))],
            "False",
            "a: no net; b: no disk",
            "t2",
        ),
        (
            vec![("a", said("True", "well")), ("b", said("Unknown", "asleep"))],
            "Unknown",
            "asleep",
            "t2",
        ),
        (
            vec![("a", said("True", "well")), ("b", json!({}))],
            "Unknown",
            "not every cluster has said it yet",
            "t2",
        ),
        (
            vec![("a", said("True", "well"))],
            "Unknown",
            "not every cluster has said it yet",
            "t2",
        ),
    ] {
        let folded = folded(object.clone(), &["a", "b"], &rows).unwrap();
        let ready = condition(&folded, "Ready");
        assert_eq!(
            (&ready["status"], &ready["message"], &ready["lastTransitionTime"]),
            (&json!(status), &json!(message), &json!(since)),
            "{rows:?}"
        );
    }
    let alike = folded(
        object,
        &["a", "b"],
        &[
            ("a", json!({"phase": "Up", "shards": 1})),
            ("b", json!({"phase": "Up", "shards": 2})),
        ],
    );
    assert_eq!(alike, Some(json!({"phase": "Up"})), "what they say alike");
    assert_eq!(
        folded(
            of("storage.k8s.io/v1", "StorageClass"),
            &["a"],
            &[("a", json!({"x": 1}))]
        ),
        None,
        "not custom"
    );
}
