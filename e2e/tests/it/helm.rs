//! Helm 3 and Helm 4 with a chart that they make themselves, from its installation to its removal, seen in the members.

use std::path::Path;
use std::process::Command;

use e2e::federation::output;
use e2e::{Federation, eventually, tools};

use crate::shop::PATIENCE;

/// Every step of one Helm, in a namespace of its own.
fn walk(federation: &Federation, dir: &Path, program: &str) {
    let home = dir.join(program);
    std::fs::create_dir_all(&home).unwrap();
    let helm = |words: &[&str]| {
        let mut command = Command::new(tools::cached(program).unwrap());
        command
            .env("KUBECONFIG", federation.data_dir().join("kubeconfig"))
            .env("HELM_KUBECONTEXT", "federation")
            .env("HELM_NAMESPACE", program)
            .env("HOME", &home)
            .env_remove("XDG_CACHE_HOME")
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_DATA_HOME")
            .current_dir(&home)
            .args(words);
        output(command).unwrap()
    };
    let member = |context: &str, words: &[&str]| {
        let mut command = federation.kubectl_command().unwrap();
        command.args(["--context", context, "-n", program]).args(words);
        output(command)
    };
    let replicas_everywhere = |wanted: i64| {
        eventually("the replicas in both members", PATIENCE, || {
            let mut all = 0;
            for context in ["us-1", "eu-1"] {
                let found = member(
                    context,
                    &["get", "deployment", "web-shop", "-o", "jsonpath={.spec.replicas}"],
                );
                all += found.unwrap_or_default().parse::<i64>().unwrap_or_default();
            }
            if all == wanted {
                Ok(())
            } else {
                Err(format!("{all} replicas"))
            }
        });
    };

    helm(&["create", "shop"]);
    let made = helm(&[
        "install",
        "web",
        "./shop",
        "--create-namespace",
        "--set",
        "replicaCount=2",
        "--wait",
        "--timeout=60s",
    ]);
    assert!(made.contains("STATUS: deployed"), "{made}");
    // It waited: nobody has to wait after it.
    let ready = federation
        .kubectl(&[
            "-n",
            program,
            "get",
            "deployment",
            "web-shop",
            "-o",
            "jsonpath={.status.readyReplicas}",
        ])
        .unwrap();
    assert_eq!(ready, "2");
    replicas_everywhere(2);
    let tested = helm(&["test", "web", "--timeout=60s"]);
    assert!(tested.contains("Succeeded"), "{tested}");
    helm(&[
        "upgrade",
        "web",
        "./shop",
        "--set",
        "replicaCount=4",
        "--set",
        "image.tag=next",
        "--wait",
        "--timeout=60s",
    ]);
    replicas_everywhere(4);
    let history = helm(&["history", "web"]);
    assert!(
        history.contains("superseded") && history.contains("deployed"),
        "{history}"
    );
    helm(&["rollback", "web", "1", "--wait", "--timeout=60s"]);
    replicas_everywhere(2);
    let listed = helm(&["list"]);
    assert!(listed.contains("web") && listed.contains("deployed"), "{listed}");
    let status = helm(&["status", "web"]);
    assert!(status.contains("REVISION: 3"), "{status}");

    // What Helm remembers is the hub's alone.
    let releases = [
        "get",
        "secrets",
        "--field-selector=type=helm.sh/release.v1",
        "-o",
        "name",
    ];
    let kept = federation.kubectl(&[&["-n", program], &releases[..]].concat()).unwrap();
    assert_eq!(kept.lines().count(), 3, "{kept}");
    for context in ["us-1", "eu-1"] {
        assert_eq!(member(context, &releases).unwrap(), "");
    }

    helm(&["uninstall", "web", "--wait", "--timeout=60s"]);
    eventually("the chart gone from the members", PATIENCE, || {
        for context in ["us-1", "eu-1"] {
            let left = member(context, &["get", "deployments,services", "-o", "name"]).map_err(|error| error.0)?;
            if !left.is_empty() {
                return Err(left);
            }
        }
        Ok(())
    });
}

#[test]
fn charts_go_through_both_helms() {
    let dir = tempfile::tempdir().unwrap();
    let federation = Federation::start(dir.path(), 2).unwrap();
    std::thread::scope(|scope| {
        for program in ["helm3", "helm4"] {
            scope.spawn(|| walk(&federation, dir.path(), program));
        }
    });
}
