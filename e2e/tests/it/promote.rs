//! What runs in a member comes under the hub and leaves it again, and no pod notices.

use e2e::{ControlPlane, Federation, eventually};
use serde_json::Value;

use crate::shop::PATIENCE;

const MANIFESTS: &str = r#"{"apiVersion": "v1", "kind": "List", "items": [
  {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "old"}},
  {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "old"}, "data": {"a": "b"}},
  {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "old"},
    "spec": {"type": "NodePort", "selector": {"app": "web"}, "ports": [{"port": 80}]}},
  {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "old"},
    "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}},
      "spec": {"containers": [{"name": "web", "image": "example.com/web:1", "resources": {"requests": {"cpu": "0.1"}}}]}}}}]}"#;

/// Identity and specification of what is there, and the identities of the pods.
fn identities(plane: &ControlPlane) -> (Vec<String>, Vec<String>) {
    let ask = |kinds: &str, path: &str| {
        let said = plane.kubectl(&["-n", "old", "get", kinds, "-o", path]).unwrap();
        let mut lines: Vec<String> = said.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let whole = "jsonpath={range .items[*]}{.kind} {.metadata.uid} {.spec}{\"\\n\"}{end}";
    let pods = "jsonpath={range .items[*]}{.metadata.uid}{\"\\n\"}{end}";
    (ask("deployment,service", whole), ask("pods", pods))
}

#[test]
fn what_runs_is_promoted_and_released_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let plane = ControlPlane::start("us-1", 22, &dir.path().join("us-1")).unwrap();
    // A second member, to which nothing of it may go by itself.
    let federation = Federation::start(dir.path(), 1).unwrap();
    let kubeconfig = plane.kubeconfig().display().to_string();
    federation
        .command(&["join", "old-1", "--kubeconfig", &kubeconfig])
        .unwrap();
    federation
        .kubectl(&["wait", "--for=condition=Ready", "clusters", "--all", "--timeout=60s"])
        .unwrap();
    let file = dir.path().join("old.json");
    std::fs::write(&file, MANIFESTS).unwrap();
    plane.kubectl(&["apply", "-f", &file.display().to_string()]).unwrap();
    plane
        .kubectl(&["-n", "old", "rollout", "status", "deployment/web", "--timeout=60s"])
        .unwrap();
    let before = identities(&plane);
    assert_eq!(before.1.len(), 3);

    let promote =
        |words: &[&str]| federation.command(&[&["promote", "-n", "old", "--cluster", "old-1"], words].concat());
    let said = promote(&["deploy", "web", "--dry-run"]).unwrap();
    assert!(said.contains("nothing of it would change there"), "{said}");
    let error = promote(&["deployment/nobody"]).unwrap_err().0;
    assert!(
        error.contains("cluster old-1") && error.contains("not found"),
        "{error}"
    );
    assert!(
        federation.kubectl(&["get", "namespace", "old"]).is_err(),
        "a dry run writes nothing"
    );
    for object in ["deployment/web", "service/web", "configmap/settings"] {
        println!("{}", promote(&[object]).unwrap());
    }
    assert_eq!(
        identities(&plane),
        before,
        "no pod was started anew, nothing got another address"
    );
    let replicas = plane
        .kubectl(&["-n", "old", "get", "replicasets", "-o", "name"])
        .unwrap();
    assert_eq!(replicas.lines().count(), 1, "no second template: {replicas}");
    let error = promote(&["deployment/web"]).unwrap_err().0;
    assert!(error.contains("Meridian's already"), "{error}");
    eventually("the hub's status", PATIENCE, || {
        let deployment = federation
            .kubectl_json(&["-n", "old", "get", "deployment", "web"])
            .map_err(|error| error.0)?;
        let placement = federation
            .kubectl_json(&["-n", "old", "get", "placement", "deployment-web"])
            .map_err(|error| error.0)?;
        let clusters = &placement["spec"]["clusters"];
        let one = clusters.as_array().is_some_and(|list| list.len() == 1) && clusters[0]["name"] == "old-1";
        match (deployment["status"]["readyReplicas"].as_i64(), one) {
            (Some(3), true) => Ok(()),
            other => Err(format!("{other:?} of {clusters}")),
        }
    });

    // From here on the hub's word counts.
    federation
        .kubectl(&["-n", "old", "scale", "deployment", "web", "--replicas=4"])
        .unwrap();
    eventually("a fourth pod", PATIENCE, || {
        let (_, pods) = identities(&plane);
        let kept = before.1.iter().all(|uid| pods.contains(uid));
        (pods.len() == 4 && kept).then_some(()).ok_or(format!("{pods:?}"))
    });
    let promoted = identities(&plane);

    let release = |words: &[&str]| federation.command(&[&["release", "-n", "old"], words].concat());
    let said = release(&["deployment", "web", "--dry-run"]).unwrap();
    assert!(said.contains("old-1"), "{said}");
    for object in ["deployment/web", "service/web", "configmap/settings"] {
        println!("{}", release(&[object]).unwrap());
    }
    assert_eq!(identities(&plane), promoted, "handed back as it was");
    let left = plane
        .kubectl(&["-n", "old", "get", "deployment,service,configmap", "-o", "json"])
        .unwrap();
    let left: Value = serde_json::from_str(&left).unwrap();
    // The namespace's own ConfigMap beside the three.
    assert_eq!(left["items"].as_array().map(Vec::len), Some(4));
    for object in left["items"].as_array().unwrap() {
        let metadata = object["metadata"].clone();
        let marks = format!("{}{}", metadata["labels"], metadata["annotations"]);
        assert!(!marks.contains("federation.meridian.dev"), "{marks}");
    }
    for kind in ["deployment", "service", "placement", "propagationpolicy"] {
        let found = federation.kubectl(&["-n", "old", "get", kind, "-o", "name"]).unwrap();
        let found: Vec<&str> = found
            .lines()
            .filter(|line| !line.contains("kube-root-ca.crt"))
            .collect();
        assert!(found.is_empty(), "{found:?} is left on the hub");
    }
    // Nobody puts back what the member's people change now.
    plane
        .kubectl(&["-n", "old", "scale", "deployment", "web", "--replicas=2"])
        .unwrap();
    plane
        .kubectl(&["-n", "old", "rollout", "status", "deployment/web", "--timeout=60s"])
        .unwrap();
    assert_eq!(identities(&plane).1.len(), 2);
}
