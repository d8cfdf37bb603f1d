//! A value to the form a typed server would keep: unknown fields gone, and what means nothing gone with them.

use serde_json::{Map, Value};

use crate::quantity::Quantity;
use crate::schema::{Field, Form, Schema};

use super::trail::Trail;

/// Removes what the schema does not know and returns the paths of the first hundred, such as `spec.ports[0].bar`. On the way the value
/// takes the form it would have had through a typed server: known fields that are null go, optional lists and maps that
/// are empty go (in kinds that Kubernetes builds in), quantities take their canonical text.
pub fn prune_unknown(schema: &Schema, value: &mut Value) -> Vec<String> {
    let mut unknown = Trail::default();
    walk(schema, value, &mut unknown);
    unknown.into_names()
}

/// As [`prune_unknown`], of a value that stands at the trail's place.
pub(crate) fn prune_below(schema: &Schema, value: &mut Value, unknown: &mut Trail) {
    walk(schema, value, unknown);
}

fn walk(schema: &Schema, value: &mut Value, unknown: &mut Trail) {
    if schema.form == Form::Quantity {
        if let Some(quantity) = Quantity::from_value(value) {
            *value = Value::from(quantity.canonical());
        }
        return;
    }
    match value {
        Value::Object(map) => walk_map(schema, map, unknown),
        Value::Array(items) => {
            if let Some(field) = &schema.items {
                for (index, item) in items.iter_mut().enumerate() {
                    let length = unknown.item(index);
                    walk(field.schema(), item, unknown);
                    unknown.leave(length);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn walk_map(schema: &Schema, map: &mut Map<String, Value>, unknown: &mut Trail) {
    if schema.form == Form::Object {
        map.retain(|key, value| match schema.field(key) {
            Some(field) => !means_nothing(schema, field, key, value),
            None if schema.is_open() => true,
            None => {
                unknown.name_field(key);
                false
            }
        });
    }
    for (key, value) in map.iter_mut() {
        if let Some(field) = schema.field(key) {
            let length = unknown.field(key);
            walk(field.schema(), value, unknown);
            unknown.leave(length);
        }
    }
}

/// Whether a known field says no more than its absence would.
fn means_nothing(schema: &Schema, field: &Field, key: &str, value: &Value) -> bool {
    let property = schema.properties.contains_key(key);
    match value {
        Value::Null => property && field.schema().form != Form::Any,
        Value::Array(items) => {
            let is_list = field.schema().form != Form::Any;
            property && schema.native && items.is_empty() && is_list && !is_required(schema, key)
        }
        Value::Object(map) => {
            let is_map = field.schema().additional.is_some() && field.schema().properties.is_empty();
            property && schema.native && map.is_empty() && is_map && !is_required(schema, key)
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn is_required(schema: &Schema, key: &str) -> bool {
    schema.required.iter().any(|name| name == key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;
    use proptest::prelude::*;
    use serde_json::json;

    fn pruned(api_version: &str, kind: &str, mut value: Value) -> (Value, Vec<String>) {
        let unknown = prune_unknown(schema::of(api_version, kind).unwrap(), &mut value);
        (value, unknown)
    }

    #[test]
    fn unknown_fields_go_and_are_named() {
        let (value, unknown) = pruned(
            "v1",
            "Service",
            json!({"kind": "Service", "metadata": {"name": "a", "foo": 1, "labels": {"any": "thing"}},
                   "spec": {"ports": [{"port": 80, "bar": {"x": 1}}], "nope": true}, "extra": {"deep": 1}}),
        );
        assert_eq!(unknown, ["extra", "metadata.foo", "spec.nope", "spec.ports[0].bar"]);
        assert_eq!(
            value,
            json!({"kind": "Service", "metadata": {"name": "a", "labels": {"any": "thing"}}, "spec": {"ports": [{"port": 80}]}})
        );
    }

    #[test]
    fn what_means_nothing_goes() {
        let (value, unknown) = pruned(
            "apps/v1",
            "Deployment",
            json!({"metadata": {"creationTimestamp": null, "labels": {}, "finalizers": []}, "spec": {"template": {"spec": {
                "containers": [{"name": "a", "env": [], "resources": {"limits": {"cpu": 0.5, "memory": "1024Mi"}}}],
                "volumes": [{"name": "v", "emptyDir": {}}], "securityContext": {}}}}, "status": {}}),
        );
        assert!(unknown.is_empty());
        assert_eq!(
            value,
            json!({"metadata": {}, "spec": {"template": {"spec": {
                "containers": [{"name": "a", "resources": {"limits": {"cpu": "500m", "memory": "1Gi"}}}],
                "volumes": [{"name": "v", "emptyDir": {}}], "securityContext": {}}}}, "status": {}})
        );
    }

    #[test]
    fn open_places_are_left_alone() {
        let managed = json!({"metadata": {"managedFields": [{"fieldsV1": {"f:data": {".": {}, "f:a": {}}}}]}});
        assert_eq!(pruned("v1", "ConfigMap", managed.clone()), (managed, vec![]));
        let own =
            json!({"spec": {"clusters": []}, "status": {"clusters": [{"name": "a", "status": {"x": null, "y": []}}]}});
        assert_eq!(
            pruned("federation.meridian.dev/v1alpha1", "Placement", own.clone()),
            (own, vec![])
        );
    }

    /// A valid Service with random parts.
    fn service() -> impl Strategy<Value = Value> {
        (
            proptest::collection::btree_map("[a-z]{1,5}", "[a-z]{0,5}", 1..4),
            proptest::collection::vec(1..65536_u32, 1..4),
        )
            .prop_map(|(labels, ports)| {
                let ports: Vec<Value> = ports
                    .iter()
                    .map(|port| json!({"port": port, "protocol": "TCP"}))
                    .collect();
                json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "labels": labels},
                       "spec": {"ports": ports, "selector": labels}})
            })
    }

    proptest! {
        #[test]
        fn exactly_the_unknown_is_removed(clean in service(), keys in proptest::collection::btree_set("x-[a-z]{1,4}", 0..5)) {
            let mut dirty = clean.clone();
            let mut expected: Vec<String> = Vec::new();
            for (index, key) in keys.iter().enumerate() {
                let (place, prefix) = match index % 4 {
                    0 => (dirty.pointer_mut(""), String::new()),
                    1 => (dirty.pointer_mut("/metadata"), "metadata.".to_owned()),
                    2 => (dirty.pointer_mut("/spec"), "spec.".to_owned()),
                    _ => (dirty.pointer_mut("/spec/ports/0"), "spec.ports[0].".to_owned()),
                };
                place.unwrap().as_object_mut().unwrap().insert(key.clone(), json!({"a": [1]}));
                expected.push(format!("{prefix}{key}"));
            }
            let mut unknown = prune_unknown(schema::of("v1", "Service").unwrap(), &mut dirty);
            unknown.sort();
            expected.sort();
            prop_assert_eq!(unknown, expected);
            prop_assert_eq!(dirty, clean);
        }
    }
}
