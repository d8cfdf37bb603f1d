//! What goes down to a member, field by field.

use std::error::Error;

use api::placement::TargetCluster;
use serde_json::json;

use super::*;

fn render(
    object: &Value,
    spec: &PlacementSpec,
    cluster: &Cluster,
    overrides: &[OverridePolicy],
) -> Result<Rendered, RenderError> {
    let satisfies = |expression: &str, object: &Value| object["spec"]["replicas"] == 9 && expression == "nine";
    super::render(object, spec, cluster, overrides, &satisfies)
}

fn cluster(name: &str, region: &str) -> Cluster {
    let mut cluster = Cluster::default();
    cluster.metadata.name = Some(name.into());
    cluster.spec.region = Some(region.into());
    cluster
}

fn spec(targets: &[(&str, Option<i64>)]) -> PlacementSpec {
    let clusters = targets
        .iter()
        .map(|(name, replicas)| TargetCluster {
            name: (*name).into(),
            replicas: *replicas,
            bounds: None,
            ..Default::default()
        })
        .collect();
    PlacementSpec {
        clusters,
        ..PlacementSpec::default()
    }
}

fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {
            "name": "web", "namespace": "shop", "uid": "u", "resourceVersion": "7", "generation": 3,
            "creationTimestamp": "2026-01-01T00:00:00Z", "managedFields": [], "finalizers": ["x"],
            "ownerReferences": [{"name": "o"}],
            "labels": {"app": "web"},
            "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": "{}",
                "deployment.kubernetes.io/revision": "2",
                "team": "shop"
            }
        },
        "spec": {"replicas": 9, "template": {
            "metadata": {"creationTimestamp": null, "labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "us.example.com/web:1", "args": ["-v"]}]}
        }},
        "status": {"replicas": 9}
    })
}

fn policy(value: Value) -> OverridePolicy {
    serde_json::from_value(value).unwrap()
}

#[test]
fn a_deployment_goes_down_without_what_is_the_hubs() {
    let rendered = render(&deployment(), &spec(&[("eu-1", Some(3))]), &cluster("eu-1", "eu"), &[]).unwrap();
    assert_eq!(
        rendered.object,
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {
                "name": "web", "namespace": "shop",
                "labels": {"app": "web", "federation.meridian.dev/managed": "true"},
                "annotations": {
                    "team": "shop",
                    "federation.meridian.dev/placement": "shop/deployment-web",
                    "federation.meridian.dev/manifest-hash": rendered.hash,
                    "federation.meridian.dev/hub-generation": "3"
                }
            },
            "spec": {"replicas": 3, "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "us.example.com/web:1", "args": ["-v"]}]}
            }}
        })
    );
}

#[test]
fn the_hash_is_of_content_only() {
    let place = |object: &Value, replicas| {
        render(object, &spec(&[("eu-1", Some(replicas))]), &cluster("eu-1", "eu"), &[])
            .unwrap()
            .hash
    };
    let mut later = deployment();
    later["metadata"]["generation"] = json!(4);
    later["metadata"]["resourceVersion"] = json!("99");
    later["status"] = json!({"replicas": 1});
    later["spec"]["replicas"] = json!(12);
    assert_eq!(place(&deployment(), 3), place(&later, 3));
    assert_ne!(place(&deployment(), 3), place(&deployment(), 4));
}

#[test]
fn services_keep_what_a_user_chose_and_lose_what_a_cluster_allocates() {
    let service = |spec: Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"}, "spec": spec});
    let rows = [
        (
            json!({"type": "LoadBalancer", "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "ipFamilies": ["IPv4"],
                "ipFamilyPolicy": "SingleStack", "healthCheckNodePort": 31000, "ports": [{"port": 80, "nodePort": 30080}]}),
            json!({"type": "LoadBalancer", "ports": [{"port": 80}]}),
        ),
        (
            json!({"clusterIP": "None", "clusterIPs": ["None"], "ports": [{"port": 80}]}),
            json!({"clusterIP": "None", "clusterIPs": ["None"], "ports": [{"port": 80}]}),
        ),
        (
            json!({"ipFamilyPolicy": "PreferDualStack"}),
            json!({"ipFamilyPolicy": "PreferDualStack"}),
        ),
    ];
    for (given, expected) in rows {
        let rendered = render(&service(given), &spec(&[("a", None)]), &cluster("a", "r"), &[]).unwrap();
        assert_eq!(rendered.object["spec"], expected);
    }
}

#[test]
fn overrides_apply_in_order_and_only_where_they_are_meant() {
    let everywhere = policy(json!({"metadata": {"name": "z-all"}, "spec": {"overrideRules": [
        {"overriders": {"labelsOverrider": [{"operator": "add", "value": {"who": "cluster-scoped"}}]}}]}}));
    let here = policy(json!({"metadata": {"name": "a-web", "namespace": "shop"}, "spec": {
    "resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}],
    "overrideRules": [{
        "targetCluster": {"clusterNames": ["eu-1"]},
        "overriders": {
            "imageOverrider": [{"component": "Registry", "operator": "replace", "value": "eu.example.com"}],
            "argsOverrider": [{"containerName": "web", "operator": "add", "value": ["--region=eu"]}],
            "labelsOverrider": [{"operator": "replace", "value": {"who": "namespaced"}}],
            "plaintext": [{"path": "/spec/template/spec/nodeSelector", "operator": "add", "value": {"disk": "ssd"}}]
        }
    }]}}));
    let elsewhere = policy(
        json!({"metadata": {"name": "b", "namespace": "bank"}, "spec": {"overrideRules": [
        {"overriders": {"plaintext": [{"path": "/spec", "operator": "remove"}]}}]}}),
    );
    let all = [here, elsewhere, everywhere];
    let place = spec(&[("eu-1", Some(1)), ("us-1", Some(1))]);
    let eu = render(&deployment(), &place, &cluster("eu-1", "eu"), &all)
        .unwrap()
        .object;
    let us = render(&deployment(), &place, &cluster("us-1", "us"), &all)
        .unwrap()
        .object;
    assert_eq!(
        eu["spec"]["template"]["spec"],
        json!({"nodeSelector": {"disk": "ssd"}, "containers": [
            {"name": "web", "image": "eu.example.com/web:1", "args": ["-v", "--region=eu"]}]})
    );
    assert_eq!(
        (&eu["metadata"]["labels"]["who"], &us["metadata"]["labels"]["who"]),
        (&json!("namespaced"), &json!("cluster-scoped"))
    );
    assert_eq!(us["spec"]["template"]["spec"], deployment()["spec"]["template"]["spec"]);
}

#[test]
fn an_override_that_does_not_fit_blocks_its_cluster_and_says_why() {
    let rule = |overriders: Value| {
        policy(json!({"metadata": {"name": "p"}, "spec": {"overrideRules": [{"overriders": overriders}]}}))
    };
    let rows = [
        (
            json!({"plaintext": [{"path": "/spec/nothing", "operator": "remove"}]}),
            "nothing at /spec/nothing",
        ),
        (
            json!({"plaintext": [{"path": "spec", "operator": "replace", "value": 1}]}),
            "must begin with '/'",
        ),
        (
            json!({"plaintext": [{"path": "/metadata/name", "operator": "replace", "value": "x"}]}),
            "identity",
        ),
        (
            json!({"argsOverrider": [{"containerName": "db", "operator": "add", "value": ["x"]}]}),
            "no container \"db\"",
        ),
        (
            json!({"imageOverrider": [{"predicate": {"path": "/spec/x"}, "component": "Tag", "operator": "remove"}]}),
            "no image string",
        ),
    ];
    for (overriders, expected) in rows {
        let failed = render(
            &deployment(),
            &spec(&[("eu-1", Some(1))]),
            &cluster("eu-1", "eu"),
            &[rule(overriders)],
        )
        .unwrap_err();
        let mut text = failed.to_string();
        let mut cause: Option<&dyn Error> = failed.source();
        while let Some(next) = cause {
            text = format!("{text}: {next}");
            cause = next.source();
        }
        assert!(
            text.contains(expected) && text.contains("Deployment shop/web") && text.contains("eu-1"),
            "{text}"
        );
    }
}

#[test]
fn a_cluster_outside_the_decision_gets_nothing() {
    let failed = render(&deployment(), &spec(&[("eu-1", Some(1))]), &cluster("us-1", "us"), &[]);
    assert!(matches!(failed, Err(RenderError::NotPlaced { .. })));
    assert!(matches!(
        render(&json!([]), &spec(&[]), &cluster("a", "b"), &[]),
        Err(RenderError::NotAnObject)
    ));
}
