//! Rules about what a scale subresource reads.

use serde_json::Value;

use super::Scale;
use crate::field::{self, Path};
use crate::status::Cause;

/// The faults of replicas, of the selector too; those of the wish only where it may have changed.
pub(super) fn judge(scale: &Scale, object: &Value, wish: bool) -> Vec<Cause> {
    let mut faults = Vec::new();
    if wish {
        replicas(&scale.replicas, object, &mut faults);
    }
    replicas(&scale.status_replicas, object, &mut faults);
    if let Some(pointer) = &scale.selector
        && let Some(value) = object.pointer(pointer)
        && !value.is_string()
    {
        let dotted = pointer.replace('/', ".");
        let detail = format!(
            "{dotted} accessor error: {} is of the type {}, expected string",
            told(value),
            go_type(value)
        );
        faults.push(field::invalid(&Path::root(&dotted), &Value::from(""), &detail));
    }
    faults
}

fn replicas(pointer: &str, object: &Value, faults: &mut Vec<Cause>) {
    let dotted = pointer.replace('/', ".");
    let path = Path::root(&dotted);
    if let Some(parent) = blocked(pointer, object) {
        let detail = format!(
            "{dotted} accessor error: {} is of the type {}, expected map[string]interface{{}}",
            told(parent),
            go_type(parent)
        );
        faults.push(field::invalid(&path, &Value::from(0), &detail));
    }
    let Some(value) = object.pointer(pointer) else { return };
    match value.as_i64() {
        None => {
            let detail = format!(
                "{dotted} accessor error: {} is of the type {}, expected int64",
                told(value),
                go_type(value)
            );
            faults.push(field::invalid(&path, &Value::from(0), &detail));
        }
        Some(number) if number < 0 => {
            faults.push(field::invalid(&path, value, "should be a non-negative integer"));
        }
        Some(number) if number > i64::from(i32::MAX) => {
            let detail = format!("should be less than or equal to {}", i32::MAX);
            faults.push(field::invalid(&path, value, &detail));
        }
        Some(_) => {}
    }
}

/// What stands on the way to a place and is no object.
fn blocked<'a>(pointer: &str, object: &'a Value) -> Option<&'a Value> {
    let (parent, _) = pointer.rsplit_once('/')?;
    object
        .pointer(parent)
        .filter(|value| !value.is_object() && !value.is_null())
}

fn told(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".to_owned(),
        // Empty, or not worth Go's spelling.
        other => other.to_string(),
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.as_i64().is_some() => "int64",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}
