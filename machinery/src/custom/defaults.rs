//! Writes the defaults of a structural schema into a value.

use serde_json::Value;

use super::structural::Structural;

/// Fills in the defaults from here down. What a default brings is filled in turn, so once is enough.
pub(crate) fn fill(schema: &Structural, value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, field) in &schema.properties {
                if let Some(default) = &field.default
                    && map.get(name).is_none_or(|value| is_bare_null(field, value))
                {
                    map.insert(name.clone(), default.clone());
                }
            }
            for (key, value) in map.iter_mut() {
                if let Some(field) = schema.field(key) {
                    if !schema.properties.contains_key(key) {
                        replace_null(field, value);
                    }
                    fill(field, value);
                }
            }
        }
        Value::Array(items) => {
            if let Some(item) = &schema.items {
                for value in items {
                    replace_null(item, value);
                    fill(item, value);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Null where null is no value.
fn is_bare_null(schema: &Structural, value: &Value) -> bool {
    value.is_null() && !schema.nullable
}

fn replace_null(schema: &Structural, value: &mut Value) {
    if is_bare_null(schema, value)
        && let Some(default) = &schema.default
    {
        *value = default.clone();
    }
}
