//! CustomResourceDefinitions and custom objects, from the hub into members and out again.

use std::process::Command;

use e2e::federation::output;
use e2e::{ControlPlane, Failure, Federation, eventually, tools};

use crate::shop::PATIENCE;

const NIGHTLY: &str = "apiVersion: stable.example.com/v1\nkind: CronTab\nmetadata: {name: nightly, namespace: jobs}\n\
                       spec: {cronSpec: \"0 3 * * *\"}\n";
const WRONG: &str = "apiVersion: stable.example.com/v1\nkind: CronTab\nmetadata: {name: wrong, namespace: jobs}\n\
                     spec: {cronSpec: hourly, replicas: 11}\n";

/// Runs kubectl against one member.
type Member<'a> = &'a dyn Fn(&[&str]) -> Result<String, Failure>;

/// What a user does with a definition, and what members show of it.
fn walk(federation: &Federation, dir: &std::path::Path, members: &[Member<'_>]) {
    let file = |name: &str, text: &str| {
        let path = dir.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let hub = |words: &[&str]| federation.kubectl(words).unwrap();
    hub(&["create", "namespace", "jobs"]);
    hub(&["apply", "-f", "examples/crontab.yaml"]);
    // kubectl gives up at once on a definition that has no conditions yet, on any server.
    eventually("an established definition", PATIENCE, || {
        let wait = [
            "wait",
            "--for=condition=Established",
            "crd/crontabs.stable.example.com",
            "--timeout=30s",
        ];
        federation.kubectl(&wait).map_err(|error| error.0)
    });
    let explained = hub(&["explain", "crontab.spec.replicas"]);
    assert!(explained.contains("How many run at a time."), "{explained}");
    let refused = federation
        .kubectl(&["apply", "-f", &file("wrong.yaml", WRONG)])
        .unwrap_err()
        .0;
    for fault in [
        "spec.cronSpec in body should match",
        "spec.replicas in body should be less than or equal to 10",
    ] {
        assert!(refused.contains(fault), "{refused}");
    }
    hub(&["apply", "--server-side", "-f", &file("nightly.yaml", NIGHTLY)]);
    let table = hub(&["-n", "jobs", "get", "ct"]);
    assert!(table.contains("SPEC") && table.contains("0 3 * * *"), "{table}");

    let replicas = [
        "-n",
        "jobs",
        "get",
        "crontab",
        "nightly",
        "-o",
        "jsonpath={.spec.replicas}",
    ];
    let everywhere = |what: &str, look: &dyn Fn(Member<'_>) -> Result<(), String>| {
        eventually(what, PATIENCE, || members.iter().try_for_each(|member| look(member)));
    };
    let shows = |wanted: &'static str| {
        move |member: Member<'_>| match member(&replicas) {
            Ok(found) if found == wanted => Ok(()),
            Ok(found) => Err(format!("replicas {found}")),
            Err(error) => Err(error.0),
        }
    };
    everywhere("the custom object in every member", &shows("2"));
    hub(&[
        "-n",
        "jobs",
        "patch",
        "crontab",
        "nightly",
        "--type=merge",
        "-p",
        r#"{"spec":{"replicas":5}}"#,
    ]);
    everywhere("the change in every member", &shows("5"));
    hub(&[
        "-n",
        "jobs",
        "wait",
        "--for=condition=Applied",
        "placement/crontab.stable.example.com-nightly",
        "--timeout=60s",
    ]);
    // Drift of a custom object is put back like any other.
    members[0](&[
        "-n",
        "jobs",
        "patch",
        "crontab",
        "nightly",
        "--type=merge",
        "-p",
        r#"{"spec":{"replicas":1}}"#,
    ])
    .unwrap();
    everywhere("the drift corrected", &shows("5"));
    // Somebody works in the first member with the kind as well.
    let local = file("local.yaml", &NIGHTLY.replace("nightly", "local"));
    members[0](&["apply", "-f", &local]).unwrap();

    hub(&["delete", "crd", "crontabs.stable.example.com", "--timeout=60s"]);
    let gone = federation.kubectl(&["-n", "jobs", "get", "crontabs"]).unwrap_err().0;
    // By what kubectl remembers of the hub, it says the one or the other.
    let words = [
        "the server doesn't have a resource type",
        "could not find the requested resource",
    ];
    assert!(words.iter().any(|word| gone.contains(word)), "{gone}");
    eventually("every Placement gone", PATIENCE, || {
        let left = federation.kubectl(&["get", "placements", "-A", "-o", "name"]).unwrap();
        if left.contains("crontab") { Err(left) } else { Ok(()) }
    });
    let kept = members[0](&["-n", "jobs", "get", "crontabs", "-o", "name"]).unwrap();
    assert_eq!(
        kept.trim(),
        "crontab.stable.example.com/local",
        "what others made in a member stays, and its definition too"
    );
    for member in &members[1..] {
        let gone = member(&["get", "crd", "crontabs.stable.example.com"]).unwrap_err().0;
        assert!(gone.contains("NotFound"), "{gone}");
    }
    hub(&["delete", "namespace", "jobs", "--timeout=60s"]);
}

#[test]
fn definitions_in_simulated_members() {
    let dir = tempfile::tempdir().unwrap();
    let federation = Federation::start(dir.path(), 2).unwrap();
    let member = |context: &'static str| {
        let kubeconfig = federation.data_dir().join("kubeconfig");
        move |words: &[&str]| {
            let mut command = Command::new(tools::cached("kubectl").unwrap());
            command
                .arg("--kubeconfig")
                .arg(&kubeconfig)
                .args(["--context", context])
                .args(words);
            output(command)
        }
    };
    let (us, eu) = (member("us-1"), member("eu-1"));
    walk(&federation, dir.path(), &[&us, &eu]);
}

/// As above, in real control planes.
pub(crate) fn walk_in_planes(federation: &Federation, dir: &std::path::Path, planes: &[ControlPlane]) {
    let members: Vec<_> = planes
        .iter()
        .map(|plane| |words: &[&str]| plane.kubectl(words))
        .collect();
    let members: Vec<Member<'_>> = members.iter().map(|member| member as Member<'_>).collect();
    walk(federation, dir, &members);
}
