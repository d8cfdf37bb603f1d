//! Joining and leaving: what is found out before, and what is left behind.

use e2e::{Federation, eventually};

use crate::shop::{self, PATIENCE};

#[test]
fn join_says_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let federation = Federation::start(dir.path(), 1).unwrap();
    let join = |name: &str, file: &std::path::Path| {
        federation
            .command(&["join", name, "--kubeconfig", &file.display().to_string()])
            .unwrap_err()
            .0
    };
    let missing = dir.path().join("missing");
    let said = join("eu-9", &missing);
    assert!(said.contains("missing"), "{said}");
    let garbage = dir.path().join("garbage");
    std::fs::write(&garbage, "this: is: no kubeconfig").unwrap();
    let said = join("eu-9", &garbage);
    assert!(said.contains("garbage") && said.contains("next:"), "{said}");
    let dead = dir.path().join("dead");
    let port = e2e::ports::free(1).unwrap()[0];
    std::fs::write(
        &dead,
        format!(
            r#"{{"apiVersion":"v1","kind":"Config","current-context":"c","contexts":[{{"name":"c","context":{{"cluster":"c","user":"c"}}}}],
            "clusters":[{{"name":"c","cluster":{{"server":"https://127.0.0.1:{port}"}}}}],"users":[{{"name":"c","user":{{"token":"t"}}}}]}}"#
        ),
    )
    .unwrap();
    let said = join("eu-9", &dead);
    assert!(said.contains("eu-9") && said.contains(&port.to_string()), "{said}");
    let said = join("Not_A_Name", &dead);
    assert!(said.contains("Not_A_Name"), "{said}");
    assert!(
        !federation.kubectl(&["get", "clusters"]).unwrap().contains("eu-9"),
        "a failed join leaves nothing"
    );
}

#[test]
fn unjoin_takes_everything_back() {
    let dir = tempfile::tempdir().unwrap();
    let federation = Federation::start(dir.path(), 2).unwrap();
    federation
        .kubectl(&["apply", "--server-side=false", "-f", "examples/hello.yaml"])
        .unwrap();
    federation
        .kubectl(&["rollout", "status", "deployment/hello", "--timeout=60s"])
        .unwrap();
    let held = || {
        let kubeconfig = federation.data_dir().join("kubeconfig").display().to_string();
        federation.kubectl(&[
            "--kubeconfig",
            &kubeconfig,
            "--context",
            "eu-1",
            "get",
            "deployment,service",
            "-o",
            "name",
            "-l",
            "federation.meridian.dev/managed=true",
        ])
    };
    assert!(held().unwrap().contains("deployment.apps/hello"));
    let said = federation.command(&["unjoin", "eu-1"]).unwrap();
    assert!(said.contains("cluster/eu-1 unjoined"), "{said}");
    assert_eq!(held().unwrap().trim(), "", "nothing of ours is left in the member");
    eventually("all replicas in the member that is left", PATIENCE, || {
        let placement = federation
            .kubectl_json(&["get", "placement", "deployment-hello"])
            .map_err(|error| error.0)?;
        let clusters = &placement["spec"]["clusters"];
        if clusters.as_array().is_some_and(|c| c.len() == 1) && clusters[0]["replicas"] == 6 {
            Ok(())
        } else {
            Err(clusters.to_string())
        }
    });
}

#[test]
fn a_member_may_keep_what_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let federation = Federation::start(dir.path(), 2).unwrap();
    shop::four_of_web(&federation);
    let kubeconfig = federation.data_dir().join("kubeconfig").display().to_string();
    let there = || {
        let words = [
            "--kubeconfig",
            &kubeconfig,
            "--context",
            "eu-1",
            "get",
            "deployment",
            "web",
        ];
        federation.kubectl_json(&words).unwrap()
    };
    let before = there();
    federation.command(&["unjoin", "eu-1", "--keep"]).unwrap();
    let after = there();
    assert_eq!(
        (&before["metadata"]["uid"], &before["spec"]),
        (&after["metadata"]["uid"], &after["spec"])
    );
    assert!(
        before["metadata"]
            .to_string()
            .contains("federation.meridian.dev/managed")
    );
    let metadata = &after["metadata"];
    assert!(
        metadata
            .get("labels")
            .is_none_or(|labels| !labels.to_string().contains("meridian.dev")),
        "{metadata}"
    );
    let annotations = metadata.get("annotations");
    assert!(
        annotations.is_none_or(|all| !all.to_string().contains("meridian.dev")),
        "{metadata}"
    );
}

#[test]
fn a_member_belongs_to_one_federation() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let first = Federation::start(dirs[0].path(), 1).unwrap();
    let second = Federation::start(dirs[1].path(), 0).unwrap();
    let kubeconfig = first.data_dir().join("kubeconfig").display().to_string();
    let join = ["join", "theirs", "--kubeconfig", &kubeconfig, "--context", "us-1"];
    let refused = second.command(&join).unwrap_err().0;
    assert!(
        refused.contains("another federation") && refused.contains("--repair"),
        "{refused}"
    );
    assert!(!second.kubectl(&["get", "clusters"]).unwrap().contains("theirs"));

    // By force it changes hands; the first federation sees that and leaves it alone.
    second.command(&[&join[..], &["--repair"]].concat()).unwrap();
    second
        .kubectl(&["wait", "--for=condition=Ready", "cluster/theirs", "--timeout=60s"])
        .unwrap();
    eventually("the first federation lets go", PATIENCE, || {
        let cluster = first
            .kubectl(&["get", "cluster", "us-1", "-o", "yaml"])
            .map_err(|error| error.0)?;
        match cluster.contains("another federation") {
            true => Ok(()),
            false => Err(cluster),
        }
    });

    // Once it is let go, it is free.
    second.command(&["unjoin", "theirs"]).unwrap();
    let mark = first
        .kubectl(&[
            "--kubeconfig",
            &kubeconfig,
            "--context",
            "us-1",
            "get",
            "namespace",
            "kube-system",
            "-o",
            "jsonpath={.metadata.annotations}",
        ])
        .unwrap();
    assert!(!mark.contains("federation.meridian.dev/federation"), "{mark}");
}
