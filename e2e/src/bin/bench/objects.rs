//! The objects that are written.

use kube::api::{ApiResource, DynamicObject};
use serde_json::json;

/// A kind by its coordinates.
fn kind(group: &str, kind: &str, plural: &str) -> ApiResource {
    let api_version = if group.is_empty() {
        "v1".to_owned()
    } else {
        format!("{group}/v1")
    };
    ApiResource {
        group: group.to_owned(),
        version: "v1".to_owned(),
        api_version,
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    }
}

/// The kind Deployment.
pub(crate) fn deployments() -> ApiResource {
    kind("apps", "Deployment", "deployments")
}

/// The kind Service.
pub(crate) fn services() -> ApiResource {
    kind("", "Service", "services")
}

/// The kind ConfigMap.
pub(crate) fn config_maps() -> ApiResource {
    kind("", "ConfigMap", "configmaps")
}

/// The kind Namespace.
pub(crate) fn namespaces() -> ApiResource {
    kind("", "Namespace", "namespaces")
}

/// A ConfigMap of a few bytes.
pub(crate) fn small_config_map(name: &str) -> DynamicObject {
    DynamicObject::new(name, &config_maps()).data(json!({"data": {"a": "b"}}))
}

/// A ConfigMap of about a kilobyte that stays on the hub; elsewhere its label means nothing.
pub(crate) fn config_map(name: &str) -> DynamicObject {
    let mut object = DynamicObject::new(name, &config_maps()).data(json!({"data": {"text": "x".repeat(900)}}));
    object.metadata.labels = Some([("federation.meridian.dev/hub-only".to_owned(), "true".to_owned())].into());
    object
}

/// A Deployment with a number of replicas.
pub(crate) fn deployment(name: &str, replicas: u32) -> DynamicObject {
    DynamicObject::new(name, &deployments()).data(json!({"spec": {
        "replicas": replicas,
        "selector": {"matchLabels": {"app": name}},
        "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "main", "image": "registry.example.com/app:1", "ports": [{"containerPort": 8080}]}]},
        },
    }}))
}

/// A ClusterIP Service.
pub(crate) fn service(name: &str) -> DynamicObject {
    DynamicObject::new(name, &services())
        .data(json!({"spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}}))
}
