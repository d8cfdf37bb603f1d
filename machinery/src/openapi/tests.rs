//! Documents for a small server, read as clients read them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

fn served(group: &str, version: &str, kind: &str, plural: &str, namespaced: bool, subresources: &[&str]) -> ServedKind {
    let verbs = [
        "create",
        "delete",
        "deletecollection",
        "get",
        "list",
        "patch",
        "update",
        "watch",
    ];
    let api_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    ServedKind {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
        namespaced,
        verbs: verbs.map(str::to_owned).to_vec(),
        subresources: subresources
            .iter()
            .map(|name| {
                let (api_version, kind) = if *name == "scale" {
                    ("autoscaling/v1", "Scale")
                } else {
                    (api_version.as_str(), kind)
                };
                ServedSubresource {
                    name: (*name).to_owned(),
                    verbs: ["get", "patch", "update"].map(str::to_owned).to_vec(),
                    api_version: api_version.to_owned(),
                    kind: kind.to_owned(),
                }
            })
            .collect(),
        schema: None,
        list_kind: None,
    }
}

fn server() -> Vec<ServedKind> {
    vec![
        served("", "v1", "Namespace", "namespaces", false, &["status"]),
        served("", "v1", "ConfigMap", "configmaps", true, &[]),
        served("apps", "v1", "Deployment", "deployments", true, &["status", "scale"]),
        served(
            "federation.meridian.dev",
            "v1alpha1",
            "Cluster",
            "clusters",
            false,
            &["status"],
        ),
        served(
            "federation.meridian.dev",
            "v1alpha1",
            "PropagationPolicy",
            "propagationpolicies",
            true,
            &[],
        ),
    ]
}

/// Every reference of a document leads somewhere within it.
fn assert_closed(document: &Value, prefix: &str, definitions: &Value) {
    fn walk(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| match (key.as_str(), value) {
                ("$ref", Value::String(name)) => {
                    found.insert(name.clone());
                }
                (_, value) => walk(value, found),
            }),
            Value::Array(items) => items.iter().for_each(|v| walk(v, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut found = BTreeSet::new();
    walk(document, &mut found);
    assert!(found.len() > 10);
    for reference in found {
        let name = reference.strip_prefix(prefix).unwrap_or_else(|| panic!("{reference}"));
        assert!(definitions.get(name).is_some(), "{reference}");
    }
}

#[test]
fn v3_tells_each_group_and_version() {
    let documents = v3_documents(&server(), "1.36");
    let paths: Vec<&str> = documents.iter().map(|d| d.path.as_str()).collect();
    assert_eq!(
        paths,
        ["api/v1", "apis/apps/v1", "apis/federation.meridian.dev/v1alpha1"]
    );
    let root = v3_root(&documents);
    let url = root
        .pointer("/paths/apis~1apps~1v1/serverRelativeURL")
        .unwrap()
        .as_str()
        .unwrap();
    assert_eq!(url, format!("/openapi/v3/apis/apps/v1?hash={}", documents[1].hash));
    assert_eq!(documents[1].hash.len(), 128);
    for document in &documents {
        let value: Value = serde_json::from_slice(&document.body).unwrap();
        assert_closed(
            &value,
            "#/components/schemas/",
            value.pointer("/components/schemas").unwrap(),
        );
    }
}

#[test]
fn v3_has_what_kubectl_reads() {
    let documents = v3_documents(&server(), "1.36");
    let apps: Value = serde_json::from_slice(&documents[1].body).unwrap();
    let item = apps
        .get("paths")
        .unwrap()
        .get("/apis/apps/v1/namespaces/{namespace}/deployments/{name}")
        .unwrap();
    let patch = item.get("patch").unwrap();
    assert_eq!(patch.get("x-kubernetes-action").unwrap(), "patch");
    assert_eq!(patch.get("operationId").unwrap(), "patchAppsV1NamespacedDeployment");
    assert_eq!(
        patch.get("x-kubernetes-group-version-kind").unwrap(),
        &serde_json::json!({"group": "apps", "version": "v1", "kind": "Deployment"})
    );
    let names: Vec<&str> = patch
        .get("parameters")
        .unwrap()
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p.get("name").unwrap().as_str().unwrap())
        .collect();
    assert_eq!(names, ["dryRun", "fieldManager", "fieldValidation", "force"]);
    assert!(
        patch
            .pointer("/requestBody/content/application~1strategic-merge-patch+json")
            .is_some()
    );
    let scale = apps
        .get("paths")
        .unwrap()
        .get("/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale")
        .unwrap();
    assert_eq!(
        scale.pointer("/put/x-kubernetes-group-version-kind/kind").unwrap(),
        "Scale"
    );
    let deployment = apps
        .pointer("/components/schemas/io.k8s.api.apps.v1.Deployment")
        .unwrap();
    assert_eq!(
        deployment.pointer("/x-kubernetes-group-version-kind/0/kind").unwrap(),
        "Deployment"
    );
    let strategy = apps
        .pointer("/components/schemas/io.k8s.api.apps.v1.DeploymentSpec/properties/strategy")
        .unwrap();
    assert_eq!(strategy.get("x-kubernetes-patch-strategy").unwrap(), "retainKeys");
    assert_eq!(
        strategy.pointer("/allOf/0/$ref").unwrap(),
        "#/components/schemas/io.k8s.api.apps.v1.DeploymentStrategy"
    );
}

#[test]
fn our_kinds_are_told_as_custom_resources_are() {
    let documents = v3_documents(&server(), "1.36");
    let ours: Value = serde_json::from_slice(&documents[2].body).unwrap();
    let list = ours
        .pointer("/components/schemas/dev.meridian.federation.v1alpha1.ClusterList")
        .unwrap();
    assert_eq!(
        list.pointer("/x-kubernetes-group-version-kind/0/kind").unwrap(),
        "ClusterList"
    );
    let cluster = ours
        .get("paths")
        .unwrap()
        .get("/apis/federation.meridian.dev/v1alpha1/clusters/{name}")
        .unwrap();
    let patches = cluster.pointer("/patch/requestBody/content").unwrap();
    assert!(patches.get("application/strategic-merge-patch+json").is_none());
    assert!(patches.get("application/merge-patch+json").is_some());
    assert_eq!(
        cluster.pointer("/get/operationId").unwrap(),
        "readFederationMeridianDevV1alpha1Cluster"
    );
}

#[test]
fn v2_is_one_closed_document() {
    let document = v2_document(&server(), "1.36");
    assert_closed(&document, "#/definitions/", document.get("definitions").unwrap());
    let post = document
        .get("paths")
        .unwrap()
        .get("/api/v1/namespaces/{namespace}/configmaps")
        .unwrap()
        .get("post")
        .unwrap();
    assert_eq!(
        post.pointer("/parameters/0/schema/$ref").unwrap(),
        "#/definitions/io.k8s.api.core.v1.ConfigMap"
    );
    assert_eq!(post.pointer("/parameters/1/type").unwrap(), "string");
    let port = document
        .pointer("/definitions/io.k8s.apimachinery.pkg.util.intstr.IntOrString")
        .unwrap();
    assert_eq!(
        (port.get("type").unwrap(), port.get("format").unwrap()),
        (&Value::from("string"), &Value::from("int-or-string"))
    );
}

#[test]
fn operation_ids_are_unique() {
    let document = v2_document(&server(), "1.36");
    let mut seen = BTreeSet::new();
    for item in document.get("paths").unwrap().as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values().filter(|v| v.is_object()) {
            let id = operation.get("operationId").unwrap().as_str().unwrap();
            assert!(seen.insert(id.to_owned()), "{id}");
        }
    }
}

#[test]
fn custom_kinds_are_told_beside_the_others() {
    let crd = serde_json::json!({"spec": {"group": "example.com", "scope": "Namespaced", "names": {"plural": "foos", "kind": "Foo"},
        "versions": [{"name": "v1", "served": true, "storage": true, "selectableFields": [{"jsonPath": ".spec.color"}],
            "schema": {"openAPIV3Schema": {"type": "object", "description": "A foo.", "properties": {"spec": {"type": "object", "required": ["a", "b"], "properties": {
                "color": {"type": "string", "default": "red", "enum": ["red"], "pattern": "^r"},
                "a": {"type": "string", "nullable": true}, "b": {"type": "integer"},
                "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {"x": {"type": "string"}}},
                "either": {"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]},
                "pod": {"type": "object", "x-kubernetes-embedded-resource": true, "properties": {"spec": {"type": "object"}}}}}}}}}]}});
    let definition = crate::custom::Definition::read(&crd).unwrap();
    let mut kinds = server();
    let mut foo = served("example.com", "v1", "Foo", "foos", true, &["status", "scale"]);
    foo.schema = Some(definition.version("v1").unwrap().openapi());
    kinds.push(foo);
    let documents = v3_documents(&kinds, "1.36");
    let document = documents.iter().find(|d| d.path == "apis/example.com/v1").unwrap();
    let document: Value = serde_json::from_slice(&document.body).unwrap();
    let foo = document.pointer("/components/schemas/com.example.v1.Foo").unwrap();
    assert_eq!(
        foo.pointer("/properties/metadata/allOf/0/$ref").unwrap(),
        "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
    );
    assert_eq!(foo.pointer("/properties/spec/properties/color/default").unwrap(), "red");
    assert_eq!(
        foo.pointer("/x-kubernetes-selectable-fields/0/fieldPath").unwrap(),
        "spec.color"
    );
    assert_eq!(
        foo.pointer("/properties/spec/properties/pod/required").unwrap(),
        &serde_json::json!(["kind", "apiVersion"])
    );
    let list = document
        .pointer("/components/schemas/com.example.v1.FooList/properties/items/items/$ref")
        .unwrap();
    assert_eq!(list, "#/components/schemas/com.example.v1.Foo");
    let path = document
        .pointer("/paths/~1apis~1example.com~1v1~1namespaces~1{namespace}~1foos~1{name}~1status/put")
        .unwrap();
    assert_eq!(
        path.get("operationId").unwrap(),
        "replaceExampleComV1NamespacedFooStatus"
    );
    let scale = document
        .pointer("/paths/~1apis~1example.com~1v1~1namespaces~1{namespace}~1foos~1{name}~1scale/get")
        .unwrap();
    assert_eq!(
        scale
            .pointer("/responses/200/content/application~1json/schema/$ref")
            .unwrap(),
        "#/components/schemas/io.k8s.api.autoscaling.v1.Scale"
    );
    let swagger = v2_document(&kinds, "1.36");
    let spec = swagger
        .pointer("/definitions/com.example.v1.Foo/properties/spec")
        .unwrap();
    assert_eq!(spec.get("required").unwrap(), &serde_json::json!(["b"]));
    assert_eq!(spec.pointer("/properties/a").unwrap(), &serde_json::json!({}));
    assert_eq!(
        spec.pointer("/properties/open").unwrap(),
        &serde_json::json!({"x-kubernetes-preserve-unknown-fields": true})
    );
    assert_eq!(
        spec.pointer("/properties/either").unwrap(),
        &serde_json::json!({"x-kubernetes-int-or-string": true})
    );
    assert!(!v2_protobuf(&swagger).is_empty());
}
