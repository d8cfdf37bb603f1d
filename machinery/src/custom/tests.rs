//! What compiled definitions do to objects.

use serde_json::{Value, json};

use super::*;

fn version(schema: Value) -> Arc<Version> {
    let crd = json!({"spec": {"group": "example.com", "scope": "Namespaced", "names": {"plural": "foos", "kind": "Foo"},
        "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]}});
    Arc::clone(Definition::read(&crd).unwrap().versions.first().unwrap())
}

#[test]
fn unknown_fields_go_and_are_named() {
    let foo = version(json!({"type": "object", "properties": {
        "spec": {"type": "object", "properties": {
            "color": {"type": "string"},
            "list": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "integer"}}}},
            "map": {"type": "object", "additionalProperties": {"type": "object", "properties": {"b": {"type": "string"}}}},
            "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {"closed": {"type": "object"}}},
            "template": {"type": "object", "x-kubernetes-embedded-resource": true, "properties": {"spec": {"type": "object"}}},
            "none": {"type": "object"}}}}}));
    let mut object = json!({"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": "a", "foo": 1, "labels": {"x": "y"}},
        "extra": 1, "spec": {"color": null, "bogus": 1, "list": [{"a": 1, "b": 2}], "map": {"k": {"b": "x", "c": 1}},
            "open": {"any": {"thing": 1}, "closed": {"gone": 1}},
            "template": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "bar": 1}, "spec": {"x": 1}, "y": 2}, "none": {"x": 1}}});
    let unknown = foo.prune(&mut object);
    assert_eq!(
        unknown,
        [
            "metadata.foo",
            "extra",
            "spec.bogus",
            "spec.list[0].b",
            "spec.map.k.c",
            "spec.none.x",
            "spec.open.closed.gone",
            "spec.template.spec.x",
            "spec.template.y",
            "spec.template.metadata.bar"
        ]
    );
    assert_eq!(
        object,
        json!({"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": "a", "labels": {"x": "y"}},
        "spec": {"list": [{"a": 1}], "map": {"k": {"b": "x"}}, "open": {"any": {"thing": 1}, "closed": {}},
            "template": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {}}, "none": {}}})
    );
}

#[test]
fn defaults_go_where_nothing_is() {
    let foo = version(
        json!({"type": "object", "properties": {"spec": {"type": "object", "default": {}, "properties": {
        "replicas": {"type": "integer", "default": 1},
        "zero": {"type": "integer", "default": 0},
        "maybe": {"type": "string", "nullable": true, "default": "x"},
        "list": {"type": "array", "items": {"type": "object", "properties": {"protocol": {"type": "string", "default": "TCP"}}}}}}}}),
    );
    let mut object = json!({});
    foo.fill_defaults(&mut object);
    assert_eq!(object, json!({"spec": {"replicas": 1, "zero": 0, "maybe": "x"}}));
    let mut object = json!({"spec": {"replicas": null, "maybe": null, "list": [{}, {"protocol": "UDP"}]}});
    foo.prune(&mut object);
    foo.fill_defaults(&mut object);
    assert_eq!(
        object,
        json!({"spec": {"replicas": 1, "zero": 0, "maybe": null, "list": [{"protocol": "TCP"}, {"protocol": "UDP"}]}})
    );
}

fn told(causes: &[Cause]) -> Vec<String> {
    causes
        .iter()
        .map(|cause| format!("{}: {}", cause.field, cause.message))
        .collect()
}

fn foo(spec: Value) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": "a", "namespace": "b"}, "spec": spec})
}

#[test]
fn values_are_judged_in_kubernetes_words() {
    let version = version(
        json!({"type": "object", "required": ["spec"], "properties": {"spec": {"type": "object", "required": ["color"], "properties": {
            "color": {"type": "string", "enum": ["red", "blue"]},
            "name": {"type": "string", "maxLength": 3, "minLength": 2, "pattern": "^[a-z]+$"},
            "size": {"type": "integer", "minimum": 1, "maximum": 10, "multipleOf": 2},
            "small": {"type": "integer", "format": "int32"},
            "ratio": {"type": "number", "exclusiveMinimum": true, "minimum": 0.5},
            "day": {"type": "string", "format": "date"},
            "port": {"x-kubernetes-int-or-string": true},
            "set": {"type": "array", "x-kubernetes-list-type": "set", "maxItems": 3, "items": {"type": "string"}},
            "map": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "items": {"type": "object", "properties": {"name": {"type": "string"}, "size": {"type": "integer", "maximum": 3}}}},
            "keys": {"type": "object", "maxProperties": 1, "additionalProperties": {"type": "integer"}},
            "one": {"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}], "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
        }}}}),
    );
    for (spec, expected) in [
        (
            json!({"color": "red", "name": "ab", "size": 4, "ratio": 0.6, "day": "2026-01-01", "port": "http", "set": ["a"], "keys": {"a": 1}, "one": {"a": "x"}}),
            vec![],
        ),
        (json!({}), vec!["spec.color: Required value"]),
        (json!({"color": "red", "size": 2.0, "port": 80}), vec![]),
        (
            json!({"color": "red", "name": "a"}),
            vec!["spec.name: Invalid value: \"a\": spec.name in body should be at least 2 chars long"],
        ),
        (
            json!({"color": "red", "name": "A1"}),
            vec!["spec.name: Invalid value: \"A1\": spec.name in body should match '^[a-z]+$'"],
        ),
        (
            json!({"color": "red", "size": 12}),
            vec!["spec.size: Invalid value: 12: spec.size in body should be less than or equal to 10"],
        ),
        (
            json!({"color": "red", "size": 3}),
            vec!["spec.size: Invalid value: 3: spec.size in body should be a multiple of 2"],
        ),
        (
            json!({"color": "red", "small": 3_000_000_000_i64}),
            vec!["<nil>: Invalid value: \"\": Checked value must be of type integer with format int32 in spec.small"],
        ),
        (
            json!({"color": "red", "ratio": 0.5}),
            vec!["spec.ratio: Invalid value: 0.5: spec.ratio in body should be greater than 0.5"],
        ),
        (
            json!({"color": "red", "set": ["a", "b", "a", "a"]}),
            vec![
                "spec.set: Too many: 4: must have at most 3 items",
                "spec.set[2]: Duplicate value: \"a\"",
            ],
        ),
        (
            json!({"color": "red", "map": [{"name": "n"}, {"name": "n", "size": 1}]}),
            vec!["spec.map[1]: Duplicate value: {\"name\":\"n\"}"],
        ),
        (
            json!({"color": "red", "keys": {"a": "x"}}),
            vec!["spec.keys.a: Invalid value: \"string\": spec.keys.a in body must be of type integer: \"string\""],
        ),
        (
            json!({"color": "red", "one": {}}),
            vec![
                "<nil>: Invalid value: \"\": \"spec.one\" must validate one and only one schema (oneOf). Found none valid",
                "spec.one.a: Required value",
            ],
        ),
        (
            json!({"color": "red", "port": true}),
            vec![
                "spec.port: Invalid value: \"boolean\": spec.port in body must be of type integer,string: \"boolean\"",
            ],
        ),
        (
            json!({"color": "red", "day": "x"}),
            vec!["spec.day: Invalid value: \"x\": spec.day in body must be of type date: \"x\""],
        ),
    ] {
        let causes = told(&version.create(&foo(spec.clone())));
        assert!(
            causes.len() == expected.len()
                && causes
                    .iter()
                    .zip(&expected)
                    .all(|(ours, theirs)| ours.starts_with(theirs)),
            "{spec} {causes:#?}"
        );
    }
}

#[test]
fn what_did_not_change_is_forgiven() {
    let version = version(
        json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
        "name": {"type": "string", "maxLength": 2}, "size": {"type": "integer", "maximum": 3},
        "atomic": {"type": "array", "items": {"type": "integer", "maximum": 3}},
        "map": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
            "items": {"type": "object", "properties": {"k": {"type": "string"}, "v": {"type": "integer", "maximum": 3}}}}}}}}),
    );
    let old =
        foo(json!({"name": "long", "size": 9, "atomic": [7, 1], "map": [{"k": "a", "v": 9}, {"k": "b", "v": 1}]}));
    for (spec, expected) in [
        (json!({"name": "long", "size": 9}), vec![]),
        (json!({"name": "longer", "size": 9}), vec!["spec.name"]),
        (json!({"name": "long", "size": 1, "atomic": [7, 1]}), vec![]),
        (json!({"atomic": [7, 2]}), vec!["spec.atomic[0]"]),
        (json!({"map": [{"k": "b", "v": 2}, {"k": "a", "v": 9}]}), vec![]),
        (json!({"map": [{"k": "a", "v": 8}]}), vec!["spec.map[0].v"]),
    ] {
        let causes = version.update(&foo(spec.clone()), &old).faults;
        let fields: Vec<&str> = causes
            .iter()
            .map(|cause| cause.field.as_str())
            .filter(|field| *field != "<nil>")
            .collect();
        assert_eq!(fields, expected, "{spec} {causes:#?}");
    }
}
