//! What holds for every schema and every object.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Definition, Version, next_status};
use crate::validate;

fn version(schema: &Value) -> Arc<Version> {
    let crd = json!({"spec": {"group": "example.com", "scope": "Namespaced", "names": {"plural": "foos", "kind": "Foo"},
        "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.a", "statusReplicasPath": ".status.a"}},
            "additionalPrinterColumns": [{"name": "A", "type": "string", "jsonPath": ".spec.a"}],
            "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": schema, "status": schema}}}}]}});
    Arc::clone(Definition::read(&crd).unwrap().versions.first().unwrap())
}

const KEYS: [&str; 4] = ["a", "b", "c", "d"];

/// Any JSON of few keys.
fn wild() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-5..15_i64).prop_map(Value::from),
        (-2.0..12.0_f64).prop_map(Value::from),
        "(|a|b|abc|1h|2026-01-01|http://a|[a-z]{0,12})".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(proptest::sample::select(KEYS.to_vec()), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())),
        ]
    })
}

fn object(spec: &Value, status: &Value) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": "a", "namespace": "b"}, "spec": spec, "status": status})
}

/// A structural schema.
fn schema() -> impl Strategy<Value = Value> {
    let flag = |key: &'static str| proptest::option::weighted(0.2, Just((key.to_owned(), Value::Bool(true))));
    let leaf = prop_oneof![
        (proptest::option::of("[a-z]{1,3}"), 0..6_i64, flag("nullable")).prop_map(|(default, length, nullable)| {
            let mut schema = json!({"type": "string", "maxLength": length, "pattern": "^[a-z]*$", "x-kubernetes-validations": [{"rule": "self.size() < 3"}]});
            schema.as_object_mut().unwrap().extend(nullable);
            default.into_iter().for_each(|default| schema["default"] = Value::from(default));
            schema
        }),
        (proptest::option::of(0..9_i64), 0..9_i64).prop_map(|(default, most)| {
            let mut schema = json!({"type": "integer", "maximum": most, "multipleOf": 2, "x-kubernetes-validations": [{"rule": "self >= oldSelf"}]});
            default.into_iter().for_each(|default| schema["default"] = Value::from(default));
            schema
        }),
        Just(json!({"type": "boolean", "default": false})),
        Just(json!({"type": "number", "minimum": 0.5, "exclusiveMinimum": true})),
        Just(json!({"type": "string", "format": "date-time"})),
        Just(json!({"x-kubernetes-int-or-string": true, "x-kubernetes-validations": [{"rule": "type(self) == int ? self > 1 : self.size() > 1"}]})),
        Just(json!({"x-kubernetes-preserve-unknown-fields": true})),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let fields = proptest::collection::btree_map(proptest::sample::select(KEYS.to_vec()), inner.clone(), 0..4);
        prop_oneof![
            (fields, flag("x-kubernetes-preserve-unknown-fields"), flag("nullable"), any::<bool>(), any::<bool>()).prop_map(
                |(fields, open, nullable, default, atomic)| {
                    let properties: Map<String, Value> = fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
                    let mut schema = json!({"type": "object", "properties": properties, "required": ["a"]});
                    schema.as_object_mut().unwrap().extend(open.into_iter().chain(nullable));
                    if default {
                        schema["default"] = json!({});
                    }
                    if atomic {
                        schema["x-kubernetes-map-type"] = json!("atomic");
                    }
                    schema
                }
            ),
            (inner.clone(), proptest::sample::select(vec!["atomic", "set"])).prop_map(|(items, kind)| {
                json!({"type": "array", "items": items, "maxItems": 3, "x-kubernetes-list-type": kind,
                    "x-kubernetes-validations": [{"rule": "self.size() < 3"}]})
            }),
            inner.clone().prop_map(|item| {
                json!({"type": "array", "maxItems": 3, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a"],
                    "items": {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}, "b": item}}})
            }),
            inner.prop_map(|values| json!({"type": "object", "additionalProperties": values, "maxProperties": 3})),
        ]
    })
}

proptest! {
    #[test]
    fn pruning_and_defaulting_come_to_rest(schema in schema(), spec in wild(), status in wild()) {
        let version = version(&schema);
        let mut value = object(&spec, &status);
        version.prune(&mut value);
        let mut again = value.clone();
        prop_assert!(version.prune(&mut again).is_empty());
        prop_assert_eq!(&again, &value, "pruning twice is pruning once");
        version.fill_defaults(&mut value);
        let mut again = value.clone();
        version.fill_defaults(&mut again);
        prop_assert_eq!(&again, &value, "defaulting twice is defaulting once");
        prop_assert!(version.prune(&mut again).is_empty(), "defaults hold nothing unknown");
        version.fill_defaults(&mut again);
        prop_assert_eq!(&again, &value, "what is stored is read as it was written");
    }

    #[test]
    fn what_does_not_change_is_never_at_fault(schema in schema(), spec in wild(), status in wild()) {
        let version = version(&schema);
        let mut value = object(&spec, &status);
        version.prune(&mut value);
        version.fill_defaults(&mut value);
        let faults: Vec<_> = version.update(&value, &value).faults.into_iter().filter(|cause| !cause.field.starts_with('.')).collect();
        // Rules that fail with an error are told even then, as upstream tells them.
        let faults: Vec<_> = faults.into_iter().filter(|cause| !cause.message.contains("no such overload")).collect();
        prop_assert!(faults.is_empty(), "{:?}", faults);
    }

    #[test]
    fn no_object_makes_a_definition_panic(schema in schema(), spec in wild(), status in wild(), whole in wild()) {
        let version = version(&schema);
        for value in [object(&spec, &status), object(&whole, &spec), whole] {
            let _ = version.check_types(&value);
            let _ = version.create(&value);
            let _ = version.update(&value, &object(&status, &spec));
            let _ = version.update_status(&value, &object(&status, &spec));
            let _ = version.cells(&value, jiff::Timestamp::UNIX_EPOCH);
            let _ = version.selected(&value, "spec.a");
            let mut pruned = value.clone();
            version.prune(&mut pruned);
            version.fill_defaults(&mut pruned);
        }
    }

    #[test]
    fn schemas_of_this_kind_are_structural(schema in schema()) {
        let mut crd = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "foos.example.com"},
            "spec": {"group": "example.com", "scope": "Namespaced", "names": {"plural": "foos", "kind": "Foo"},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": schema}}}}]}});
        crate::default::apply("apiextensions.k8s.io/v1", "CustomResourceDefinition", &mut crd);
        let faults = validate::create("apiextensions.k8s.io/v1", "CustomResourceDefinition", &crd);
        let structural = faults.iter().find(|cause| cause.message.contains("to be structural") || cause.message.contains("must be specified"));
        prop_assert!(structural.is_none(), "{:?}", structural);
    }

    #[test]
    fn no_definition_makes_a_rule_panic(a in wild(), b in wild(), keyword in proptest::sample::select(vec![
        "type", "properties", "items", "additionalProperties", "allOf", "anyOf", "not", "default", "enum", "required", "pattern", "maximum", "nullable",
        "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-validations", "x-kubernetes-embedded-resource", "format", "maxItems"])) {
        let schema = json!({"type": "object", "properties": {"spec": {"type": "object", keyword: a, "properties": {"a": {"type": "object", keyword: b}}}, "metadata": b}, keyword: b});
        let mut crd = json!({"metadata": {"name": a}, "spec": {"group": a, "scope": b, "names": {"plural": "foos", "kind": "Foo", "shortNames": b},
            "conversion": a, "versions": [{"name": "v1", "served": a, "storage": true, "schema": {"openAPIV3Schema": schema},
                "additionalPrinterColumns": a, "selectableFields": b, "subresources": {"scale": b}}, a]}, "status": b});
        let kind = ("apiextensions.k8s.io/v1", "CustomResourceDefinition");
        for _ in 0..2 {
            let _ = validate::create(kind.0, kind.1, &crd);
            let _ = validate::update(kind.0, kind.1, &crd, &crd);
            let _ = validate::warnings(kind.0, kind.1, &crd, None);
            if let Ok(definition) = Definition::read(&crd) {
                for version in &definition.versions {
                    let _ = version.create(&object(&a, &b));
                    let _ = version.openapi();
                }
            }
            crate::default::apply(kind.0, kind.1, &mut crd);
        }
        let now = jiff::Timestamp::UNIX_EPOCH;
        let status = next_status(&crd, &[&crd], now);
        if crd.is_object() {
            crd["status"] = status.clone();
            prop_assert_eq!(next_status(&crd, &[], now), status);
        }
    }
}
