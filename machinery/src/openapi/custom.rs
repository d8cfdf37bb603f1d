//! Definitions of custom kinds: their names, their lists, and the form that v2 gives their schemas.
//!
//! In: rows with a schema. Out: definitions beside those of the embedded table.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::ServedKind;
use super::definitions::LIST_META;
use crate::schema::builtin;

const LIST_METADATA: &str = "Standard list metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds";

/// The name of the definition of a custom kind: its group backwards, its version, its kind.
pub(super) fn definition_name(group: &str, version: &str, kind: &str) -> String {
    let backwards: Vec<&str> = group.split('.').rev().collect();
    format!("{}.{version}.{kind}", backwards.join("."))
}

/// The definitions of the custom kinds among the rows and of their lists, by name. References are bare names.
pub(super) fn definitions<'a>(kinds: impl IntoIterator<Item = &'a ServedKind>) -> BTreeMap<String, Value> {
    let mut out = BTreeMap::new();
    for kind in kinds {
        if let Some(schema) = &kind.schema {
            let name = |word: &str| definition_name(&kind.group, &kind.version, word);
            out.insert(name(&kind.kind), schema.clone());
            out.insert(name(&kind.list_kind()), list(kind, schema));
        }
    }
    out
}

fn list(kind: &ServedKind, schema: &Value) -> Value {
    let described = builtin::definitions()
        .get("io.k8s.api.apps.v1.DeploymentList")
        .and_then(|definition| definition.get("properties"));
    let of = |key: &str| described.and_then(|d| d.get(key)).cloned().unwrap_or_default();
    let item = definition_name(&kind.group, &kind.version, &kind.kind);
    let list_kind = kind.list_kind();
    let mut out = json!({
        "description": format!("{list_kind} is a list of {}", kind.kind),
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": of("apiVersion"),
            "kind": of("kind"),
            "metadata": {"$ref": LIST_META,
                "description": LIST_METADATA},
            "items": {"type": "array", "items": {"$ref": item}, "description": format!(
                "List of {}. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md",
                kind.plural
            )},
        },
        "x-kubernetes-group-version-kind": [{"group": kind.group, "kind": list_kind, "version": kind.version}],
    });
    let selectable = schema.get("x-kubernetes-selectable-fields");
    if let (Some(fields), Some(map)) = (selectable, out.as_object_mut()) {
        map.insert("x-kubernetes-selectable-fields".to_owned(), fields.clone());
    }
    out
}

/// The schema of a custom kind as swagger can say it. Of a kind that keeps unknown fields nothing is told, for kubectl
/// would refuse what is not told.
pub(super) fn v2_definition(schema: &Value) -> Value {
    if is_open(schema) {
        let kept = ["x-kubernetes-group-version-kind", "x-kubernetes-selectable-fields"];
        let marks = kept
            .iter()
            .filter_map(|key| Some(((*key).to_owned(), schema.get(*key)?.clone())));
        let mut out: Map<String, Value> = marks.collect();
        out.insert("type".to_owned(), Value::from("object"));
        return Value::Object(out);
    }
    v2_form(schema)
}

fn v2_form(schema: &Value) -> Value {
    let Some(map) = schema.as_object() else {
        return schema.clone();
    };
    let mut out = map.clone();
    out.retain(|key, _| !matches!(key.as_str(), "allOf" | "anyOf" | "oneOf" | "not" | "default"));
    if let Some(name) = map.get("$ref").and_then(Value::as_str) {
        out.insert("$ref".to_owned(), Value::from(format!("#/definitions/{name}")));
        return Value::Object(out);
    }
    let nullable = is_true(schema, "nullable");
    if nullable {
        for key in ["type", "nullable"] {
            out.remove(key);
        }
    }
    if nullable || is_open(schema) {
        // Values without a type must not tell of items or fields; the fields of an embedded object are told all the same.
        out.remove("items");
        if !is_true(schema, "x-kubernetes-embedded-resource") || is_open(schema) {
            out.remove("properties");
        } else if let Some(properties) = out.get_mut("properties").and_then(Value::as_object_mut) {
            properties.retain(|key, _| matches!(key.as_str(), "apiVersion" | "kind" | "metadata"));
        }
    }
    let type_ = out.get("type").and_then(Value::as_str).unwrap_or_default();
    if (type_ == "array" && !out.contains_key("items")) || (type_ == "object" && is_open(schema)) {
        out.remove("type");
    }
    relax(schema, &mut out);
    for (key, value) in &mut out {
        match (key.as_str(), &mut *value) {
            ("properties", Value::Object(fields)) => fields.values_mut().for_each(|field| *field = v2_form(field)),
            ("items" | "additionalProperties", Value::Object(_)) => *value = v2_form(value),
            _ => {}
        }
    }
    Value::Object(out)
}

/// What may be null is not required to be there.
fn relax(schema: &Value, out: &mut Map<String, Value>) {
    let nullable_values = schema
        .get("additionalProperties")
        .is_some_and(|s| is_true(s, "nullable"));
    let Some(required) = out.get_mut("required").and_then(Value::as_array_mut) else {
        return;
    };
    let field = |name: &Value| schema.get("properties")?.get(name.as_str()?);
    // Of an open embedded object no fields are told, so none that it must have.
    let untold = is_open(schema) && is_true(schema, "x-kubernetes-embedded-resource");
    required.retain(|name| !(untold && matches!(name.as_str(), Some("kind" | "apiVersion"))));
    required.retain(|name| !nullable_values && !field(name).is_some_and(|s| is_true(s, "nullable")));
    if required.is_empty() {
        out.remove("required");
    }
}

fn is_open(schema: &Value) -> bool {
    is_true(schema, "x-kubernetes-preserve-unknown-fields")
}

fn is_true(schema: &Value, key: &str) -> bool {
    schema.get(key) == Some(&Value::Bool(true))
}
