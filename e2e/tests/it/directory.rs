//! A directory of manifests that a loop applies again and again, as tools of the GitOps kind do: when nothing changed in the
//! directory, nothing moves on the hub.

use std::path::Path;
use std::process::Stdio;

use e2e::{Federation, eventually};
use serde_json::Value;

use crate::shop::PATIENCE;

const WEB: &str = include_str!("../../kubectl/web.yaml");
const SETTINGS: &str = include_str!("../../kubectl/settings.yaml");
const KINDS: &str = "deployments,services,configmaps,secrets,networkpolicies";

/// One round of the loop: what differs, then all of it applied.
fn round(federation: &Federation, dir: &Path) -> (Option<i32>, String) {
    let dir = dir.display().to_string();
    let mut diff = federation.kubectl_command().unwrap();
    diff.args(["-n", "loop", "diff", "--server-side", "-f", &dir])
        .stdout(Stdio::null());
    let status = diff.status().unwrap().code();
    let mut apply = federation.kubectl_command().unwrap();
    apply.args(["-n", "loop", "apply", "--server-side", "-f", &dir]);
    (status, e2e::federation::output(apply).unwrap())
}

/// Applies it as a set, of which the hub remembers the members.
fn apply_set(federation: &Federation, dir: &Path) -> String {
    let mut apply = federation.kubectl_command().unwrap();
    apply
        .args([
            "-n",
            "loop",
            "apply",
            "--server-side",
            "--prune",
            "--applyset=configmaps/set",
            "-f",
        ])
        .arg(dir)
        .env("KUBECTL_APPLYSET", "true");
    e2e::federation::output(apply).unwrap()
}

/// Name and version of every object that the loop or its directory made.
fn versions(federation: &Federation) -> Vec<(String, String)> {
    let list = federation.kubectl_json(&["-n", "loop", "get", KINDS]).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let items = list["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| {
            (
                format!("{}/{}", text(&item["kind"]), text(&item["metadata"]["name"])),
                text(&item["metadata"]["resourceVersion"]),
            )
        })
        .collect()
}

#[test]
fn a_directory_applied_twice_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let federation = Federation::start(dir.path(), 2).unwrap();
    let files = dir.path().join("files");
    std::fs::create_dir(&files).unwrap();
    std::fs::write(files.join("web.yaml"), WEB).unwrap();
    std::fs::write(files.join("settings.yaml"), SETTINGS).unwrap();
    std::fs::write(
        files.join("closed.yaml"),
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: closed, labels: {part: pruned}}\nspec: {podSelector: {}}\n",
    )
    .unwrap();
    federation.kubectl(&["create", "namespace", "loop"]).unwrap();

    let (differs, said) = round(&federation, &files);
    assert_eq!(differs, Some(1), "everything is new");
    assert_eq!(said.matches("serverside-applied").count(), 4, "{said}");
    federation
        .kubectl(&["-n", "loop", "rollout", "status", "deployment/file", "--timeout=60s"])
        .unwrap();
    // The status comes to rest.
    let settled = eventually("nothing to move by itself", PATIENCE, || {
        let before = versions(&federation);
        federation
            .kubectl(&[
                "-n",
                "loop",
                "wait",
                "--for=condition=Healthy",
                "placements",
                "--all",
                "--timeout=20s",
            ])
            .map_err(|error| error.0)?;
        let after = versions(&federation);
        if before == after {
            Ok(after)
        } else {
            Err(format!("{before:?} became {after:?}"))
        }
    });
    for _ in 0..2 {
        let (differs, said) = round(&federation, &files);
        assert_eq!(differs, Some(0), "{said}");
        assert_eq!(versions(&federation), settled, "{said}");
    }

    // As a set, what leaves the directory leaves the hub.
    apply_set(&federation, &files);
    let settled = versions(&federation);
    apply_set(&federation, &files);
    assert_eq!(versions(&federation), settled);
    std::fs::remove_file(files.join("closed.yaml")).unwrap();
    let said = apply_set(&federation, &files);
    assert!(said.contains("networkpolicy.networking.k8s.io/closed pruned"), "{said}");
    // Somebody's hand is seen, and put right with force.
    federation
        .kubectl(&["-n", "loop", "set", "image", "deployment/file", "c=other:1"])
        .unwrap();
    let mut diff = federation.kubectl_command().unwrap();
    diff.args([
        "-n",
        "loop",
        "diff",
        "--server-side",
        "--force-conflicts",
        "-f",
        &files.display().to_string(),
    ]);
    let differs = e2e::federation::output(diff).unwrap_err().0;
    assert!(differs.contains("image: other:1"), "{differs}");
}
