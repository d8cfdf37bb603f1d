//! What the schema itself tells: nested structs that a typed server always writes, and declared defaults such as the
//! protocol of a port.

use serde_json::{Map, Value};

use crate::schema::{Form, Schema};

/// Writes declared defaults into a value, all the way down. Only what is there is walked, so a schema that contains
/// itself comes to an end.
pub(super) fn apply(schema: &Schema, value: &mut Value) {
    match value {
        Value::Object(map) => {
            if schema.form == Form::Object {
                fill(schema, map);
            }
            for (key, value) in map.iter_mut() {
                if let Some(field) = schema.field(key) {
                    apply(field.schema(), value);
                }
            }
        }
        Value::Array(items) => {
            if let Some(field) = &schema.items {
                for item in items {
                    apply(field.schema(), item);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn fill(schema: &Schema, map: &mut Map<String, Value>) {
    for (name, field) in &schema.properties {
        let Some(default) = &field.default else { continue };
        let absent = match map.get(name) {
            None | Some(Value::Null) => true,
            Some(Value::String(text)) => text.is_empty(),
            Some(_) => false,
        };
        // Maps and lists with a default of `{}` or `[]` are as good as absent; structs are there.
        let empty_map = default.as_object().is_some_and(Map::is_empty) && field.schema().additional.is_some();
        if absent && !empty_map {
            map.insert(name.clone(), default.clone());
        }
    }
}
