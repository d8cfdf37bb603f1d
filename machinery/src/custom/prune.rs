//! Removes what a structural schema does not know, and what means nothing with it.

use serde_json::{Map, Value};

use super::object_meta;
use super::structural::{Additional, Structural};
use crate::decode::trail::Trail;
use crate::decode::{DecodeError, check_types, prune_below};
use crate::schema::Form;

/// Prunes a whole object and returns the paths of what went: of metadata first, then of the rest, then of metadata of
/// embedded objects, as kube-apiserver lists them.
pub(super) fn prune(root: &Structural, value: &mut Value) -> Vec<String> {
    let mut unknown = Trail::default();
    metadata(value, &mut unknown);
    let mut unknown = unknown.into_names();
    let mut rest = Trail::default();
    // Kept even where the schema says nothing about them.
    let own = OwnFields::of(value);
    walk(Some(root), true, value, &mut rest);
    own.back(value);
    unknown.extend(sorted(rest));
    nulls(Some(root), value);
    let mut rest = Trail::default();
    embedded(root, value, &mut rest);
    unknown.extend(sorted(rest));
    unknown
}

fn sorted(trail: Trail) -> Vec<String> {
    let mut names = trail.into_names();
    names.sort();
    names
}

/// Prunes a value of a default, which stands at a place of its own.
pub(crate) fn prune_default(schema: &Structural, value: &mut Value) {
    walk(Some(schema), schema.embedded, value, &mut Trail::default());
}

/// The fields that every object has, set aside while the rest is pruned.
struct OwnFields(Vec<(&'static str, Value)>);

impl OwnFields {
    fn of(value: &mut Value) -> Self {
        let map = value.as_object_mut();
        let take = |map: &mut Map<String, Value>| {
            ["apiVersion", "kind", "metadata"]
                .into_iter()
                .filter_map(|key| map.get_mut(key).map(|value| (key, value.take())))
                .collect()
        };
        Self(map.map(take).unwrap_or_default())
    }

    fn back(self, value: &mut Value) {
        if let Some(map) = value.as_object_mut() {
            map.extend(self.0.into_iter().map(|(key, value)| (key.to_owned(), value)));
        }
    }
}

fn is_own(key: &str) -> bool {
    matches!(key, "apiVersion" | "kind" | "metadata")
}

fn walk(schema: Option<&Structural>, embedded: bool, value: &mut Value, unknown: &mut Trail) {
    let keep = schema.is_some_and(|s| s.preserve_unknown);
    match value {
        Value::Object(map) => {
            map.retain(|key, _| {
                let known = keep
                    || (embedded && is_own(key))
                    || schema.is_some_and(|s| s.field(key).is_some() || matches!(s.additional, Additional::Said(_)));
                if !known {
                    unknown.name_field(key);
                }
                known
            });
            for (key, value) in map.iter_mut().filter(|(key, _)| !(embedded && is_own(key))) {
                let field = schema.and_then(|s| s.field(key));
                // What is kept unseen is not looked into.
                if field.is_some() || !keep {
                    let length = unknown.field(key);
                    walk(field, field.is_some_and(|s| s.embedded), value, unknown);
                    unknown.leave(length);
                }
            }
        }
        Value::Array(items) => {
            let item = schema.and_then(|s| s.items.as_deref());
            if item.is_some() || !keep {
                for (index, value) in items.iter_mut().enumerate() {
                    let length = unknown.item(index);
                    walk(item, item.is_some_and(|s| s.embedded), value, unknown);
                    unknown.leave(length);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Drops nulls where null is no value and no default will take its place. Numbers lose a fraction of nothing, as they do on
/// their way through storage.
fn nulls(schema: Option<&Structural>, value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, value| {
                let field = schema.and_then(|s| s.field(key));
                !(value.is_null() && field.is_some_and(|s| !s.nullable && s.default.is_none()))
            });
            for (key, value) in map.iter_mut() {
                nulls(schema.and_then(|s| s.field(key)), value);
            }
        }
        Value::Array(items) => {
            let item = schema.and_then(|s| s.items.as_deref());
            items.iter_mut().for_each(|value| nulls(item, value));
        }
        Value::Number(number) => {
            if let Some(real) = number.as_f64().filter(|_| number.is_f64())
                && real.fract() == 0.0
                && real.abs() < 9.0e18
            {
                // Within bounds, so nothing is lost.
                *value = Value::from(real as i64);
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// Gives the metadata of embedded objects their typed form.
fn embedded(schema: &Structural, value: &mut Value, unknown: &mut Trail) {
    match value {
        Value::Object(_) => {
            if schema.embedded && schema.form == Form::Object {
                metadata(value, unknown);
            }
            for (key, value) in value.as_object_mut().into_iter().flatten() {
                if let Some(field) = schema.field(key) {
                    let length = unknown.field(key);
                    embedded(field, value, unknown);
                    unknown.leave(length);
                }
            }
        }
        Value::Array(items) => {
            if let Some(item) = &schema.items {
                for (index, value) in items.iter_mut().enumerate() {
                    let length = unknown.item(index);
                    embedded(item, value, unknown);
                    unknown.leave(length);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn metadata(object: &mut Value, unknown: &mut Trail) {
    if let Some(metadata) = object.get_mut("metadata").filter(|metadata| metadata.is_object()) {
        let length = unknown.field("metadata");
        prune_below(object_meta(), metadata, unknown);
        unknown.leave(length);
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// Checks the types of what embedded objects have in common with all others.
pub(super) fn check_embedded(schema: &Structural, value: &Value) -> Result<(), DecodeError> {
    check_below(schema, value, &mut Trail::default())
}

fn check_below(schema: &Structural, value: &Value, at: &mut Trail) -> Result<(), DecodeError> {
    match value {
        Value::Object(map) => {
            if schema.embedded && !at.path().is_empty() {
                for key in ["apiVersion", "kind"] {
                    if map.get(key).is_some_and(|value| !value.is_string()) {
                        return Err(DecodeError::Value {
                            path: join(at.path(), key),
                            detail: "must be a string".to_owned(),
                        });
                    }
                }
                if let Some(metadata) = map.get("metadata") {
                    check_types(object_meta(), metadata).map_err(|error| error.below(&join(at.path(), "metadata")))?;
                }
            }
            map.iter().try_for_each(|(key, value)| match schema.field(key) {
                Some(field) => {
                    let length = at.field(key);
                    check_below(field, value, at)?;
                    at.leave(length);
                    Ok(())
                }
                None => Ok(()),
            })
        }
        Value::Array(items) => match &schema.items {
            Some(item) => items.iter().enumerate().try_for_each(|(index, value)| {
                let length = at.item(index);
                check_below(item, value, at)?;
                at.leave(length);
                Ok(())
            }),
            None => Ok(()),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}
