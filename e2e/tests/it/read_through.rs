//! Pods and nodes of members by plain kubectl on the hub: lists, logs, commands, and what is said when a member is away.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use e2e::federation::output;
use e2e::{Federation, eventually, tools};
use serde_json::Value;

use crate::shop::PATIENCE;

const CLUSTER: &str = "federation.meridian.dev/cluster";

fn names(list: &Value) -> Vec<(String, String)> {
    let items = list["items"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    items
        .iter()
        .map(|pod| {
            let labels = &pod["metadata"]["labels"];
            (text(&pod["metadata"]["name"]), text(&labels[CLUSTER]))
        })
        .collect()
}

/// What a container hears by `attach` it says again.
fn attach(federation: &Federation, name: &str) {
    let mut command = federation.kubectl_command().unwrap();
    command.args(["-n", "shop", "attach", "-i", name]);
    let mut attached = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = attached.stdin.take().unwrap();
    input.write_all(b"is anybody there?\n").unwrap();
    let mut said = String::new();
    let mut output = BufReader::new(attached.stdout.take().unwrap());
    output.read_line(&mut said).unwrap();
    assert_eq!(said, "is anybody there?\n");
    drop(input);
    attached.wait().unwrap();
}

/// A file from a container, and one into it.
fn copy(federation: &Federation, name: &str) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("hostname").display().to_string();
    let there = format!("shop/{name}:/etc/hostname");
    federation.kubectl(&["cp", &there, &file]).unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{name}\n"));
    // The container says so where what it gets is no archive, or not all of it.
    let large = dir.path().join("large").display().to_string();
    std::fs::write(&large, "0123456789abcdef".repeat(20_000)).unwrap();
    federation
        .kubectl(&["cp", &large, &format!("shop/{name}:/tmp/large")])
        .unwrap();
}

/// The shop's Pods as the hub shows them, against what one member says itself in its own kubeconfig's context.
pub(crate) fn walk(federation: &Federation, member: &str, kubeconfig: &Path) {
    let web = ["-n", "shop", "get", "pods", "-l", "app=web"];
    let list = eventually("twelve ready Pods of web", PATIENCE, || {
        let list = federation.kubectl_json(&web).map_err(|error| error.0)?;
        let ready = |pod: &&Value| pod["status"]["phase"] == "Running";
        let ready = list["items"]
            .as_array()
            .map_or(0, |pods| pods.iter().filter(ready).count());
        if ready == 12 {
            Ok(list)
        } else {
            Err(format!("{ready} run"))
        }
    });
    let all = names(&list);
    // Each as its member calls it.
    let mut command = Command::new(tools::cached("kubectl").unwrap());
    command.arg("--kubeconfig").arg(kubeconfig).args(["--context", member]);
    command.args(web).args(["-o", "name"]);
    let theirs = output(command).unwrap();
    let mut theirs: Vec<&str> = theirs.lines().filter_map(|line| line.strip_prefix("pod/")).collect();
    let here = all.iter().filter(|(_, cluster)| cluster == member);
    let mut ours: Vec<&str> = here.map(|(name, _)| name.as_str()).collect();
    theirs.sort_unstable();
    ours.sort_unstable();
    assert_eq!(ours, theirs);
    // Chosen by cluster, as a table with its column.
    let selector = format!("app=web,{CLUSTER}={member}");
    let table = federation
        .kubectl(&["-n", "shop", "get", "pods", "-l", &selector])
        .unwrap();
    let mut lines = table.lines();
    let head: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
    assert_eq!(head, ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "CLUSTER"]);
    assert_eq!(lines.clone().count(), theirs.len());
    assert!(lines.all(|line| line.ends_with(member)), "{table}");
    let nodes = federation.kubectl(&["get", "nodes"]).unwrap();
    assert!(
        nodes.lines().next().unwrap().ends_with("CLUSTER") && nodes.lines().count() == 4,
        "{nodes}"
    );
    // One by its name, and a field of it.
    let (name, cluster) = &all[0];
    let one = federation.kubectl_json(&["-n", "shop", "get", "pod", name]).unwrap();
    assert_eq!(one["metadata"]["labels"][CLUSTER].as_str(), Some(cluster.as_str()));
    let field = format!("--field-selector=metadata.name={name}");
    let found = federation.kubectl_json(&["-n", "shop", "get", "pods", &field]).unwrap();
    assert_eq!(names(&found), [(name.clone(), cluster.clone())]);
    let error = federation
        .kubectl(&["-n", "shop", "get", "pod", "nobody"])
        .unwrap_err()
        .0;
    assert!(error.contains("(NotFound): pods \"nobody\" not found"), "{error}");
    // Namespaces that each cluster has for itself stay there.
    let everywhere = federation.kubectl_json(&["get", "pods", "-A"]).unwrap();
    let system = |pod: &Value| pod["metadata"]["namespace"].as_str().unwrap().starts_with("kube-");
    assert!(!everywhere["items"].as_array().unwrap().iter().any(system));
    // Logs: of a Pod, of a workload, the last line of it.
    let logs = federation.kubectl(&["-n", "shop", "logs", name]).unwrap();
    assert!(
        logs.starts_with(&format!("{name}: ")) && logs.contains(&format!("simulated in {cluster}")),
        "{logs}"
    );
    let last = federation
        .kubectl(&["-n", "shop", "logs", "deployment/web", "--tail=1"])
        .unwrap();
    assert!(last.contains(": ready at 10."), "{last}");
    follow(federation, name, &logs);
    attach(federation, name);
    copy(federation, name);
    // A Pod that is deleted is deleted in its cluster, where another takes its place; a watch tells both.
    let mut watch = federation.kubectl_command().unwrap();
    watch.args([
        "-n",
        "shop",
        "get",
        "pods",
        "-l",
        "app=web",
        "-w",
        "--output-watch-events",
    ]);
    let mut watch = watch.stdout(Stdio::piped()).spawn().unwrap();
    let mut events = BufReader::new(watch.stdout.take().unwrap()).lines();
    let begun: Vec<String> = events.by_ref().take(13).map(Result::unwrap).collect();
    assert!(
        begun[0].contains("CLUSTER") && begun[1..].iter().all(|line| line.starts_with("ADDED")),
        "{begun:?}"
    );
    federation
        .kubectl(&[
            "-n",
            "shop",
            "delete",
            "pod",
            name,
            "--wait=false",
            "--grace-period=0",
            "--force",
        ])
        .unwrap();
    let (mut gone, mut fresh) = (false, false);
    while !(gone && fresh) {
        let line = events.next().unwrap().unwrap();
        gone |= line.starts_with("DELETED") && line.contains(name.as_str());
        fresh |= line.starts_with("ADDED") && line.contains(cluster.as_str());
    }
    watch.kill().unwrap();
    watch.wait().unwrap();
}

/// Followed logs stay open after the last line.
fn follow(federation: &Federation, pod: &str, logs: &str) {
    let mut command = federation.kubectl_command().unwrap();
    command.args(["-n", "shop", "logs", "-f", pod]);
    let mut follow = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    let lines: Vec<String> = lines.take(logs.lines().count()).map(Result::unwrap).collect();
    assert_eq!(lines, logs.lines().collect::<Vec<_>>());
    assert!(follow.try_wait().unwrap().is_none(), "it follows on");
    follow.kill().unwrap();
    follow.wait().unwrap();
}

/// Commands in Pods: what they print and read, and how they end.
pub(crate) fn commands(federation: &Federation) {
    let list = federation
        .kubectl_json(&["-n", "shop", "get", "pods", "-l", "app=web"])
        .unwrap();
    let (name, cluster) = names(&list).swap_remove(0);
    let exec = |words: &[&str]| federation.kubectl(&[&["-n", "shop", "exec", &name, "--"], words].concat());
    assert_eq!(exec(&["hostname"]).unwrap().trim(), name);
    assert_eq!(exec(&["printenv", "SIMULATED_CLUSTER"]).unwrap().trim(), cluster);
    let error = exec(&["sh", "-c", "exit 3"]).unwrap_err().0;
    assert!(error.contains("exit code 3"), "{error}");
    // Standard input goes there and comes back.
    let mut command = federation.kubectl_command().unwrap();
    command.args(["-n", "shop", "exec", "-i", &name, "--", "cat"]);
    let mut cat = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let text = "line\n".repeat(20_000);
    let mut to = cat.stdin.take().unwrap();
    let sent = text.clone();
    let writing = std::thread::spawn(move || to.write_all(sent.as_bytes()).unwrap());
    let back = cat.wait_with_output().unwrap();
    writing.join().unwrap();
    assert!(
        back.status.success() && back.stdout == text.as_bytes(),
        "{} bytes",
        back.stdout.len()
    );
}

/// Without one member the others' Pods are shown, and the missing ones are told of.
pub(crate) fn one_member_away(federation: &Federation) {
    federation
        .command(&["simulate", "fail", "ap-1", "--what", "api"])
        .unwrap();
    let pods = |words: &[&str]| {
        let mut command = federation.kubectl_command().unwrap();
        command
            .args(["-n", "shop", "get", "pods", "-l", "app=web", "-o", "name"])
            .args(words);
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{}", text(&output.stderr));
        (text(&output.stdout).lines().count(), text(&output.stderr))
    };
    eventually("eight Pods and a warning", PATIENCE, || {
        let (count, warnings) = pods(&[]);
        if count == 8 && warnings.contains("Warning: cluster ap-1") {
            Ok(())
        } else {
            Err(format!("{count} Pods; {warnings}"))
        }
    });
    let error = federation
        .kubectl(&["-n", "shop", "get", "pod", "nobody"])
        .unwrap_err()
        .0;
    assert!(
        error.contains("ServiceUnavailable") && error.contains("ap-1"),
        "{error}"
    );
    federation.command(&["simulate", "recover", "ap-1"]).unwrap();
    eventually("all Pods again", PATIENCE, || match pods(&[]) {
        (12, warnings) if warnings.is_empty() => Ok(()),
        other => Err(format!("{other:?}")),
    });
}
