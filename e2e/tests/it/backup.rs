//! A hub that lost its database is what it was at its last backup, and members keep what they have.

use e2e::{Federation, eventually};

use crate::identities::identities;
use crate::shop::PATIENCE;

/// What users made that is looked at.
const KINDS: &str = "deployment,service,configmap";

#[test]
fn a_lost_database_comes_back_from_a_backup() {
    let dir = tempfile::tempdir().unwrap();
    let mut federation = Federation::start(dir.path(), 2).unwrap();
    federation
        .kubectl(&["apply", "--server-side=false", "-f", "examples/hello.yaml"])
        .unwrap();
    federation
        .kubectl(&["wait", "--for=condition=Available", "deployment/hello", "--timeout=90s"])
        .unwrap();
    let file = dir.path().join("hub.backup");
    let path = file.display().to_string();
    federation.command(&["backup", &path]).unwrap();
    let kept = identities(&federation, "default", KINDS);
    assert!(kept.iter().any(|object| object.contains("\"hello\"")), "{kept:?}");
    federation.kubectl(&["create", "configmap", "too-late"]).unwrap();
    let list = federation.kubectl_json(&["get", "configmaps"]).unwrap();
    let seen = list["items"][0]["metadata"]["resourceVersion"]
        .as_str()
        .unwrap()
        .to_owned();

    // A hub that runs, or that has something, is not written over.
    let refused = federation.command(&["restore", &path]).unwrap_err();
    assert!(refused.0.contains("in use"), "{refused:?}");
    federation.stop().unwrap();
    let refused = federation.command(&["restore", &path]).unwrap_err();
    assert!(refused.0.contains("not empty"), "{refused:?}");

    std::fs::remove_dir_all(federation.data_dir().join("postgres")).unwrap();
    let damaged = dir.path().join("damaged.backup");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&damaged, text.replacen("hello", "hallo", 1)).unwrap();
    let refused = federation
        .command(&["restore", &damaged.display().to_string()])
        .unwrap_err();
    assert!(refused.0.contains("checksum"), "{refused:?}");
    federation.command(&["restore", &path]).unwrap();
    federation.restart().unwrap();
    assert_eq!(identities(&federation, "default", KINDS), kept);
    // Who watched the lost history is told that it is gone.
    let watch = format!("/api/v1/configmaps?watch=true&timeoutSeconds=5&resourceVersion={seen}");
    let told = federation.kubectl(&["get", "--raw", &watch]).unwrap();
    assert!(told.contains("\"code\":410"), "{told}");
    federation
        .kubectl(&["scale", "deployment/hello", "--replicas=4"])
        .unwrap();
    eventually("four replicas after the restore", PATIENCE, || {
        let hello = federation
            .kubectl_json(&["get", "deployment", "hello"])
            .map_err(|error| error.0)?;
        match hello["status"]["readyReplicas"].as_i64() {
            Some(4) => Ok(()),
            other => Err(format!("{other:?} are ready")),
        }
    });
}
