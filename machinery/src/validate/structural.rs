//! What the schema of one of our kinds says beyond types: what must be there, which words are allowed, and bounds.

use serde_json::Value;

use crate::field;
use crate::schema::own;
use crate::status::Cause;

use super::at::At;

/// Judges spec and status of one of our kinds by its schema.
pub(super) fn check(kind: &str, object: &Value, faults: &mut Vec<Cause>) {
    let Some(properties) = own::definition(kind).and_then(|d| d.get("properties")) else {
        return;
    };
    for part in ["spec", "status"] {
        if let Some(schema) = properties.get(part) {
            walk(schema, &At::root(object, part), faults);
        }
    }
}

fn walk(schema: &Value, at: &At<'_>, faults: &mut Vec<Cause>) {
    match at.value {
        Value::Object(map) => {
            for name in schema
                .get("required")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
            {
                if !at.get(name).is_set() {
                    faults.push(field::required(&at.path.child(name), ""));
                }
            }
            let properties = schema.get("properties");
            let additional = schema.get("additionalProperties").filter(|s| s.is_object());
            for key in map.keys() {
                if let Some(schema) = properties.and_then(|p| p.get(key)) {
                    walk(schema, &at.get(key), faults);
                } else if let Some(schema) = additional {
                    walk(schema, &at.entry(key), faults);
                }
            }
        }
        Value::Array(_) => {
            if let Some(schema) = schema.get("items") {
                for item in at.items() {
                    walk(schema, &item, faults);
                }
            }
        }
        Value::String(_) => {
            if let Some(words) = schema.get("enum").and_then(Value::as_array)
                && !words.contains(at.value)
            {
                let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
                faults.push(field::not_supported(&at.path, at.value, &words));
            }
        }
        Value::Number(number) => {
            let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
            let number = number.as_f64().unwrap_or_default();
            if let Some(least) = bound("minimum").filter(|least| number < *least) {
                let detail = format!("should be greater than or equal to {least}");
                faults.push(field::invalid(&at.path, at.value, &detail));
            }
            if let Some(most) = bound("maximum").filter(|most| number > *most) {
                let detail = format!("should be less than or equal to {most}");
                faults.push(field::invalid(&at.path, at.value, &detail));
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}
