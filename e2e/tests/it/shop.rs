//! The steps that a stranger does, written once and done against members of any kind.

use std::time::Duration;

use e2e::{Federation, eventually};
use serde_json::Value;

use crate::names;

/// Patience for something that takes well under a second on an idle machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Waits until so many members are ready: they join while the hub takes requests already.
pub(crate) fn until_ready(federation: &Federation, members: usize) {
    eventually("the members to be ready", PATIENCE, || {
        let clusters = federation.kubectl_json(&["get", "clusters"]).map_err(|error| error.0)?;
        let conditions = |cluster: &Value| cluster["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let is_ready = |cluster: &&Value| {
            let is = |one: &Value| one["type"] == "Ready" && one["status"] == "True";
            conditions(cluster).iter().any(is)
        };
        let all = clusters["items"].as_array().cloned().unwrap_or_default();
        let count = all.iter().filter(is_ready).count();
        (count == members).then_some(()).ok_or(format!("{count} of {members}"))
    });
}

/// Four replicas of a Deployment `web`, all ready.
pub(crate) fn four_of_web(federation: &Federation) {
    let create = [
        "create",
        "deployment",
        "web",
        "--image=example.org/web:1",
        "--replicas=4",
    ];
    federation.kubectl(&create).unwrap();
    federation
        .kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"])
        .unwrap();
}

/// Step 1: a real application, by the verbs people use.
pub(crate) fn deploy(federation: &Federation) {
    federation
        .kubectl(&["apply", "--server-side=false", "-f", "examples/shop.yaml"])
        .unwrap();
    for name in [
        "web", "api", "cart", "catalog", "search", "orders", "payments", "mailer", "reviews", "images",
    ] {
        federation
            .kubectl(&[
                "-n",
                "shop",
                "rollout",
                "status",
                &format!("deployment/{name}"),
                "--timeout=90s",
            ])
            .unwrap_or_else(|error| panic!("{error}\n{}", federation.last_words()));
    }
    federation
        .kubectl(&[
            "-n",
            "shop",
            "wait",
            "--for=condition=Available",
            "deployment",
            "--all",
            "--timeout=60s",
        ])
        .unwrap();
    let listed = federation.kubectl(&["-n", "shop", "get", "deploy,svc"]).unwrap();
    assert!(
        listed.contains("deployment.apps/web") && listed.contains("9/9"),
        "{listed}"
    );
    assert!(
        listed.contains("service/web") && listed.contains("LoadBalancer"),
        "{listed}"
    );
    let described = federation
        .kubectl(&["-n", "shop", "describe", "deployment", "web"])
        .unwrap();
    assert!(described.contains("registry.example.com/shop/web:1.4.2"), "{described}");
    let again = federation
        .kubectl(&["apply", "--server-side=false", "-f", "examples/shop.yaml"])
        .unwrap();
    // kubectl itself cannot compare `stringData` with what a server keeps of it, and says "configured" of every Secret.
    assert!(
        again
            .lines()
            .all(|line| line.ends_with("unchanged") || line.starts_with("secret/")),
        "{again}"
    );
}

/// The everyday verbs after the first apply.
pub(crate) fn operate(federation: &Federation) {
    let shop = |words: &[&str]| federation.kubectl(&[&["-n", "shop"], words].concat()).unwrap();
    shop(&["scale", "deployment/web", "--replicas=12"]);
    shop(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    assert_eq!(deployment(federation, "web")["status"]["readyReplicas"], 12);
    shop(&[
        "set",
        "image",
        "deployment/api",
        "api=registry.example.com/shop/api:1.5.0",
    ]);
    shop(&["rollout", "status", "deployment/api", "--timeout=60s"]);
    edit(federation, "deployment/search", "s/search:1.4.2/search:1.4.3/");
    shop(&["rollout", "status", "deployment/search", "--timeout=60s"]);
    let image = shop(&[
        "get",
        "deployment",
        "search",
        "-o",
        "jsonpath={.spec.template.spec.containers[0].image}",
    ]);
    assert_eq!(image, "registry.example.com/shop/search:1.4.3");
    let watched = federation.kubectl(&[
        "-n",
        "shop",
        "get",
        "deployment",
        "search",
        "-w",
        "--request-timeout=3s",
    ]);
    let watched = watched.unwrap_or_else(|error| error.0);
    assert!(watched.contains("search") && watched.contains("3/3"), "{watched}");
    shop(&["label", "deployment", "cart", "owner=checkout"]);
    assert!(shop(&["get", "deploy", "-l", "owner=checkout", "-o", "name"]).contains("deployment.apps/cart"));
    shop(&["delete", "deployment,service", "reviews", "--timeout=60s"]);
    let gone = federation
        .kubectl(&["-n", "shop", "get", "deployment", "reviews"])
        .unwrap_err();
    assert!(gone.0.contains("NotFound"), "{gone}");
    eventually(
        "the placement of the deleted Deployment to go",
        PATIENCE,
        || match federation.kubectl(&["-n", "shop", "get", "placement", "deployment-reviews"]) {
            Ok(text) => Err(text),
            Err(_) => Ok(()),
        },
    );
    let table = shop(&["get", "deploy", "-o", "wide"]);
    assert!(table.contains("CONTAINERS") && table.contains("api:1.5.0"), "{table}");
}

/// `kubectl edit` with sed as the editor.
fn edit(federation: &Federation, what: &str, script: &str) {
    let mut command = federation.kubectl_command().unwrap();
    command
        .args(["-n", "shop", "edit", what])
        .env("KUBE_EDITOR", format!("sed -i {script}"));
    let said = e2e::federation::output(command).unwrap();
    assert!(said.contains("edited"), "{said}");
}

/// Step 2: where it is and why.
pub(crate) fn explain(federation: &Federation, clusters: &[&str]) {
    let table = federation.kubectl(&["-n", "shop", "get", "placements"]).unwrap();
    assert!(table.contains("deployment-web"), "{table}");
    let text = federation
        .command(&["explain", "placement", "deployment", "web", "-n", "shop"])
        .unwrap();
    for cluster in clusters {
        assert!(text.contains(cluster), "{text}");
    }
    assert!(text.contains("12 replicas in 3 of 3 clusters"), "{text}");
    let placement = federation
        .kubectl_json(&["-n", "shop", "get", "placement", "deployment-web"])
        .unwrap();
    let mut shares: Vec<(String, i64)> = placement["spec"]["clusters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["name"].as_str().unwrap().to_owned(), c["replicas"].as_i64().unwrap()))
        .collect();
    shares.sort();
    let mut wanted: Vec<(String, i64)> = clusters.iter().map(|c| ((*c).to_owned(), 4)).collect();
    wanted.sort();
    assert_eq!(shares, wanted);
}

/// A Deployment of the shop.
pub(crate) fn deployment(federation: &Federation, name: &str) -> Value {
    federation
        .kubectl_json(&["-n", "shop", "get", "deployment", name])
        .unwrap()
}

/// All steps that do not need to know what the members are.
pub(crate) fn walk(federation: &Federation) {
    deploy(federation);
    operate(federation);
    explain(federation, &["us-1", "eu-1", "ap-1"]);
    names::regions_differ(federation);
    names::all_rows(federation);
    user_objects_stay_the_users(federation);
}

/// Nothing of ours stands in an object that a user wrote.
fn user_objects_stay_the_users(federation: &Federation) {
    for kind in ["deployment", "service", "configmap", "secret", "serviceaccount"] {
        let list = federation.kubectl_json(&["-n", "shop", "get", kind]).unwrap();
        for item in list["items"].as_array().unwrap() {
            let metadata = &item["metadata"];
            for part in ["labels", "annotations", "finalizers", "ownerReferences"] {
                assert!(!metadata[part].to_string().contains("meridian"), "{kind}: {metadata}");
            }
        }
    }
}
