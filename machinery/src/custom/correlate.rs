//! Which part of the old object a part of the new one corresponds to, and whether the two are the same.

use serde_json::Value;

use super::structural::Structural;
use crate::schema::ListType;

/// The old value of a place; none where there is no old object, or none that corresponds.
pub(crate) type Old<'a> = Option<&'a Value>;

/// The old value of a field.
pub(crate) fn field<'a>(schema: Option<&Structural>, name: &str, old: Old<'a>) -> Old<'a> {
    if schema.is_some_and(|s| s.atomic_map) {
        return None;
    }
    old?.get(name)
}

/// The old value of an item, which only the keys of a map list can tell.
pub(crate) fn item<'a>(schema: Option<&Structural>, item: &Value, old: Old<'a>) -> Old<'a> {
    let schema = schema.filter(|s| s.list_type == ListType::Map)?;
    let keys = &schema.list_map_keys;
    let same = |other: &&Value| {
        item.is_object() && other.is_object() && keys.iter().all(|key| other.get(key) == item.get(key))
    };
    let mut found = old?.as_array()?.iter().filter(same);
    let first = found.next()?;
    // Keys may come twice, or be missing, in what a schema allowed before: then the item that did not change is the one.
    Some(if first == item {
        first
    } else {
        found.find(|other| *other == item).unwrap_or(first)
    })
}

/// Whether a value is what it was; the order of map lists is of no account.
pub(crate) fn same(schema: Option<&Structural>, new: &Value, old: &Value) -> bool {
    // Lists whose keys come twice are only the same as they stand.
    if new == old {
        return true;
    }
    match (new, old) {
        (Value::Object(new), Value::Object(old)) => {
            new.len() == old.len()
                && new.iter().all(|(key, value)| {
                    old.get(key)
                        .is_some_and(|old| same(schema.and_then(|s| s.field(key)), value, old))
                })
        }
        (Value::Array(items), Value::Array(before)) => {
            let inner = schema.and_then(|s| s.items.as_deref());
            items.len() == before.len()
                && items.iter().zip(before).all(|(value, at_index)| {
                    let other = item(schema, value, Some(old)).unwrap_or(at_index);
                    same(inner, value, other)
                })
        }
        _ => false,
    }
}
