//! Autoscalers and claims go where their workloads are, and what a member's autoscaler says stands.

use std::process::Command;
use std::time::Duration;

use e2e::federation::output;
use e2e::{ControlPlane, Federation, eventually, tools};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

const MANIFESTS: &str = r#"
{"apiVersion": "v1", "kind": "List", "items": [
  {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "scaled"}},
  {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "files", "namespace": "scaled"},
   "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
  {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "spare", "namespace": "scaled"},
   "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
  {"apiVersion": "federation.meridian.dev/v1alpha1", "kind": "PropagationPolicy",
   "metadata": {"name": "two", "namespace": "scaled"},
   "spec": {"resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment"}],
            "placement": {"clusterAffinity": {"clusterNames": ["us-1", "eu-1"]}}}},
  {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "scaled"},
   "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}},
     "spec": {"containers": [{"name": "web", "image": "example.com/web:1"}],
              "volumes": [{"name": "files", "persistentVolumeClaim": {"claimName": "files"}}]}}}},
  {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web", "namespace": "scaled"},
   "spec": {"minReplicas": 4, "maxReplicas": 20, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
     "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}]}}
]}"#;

/// kubectl in a simulated member.
fn member(federation: &Federation, name: &str, words: &[&str]) -> Result<String, e2e::Failure> {
    let mut command = Command::new(tools::cached("kubectl")?);
    command
        .arg("--kubeconfig")
        .arg(federation.data_dir().join("kubeconfig"))
        .args(["--context", name, "-n", "scaled"])
        .args(words);
    output(command)
}

fn replicas(federation: &Federation, name: &str) -> Result<String, e2e::Failure> {
    member(
        federation,
        name,
        &["get", "deployment", "web", "-o", "jsonpath={.spec.replicas}"],
    )
}

fn until(what: &str, federation: &Federation, name: &str, words: &[&str], expected: &str) {
    eventually(what, PATIENCE, || {
        let said = member(federation, name, words).map_err(|error| error.0)?;
        (said.trim() == expected).then_some(()).ok_or(said)
    });
}

#[test]
fn autoscalers_and_claims_go_where_their_workloads_are() {
    let dir = tempfile::tempdir().unwrap();
    let federation = Federation::start(dir.path(), 3).unwrap();
    // A share that was planned for one member alone would be that member's own when the others come.
    eventually("three members", PATIENCE, || {
        let path = "jsonpath={.items[*].status.conditions[?(@.type=='Ready')].status}";
        let ready = federation.kubectl(&["get", "clusters", "-o", path]);
        let ready = ready.map_err(|error| error.0)?;
        (ready.trim() == "True True True").then_some(()).ok_or(ready)
    });
    let file = dir.path().join("scaled.json");
    std::fs::write(&file, MANIFESTS).unwrap();
    federation
        .kubectl(&["apply", "-f", &file.display().to_string()])
        .unwrap();

    let bounds = [
        "get",
        "hpa",
        "web",
        "-o",
        "jsonpath={.spec.minReplicas} {.spec.maxReplicas}",
    ];
    for name in ["us-1", "eu-1"] {
        until("its part of the bounds", &federation, name, &bounds, "2 10");
        let claims = ["get", "pvc", "-o", "jsonpath={.items[*].metadata.name}"];
        until("the claim that is mounted, alone", &federation, name, &claims, "files");
        let share = ["get", "deployment", "web", "-o", "jsonpath={.spec.replicas}"];
        until("its share", &federation, name, &share, "2");
    }
    let placement = |name: &str| {
        federation
            .kubectl_json(&["-n", "scaled", "get", "placement", name])
            .unwrap()
    };
    let spare = placement("persistentvolumeclaim-spare");
    assert_eq!(spare["spec"]["excluded"][0]["reason"], "NothingToFollow", "{spare:#}");
    let explained = federation
        .command(&["explain", "placement", "hpa", "web", "-n", "scaled"])
        .unwrap();
    assert!(explained.contains("2 to 10"), "{explained}");

    // What the member's autoscaler would do.
    member(&federation, "us-1", &["scale", "deployment", "web", "--replicas=7"]).unwrap();
    // A later write by the hub reaches the same copy, and leaves its replicas.
    let image = [
        "-n",
        "scaled",
        "set",
        "image",
        "deployment/web",
        "web=example.com/web:2",
    ];
    federation.kubectl(&image).unwrap();
    let seen = [
        "get",
        "deployment",
        "web",
        "-o",
        "jsonpath={.spec.template.spec.containers[0].image} {.spec.replicas}",
    ];
    until(
        "the new image, the member's replicas",
        &federation,
        "us-1",
        &seen,
        "example.com/web:2 7",
    );
    member(&federation, "eu-1", &["scale", "deployment", "web", "--replicas=3"]).unwrap();
    member(
        &federation,
        "us-1",
        &[
            "annotate",
            "deployment",
            "web",
            "federation.meridian.dev/manifest-hash=x",
            "--overwrite",
        ],
    )
    .unwrap();
    let hash = [
        "get",
        "deployment",
        "web",
        "-o",
        r"jsonpath={.metadata.annotations.federation\.meridian\.dev/manifest-hash}",
    ];
    eventually("the drift is put back", PATIENCE, || {
        let said = member(&federation, "us-1", &hash).map_err(|error| error.0)?;
        (said != "x").then_some(()).ok_or(said)
    });
    assert_eq!(replicas(&federation, "us-1").unwrap(), "7");

    // The autoscaler goes: nothing shrinks, until somebody says a number.
    federation.kubectl(&["-n", "scaled", "delete", "hpa", "web"]).unwrap();
    until(
        "the autoscaler is gone there",
        &federation,
        "us-1",
        &["get", "hpa", "-o", "name"],
        "",
    );
    eventually("the plan knows", PATIENCE, || {
        let spec: Value = placement("deployment-web")["spec"]["leftToMembers"].clone();
        spec["autoscaler"].is_null().then_some(()).ok_or(spec.to_string())
    });
    let image = [
        "-n",
        "scaled",
        "set",
        "image",
        "deployment/web",
        "web=example.com/web:3",
    ];
    federation.kubectl(&image).unwrap();
    until("the next image", &federation, "us-1", &seen, "example.com/web:3 7");
    assert_eq!(replicas(&federation, "eu-1").unwrap(), "3");
    federation
        .kubectl(&["-n", "scaled", "scale", "deployment", "web", "--replicas=6"])
        .unwrap();
    let share = ["get", "deployment", "web", "-o", "jsonpath={.spec.replicas}"];
    until("the hub's word again", &federation, "us-1", &share, "3");

    // The workload goes; its claim holds data and stays.
    federation
        .kubectl(&["-n", "scaled", "delete", "deployment", "web"])
        .unwrap();
    until(
        "the workload is gone there",
        &federation,
        "us-1",
        &["get", "deployment", "-o", "name"],
        "",
    );
    eventually("the claim stays", PATIENCE, || {
        let steps = placement("persistentvolumeclaim-files")["spec"]["steps"].to_string();
        steps.contains("may hold data").then_some(()).ok_or(steps)
    });
    let claim = member(&federation, "us-1", &["get", "pvc", "files", "-o", "name"]).unwrap();
    assert_eq!(claim.trim(), "persistentvolumeclaim/files");
}

/// A real autoscaler in a real control plane: it needs no metrics to bring replicas back within its bounds.
#[test]
fn a_real_autoscaler_is_not_fought() {
    let dir = tempfile::tempdir().unwrap();
    let plane = ControlPlane::start("us-1", 21, &dir.path().join("us-1")).unwrap();
    let federation = Federation::start(dir.path(), 0).unwrap();
    let kubeconfig = plane.kubeconfig().display().to_string();
    federation
        .command(&["join", "us-1", "--kubeconfig", &kubeconfig, "--region", "us-east"])
        .unwrap();
    federation
        .kubectl(&["wait", "--for=condition=Ready", "clusters", "--all", "--timeout=60s"])
        .unwrap();
    let file = dir.path().join("scaled.json");
    std::fs::write(&file, MANIFESTS).unwrap();
    federation
        .kubectl(&["apply", "-f", &file.display().to_string()])
        .unwrap();
    let ask = |words: &[&str]| plane.kubectl(&[&["-n", "scaled"], words].concat());
    let until = |what: &str, words: &[&str], expected: &str| {
        eventually(what, PATIENCE, || {
            let said = ask(words).map_err(|error| error.0)?;
            (said.trim() == expected).then_some(()).ok_or(said)
        });
    };
    let bounds = [
        "get",
        "hpa",
        "web",
        "-o",
        "jsonpath={.spec.minReplicas} {.spec.maxReplicas}",
    ];
    until("the whole bounds", &bounds, "4 20");
    let replicas = ["get", "deployment", "web", "-o", "jsonpath={.spec.replicas}"];
    until("planned within the bounds", &replicas, "4");
    ask(&["scale", "deployment", "web", "--replicas=23"]).unwrap();
    until("the autoscaler's word", &replicas, "20");
    federation
        .kubectl(&[
            "-n",
            "scaled",
            "set",
            "image",
            "deployment/web",
            "web=example.com/web:2",
        ])
        .unwrap();
    let both = [
        "get",
        "deployment",
        "web",
        "-o",
        "jsonpath={.spec.template.spec.containers[0].image} {.spec.replicas}",
    ];
    until(
        "the hub's image, the autoscaler's replicas",
        &both,
        "example.com/web:2 20",
    );
    federation
        .kubectl(&["-n", "scaled", "scale", "deployment", "web", "--replicas=0"])
        .unwrap();
    until("stopped by the hub", &replicas, "0");
    federation
        .kubectl(&["-n", "scaled", "scale", "deployment", "web", "--replicas=5"])
        .unwrap();
    until("and started again", &replicas, "5");
}
