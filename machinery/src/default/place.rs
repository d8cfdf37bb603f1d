//! Reaching into JSON where defaults go. Text that is empty and numbers that are zero count as absent, as they do in a
//! typed server, where the function says so; a value of the wrong type is never replaced, for decoding refuses it.

use serde_json::{Map, Value};

/// A JSON object.
pub(super) type Object = Map<String, Value>;

/// Does something with the struct under a key, made if it is absent; nothing where something else stands there.
pub(super) fn within(object: &mut Object, key: &str, change: impl FnOnce(&mut Object)) {
    let place = object.entry(key).or_insert(Value::Null);
    if place.is_null() {
        *place = Value::Object(Map::new());
    }
    if let Some(map) = place.as_object_mut() {
        change(map);
    }
}

/// The struct under a key, if it is there.
pub(super) fn existing<'a>(object: &'a mut Object, key: &str) -> Option<&'a mut Object> {
    object.get_mut(key).and_then(Value::as_object_mut)
}

/// The structs of a list.
pub(super) fn items<'a>(object: &'a mut Object, key: &str) -> impl Iterator<Item = &'a mut Object> {
    object
        .get_mut(key)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
}

/// Sets a value where there is none.
pub(super) fn absent(object: &mut Object, key: &str, value: impl Into<Value>) {
    if object.get(key).is_none_or(Value::is_null) {
        object.insert(key.to_owned(), value.into());
    }
}

/// Sets text where there is none or it is empty.
pub(super) fn text(object: &mut Object, key: &str, value: &str) {
    if matches!(object.get(key), None | Some(Value::Null)) || object.get(key).and_then(Value::as_str) == Some("") {
        object.insert(key.to_owned(), Value::from(value));
    }
}

/// Sets a number where there is none or it is zero.
pub(super) fn number(object: &mut Object, key: &str, value: i64) {
    if matches!(object.get(key), None | Some(Value::Null)) || object.get(key).and_then(Value::as_i64) == Some(0) {
        object.insert(key.to_owned(), Value::from(value));
    }
}

/// The text under a key, or the empty text.
pub(super) fn word<'a>(object: &'a Object, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}
