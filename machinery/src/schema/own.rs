//! Meridian's own kinds: their schemas, derived from the Rust types of `api`, with metadata added.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use api::well_known::{API_VERSION, GROUP, VERSION};
use serde_json::{Map, Value, json};

use super::Schema;
use super::compile::from_openapi;
use super::convert::openapi_of;

/// Prefix of the definition names of our kinds.
pub const DEFINITION_PREFIX: &str = "dev.meridian.federation.v1alpha1.";

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

struct Kind {
    definition: Value,
    schema: Schema,
}

/// A kind, what it is, and the schemas of its spec and its status.
type Parts = (&'static str, &'static str, (Value, Option<Value>));

static KINDS: LazyLock<BTreeMap<&'static str, Kind>> = LazyLock::new(|| {
    let open = || json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let policy = || (openapi_of::<api::PolicySpec>(), None);
    let overrides = || (openapi_of::<api::OverrideSpec>(), None);
    let parts: [Parts; 12] = [
        (
            "Cluster",
            "A member of the federation: how it is reached, where it is, and what is known of it.",
            (
                openapi_of::<api::ClusterSpec>(),
                Some(openapi_of::<api::ClusterStatus>()),
            ),
        ),
        (
            "PropagationPolicy",
            "Which objects of its namespace go where, and how.",
            policy(),
        ),
        ("ClusterPropagationPolicy", "Which objects go where, and how.", policy()),
        (
            "OverridePolicy",
            "What differs from cluster to cluster, for objects of its namespace.",
            overrides(),
        ),
        (
            "ClusterOverridePolicy",
            "What differs from cluster to cluster.",
            overrides(),
        ),
        (
            "Placement",
            "The decision for one federated object, with its reasons, and what became of it.",
            (
                openapi_of::<api::PlacementSpec>(),
                Some(openapi_of::<api::PlacementStatus>()),
            ),
        ),
        (
            "Region",
            "A place on earth, and the clients that belong to it.",
            (openapi_of::<api::RegionSpec>(), None),
        ),
        (
            "DNSPolicy",
            "How the names of selected Services answer.",
            (openapi_of::<api::DnsPolicySpec>(), None),
        ),
        (
            "Manifest",
            "What one member should hold of one federated object. Read only, made when it is read.",
            (open(), None),
        ),
        (
            "Report",
            "What one member holds of one federated object. Kept in memory.",
            (open(), None),
        ),
        (
            "Heartbeat",
            "The last sign of life of a member's syncer. Kept in memory.",
            (open(), None),
        ),
        (
            "Resolution",
            "What the DNS server answers for one Service, and why. Kept in memory.",
            (open(), None),
        ),
    ];
    parts
        .into_iter()
        .map(|(kind, description, (spec, status))| {
            let definition = definition_of(kind, description, spec, status);
            let schema = from_openapi(&definition);
            (kind, Kind { definition, schema })
        })
        .collect()
});

fn definition_of(kind: &str, description: &str, spec: Value, status: Option<Value>) -> Value {
    let meta = super::builtin::definitions().get("io.k8s.api.core.v1.ConfigMap");
    let described = |field: &str| {
        meta.and_then(|schema| schema.get("properties")?.get(field))
            .cloned()
            .unwrap_or_else(|| json!({"type": "string"}))
    };
    let mut properties = Map::new();
    properties.insert("apiVersion".into(), described("apiVersion"));
    properties.insert("kind".into(), described("kind"));
    let mut metadata = described("metadata");
    if let Some(map) = metadata.as_object_mut() {
        map.insert("$ref".into(), Value::from(OBJECT_META));
    }
    properties.insert("metadata".into(), metadata);
    properties.insert("spec".into(), spec);
    if let Some(status) = status {
        properties.insert("status".into(), status);
    }
    json!({
        "description": description,
        "type": "object",
        "properties": properties,
        "x-kubernetes-group-version-kind": [{"group": GROUP, "kind": kind, "version": VERSION}],
    })
}

/// The schema of one of our kinds.
#[must_use]
pub fn schema(api_version: &str, kind: &str) -> Option<&'static Schema> {
    if api_version != API_VERSION {
        return None;
    }
    KINDS.get(kind).map(|kind| &kind.schema)
}

/// The OpenAPI definition of one of our kinds, in the form of [`super::builtin::definitions`].
#[must_use]
pub fn definition(kind: &str) -> Option<&'static Value> {
    KINDS.get(kind).map(|kind| &kind.definition)
}

/// The names of our kinds.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.keys().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Form;

    #[test]
    fn definitions_are_structural() {
        fn walk(value: &Value, at: &str) {
            match value {
                Value::Object(map) => {
                    for banned in ["$defs", "anyOf", "oneOf", "$schema", "title", "const"] {
                        assert!(!map.contains_key(banned), "{banned} at {at}");
                    }
                    assert!(!matches!(map.get("type"), Some(Value::Array(_))), "type list at {at}");
                    for (key, value) in map {
                        walk(value, &format!("{at}/{key}"));
                    }
                }
                Value::Array(items) => items.iter().for_each(|v| walk(v, at)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        for kind in kinds() {
            walk(definition(kind).unwrap(), kind);
        }
    }

    #[test]
    fn types_and_enums_survive() {
        let cluster = schema(API_VERSION, "Cluster").unwrap();
        assert_eq!(cluster.descend(&["spec", "apiEndpoint"]).unwrap().form, Form::String);
        assert_eq!(
            cluster.descend(&["metadata", "labels", "x"]).unwrap().form,
            Form::String
        );
        assert_eq!(
            cluster.descend(&["spec", "taints", "effect"]).unwrap().form,
            Form::String
        );
        let effect = definition("Cluster")
            .and_then(|d| d.pointer("/properties/spec/properties/taints/items/properties/effect/enum"))
            .unwrap();
        assert_eq!(effect, &json!(["NoSchedule", "PreferNoSchedule", "NoExecute"]));
        let placement = schema(API_VERSION, "Placement").unwrap();
        assert!(placement.descend(&["status", "clusters", "status"]).unwrap().is_open());
        assert_eq!(
            placement.descend(&["spec", "clusters", "replicas"]).unwrap().form,
            Form::Integer
        );
    }
}
