//! JSON Schemas of Rust types (schemars) in the form that Kubernetes publishes: no references, `nullable` instead of a
//! type list, enums without the words of each variant.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::Schema;
use super::compile::from_openapi;

/// The compiled schema of a Rust type.
#[must_use]
pub fn schema_of<T: JsonSchema>() -> Schema {
    from_openapi(&openapi_of::<T>())
}

/// The OpenAPI v3 schema of a Rust type, in Kubernetes' form.
#[must_use]
pub fn openapi_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::openapi3().with(|s| s.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<T>();
    tidy(schema.as_value())
}

/// One schema, and all below it.
fn tidy(schema: &Value) -> Value {
    let Some(map) = schema.as_object() else {
        // `true` and `false` of JSON Schema: anything goes.
        return Value::Object(open());
    };
    if let Some(merged) = alternatives(map) {
        return merged;
    }
    let mut out = Map::new();
    for (key, value) in map {
        match key.as_str() {
            "$schema" | "$defs" | "definitions" | "components" | "title" => {}
            "properties" => {
                let properties = value
                    .as_object()
                    .map(|p| p.iter().map(|(k, v)| (k.clone(), tidy(v))).collect::<Map<_, _>>());
                out.insert(key.clone(), Value::Object(properties.unwrap_or_default()));
            }
            "items" => {
                out.insert(key.clone(), tidy(value));
            }
            "additionalProperties" if value.is_object() => {
                out.insert(key.clone(), tidy(value));
            }
            "format"
                if value
                    .as_str()
                    .is_some_and(|f| !matches!(f, "int32" | "int64" | "double" | "float" | "date-time" | "byte")) => {}
            "const" => {
                out.insert("enum".into(), Value::Array(vec![value.clone()]));
            }
            "type" => {
                let (name, nullable) = type_name(value);
                out.insert(key.clone(), name);
                if nullable {
                    out.insert("nullable".into(), Value::Bool(true));
                }
            }
            // A default would be taken for one that the server applies.
            "default" => {}
            _ => {
                out.insert(key.clone(), value.clone());
            }
        }
    }
    if !out.contains_key("type") && !out.contains_key("enum") {
        out.extend(open());
    }
    Value::Object(out)
}

fn open() -> Map<String, Value> {
    Map::from_iter([("x-kubernetes-preserve-unknown-fields".to_owned(), Value::Bool(true))])
}

fn type_name(value: &Value) -> (Value, bool) {
    match value {
        Value::Array(names) => {
            let nullable = names.iter().any(|n| n == "null");
            (
                names
                    .iter()
                    .find(|n| *n != "null")
                    .cloned()
                    .unwrap_or(Value::from("object")),
                nullable,
            )
        }
        other => (other.clone(), false),
    }
}

/// `anyOf [T, null]` is a nullable T, `allOf [T]` is T, and `oneOf` of constants is one enum. The words beside them win.
fn alternatives(map: &Map<String, Value>) -> Option<Value> {
    let (key, options) = ["anyOf", "oneOf", "allOf"]
        .into_iter()
        .find_map(|key| map.get(key).and_then(Value::as_array).map(|options| (key, options)))?;
    let mut nullable = map.get("nullable") == Some(&Value::Bool(true));
    let mut values: Vec<Value> = Vec::new();
    let mut rest: Vec<&Value> = Vec::new();
    for option in options {
        let null = option.get("type") == Some(&Value::from("null"))
            || option
                .get("enum")
                .and_then(Value::as_array)
                .is_some_and(|e| e.iter().all(Value::is_null));
        if null {
            nullable = true;
        } else if let Some(constant) = option.get("const") {
            values.push(constant.clone());
        } else if let (true, Some(list)) = (key != "allOf", option.get("enum").and_then(Value::as_array)) {
            values.extend(list.iter().cloned());
        } else {
            rest.push(option);
        }
    }
    let mut out = match (rest.as_slice(), values.is_empty()) {
        ([], false) => Map::from_iter([
            ("type".to_owned(), Value::from("string")),
            ("enum".to_owned(), Value::Array(values)),
        ]),
        ([one], true) => tidy(one).as_object().cloned().unwrap_or_default(),
        _ => open(),
    };
    if let Some(description) = map.get("description") {
        out.insert("description".into(), description.clone());
    }
    if nullable {
        out.insert("nullable".into(), Value::Bool(true));
    }
    Some(Value::Object(out))
}
