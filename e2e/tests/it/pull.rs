//! Members that reach out to the hub: the syncer runs beside them, with an account of least privilege there and an identity of its
//! own here; Pods, logs and commands go through the connection that it opened.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::federation::output;
use e2e::{ControlPlane, Federation, Process, certificates, eventually, ports, tools};
use serde_json::Value;

use crate::shop::{self, PATIENCE};

/// The program that a member's Deployment would run.
struct Syncer {
    process: Process,
}

impl Syncer {
    fn start(federation: &Federation, cluster: &str, dir: &Path, member: &Path) -> Self {
        let file = |name: &str| dir.join(name).display().to_string();
        let mut command = std::process::Command::new(tools::meridian().unwrap());
        let hub = format!("https://127.0.0.1:{}", federation.api_port());
        let port = ports::free(1).unwrap()[0];
        command
            .env("MERIDIAN_DATA_DIR", dir.join("syncer"))
            .args(["syncer", "--cluster", cluster, "--hub", &hub])
            .args([
                "--hub-ca-file",
                &file("hub-ca.crt"),
                "--bootstrap-token-file",
                &file("token"),
            ])
            .args(["--member-kubeconfig", &member.display().to_string()])
            .args(["--metrics-address", &format!("127.0.0.1:{port}")]);
        let process = Process::start("the syncer", command, &dir.join("syncer.log")).unwrap();
        Self { process }
    }
}

/// kubectl with a kubeconfig.
fn kubectl(kubeconfig: &Path, words: &[&str]) -> Result<String, String> {
    let mut command = std::process::Command::new(tools::cached("kubectl").unwrap());
    command.arg("--kubeconfig").arg(kubeconfig).args(words);
    output(command).map_err(|error| error.0)
}

/// What the pod of the Deployment would find in its volume.
fn mount(member: &Path, dir: &Path) {
    for (key, file) in [("token", "token"), ("ca\\.crt", "hub-ca.crt")] {
        let path = format!(
            "go-template={{{{index .data \"{}\" | base64decode}}}}",
            key.replace('\\', "")
        );
        let words = [
            "-n",
            "meridian-system",
            "get",
            "secret",
            "meridian-syncer-bootstrap",
            "-o",
            &path,
        ];
        std::fs::write(dir.join(file), kubectl(member, &words).unwrap()).unwrap();
    }
}

/// A kubeconfig like another, with a user of its own.
fn as_user(kubeconfig: &Path, user: Value, to: PathBuf) -> PathBuf {
    let mut text: Value = serde_json::from_slice(&std::fs::read(kubeconfig).unwrap()).unwrap();
    text["users"][0]["user"] = user;
    std::fs::write(&to, text.to_string()).unwrap();
    to
}

fn ready(federation: &Federation, cluster: &str) {
    let what = format!("cluster/{cluster}");
    federation
        .kubectl(&["wait", "--for=condition=Ready", &what, "--timeout=60s"])
        .unwrap();
}

fn tokens(federation: &Federation) -> String {
    let words = ["-n", "kube-system", "get", "secrets", "-o", "name"];
    federation.kubectl(&words).unwrap()
}

#[test]
fn a_real_member_reaches_out() {
    let dir = tempfile::tempdir().unwrap();
    let plane = ControlPlane::start("edge-1", 51, &dir.path().join("edge-1")).unwrap();
    let federation = Federation::start(dir.path(), 1).unwrap();
    let admin = plane.kubeconfig();
    // Printed, it is applied by others; so a real API server must take it as it is.
    let printed = federation.command(&["join", "edge-2", "--mode", "pull"]).unwrap();
    let file = dir.path().join("printed.yaml");
    std::fs::write(&file, printed).unwrap();
    let words = [
        "apply",
        "--dry-run=client",
        "-o",
        "name",
        "-f",
        &file.display().to_string(),
    ];
    let applied = plane.kubectl(&words).unwrap();
    assert!(applied.contains("deployment.apps/meridian-syncer"), "{applied}");
    federation.command(&["unjoin", "edge-2"]).unwrap();
    assert!(!tokens(&federation).contains("bootstrap-token"), "a token of nobody");

    let kubeconfig = admin.display().to_string();
    federation
        .command(&[
            "join",
            "edge-1",
            "--mode",
            "pull",
            "--kubeconfig",
            &kubeconfig,
            "--region",
            "eu-west",
        ])
        .unwrap();
    let account = plane
        .kubectl(&[
            "-n",
            "meridian-system",
            "create",
            "token",
            "meridian-syncer",
            "--duration=2h",
        ])
        .unwrap();
    let account = serde_json::json!({"token": account.trim()});
    let member = as_user(&admin, account, dir.path().join("account"));
    mount(&admin, dir.path());
    let syncer = Syncer::start(&federation, "edge-1", dir.path(), &member);
    ready(&federation, "edge-1");

    shop::four_of_web(&federation);
    let there = plane.kubectl(&["get", "pods", "-l", "app=web", "-o", "name"]).unwrap();
    assert_eq!(there.lines().count(), 2, "{there}");
    read_through(&federation, &there);
    least_privilege(&federation, &admin, dir.path());

    // Killed, it comes back with the certificate: the token is used up, and soon gone.
    syncer.process.signal(nix::sys::signal::Signal::SIGKILL).unwrap();
    drop(syncer);
    let _syncer = Syncer::start(&federation, "edge-1", dir.path(), &member);
    federation
        .kubectl(&["scale", "deployment/web", "--replicas=6"])
        .unwrap();
    federation
        .kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"])
        .unwrap();
    let requests = federation.kubectl(&["get", "csr", "-o", "name"]).unwrap();
    assert_eq!(requests.lines().count(), 1, "{requests}");
    eventually("the token is gone", PATIENCE * 2, || {
        let left = tokens(&federation);
        if left.contains("bootstrap-token") {
            Err(left)
        } else {
            Ok(())
        }
    });

    promote(&federation, &plane);

    // It leaves as any other: nothing of the federation is left behind, the mark neither.
    let said = federation.command(&["unjoin", "edge-1"]).unwrap();
    assert!(said.contains("cluster/edge-1 unjoined"), "{said}");
    let words = [
        "get",
        "deployments",
        "-l",
        "federation.meridian.dev/managed=true",
        "-o",
        "name",
    ];
    assert_eq!(plane.kubectl(&words).unwrap().trim(), "");
    eventually("the mark is off", PATIENCE, || {
        let words = [
            "get",
            "namespace",
            "kube-system",
            "-o",
            "jsonpath={.metadata.annotations}",
        ];
        let mark = plane.kubectl(&words).map_err(|error| error.0)?;
        if mark.contains("federation.meridian.dev/federation") {
            Err(mark)
        } else {
            Ok(())
        }
    });
}

/// What runs there already comes under the hub, which asks the member through the tunnel; no Pod is made anew.
fn promote(federation: &Federation, plane: &ControlPlane) {
    let words = [
        "create",
        "deployment",
        "old",
        "--image=example.org/old:1",
        "--replicas=2",
    ];
    plane.kubectl(&words).unwrap();
    plane
        .kubectl(&["rollout", "status", "deployment/old", "--timeout=60s"])
        .unwrap();
    let pods = || {
        let words = [
            "get",
            "pods",
            "-l",
            "app=old",
            "-o",
            "jsonpath={.items[*].metadata.uid}",
        ];
        plane.kubectl(&words).unwrap()
    };
    let before = pods();
    federation
        .command(&["promote", "deployment", "old", "--cluster", "edge-1"])
        .unwrap();
    federation
        .kubectl(&["rollout", "status", "deployment/old", "--timeout=60s"])
        .unwrap();
    assert_eq!(pods(), before);
    let version = "/apis/federation.meridian.dev/v1alpha1/clusters/edge-1/proxy/version";
    let version = federation.kubectl(&["get", "--raw", version]).unwrap();
    assert!(
        version.contains("gitVersion") && !version.contains("meridian"),
        "{version}"
    );
}

/// The member's Pods and their logs through the tunnel.
fn read_through(federation: &Federation, there: &str) {
    let selector = "app=web,federation.meridian.dev/cluster=edge-1";
    let words = ["get", "pods", "-l", selector, "-o", "name"];
    let here = eventually("the member's Pods on the hub", PATIENCE, || {
        let here = federation.kubectl(&words).map_err(|error| error.0)?;
        if here == there { Ok(here) } else { Err(here) }
    });
    let pod = here.lines().next().unwrap();
    let logs = federation.kubectl(&["logs", pod]).unwrap();
    assert!(logs.contains("simulated in edge-1"), "{logs}");
    let exec = ["exec", pod, "--", "printenv", "SIMULATED_CLUSTER"];
    let said = eventually("a command in a Pod", PATIENCE, || {
        federation.kubectl(&exec).map_err(|error| error.0)
    });
    assert_eq!(said.trim(), "edge-1");
    // What the member's controllers say of the object is on the hub's object.
    let described = federation.kubectl(&["describe", "deployment", "web"]).unwrap();
    assert!(
        described.contains("cluster edge-1: Scaled up replica set web-"),
        "{described}"
    );
    let all = federation.kubectl(&["get", "events"]).unwrap();
    assert!(
        !all.contains("cluster edge-1:"),
        "only where one object is asked about: {all}"
    );
}

/// What the syncer's identity may do on the hub: what concerns its cluster, and nothing else.
fn least_privilege(federation: &Federation, admin: &Path, dir: &Path) {
    let part = |key: &str| {
        let path = format!("go-template={{{{index .data \"{key}\"}}}}");
        let words = [
            "-n",
            "meridian-system",
            "get",
            "secret",
            "meridian-syncer-identity",
            "-o",
            &path,
        ];
        kubectl(admin, &words).unwrap()
    };
    let hub = dir.join("hub-kubeconfig");
    let text = federation
        .kubectl(&["config", "view", "--raw", "--minify", "-o", "json"])
        .unwrap();
    std::fs::write(&hub, text).unwrap();
    let user = serde_json::json!({"client-certificate-data": part("tls.crt"), "client-key-data": part("tls.key")});
    let identity = as_user(&hub, user, dir.join("identity"));
    let ask = |words: &[&str]| kubectl(&identity, words);
    requests(federation, &hub, &identity, dir);
    let streams = "/apis/federation.meridian.dev/v1alpha1/clusters";
    assert!(ask(&["get", "cluster", "edge-1"]).is_ok());
    assert!(ask(&["get", "--raw", &format!("{streams}/edge-1/manifests")]).is_ok());
    for refused in [
        &["get", "clusters"][..],
        &["get", "cluster", "us-1"],
        &["get", "--raw", &format!("{streams}/us-1/manifests")],
        &["get", "secrets", "-A"],
        &["get", "deployments"],
        &["get", "pods"],
        &["get", "--raw", &format!("{streams}/edge-1/proxy/version")],
        &["get", "namespaces"],
        &["create", "namespace", "mine"],
    ] {
        let said = ask(refused).unwrap_err();
        assert!(
            said.contains("orbidden") && said.contains("system:meridian:cluster:edge-1"),
            "{refused:?}: {said}"
        );
    }
}

/// Who gets a certificate of a cluster without anybody's word.
fn requests(federation: &Federation, hub: &Path, identity: &Path, dir: &Path) {
    let ask = |kubeconfig: &Path, name: &str, cluster: &str| {
        let user = format!("system:meridian:cluster:{cluster}");
        let pem = certificates::request(&user, "system:meridian:clusters").unwrap();
        let file = dir.join(name);
        let request = serde_json::json!({"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
            "metadata": {"name": name}, "spec": {"signerName": "federation.meridian.dev/cluster",
            "usages": ["client auth"], "request": STANDARD.encode(pem)}});
        std::fs::write(&file, request.to_string()).unwrap();
        kubectl(
            kubeconfig,
            &["create", "--validate=false", "-f", &file.display().to_string()],
        )
    };
    let comes_to = |name: &str, word: &str| {
        eventually(&format!("{name}: {word}"), PATIENCE, || {
            let words = ["get", "csr", name, "-o", "jsonpath={.status}"];
            let status = federation.kubectl(&words).map_err(|error| error.0)?;
            if status.contains(word) { Ok(()) } else { Err(status) }
        });
    };
    ask(identity, "own", "edge-1").unwrap();
    comes_to("own", "certificate\":");
    ask(identity, "another", "us-1").unwrap();
    comes_to("another", "Denied");
    // The token was good once; where it is not gone yet, it is refused what it asks for.
    let token = std::fs::read_to_string(dir.join("token")).unwrap();
    let used = as_user(hub, serde_json::json!({"token": token}), dir.join("used"));
    match ask(&used, "again", "edge-1") {
        Ok(_) => comes_to("again", "used already"),
        Err(said) => assert!(said.contains("Unauthorized") || said.contains("logged in"), "{said}"),
    }
    // What is left for the count of requests afterwards is the syncer's own.
    let gone = ["delete", "csr", "own", "another", "again", "--ignore-not-found"];
    federation.kubectl(&gone).unwrap();
}

#[test]
fn commands_go_through_the_tunnel() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    // The simulated member of another federation, which lets it go.
    let other = Federation::start(dirs[0].path(), 1).unwrap();
    let federation = Federation::start(dirs[1].path(), 0).unwrap();
    let view = ["config", "view", "--raw", "--minify", "--context", "us-1", "-o", "json"];
    let member = dirs[1].path().join("member");
    let kubeconfig = other.data_dir().join("kubeconfig");
    std::fs::write(&member, kubectl(&kubeconfig, &view).unwrap()).unwrap();
    other.command(&["unjoin", "us-1"]).unwrap();
    // Joined without a look at it, the cluster says itself who it is.
    let printed = federation.command(&["join", "edge-1", "--mode", "pull"]).unwrap();
    let file = dirs[1].path().join("printed.yaml");
    std::fs::write(&file, printed).unwrap();
    kubectl(&member, &["apply", "-f", &file.display().to_string()]).unwrap();
    mount(&member, dirs[1].path());
    let syncer = Syncer::start(&federation, "edge-1", dirs[1].path(), &member);
    ready(&federation, "edge-1");
    federation
        .kubectl(&["create", "deployment", "web", "--image=example.org/web:1"])
        .unwrap();
    federation
        .kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"])
        .unwrap();
    let pod = federation.kubectl(&["get", "pods", "-o", "name"]).unwrap();
    let exec = || federation.kubectl(&["exec", pod.trim(), "--", "printenv", "SIMULATED_CLUSTER"]);
    let uid = ["get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}"];
    let uid = kubectl(&member, &uid).unwrap();
    let id = federation.kubectl(&["get", "cluster", "edge-1", "-o", "jsonpath={.spec.id}"]);
    assert_eq!(id.unwrap(), uid);
    let said = eventually("a command in a Pod", PATIENCE, || exec().map_err(|error| error.0));
    assert_eq!(said.trim(), "us-1", "as the member calls itself");
    let error = federation
        .kubectl(&["exec", "deploy/web", "--", "sh", "-c", "exit 3"])
        .unwrap_err()
        .0;
    assert!(error.contains("exit code 3"), "{error}");
    // Without its syncer the member cannot be asked, and that is said.
    drop(syncer);
    let said = eventually("a word on the missing tunnel", PATIENCE, || match exec() {
        Ok(said) => Err(said),
        Err(error) => Ok(error.0),
    });
    assert!(said.contains("edge-1"), "{said}");
}
