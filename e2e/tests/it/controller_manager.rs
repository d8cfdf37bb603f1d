//! A real kube-controller-manager does the work of the generic controllers on the hub, as nobody's administrator: each of its
//! controllers has a service account, whose token it asks the hub for.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use e2e::{Federation, Process, eventually, tools};
use serde_json::json;

use crate::shop::PATIENCE;

const USER: &str = "system:kube-controller-manager";
/// The hub's own, which leave the work to it.
const LEFT_OUT: &str = "--controllers=*,-garbage-collector-controller,-namespace-controller,-serviceaccount-controller,-resourcequota-controller";
const CONTROLLERS: &str = "--controllers=namespace-controller,garbage-collector-controller,serviceaccount-controller,\
    root-ca-certificate-publisher-controller,resourcequota-controller,clusterrole-aggregation-controller";
/// Words of the log that tell of no fault of ours: kinds that the hub does not serve, a key file without certificates, and a
/// write from an old copy, which is tried again.
const EXPECTED: [&str; 3] = [
    "resource.k8s.io",
    "The manifest file is empty",
    "the object has been modified",
];

/// Starts it with a token that gives it no more than its name.
fn start(federation: &Federation, dir: &Path) -> Process {
    let token = federation
        .command(&["token", "--user", USER, "--role", "user"])
        .unwrap();
    let kubeconfig = dir.join("controller-manager.json");
    let written = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "hub",
        "clusters": [{"name": "hub", "cluster": {
            "server": format!("https://127.0.0.1:{}", federation.api_port()),
            "certificate-authority": federation.data_dir().join("pki/ca.crt"),
        }}],
        "users": [{"name": "hub", "user": {"token": token.trim()}}],
        "contexts": [{"name": "hub", "context": {"cluster": "hub", "user": "hub"}}],
    });
    std::fs::write(&kubeconfig, written.to_string()).unwrap();
    // The file of tokens is read from time to time.
    eventually("its token to be known", PATIENCE, || {
        let mut command = Command::new(tools::cached("kubectl").unwrap());
        command.arg("--kubeconfig").arg(&kubeconfig).args(["auth", "whoami"]);
        e2e::federation::output(command).map_err(|error| error.0)
    });
    e2e::certificates::write(dir).unwrap();
    let mut command = Command::new(tools::cached("kube-controller-manager").unwrap());
    command
        .arg(format!("--kubeconfig={}", kubeconfig.display()))
        .arg(format!(
            "--service-account-private-key-file={}",
            dir.join("service-accounts.key").display()
        ))
        .arg(format!(
            "--root-ca-file={}",
            federation.data_dir().join("pki/ca.crt").display()
        ))
        .args([
            "--secure-port=0",
            "--bind-address=127.0.0.1",
            "--kube-api-content-type=application/vnd.kubernetes.protobuf",
        ])
        .args([
            "--resource-quota-sync-period=2s",
            "--use-service-account-credentials=true",
            CONTROLLERS,
        ])
        .current_dir(dir);
    Process::start("kube-controller-manager", command, &dir.join("controller-manager.log")).unwrap()
}

#[test]
fn kube_controller_manager_works_on_the_hub() {
    let dir = tempfile::tempdir().unwrap();
    let federation = Federation::start_with(dir.path(), 0, &[LEFT_OUT]).unwrap();
    let manager = start(&federation, dir.path());
    let hub = |words: &[&str]| federation.kubectl(words);
    let until = |what: &str, words: &[&str], wanted: &dyn Fn(&str) -> bool| {
        eventually(what, PATIENCE, || match hub(words) {
            Ok(text) if wanted(text.trim()) => Ok(()),
            Ok(text) => Err(text),
            Err(error) if wanted(&error.0) => Ok(()),
            Err(error) => Err(error.0),
        });
    };
    hub(&["create", "namespace", "shop"]).unwrap();
    let shop = |words: &[&'static str]| [&["-n", "shop"], words].concat();

    until(
        "the service account",
        &shop(&["get", "serviceaccount", "default", "-o", "name"]),
        &|text| text == "serviceaccount/default",
    );
    until(
        "the certificate",
        &shop(&["get", "configmap", "kube-root-ca.crt", "-o", "jsonpath={.data}"]),
        &|text| text.contains("BEGIN CERTIFICATE"),
    );

    hub(&shop(&[
        "create",
        "quota",
        "few",
        "--hard=configmaps=9,count/deployments.apps=9",
    ]))
    .unwrap();
    let used = ["get", "quota", "few", "-o", "jsonpath={.status.used}"];
    until("the quota counted", &shop(&used), &|text| {
        text == r#"{"configmaps":"1","count/deployments.apps":"0"}"#
    });

    hub(&shop(&["create", "configmap", "owner"])).unwrap();
    let uid = hub(&shop(&["get", "configmap", "owner", "-o", "jsonpath={.metadata.uid}"])).unwrap();
    hub(&shop(&["create", "configmap", "dependent"])).unwrap();
    until("the quota counted again", &shop(&used), &|text| {
        text.contains(r#""configmaps":"3""#)
    });
    let owner = json!({"metadata": {"ownerReferences": [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid, "blockOwnerDeletion": true}]}});
    hub(&[
        "-n",
        "shop",
        "patch",
        "configmap",
        "dependent",
        "--type=merge",
        "-p",
        &owner.to_string(),
    ])
    .unwrap();
    hub(&shop(&["delete", "configmap", "owner"])).unwrap();
    until(
        "the dependent collected",
        &shop(&["get", "configmap", "dependent"]),
        &|text| text.contains("NotFound"),
    );

    let aggregated = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "whole"},
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"into": "whole"}}]}});
    let file = dir.path().join("whole.json");
    std::fs::write(&file, aggregated.to_string()).unwrap();
    hub(&["create", "-f", &file.display().to_string()]).unwrap();
    hub(&["create", "clusterrole", "part", "--verb=get", "--resource=configmaps"]).unwrap();
    hub(&["label", "clusterrole", "part", "into=whole"]).unwrap();
    until(
        "the rules of the part",
        &["get", "clusterrole", "whole", "-o", "jsonpath={.rules}"],
        &|text| text.contains("configmaps"),
    );

    hub(&["delete", "namespace", "shop", "--timeout=60s"]).unwrap();
    manager.stop(Duration::from_secs(20)).unwrap();
    let log = std::fs::read_to_string(dir.path().join("controller-manager.log")).unwrap();
    let faults: Vec<&str> = log
        .lines()
        .filter(|line| line.starts_with(['E', 'F']) && !EXPECTED.iter().any(|known| line.contains(known)))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
