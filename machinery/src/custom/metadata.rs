//! Rules about the metadata of custom objects, and of the objects embedded in them.

use serde_json::{Map, Value};

use super::structural::Structural;
use crate::field::{self, Path};
use crate::status::{Cause, CauseReason};
use crate::validate::{self, format};

/// The faults of the version and kind that an object claims.
pub(super) fn type_meta(api_version: &str, kind: &str, object: &Value) -> Vec<Cause> {
    let mut faults = Vec::new();
    for (name, wanted) in [("kind", kind), ("apiVersion", api_version)] {
        let said = object.get(name).and_then(Value::as_str).unwrap_or_default();
        if said != wanted {
            faults.push(field::invalid(
                &Path::root(name),
                &Value::from(said),
                &format!("must be {wanted}"),
            ));
        }
    }
    faults
}

pub(super) fn create(namespaced: bool, object: &Value, faults: &mut Vec<Cause>) {
    validate::custom_metadata(namespaced, object, faults);
}

pub(super) fn update(new: &Value, old: &Value, faults: &mut Vec<Cause>) {
    validate::custom_metadata_update(new, old, faults);
}

/// The faults of all objects that are embedded in one.
pub(crate) fn embedded(schema: &Structural, object: &Value) -> Vec<Cause> {
    let mut faults = Vec::new();
    for (key, value) in object.as_object().into_iter().flatten() {
        if let Some(field) = schema.field(key) {
            walk(field, value, &Path::root(key), &mut faults);
        }
    }
    faults
}

/// The faults of a value that stands at a place of its own, and of what is embedded in it.
pub(crate) fn embedded_at(schema: &Structural, value: &Value, path: &Path) -> Vec<Cause> {
    let mut faults = Vec::new();
    walk(schema, value, path, &mut faults);
    faults
}

fn walk(schema: &Structural, value: &Value, path: &Path, faults: &mut Vec<Cause>) {
    match value {
        Value::Object(map) => {
            if schema.embedded {
                object(map, path, faults);
            }
            for (key, value) in map {
                if let Some(field) = schema.properties.get(key) {
                    walk(field, value, &path.child(key), faults);
                } else if let Some(field) = schema.field(key) {
                    walk(field, value, &path.key(key), faults);
                }
            }
        }
        Value::Array(items) => {
            if let Some(item) = &schema.items {
                for (index, value) in items.iter().enumerate() {
                    walk(item, value, &path.index(index), faults);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn object(map: &Map<String, Value>, path: &Path, faults: &mut Vec<Cause>) {
    for key in ["apiVersion", "kind"] {
        let here = path.child(key);
        match map.get(key) {
            None => faults.push(field::required(&here, "")),
            Some(Value::String(text)) if text.is_empty() => {
                faults.push(field::invalid(&here, &Value::from(""), "must not be empty"));
            }
            Some(value @ Value::String(text)) => {
                if key == "apiVersion" && text.matches('/').count() > 1 {
                    let detail = format!("unexpected GroupVersion string: {text}");
                    faults.push(field::invalid(&here, value, &detail));
                }
                let wrong = format::dns_1035_label(&text.to_lowercase());
                if key == "kind" && !wrong.is_empty() {
                    let detail = format!("may have mixed case, but should otherwise match: {}", wrong.join(","));
                    faults.push(field::invalid(&here, value, &detail));
                }
            }
            Some(other) => faults.push(field::invalid(&here, other, "must be a string")),
        }
    }
    if map.get("metadata").is_some_and(Value::is_object) {
        let mut own = Vec::new();
        validate::embedded_metadata(&Value::Object(map.clone()), &mut own);
        faults.extend(own.into_iter().map(|cause| Cause {
            field: format!("{path}.{}", cause.field),
            ..cause
        }));
    }
}

/// What keeps rules from being asked: the object is not even of the right shape.
pub(super) fn blocking(faults: &[Cause]) -> Option<Cause> {
    let blocks = |cause: &Cause| {
        matches!(
            cause.reason,
            CauseReason::FieldValueNotSupported
                | CauseReason::FieldValueRequired
                | CauseReason::FieldValueTooLong
                | CauseReason::FieldValueTooMany
                | CauseReason::FieldValueTypeInvalid
        )
    };
    let detail = "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";
    faults
        .iter()
        .any(blocks)
        .then(|| field::invalid(&super::values::nowhere(), &Value::Null, detail))
}
