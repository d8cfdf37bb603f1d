//! Much at once: a policy that is sent elsewhere is held back in the member that would be emptied, a namespace is refused; both go
//! once an operator says so.

use e2e::{Federation, eventually};
use serde_json::{Value, json};

use crate::shop::{PATIENCE, until_ready};

const MANY: usize = 60;

fn write(dir: &std::path::Path, name: &str, value: &Value) -> String {
    let file = dir.join(name);
    std::fs::write(&file, value.to_string()).unwrap();
    file.display().to_string()
}

fn policy(cluster: &str) -> Value {
    json!({"apiVersion": "federation.meridian.dev/v1alpha1", "kind": "PropagationPolicy", "metadata": {"name": "all", "namespace": "many"},
        "spec": {"resourceSelectors": [{"apiVersion": "v1", "kind": "ConfigMap"}],
            "placement": {"clusterAffinity": {"clusterNames": [cluster]}}}})
}

fn count(federation: &Federation, cluster: &str) -> usize {
    let said = federation.kubectl(&[
        "--context",
        cluster,
        "-n",
        "many",
        "get",
        "configmaps",
        "-l",
        "many=yes",
        "-o",
        "name",
    ]);
    said.map_or(0, |names| names.lines().count())
}

fn condition(federation: &Federation, cluster: &str) -> (String, String) {
    let cluster = federation.kubectl_json(&["get", "cluster", cluster]).unwrap();
    let conditions = cluster["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let held = conditions
        .into_iter()
        .find(|one| one["type"] == "RemovalsHeld")
        .unwrap_or_default();
    let text = |key: &str| held[key].as_str().unwrap_or_default().to_owned();
    (text("status"), text("message"))
}

#[test]
fn much_at_once_waits_for_a_word() {
    let dir = tempfile::tempdir().unwrap();
    let federation = Federation::start(dir.path(), 2).unwrap();
    until_ready(&federation, 2);
    federation.kubectl(&["create", "namespace", "many"]).unwrap();
    let objects: Vec<Value> = (0..MANY)
        .map(|number| {
            json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"},
                "metadata": {"name": format!("c-{number}"), "namespace": "many", "labels": {"many": "yes"}}})
        })
        .collect();
    let apply = |name: &str, value: &Value| {
        let file = write(dir.path(), name, value);
        federation.kubectl(&["apply", "-f", &file]).unwrap();
    };
    apply("policy.json", &policy("us-1"));
    apply(
        "objects.json",
        &json!({"apiVersion": "v1", "kind": "List", "items": objects}),
    );
    let all_in = |cluster: &'static str| {
        eventually("all objects", PATIENCE, || match count(&federation, cluster) {
            MANY => Ok(()),
            other => Err(format!("{other} in {cluster}")),
        });
    };
    all_in("us-1");

    // Sent elsewhere: they come there, and stay where they were.
    apply("elsewhere.json", &policy("eu-1"));
    all_in("eu-1");
    let said = eventually("the condition", PATIENCE, || match condition(&federation, "us-1") {
        (status, message) if status == "True" && message.starts_with(&format!("{MANY} objects are to go")) => {
            Ok(message)
        }
        other => Err(format!("{other:?}")),
    });
    assert!(said.contains("next: meridian confirm-removals us-1"), "{said}");
    assert_eq!(count(&federation, "us-1"), MANY);
    let placement = federation
        .kubectl_json(&["-n", "many", "get", "placement", "configmap-c-0"])
        .unwrap();
    let conditions = placement["status"]["conditions"].as_array().cloned().unwrap();
    let applied = conditions.iter().find(|one| one["type"] == "Applied").unwrap();
    assert_eq!(
        (&applied["status"], &applied["reason"]),
        (&json!("False"), &json!("RemovalHeld"))
    );
    let events = ["get", "events", "--field-selector", "reason=RemovalsHeld", "-o", "name"];
    eventually("an Event", PATIENCE, || match federation.kubectl(&events) {
        Ok(names) if !names.trim().is_empty() => Ok(()),
        other => Err(format!("{other:?}")),
    });
    let metrics = federation.kubectl(&["get", "--raw", "/metrics"]).unwrap();
    let held = metrics
        .lines()
        .find(|line| line.starts_with("meridian_removals_held") && line.contains("us-1"));
    assert!(held.is_some_and(|line| line.ends_with(&format!(" {MANY}"))), "{held:?}");

    // A word, and they go.
    let confirmed = federation.command(&["confirm-removals", "us-1"]).unwrap();
    assert!(
        confirmed.contains("cluster/us-1: what is to go may go until"),
        "{confirmed}"
    );
    eventually("they are gone", PATIENCE, || {
        match (count(&federation, "us-1"), condition(&federation, "us-1").0) {
            (0, status) if status == "False" => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    assert_eq!(count(&federation, "eu-1"), MANY);

    // A namespace that takes them along is refused, until that is meant, too.
    let delete = ["delete", "namespace", "many", "--timeout=60s"];
    let refused = federation.kubectl(&delete).unwrap_err().0;
    assert!(
        refused.contains(&format!("it would remove {0} of the {0} objects in eu-1", MANY + 1)),
        "{refused}"
    );
    assert_eq!(count(&federation, "eu-1"), MANY);
    federation
        .command(&["confirm-removals", "--all", "--for", "5m"])
        .unwrap();
    federation.kubectl(&delete).unwrap();
    assert_eq!(count(&federation, "eu-1"), 0);
}
