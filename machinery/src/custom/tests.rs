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
