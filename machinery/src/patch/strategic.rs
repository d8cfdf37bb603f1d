//! Strategic merge patch: maps merge by key, lists merge where the schema says so, directives say what merging cannot.
//!
//! Directives: `$patch: replace|delete` in a map or a list item, `$retainKeys`, `$deleteFromPrimitiveList/FIELD`,
//! `$setElementOrder/FIELD`. Lists and their order are in [`lists`].

mod lists;

use std::collections::HashSet;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::PatchError;
use crate::schema::{Field, Schema};

const PATCH: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM: &str = "$deleteFromPrimitiveList/";
const ELEMENT_ORDER: &str = "$setElementOrder/";

type Fields = Map<String, Value>;

/// What a place without a schema is: maps merge, lists are replaced.
static UNKNOWN: LazyLock<Schema> = LazyLock::new(|| crate::schema::builtin::anything().clone());

/// The document with the patch merged in, as the schema of its kind says.
///
/// # Errors
/// [`PatchError`] where the patch is no object, a directive is malformed, or an item lacks its merge key.
pub fn strategic(schema: &Schema, doc: &Value, patch: &Value) -> Result<Value, PatchError> {
    let Value::Object(changes) = patch else {
        return Err(PatchError::Malformed("a strategic merge patch is an object".to_owned()));
    };
    let fields = doc.as_object().cloned().unwrap_or_default();
    merge_map(schema, fields, changes).map(Value::Object)
}

fn malformed<T>(what: impl Into<String>) -> Result<T, PatchError> {
    Err(PatchError::Malformed(what.into()))
}

fn unprocessable<T>(what: impl Into<String>) -> Result<T, PatchError> {
    Err(PatchError::Unprocessable(what.into()))
}

fn merge_map(schema: &Schema, mut fields: Fields, patch: &Fields) -> Result<Fields, PatchError> {
    match patch.get(PATCH).map(|directive| directive.as_str().unwrap_or_default()) {
        None => {}
        Some("replace") => return Ok(plain_fields(patch, &[PATCH])),
        Some("delete") => return Ok(Fields::new()),
        Some(other) => return unprocessable(format!("unknown patch type {other:?}: it must be replace or delete")),
    }
    retain_keys(&mut fields, patch)?;
    for (key, change) in patch {
        if key == RETAIN_KEYS {
            continue;
        }
        if let Some(name) = key.strip_prefix(DELETE_FROM) {
            lists::delete_scalars(&mut fields, name, change)?;
        } else if let Some(name) = key.strip_prefix(ELEMENT_ORDER) {
            let field = field_of(schema, name);
            lists::merge_in_order(field, &mut fields, name, patch.get(name), change)?;
        } else if !patch.contains_key(&format!("{ELEMENT_ORDER}{key}")) || change.is_null() {
            merge_field(schema, &mut fields, key, change)?;
        }
    }
    Ok(fields)
}

fn field_of<'a>(schema: &'a Schema, name: &str) -> Option<&'a Field> {
    schema.field(name)
}

fn merge_field(schema: &Schema, fields: &mut Fields, key: &str, change: &Value) -> Result<(), PatchError> {
    if change.is_null() {
        fields.remove(key);
        return Ok(());
    }
    let field = field_of(schema, key);
    let merged = match (fields.remove(key), change) {
        (Some(Value::Object(_)), Value::Object(changes)) if field.is_some_and(replaces) => {
            Value::Object(changes.clone())
        }
        (Some(Value::Object(inner)), Value::Object(changes)) => {
            Value::Object(merge_map(field.map_or(&UNKNOWN, Field::schema), inner, changes)?)
        }
        (Some(Value::Array(items)), Value::Array(changes)) => Value::Array(lists::merge(field, items, changes)?),
        (_, added) => match plain(added) {
            Some(added) => added,
            None => return Ok(()),
        },
    };
    fields.insert(key.to_owned(), merged);
    Ok(())
}

fn replaces(field: &Field) -> bool {
    field.patch_strategies.iter().any(|strategy| strategy == "replace")
}

/// Clears the keys that `$retainKeys` does not name; the patch may set no others.
fn retain_keys(fields: &mut Fields, patch: &Fields) -> Result<(), PatchError> {
    let Some(keys) = patch.get(RETAIN_KEYS) else {
        return Ok(());
    };
    let Value::Array(keys) = keys else {
        return malformed("invalid patch format of retainKeys: it must be a list of keys");
    };
    let keys: HashSet<&str> = keys.iter().filter_map(Value::as_str).collect();
    let kept = |key: &str| keys.contains(key);
    for (key, change) in patch {
        if !change.is_null() && !key.starts_with('$') && !kept(key) {
            return malformed(format!(
                "invalid patch format of retainKeys: {key} is set but not retained"
            ));
        }
    }
    fields.retain(|key, _| kept(key));
    Ok(())
}

/// A value that is new to the document: without directives and nulls. None where the value itself is a directive.
fn plain(value: &Value) -> Option<Value> {
    match value {
        Value::Object(fields) if fields.contains_key(PATCH) => None,
        Value::Object(fields) => Some(Value::Object(plain_fields(fields, &[RETAIN_KEYS]))),
        Value::Array(items) => Some(items.iter().filter_map(plain).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Some(value.clone()),
    }
}

fn plain_fields(fields: &Fields, without: &[&str]) -> Fields {
    let is_directive =
        |key: &str| without.contains(&key) || key.starts_with(DELETE_FROM) || key.starts_with(ELEMENT_ORDER);
    fields
        .iter()
        .filter(|(key, value)| !value.is_null() && !is_directive(key))
        .filter_map(|(key, value)| Some((key.clone(), plain(value)?)))
        .collect()
}

#[cfg(test)]
mod tests;
