//! How large a value is and how deep: what bounds are about.

use serde_json::Value;

/// Bytes of the value's JSON.
pub(crate) fn bytes(value: &Value) -> usize {
    value.to_string().len()
}

/// Maps and lists inside one another.
pub(crate) fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}
