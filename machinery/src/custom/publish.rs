//! The OpenAPI schema under which a custom kind is published.

use serde_json::{Map, Value, json};

use super::read::{flag, texts};
use crate::schema::builtin;

/// Definition of `metadata`.
pub(super) const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// The v3 schema of one version of a kind.
pub(super) fn kind(declared: &Value, group: &str, version: &str, kind: &str, selectable: &[String]) -> Value {
    let mut out = embedded_properties(declared);
    out.insert(
        "x-kubernetes-group-version-kind".to_owned(),
        json!([{"group": group, "version": version, "kind": kind}]),
    );
    if !selectable.is_empty() {
        let fields: Vec<Value> = selectable.iter().map(|field| json!({"fieldPath": field})).collect();
        out.insert("x-kubernetes-selectable-fields".to_owned(), Value::from(fields));
    }
    let properties = out.entry("properties").or_insert_with(|| Value::Object(Map::new()));
    if let Some(properties) = properties.as_object_mut() {
        properties.extend(own_fields());
    }
    Value::Object(out)
}

/// `apiVersion`, `kind` and `metadata` as every object has them.
fn own_fields() -> Map<String, Value> {
    let described = builtin::definitions()
        .get("io.k8s.api.core.v1.ConfigMap")
        .and_then(|definition| definition.get("properties"));
    let of = |key: &str| described.and_then(|d| d.get(key)).cloned().unwrap_or_default();
    let mut metadata = of("metadata");
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.remove("default");
    }
    Map::from_iter([
        ("apiVersion".to_owned(), of("apiVersion")),
        ("kind".to_owned(), of("kind")),
        ("metadata".to_owned(), metadata),
    ])
}

/// A schema in which every embedded object has the fields that all objects have.
fn embedded_properties(schema: &Value) -> Map<String, Value> {
    let mut out = schema.as_object().cloned().unwrap_or_default();
    for (key, value) in &mut out {
        match key.as_str() {
            "properties" => {
                for value in value.as_object_mut().into_iter().flat_map(Map::values_mut) {
                    *value = Value::Object(embedded_properties(value));
                }
            }
            "items" | "additionalProperties" if value.is_object() => {
                *value = Value::Object(embedded_properties(value));
            }
            _ => {}
        }
    }
    if flag(schema, "x-kubernetes-int-or-string") {
        either(&mut out);
    }
    if flag(schema, "x-kubernetes-embedded-resource") {
        let properties = out.entry("properties").or_insert_with(|| Value::Object(Map::new()));
        if let Some(properties) = properties.as_object_mut() {
            let mut own = own_fields();
            for (key, words) in EMBEDDED {
                if let Some(field) = own.get_mut(key).and_then(Value::as_object_mut) {
                    field.insert("description".to_owned(), Value::from(words));
                }
            }
            properties.extend(own);
        }
        let mut required = texts(schema, "required");
        for name in ["kind", "apiVersion"] {
            if !required.iter().any(|known| known == name) {
                required.push(name.to_owned());
            }
        }
        out.insert("required".to_owned(), Value::from(required));
    }
    out
}

/// What the fields of embedded objects say.
const EMBEDDED: [(&str, &str); 2] = [
    (
        "apiVersion",
        "apiVersion defines the versioned schema of this representation of an object. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources",
    ),
    (
        "kind",
        "kind is a string value representing the type of this object. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds",
    ),
];

/// Says in plain OpenAPI that a value is a number or a text, where the schema does not.
fn either(schema: &mut Map<String, Value>) {
    let either = json!([{"type": "integer"}, {"type": "string"}]);
    let any_of = schema.get("anyOf").filter(|any| !any.is_null());
    let first = schema.get("allOf").and_then(|all| all.pointer("/0/anyOf"));
    if any_of == Some(&either) || first == Some(&either) {
        return;
    }
    if any_of.is_none() {
        schema.insert("anyOf".to_owned(), either);
        return;
    }
    let all = schema.entry("allOf").or_insert_with(|| json!([]));
    if let Some(all) = all.as_array_mut() {
        all.insert(0, json!({"anyOf": either}));
    }
}
