//! Whether every value has the JSON type its place asks for. What is wrong here cannot be read at all (400), where a
//! value that can be read and is not allowed is a matter of validation (422).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::field::quoted;
use crate::quantity::{PATTERN_ERROR, Quantity};
use crate::schema::{Form, Schema};

use super::DecodeError;
use super::trail::Trail;

/// Checks a value against the types of its kind. Null is allowed everywhere: it is absence.
///
/// # Errors
/// The first value of a wrong type, or text that does not read as the bytes, time or quantity it stands for.
pub fn check_types(schema: &Schema, value: &Value) -> Result<(), DecodeError> {
    walk(schema, value, &mut Trail::default())
}

fn walk(schema: &Schema, value: &Value, at: &mut Trail) -> Result<(), DecodeError> {
    match (schema.form, value) {
        (_, Value::Null) => Ok(()),
        (Form::Any, _) => Ok(()),
        (Form::Object, Value::Object(map)) => map.iter().try_for_each(|(key, value)| match schema.field(key) {
            Some(field) => {
                let length = at.field(key);
                walk(field.schema(), value, at)?;
                at.leave(length);
                Ok(())
            }
            None => Ok(()),
        }),
        (Form::Array, Value::Array(items)) => match &schema.items {
            Some(field) => items.iter().enumerate().try_for_each(|(index, item)| {
                let length = at.item(index);
                walk(field.schema(), item, at)?;
                at.leave(length);
                Ok(())
            }),
            None => Ok(()),
        },
        (Form::String, Value::String(text)) => check_text(schema, text, at.path()),
        (Form::Boolean, Value::Bool(_)) | (Form::Number, Value::Number(_)) | (Form::IntOrString, Value::String(_)) => {
            Ok(())
        }
        (Form::Integer, Value::Number(number)) => match number.as_i64() {
            Some(n) if !schema.int32 || i32::try_from(n).is_ok() => Ok(()),
            Some(_) | None => wrong(at, value, if schema.int32 { "int32" } else { "int64" }),
        },
        (Form::IntOrString, Value::Number(number)) => match number.as_i64().map(i32::try_from) {
            Some(Ok(_)) => Ok(()),
            Some(Err(_)) | None => wrong(at, value, "int32"),
        },
        (Form::Quantity, Value::String(_) | Value::Number(_)) => match Quantity::from_value(value) {
            Some(_) => Ok(()),
            None => Err(DecodeError::Value {
                path: at.path().to_owned(),
                detail: PATTERN_ERROR.to_owned(),
            }),
        },
        (Form::Object, _) => wrong(at, value, "object"),
        (Form::Array, _) => wrong(at, value, "list"),
        (Form::String, _) => wrong(at, value, "string"),
        (Form::Boolean, _) => wrong(at, value, "bool"),
        (Form::Number, _) => wrong(at, value, "number"),
        (Form::Integer, _) => wrong(at, value, if schema.int32 { "int32" } else { "int64" }),
        (Form::IntOrString, _) => wrong(at, value, "IntOrString"),
        (Form::Quantity, _) => wrong(at, value, "Quantity"),
    }
}

fn wrong(at: &Trail, value: &Value, expected: &'static str) -> Result<(), DecodeError> {
    Err(DecodeError::Type {
        path: at.path().to_owned(),
        found: found(value),
        expected,
    })
}

fn check_text(schema: &Schema, text: &str, path: &str) -> Result<(), DecodeError> {
    let detail = if schema.bytes
        && STANDARD
            .decode(
                text.as_bytes()
                    .iter()
                    .copied()
                    .filter(|b| !matches!(b, b'\n' | b'\r'))
                    .collect::<Vec<_>>(),
            )
            .is_err()
    {
        Some("illegal base64 data".to_owned())
    } else if schema.time && text.parse::<jiff::Timestamp>().is_err() {
        Some(format!(
            "parsing time {} as \"2006-01-02T15:04:05Z07:00\": cannot parse it",
            quoted(text)
        ))
    } else {
        None
    };
    match detail {
        Some(detail) => Err(DecodeError::Value {
            path: path.to_owned(),
            detail,
        }),
        None => Ok(()),
    }
}

fn found(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(number) if number.is_f64() || number.as_i64().is_none_or(|n| i32::try_from(n).is_err()) => {
            format!("number {number}")
        }
        Value::Number(_) => "number".to_owned(),
        Value::String(_) => "string".to_owned(),
        Value::Array(_) => "array".to_owned(),
        Value::Object(_) => "object".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;
    use serde_json::json;

    #[test]
    fn wrong_types_are_named() {
        for (api_version, kind, value, text) in [
            (
                "apps/v1",
                "Deployment",
                json!({"spec": {"replicas": "3"}}),
                "json: cannot unmarshal string into field spec.replicas of type int32",
            ),
            (
                "apps/v1",
                "Deployment",
                json!({"spec": {"replicas": 1.5}}),
                "json: cannot unmarshal number 1.5 into field spec.replicas of type int32",
            ),
            (
                "apps/v1",
                "Deployment",
                json!({"spec": {"replicas": 3_000_000_000_i64}}),
                "json: cannot unmarshal number 3000000000 into field spec.replicas of type int32",
            ),
            (
                "v1",
                "ConfigMap",
                json!({"data": {"a": 1}}),
                "json: cannot unmarshal number into field data.a of type string",
            ),
            (
                "v1",
                "ConfigMap",
                json!({"metadata": {"labels": ["a"]}}),
                "json: cannot unmarshal array into field metadata.labels of type object",
            ),
            (
                "v1",
                "Secret",
                json!({"data": {"a": "%%"}}),
                "field data.a: illegal base64 data",
            ),
            (
                "v1",
                "Service",
                json!({"spec": {"ports": [{"port": true}]}}),
                "json: cannot unmarshal bool into field spec.ports[0].port of type int32",
            ),
            (
                "v1",
                "Pod",
                json!({"spec": {"containers": [{"resources": {"limits": {"cpu": "much"}}}]}}),
                "field spec.containers[0].resources.limits.cpu: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            ),
        ] {
            let error = check_types(schema::of(api_version, kind).unwrap(), &value).unwrap_err();
            assert_eq!(error.to_string(), text);
        }
    }

    #[test]
    fn right_types_pass() {
        for (api_version, kind, value) in [
            (
                "v1",
                "Service",
                json!({"spec": {"ports": [{"port": 80, "targetPort": "http"}, {"port": 81, "targetPort": 8081}], "type": null}}),
            ),
            (
                "v1",
                "Secret",
                json!({"data": {"a": "YQ==", "b": ""}, "unknown": {"x": [1]}}),
            ),
            (
                "coordination.k8s.io/v1",
                "Lease",
                json!({"spec": {"renewTime": "2026-01-02T03:04:05.123456Z"}}),
            ),
            (
                "federation.meridian.dev/v1alpha1",
                "Region",
                json!({"spec": {"latitude": 1, "longitude": 2.5}}),
            ),
        ] {
            check_types(schema::of(api_version, kind).unwrap(), &value).unwrap();
        }
    }
}
