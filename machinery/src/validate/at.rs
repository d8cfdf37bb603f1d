//! A value and where it stands: what the rules of a kind read.

use serde_json::Value;

use crate::field::Path;

static NULL: Value = Value::Null;

/// A value and its path. Absent values are null; a value of the wrong type reads as empty, for decoding refuses it.
#[derive(Clone)]
pub(super) struct At<'a> {
    pub(super) value: &'a Value,
    pub(super) path: Path,
}

impl<'a> At<'a> {
    /// A top-level field of an object.
    pub(super) fn root(object: &'a Value, name: &str) -> Self {
        Self {
            value: object.get(name).unwrap_or(&NULL),
            path: Path::root(name),
        }
    }

    /// A field of the struct here.
    pub(super) fn get(&self, name: &str) -> Self {
        Self {
            value: self.value.get(name).unwrap_or(&NULL),
            path: self.path.child(name),
        }
    }

    /// The entry of the map here.
    pub(super) fn entry(&self, key: &str) -> Self {
        Self {
            value: self.value.get(key).unwrap_or(&NULL),
            path: self.path.key(key),
        }
    }

    /// The items of the list here.
    pub(super) fn items(&self) -> impl Iterator<Item = At<'a>> {
        let path = self.path.clone();
        let items: &'a [Value] = self.value.as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().enumerate().map(move |(i, value)| Self {
            value,
            path: path.index(i),
        })
    }

    /// The entries of the map here, sorted by key.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, At<'a>)> {
        let path = self.path.clone();
        let map = self.value.as_object();
        map.into_iter().flatten().map(move |(key, value)| {
            (
                key.as_str(),
                Self {
                    value,
                    path: path.key(key),
                },
            )
        })
    }

    /// How many items the list or map here has.
    pub(super) fn len(&self) -> usize {
        self.value
            .as_array()
            .map(Vec::len)
            .or_else(|| self.value.as_object().map(serde_json::Map::len))
            .unwrap_or(0)
    }

    /// Text, empty where there is none.
    pub(super) fn text(&self) -> &'a str {
        self.value.as_str().unwrap_or_default()
    }

    /// A number, where there is one.
    pub(super) fn number(&self) -> Option<i64> {
        self.value.as_i64()
    }

    /// Whether true is said here.
    pub(super) fn is_true(&self) -> bool {
        self.value.as_bool() == Some(true)
    }

    /// Whether anything but null is here.
    pub(super) fn is_set(&self) -> bool {
        !self.value.is_null()
    }
}

/// Whether two values say the same; absent and empty do.
pub(super) fn same(one: &Value, two: &Value) -> bool {
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    };
    one == two || (empty(one) && empty(two))
}
