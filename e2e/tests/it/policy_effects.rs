//! When policies take effect, and on what: suspended members, lazy policies, what pods need, expressions.

use std::path::Path;

use e2e::{Federation, eventually};
use serde_json::{Value, json};

use crate::shop::{PATIENCE, until_ready};

fn apply(federation: &Federation, dir: &Path, objects: &[Value]) {
    let file = dir.join("objects.json");
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    std::fs::write(&file, list.to_string()).unwrap();
    federation
        .kubectl(&["apply", "-f", &file.display().to_string()])
        .unwrap();
}

fn policy(name: &str, selector: Value, spec: Value) -> Value {
    let mut policy = json!({"apiVersion": "federation.meridian.dev/v1alpha1", "kind": "PropagationPolicy",
        "metadata": {"name": name, "namespace": "default"}, "spec": {"resourceSelectors": [selector]}});
    let fields = spec.as_object().cloned().unwrap_or_default();
    policy["spec"].as_object_mut().unwrap().extend(fields);
    policy
}

fn deployment(name: &str, replicas: i64) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "default"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "c", "image": "example.com/c:1", "envFrom": [
                {"configMapRef": {"name": format!("{name}-env"), "optional": true}}]}]}}}})
}

fn only(clusters: &[&str]) -> Value {
    json!({"clusterAffinity": {"clusterNames": clusters}, "replicaScheduling": {"replicaSchedulingType": "Duplicated"}})
}

fn named(name: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": name})
}

/// Waits until an object is in exactly these members.
fn is_in(federation: &Federation, what: &str, object: [&str; 2], members: &[&str]) {
    eventually(what, PATIENCE, || {
        let holds = |member: &&str| {
            federation
                .kubectl(&["--context", member, "get", object[0], object[1]])
                .is_ok()
        };
        let found: Vec<&str> = ["ap-1", "eu-1", "us-1"].into_iter().filter(holds).collect();
        if found == members {
            Ok(())
        } else {
            Err(format!("{object:?} is in {found:?}"))
        }
    });
}

fn condition(federation: &Federation, name: &str) -> Result<(String, String), String> {
    let path =
        "jsonpath={.status.conditions[?(@.type==\"Applied\")].reason} {.status.clusters[?(@.name==\"eu-1\")].error}";
    let placement = format!("deployment-{name}");
    let text = federation
        .kubectl(&["get", "placement", &placement, "-o", path])
        .map_err(|error| error.0)?;
    let (reason, error) = text.split_once(' ').unwrap_or((&text, ""));
    Ok((reason.to_owned(), error.to_owned()))
}

fn image(federation: &Federation, member: &str, name: &str) -> String {
    let path = "jsonpath={.spec.template.spec.containers[0].image}";
    federation
        .kubectl(&["--context", member, "get", "deployment", name, "-o", path])
        .unwrap_or_default()
}

#[test]
fn policies_suspend_wait_take_along_and_judge() {
    let dir = tempfile::tempdir().unwrap();
    let federation = Federation::start(dir.path(), 3).unwrap();
    let members = ["ap-1", "eu-1", "us-1"];

    until_ready(&federation, 3);

    // A suspended member is told nothing: neither changes nor removals.
    let suspended =
        json!({"placement": only(&members), "suspension": {"dispatchingOnClusters": {"clusterNames": ["eu-1"]}}});
    apply(
        &federation,
        dir.path(),
        &[
            policy("calm", named("calm"), json!({"placement": only(&members)})),
            deployment("calm", 1),
        ],
    );
    is_in(&federation, "it is everywhere", ["deployment", "calm"], &members);
    apply(
        &federation,
        dir.path(),
        &[policy("calm", named("calm"), suspended.clone())],
    );
    eventually("the suspension is told", PATIENCE, || {
        match condition(&federation, "calm")? {
            (reason, error) if reason == "Suspended" && error.contains("PropagationPolicy default/calm") => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    federation
        .kubectl(&["set", "image", "deployment/calm", "c=example.com/c:2"])
        .unwrap();
    eventually("the others are told", PATIENCE, || {
        let images: Vec<String> = ["ap-1", "us-1"]
            .iter()
            .map(|member| image(&federation, member, "calm"))
            .collect();
        if images.iter().all(|image| image.ends_with(":2")) {
            Ok(())
        } else {
            Err(format!("{images:?}"))
        }
    });
    assert!(image(&federation, "eu-1", "calm").ends_with(":1"));
    apply(
        &federation,
        dir.path(),
        &[policy("calm", named("calm"), json!({"placement": only(&members)}))],
    );
    eventually("it goes on", PATIENCE, || {
        let image = image(&federation, "eu-1", "calm");
        if image.ends_with(":2") { Ok(()) } else { Err(image) }
    });

    // A lazy policy waits for an edit of the object.
    let lazy = |clusters: &[&str]| {
        policy(
            "lazy",
            named("lazy"),
            json!({"activationPreference": "Lazy", "placement": only(clusters)}),
        )
    };
    apply(&federation, dir.path(), &[lazy(&["eu-1"]), deployment("lazy", 1)]);
    is_in(
        &federation,
        "it is where the policy says",
        ["deployment", "lazy"],
        &["eu-1"],
    );
    apply(&federation, dir.path(), &[lazy(&["us-1"])]);
    eventually("the edit is seen and waits", PATIENCE, || {
        let steps = federation
            .kubectl(&["get", "placement", "deployment-lazy", "-o", "jsonpath={.spec.steps}"])
            .map_err(|error| error.0)?;
        if steps.contains("counts once the object is edited") {
            Ok(())
        } else {
            Err(steps)
        }
    });
    is_in(&federation, "nothing moved", ["deployment", "lazy"], &["eu-1"]);
    federation
        .kubectl(&["label", "deployment", "lazy", "touched=yes"])
        .unwrap();
    is_in(&federation, "the edit brings it", ["deployment", "lazy"], &["us-1"]);

    // What pods need goes along.
    let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "along-env", "namespace": "default"}, "data": {"A": "b"}});
    let along = json!({"propagateDeps": true, "placement": only(&["ap-1"])});
    apply(
        &federation,
        dir.path(),
        &[policy("along", named("along"), along), deployment("along", 1), config],
    );
    is_in(
        &federation,
        "what it needs is where it is",
        ["configmap", "along-env"],
        &["ap-1"],
    );

    // Policies for what an expression says.
    let many = json!({"apiVersion": "apps/v1", "kind": "Deployment", "matchExpression": "object.spec.replicas >= 5"});
    apply(
        &federation,
        dir.path(),
        &[
            policy("many", many, json!({"placement": only(&["us-1"])})),
            deployment("large", 5),
            deployment("small", 3),
        ],
    );
    is_in(
        &federation,
        "many replicas are in one",
        ["deployment", "large"],
        &["us-1"],
    );
    is_in(&federation, "few are by default", ["deployment", "small"], &members);
    federation
        .kubectl(&["scale", "deployment", "small", "--replicas=6"])
        .unwrap();
    is_in(&federation, "and then are many", ["deployment", "small"], &["us-1"]);
    // A workload that cannot start in one member leaves it; the two others are well.
    let failover = json!({"failover": {"application": {"decisionConditions": {"tolerationSeconds": 3}}}});
    let broken = json!({"apiVersion": "federation.meridian.dev/v1alpha1", "kind": "OverridePolicy",
        "metadata": {"name": "sick", "namespace": "default"}, "spec": {"resourceSelectors": [named("sick")], "overrideRules": [{
            "targetCluster": {"clusterNames": ["eu-1"]}, "overriders": {"imageOverrider": [
                {"component": "Registry", "operator": "replace", "value": "registry.invalid"}]}}]}});
    apply(
        &federation,
        dir.path(),
        &[policy("sick", named("sick"), failover), broken, deployment("sick", 6)],
    );
    eventually("it leaves where it is unwell", PATIENCE, || {
        let path = "jsonpath={.spec.clusters[*].name} {.spec.clusters[*].replicas} {.spec.excluded[*].reason} {.spec.ailing[*].name}";
        let words = ["get", "placement", "deployment-sick", "-o", path];
        let told = federation.kubectl(&words).map_err(|error| error.0)?;
        if told == "ap-1 us-1 3 3 WorkloadUnwell eu-1" {
            Ok(())
        } else {
            Err(told)
        }
    });
    is_in(
        &federation,
        "and its copy goes",
        ["deployment", "sick"],
        &["ap-1", "us-1"],
    );
    let wrong = json!({"apiVersion": "apps/v1", "kind": "Deployment", "matchExpression": "object.spec.replicas >="});
    let file = dir.path().join("wrong.json");
    std::fs::write(&file, policy("wrong", wrong, json!({})).to_string()).unwrap();
    let refused = federation
        .kubectl(&["apply", "-f", &file.display().to_string()])
        .unwrap_err();
    assert!(
        refused.0.contains("spec.resourceSelectors[0].matchExpression"),
        "{}",
        refused.0
    );
}
