//! What is written for a workload that changes, step by step.

use serde_json::{Value, json};

use super::{Step, controller_revisions, replica_sets};

fn deployment(image: &str, generation: i64, status: Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "uid": "u", "generation": generation,
            "annotations": {"kubernetes.io/change-cause": image}},
        "spec": {"replicas": 4, "revisionHistoryLimit": 2, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": image}]}}},
        "status": status})
}

/// Takes the steps as the hub would.
fn take(steps: Vec<Step>, stored: &mut Vec<Value>) {
    for step in steps {
        match step {
            Step::Create(mut object) => {
                object["metadata"]["generation"] = json!(1);
                stored.push(object);
            }
            Step::Patch(name, patch) | Step::PatchStatus(name, patch) => {
                let object = stored
                    .iter_mut()
                    .find(|o| o["metadata"]["name"] == name.as_str())
                    .unwrap();
                merge(object, &patch);
            }
            Step::Delete(name, _) => stored.retain(|o| o["metadata"]["name"] != name.as_str()),
        }
    }
}

fn merge(object: &mut Value, patch: &Value) {
    match patch {
        Value::Object(map) => {
            for (key, value) in map {
                merge(&mut object[key], value);
            }
        }
        other => *object = other.clone(),
    }
}

fn look(deployment: &Value, stored: &mut Vec<Value>) {
    for _ in 0..4 {
        let steps = replica_sets(deployment, &stored.iter().collect::<Vec<_>>());
        if steps.is_empty() {
            return;
        }
        take(steps, stored);
    }
    panic!("it never rests: {stored:#?}");
}

/// Revision, wanted, replicas, ready of each.
fn seen(stored: &[Value]) -> Vec<(String, i64, i64, i64)> {
    let mut seen: Vec<_> = stored
        .iter()
        .map(|set| {
            let count = |pointer: &str| set.pointer(pointer).and_then(Value::as_i64).unwrap_or_default();
            let revision = set["metadata"]["annotations"]["deployment.kubernetes.io/revision"].as_str();
            (
                revision.unwrap_or_default().to_owned(),
                count("/spec/replicas"),
                count("/status/replicas"),
                count("/status/readyReplicas"),
            )
        })
        .collect();
    seen.sort();
    seen
}

#[test]
fn a_deployment_has_one_replica_set_a_template() {
    let mut stored = Vec::new();
    let all = |generation: i64| {
        json!({"observedGeneration": generation, "replicas": 4, "updatedReplicas": 4, "readyReplicas": 4,
            "availableReplicas": 4})
    };
    look(&deployment("a:1", 1, json!({})), &mut stored);
    assert_eq!(seen(&stored), [("1".to_owned(), 4, 0, 0)]);
    let first = &stored[0];
    let hash = first["metadata"]["labels"]["pod-template-hash"].clone();
    assert_eq!(first["metadata"]["name"], format!("web-{}", hash.as_str().unwrap()));
    assert_eq!(
        first["spec"]["selector"]["matchLabels"],
        json!({"app": "web", "pod-template-hash": hash})
    );
    assert_eq!(
        first["spec"]["template"]["metadata"]["labels"]["pod-template-hash"],
        hash
    );
    assert_eq!(first["metadata"]["ownerReferences"][0]["uid"], "u");
    assert_eq!(first["metadata"]["annotations"]["kubernetes.io/change-cause"], "a:1");
    look(&deployment("a:1", 1, all(1)), &mut stored);
    assert_eq!(seen(&stored), [("1".to_owned(), 4, 4, 4)]);

    // What the members tell is of the template before.
    look(&deployment("a:2", 2, all(1)), &mut stored);
    assert_eq!(seen(&stored), [("1".to_owned(), 4, 4, 4), ("2".to_owned(), 4, 0, 0)]);
    let half = json!({"observedGeneration": 2, "replicas": 5, "updatedReplicas": 2, "readyReplicas": 4,
        "availableReplicas": 4});
    look(&deployment("a:2", 2, half), &mut stored);
    assert_eq!(seen(&stored), [("1".to_owned(), 3, 3, 3), ("2".to_owned(), 4, 2, 1)]);
    look(&deployment("a:2", 2, all(2)), &mut stored);
    assert_eq!(seen(&stored), [("1".to_owned(), 0, 0, 0), ("2".to_owned(), 4, 4, 4)]);

    // Back to the first: it is the third revision now.
    look(&deployment("a:1", 3, all(3)), &mut stored);
    assert_eq!(seen(&stored), [("2".to_owned(), 0, 0, 0), ("3".to_owned(), 4, 4, 4)]);
    assert_eq!(
        stored[0]["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"],
        "1"
    );

    // No more than the limit is kept, besides the current one.
    look(&deployment("a:3", 4, all(4)), &mut stored);
    look(&deployment("a:4", 5, all(5)), &mut stored);
    let revisions: Vec<_> = seen(&stored).into_iter().map(|(revision, ..)| revision).collect();
    assert_eq!(revisions, ["3", "4", "5"]);
}

#[test]
fn a_paused_deployment_makes_no_revision() {
    let mut paused = deployment("a:1", 1, json!({}));
    paused["spec"]["paused"] = json!(true);
    assert_eq!(replica_sets(&paused, &[]), []);
}

#[test]
fn a_stateful_set_has_one_controller_revision_a_template() {
    let set = |image: &str| {
        let mut set = deployment(image, 1, json!({}));
        set["kind"] = json!("StatefulSet");
        set
    };
    let mut stored = Vec::new();
    for image in ["a:1", "a:2", "a:1"] {
        let steps = controller_revisions(&set(image), &stored.iter().collect::<Vec<_>>());
        take(steps, &mut stored);
        assert_eq!(
            controller_revisions(&set(image), &stored.iter().collect::<Vec<_>>()),
            []
        );
    }
    let revisions: Vec<_> = stored.iter().map(|revision| revision["revision"].as_i64()).collect();
    assert_eq!(revisions, [Some(3), Some(2)]);
    assert_eq!(stored[0]["data"]["spec"]["template"]["$patch"], "replace");
    assert_eq!(stored[0]["metadata"]["labels"]["app"], "web");
    for image in ["a:3", "a:4"] {
        let steps = controller_revisions(&set(image), &stored.iter().collect::<Vec<_>>());
        take(steps, &mut stored);
        let steps = controller_revisions(&set(image), &stored.iter().collect::<Vec<_>>());
        take(steps, &mut stored);
    }
    let mut revisions: Vec<_> = stored.iter().map(|revision| revision["revision"].as_i64()).collect();
    revisions.sort();
    assert_eq!(revisions, [Some(3), Some(4), Some(5)]);
}
