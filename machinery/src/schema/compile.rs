//! OpenAPI schemas to [`Schema`] trees. References become names of [`super::builtin`]'s definitions; nothing is followed
//! here, so the work is linear in the text.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Field, Form, ListType, Schema, Shape};

const INT_OR_STRING: &str = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";

/// Compiles an OpenAPI v3 (or v2) schema: a kind's definition, or the `openAPIV3Schema` of a custom resource. References
/// may point to the definitions of the embedded table.
#[must_use]
pub fn from_openapi(schema: &Value) -> Schema {
    compile(schema, None, OPEN)
}

/// Compiles the published schema of a custom kind. Unlike in other OpenAPI schemas, an object that tells of no fields has
/// none, and a default counts even where it says as much as absence.
#[must_use]
pub fn from_structural(schema: &Value) -> Schema {
    compile(schema, None, STRUCTURAL)
}

/// How a schema is to be read.
#[derive(Clone, Copy)]
struct Dialect {
    /// It comes from a Kubernetes type.
    native: bool,
    /// It is the structural schema of a custom kind.
    structural: bool,
}

const OPEN: Dialect = Dialect {
    native: false,
    structural: false,
};
const NATIVE: Dialect = Dialect { native: true, ..OPEN };
const STRUCTURAL: Dialect = Dialect {
    structural: true,
    ..OPEN
};

/// Compiles one definition of the embedded table.
pub(super) fn definition(name: &str, schema: &Value) -> Schema {
    compile(schema, Some(name), NATIVE)
}

fn compile(schema: &Value, name: Option<&str>, dialect: Dialect) -> Schema {
    let properties: BTreeMap<String, Field> = object(schema, "properties")
        .map(|properties| {
            properties
                .iter()
                .map(|(key, value)| (key.clone(), field(value, dialect)))
                .collect()
        })
        .unwrap_or_default();
    let additional = schema
        .get("additionalProperties")
        .filter(|v| v.is_object())
        .map(|value| Box::new(field(value, dialect)));
    let items = schema
        .get("items")
        .filter(|v| v.is_object())
        .map(|value| Box::new(field(value, dialect)));
    let form = form(schema, name, !properties.is_empty());
    let closed = form == Form::Object && (!properties.is_empty() || additional.is_some());
    let preserve_unknown = flag(schema, "x-kubernetes-preserve-unknown-fields")
        || schema.get("additionalProperties") == Some(&Value::Bool(true))
        || (form == Form::Object && !closed && !dialect.structural);
    Schema {
        form,
        properties,
        additional,
        items,
        required: texts(schema.get("required")),
        preserve_unknown,
        int32: schema.get("format").and_then(Value::as_str) == Some("int32"),
        time: schema.get("format").and_then(Value::as_str) == Some("date-time"),
        bytes: schema.get("format").and_then(Value::as_str) == Some("byte"),
        // What holds anything, as the data of a ControllerRevision does, belongs to one manager.
        atomic_map: schema.get("x-kubernetes-map-type").and_then(Value::as_str) == Some("atomic")
            || (dialect.native && form == Form::Object && !closed),
        native: dialect.native,
    }
}

fn form(schema: &Value, name: Option<&str>, has_properties: bool) -> Form {
    if name == Some(QUANTITY) {
        return Form::Quantity;
    }
    if name == Some(INT_OR_STRING)
        || schema.get("format").and_then(Value::as_str) == Some("int-or-string")
        || flag(schema, "x-kubernetes-int-or-string")
    {
        return Form::IntOrString;
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("object") => Form::Object,
        Some("array") => Form::Array,
        Some("string") => Form::String,
        Some("integer") => Form::Integer,
        Some("number") => Form::Number,
        Some("boolean") => Form::Boolean,
        Some(_) | None => {
            if has_properties {
                Form::Object
            } else {
                Form::Any
            }
        }
    }
}

fn field(schema: &Value, dialect: Dialect) -> Field {
    let referenced = schema
        .get("$ref")
        .or_else(|| {
            schema
                .get("allOf")
                .and_then(|all| all.get(0))
                .and_then(|first| first.get("$ref"))
        })
        .and_then(Value::as_str)
        .map(|name| name.rsplit('/').next().unwrap_or(name));
    let shape = match referenced {
        Some(name) => Shape::Named(Arc::from(name)),
        None => Shape::Inline(Arc::new(compile(schema, None, dialect))),
    };
    let list_type = match schema.get("x-kubernetes-list-type").and_then(Value::as_str) {
        Some("map") => ListType::Map,
        Some("set") => ListType::Set,
        Some(_) | None => ListType::Atomic,
    };
    Field {
        shape,
        list_type,
        list_map_keys: texts(schema.get("x-kubernetes-list-map-keys")),
        patch_strategies: schema
            .get("x-kubernetes-patch-strategy")
            .and_then(Value::as_str)
            .map(|words| words.split(',').map(|word| word.trim().to_owned()).collect())
            .unwrap_or_default(),
        patch_merge_key: schema
            .get("x-kubernetes-patch-merge-key")
            .and_then(Value::as_str)
            .map(str::to_owned),
        atomic_map: schema.get("x-kubernetes-map-type").and_then(Value::as_str) == Some("atomic"),
        default: schema
            .get("default")
            .filter(|value| dialect.structural || !is_zero(value))
            .cloned(),
    }
}

/// Whether a default says no more than absence does.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Bool(true) | Value::Array(_) | Value::Object(_) => false,
    }
}

fn object<'a>(schema: &'a Value, key: &str) -> Option<&'a Map<String, Value>> {
    schema.get(key).and_then(Value::as_object)
}

fn flag(schema: &Value, key: &str) -> bool {
    schema.get(key).and_then(Value::as_bool) == Some(true)
}

fn texts(value: Option<&Value>) -> Vec<String> {
    value
        .and_then(Value::as_array)
        .map(|items| items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        .unwrap_or_default()
}
