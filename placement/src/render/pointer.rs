//! Places in a JSON document by RFC 6901 pointer, and the three RFC 6902 operations that overrides may use.
//! In: a document, a pointer, a value. Out: the document changed, or why not. Absent: `test`, `move`, `copy`.

use serde_json::Value;

/// Why an operation at a pointer is not possible.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PointerError {
    /// Pointers begin with `/`.
    #[error("{path:?} is not a JSON pointer: it must begin with '/'")]
    NotAPointer {
        /// The text.
        path: String,
    },
    /// Nothing is there.
    #[error("there is nothing at {path}")]
    Missing {
        /// The place.
        path: String,
    },
    /// An array ends before it.
    #[error("{path} is not an index into its array")]
    BadIndex {
        /// The place.
        path: String,
    },
}

fn split(path: &str) -> Result<(String, String), PointerError> {
    let parts = path.starts_with('/').then(|| path.rsplit_once('/')).flatten();
    let (parent, last) = parts.ok_or_else(|| PointerError::NotAPointer { path: path.to_owned() })?;
    Ok((parent.to_owned(), last.replace("~1", "/").replace("~0", "~")))
}

fn parent<'a>(document: &'a mut Value, path: &str) -> Result<(&'a mut Value, String), PointerError> {
    let (parent, last) = split(path)?;
    let missing = || PointerError::Missing { path: parent.clone() };
    Ok((document.pointer_mut(&parent).ok_or_else(missing)?, last))
}

/// `add`: sets a member, or inserts into an array before an index (`-`: at its end).
pub(super) fn add(document: &mut Value, path: &str, value: Value) -> Result<(), PointerError> {
    let (parent, last) = parent(document, path)?;
    match parent {
        Value::Object(map) => {
            map.insert(last, value);
            Ok(())
        }
        Value::Array(items) => {
            let index = if last == "-" {
                Some(items.len())
            } else {
                last.parse().ok()
            };
            let index = index.filter(|index| *index <= items.len());
            let index = index.ok_or_else(|| PointerError::BadIndex { path: path.to_owned() })?;
            items.insert(index, value);
            Ok(())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            Err(PointerError::Missing { path: path.to_owned() })
        }
    }
}

/// `remove`: what is there must be there.
pub(super) fn remove(document: &mut Value, path: &str) -> Result<(), PointerError> {
    let (parent, last) = parent(document, path)?;
    let missing = || PointerError::Missing { path: path.to_owned() };
    match parent {
        Value::Object(map) => map.remove(&last).map(drop).ok_or_else(missing),
        Value::Array(items) => {
            let index = last
                .parse()
                .ok()
                .filter(|index| *index < items.len())
                .ok_or_else(missing)?;
            items.remove(index);
            Ok(())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Err(missing()),
    }
}

/// `replace`: what is there must be there.
pub(super) fn replace(document: &mut Value, path: &str, value: Value) -> Result<(), PointerError> {
    split(path)?;
    let place = document
        .pointer_mut(path)
        .ok_or_else(|| PointerError::Missing { path: path.to_owned() })?;
    *place = value;
    Ok(())
}
