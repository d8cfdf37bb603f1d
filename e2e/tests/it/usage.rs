//! `kubectl top` on the hub: what a member's metrics API says, and a word about members that have none.

use e2e::{ControlPlane, Federation, eventually};
use serde_json::{Value, json};

use crate::shop::{PATIENCE, until_ready};

/// What a metrics server would serve, as a definition: to a client there is no difference.
fn definition(kind: &str, plural: &str, scope: &str) -> Value {
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {
        "name": format!("{plural}.metrics.k8s.io"),
        "annotations": {"api-approved.kubernetes.io": "unapproved, plays a metrics server"}},
        "spec": {"group": "metrics.k8s.io", "scope": scope, "names": {"kind": kind, "plural": plural},
            "versions": [{"name": "v1beta1", "served": true, "storage": true, "schema": {"openAPIV3Schema":
                {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}})
}

#[test]
fn top_asks_the_members() {
    let dir = tempfile::tempdir().unwrap();
    let plane = ControlPlane::start("real-1", 27, &dir.path().join("real-1")).unwrap();
    let federation = Federation::start(dir.path(), 1).unwrap();
    let kubeconfig = plane.kubeconfig().display().to_string();
    federation
        .command(&["join", "real-1", "--kubeconfig", &kubeconfig])
        .unwrap();
    until_ready(&federation, 2);
    federation.kubectl(&["create", "namespace", "busy"]).unwrap();
    federation
        .kubectl(&["-n", "busy", "create", "configmap", "here"])
        .unwrap();
    let theirs =
        |words: &[&str]| federation.kubectl(&[&["--kubeconfig", &kubeconfig, "--context", "real-1"], words].concat());
    let apply = |name: &str, value: &Value| {
        let file = dir.path().join(name);
        std::fs::write(&file, value.to_string()).unwrap();
        let file = file.display().to_string();
        eventually(name, PATIENCE, || {
            theirs(&["apply", "-f", &file]).map_err(|error| error.0)
        });
    };
    apply("pods.json", &definition("PodMetrics", "pods", "Namespaced"));
    apply("nodes.json", &definition("NodeMetrics", "nodes", "Cluster"));
    let used = json!({"cpu": "250m", "memory": "64Mi"});
    let (timestamp, window) = ("2026-01-01T00:00:00Z", "15s");
    apply(
        "pod.json",
        &json!({"apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics", "timestamp": timestamp, "window": window,
        "metadata": {"name": "web-1", "namespace": "busy"}, "containers": [{"name": "web", "usage": used}]}),
    );
    let top = eventually("what the Pod uses", PATIENCE, || {
        let top = federation
            .kubectl(&["-n", "busy", "top", "pods"])
            .map_err(|error| error.0)?;
        if top.contains("web-1") { Ok(top) } else { Err(top) }
    });
    let line: Vec<&str> = top.lines().last().unwrap().split_whitespace().collect();
    assert_eq!(line, ["web-1", "250m", "64Mi"]);
    let one = federation
        .kubectl(&["-n", "busy", "top", "pod", "web-1", "--containers"])
        .unwrap();
    assert!(one.contains("web-1") && one.contains("250m"), "{one}");
    let path = ["get", "--raw", "/apis/metrics.k8s.io/v1beta1/namespaces/busy/pods"];
    let list: Value = serde_json::from_str(&federation.kubectl(&path).unwrap()).unwrap();
    assert_eq!(
        list["items"][0]["metadata"]["labels"]["federation.meridian.dev/cluster"],
        "real-1"
    );
    // A member without a metrics server is told of, and stands in nobody's way.
    let mut command = federation.kubectl_command().unwrap();
    command.args(["get", "pods.metrics.k8s.io", "-n", "busy"]);
    let said = command.output().unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&said.stdout),
        String::from_utf8_lossy(&said.stderr),
    );
    assert!(
        out.contains("web-1") && err.contains("cluster us-1: it does not serve them"),
        "{out}{err}"
    );
}
