//! Field errors: paths into an object, and causes worded as kube-apiserver words them.
//!
//! In: a path, the value found there, what was expected. Out: [`Cause`]s for `Status::invalid`. No rule is decided here.

use std::fmt;

use serde_json::Value;

use crate::status::{Cause, CauseReason};

/// A path into an object, such as `spec.ports[0].port` or `metadata.labels[app]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(String);

impl Path {
    /// A top-level field.
    #[must_use]
    pub fn root(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The object itself, spelled `[]`.
    #[must_use]
    pub fn whole() -> Self {
        Self("[]".to_owned())
    }

    /// A field of the struct at this path.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        Self(format!("{}.{name}", self.0))
    }

    /// An item of the list at this path.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    /// An entry of the map at this path.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        Self(format!("{}[{key}]", self.0))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Text quoted as in error messages.
#[must_use]
pub fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn cause(path: &Path, reason: CauseReason, message: String) -> Cause {
    Cause {
        reason,
        message,
        field: path.0.clone(),
    }
}

fn with_detail(mut message: String, detail: &str) -> String {
    if !detail.is_empty() {
        message.push_str(": ");
        message.push_str(detail);
    }
    message
}

/// A malformed value.
#[must_use]
pub fn invalid(path: &Path, bad: &Value, detail: &str) -> Cause {
    cause(
        path,
        CauseReason::FieldValueInvalid,
        with_detail(format!("Invalid value: {bad}"), detail),
    )
}

/// A whole that is malformed, too large to be told.
#[must_use]
pub fn invalid_without_value(path: &Path, detail: &str) -> Cause {
    cause(
        path,
        CauseReason::FieldValueInvalid,
        with_detail("Invalid value".to_owned(), detail),
    )
}

/// A value that is missing.
#[must_use]
pub fn required(path: &Path, detail: &str) -> Cause {
    cause(
        path,
        CauseReason::FieldValueRequired,
        with_detail("Required value".to_owned(), detail),
    )
}

/// A value that is not among the allowed ones.
#[must_use]
pub fn not_supported(path: &Path, bad: &Value, allowed: &[&str]) -> Cause {
    let list = allowed.iter().map(|value| quoted(value)).collect::<Vec<_>>().join(", ");
    let detail = if list.is_empty() {
        list
    } else {
        format!("supported values: {list}")
    };
    cause(
        path,
        CauseReason::FieldValueNotSupported,
        with_detail(format!("Unsupported value: {bad}"), &detail),
    )
}

/// A value that may not be given here.
#[must_use]
pub fn forbidden(path: &Path, detail: &str) -> Cause {
    cause(
        path,
        CauseReason::FieldValueForbidden,
        with_detail("Forbidden".to_owned(), detail),
    )
}

/// A value that must be unique and is not.
#[must_use]
pub fn duplicate(path: &Path, bad: &Value) -> Cause {
    cause(
        path,
        CauseReason::FieldValueDuplicate,
        format!("Duplicate value: {bad}"),
    )
}

/// A referenced value that does not exist.
#[must_use]
pub fn not_found(path: &Path, bad: &Value) -> Cause {
    cause(path, CauseReason::FieldValueNotFound, format!("Not found: {bad}"))
}

/// Text or data longer than `max` bytes.
#[must_use]
pub fn too_long(path: &Path, max: usize) -> Cause {
    let unit = if max == 1 { "byte" } else { "bytes" };
    cause(
        path,
        CauseReason::FieldValueTooLong,
        format!("Too long: may not be more than {max} {unit}"),
    )
}

/// A list of more than `max` items.
#[must_use]
pub fn too_many(path: &Path, actual: usize, max: usize) -> Cause {
    let unit = if max == 1 { "item" } else { "items" };
    cause(
        path,
        CauseReason::FieldValueTooMany,
        format!("Too many: {actual}: must have at most {max} {unit}"),
    )
}

/// A value of another type than the schema's.
#[must_use]
pub fn type_invalid(path: &Path, bad: &Value, detail: &str) -> Cause {
    cause(
        path,
        CauseReason::FieldValueTypeInvalid,
        with_detail(format!("Invalid value: {bad}"), detail),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn worded_as_kubernetes_words_them() {
        let path = Path::root("spec").child("ports").index(0).child("port");
        assert_eq!(path.as_str(), "spec.ports[0].port");
        assert_eq!(
            Path::root("metadata").child("labels").key("a/b").as_str(),
            "metadata.labels[a/b]"
        );
        for (cause, message) in [
            (invalid(&path, &json!("a\"b"), "no"), r#"Invalid value: "a\"b": no"#),
            (invalid(&path, &json!(70000), ""), "Invalid value: 70000"),
            (required(&path, ""), "Required value"),
            (required(&path, "say it"), "Required value: say it"),
            (
                not_supported(&path, &json!("X"), &["A", "B"]),
                r#"Unsupported value: "X": supported values: "A", "B""#,
            ),
            (forbidden(&path, "never"), "Forbidden: never"),
            (duplicate(&path, &json!({"port": 1})), r#"Duplicate value: {"port":1}"#),
            (too_long(&path, 1), "Too long: may not be more than 1 byte"),
            (too_many(&path, 3, 2), "Too many: 3: must have at most 2 items"),
        ] {
            assert_eq!(cause.message, message);
        }
    }
}
