//! The three patches that are not server-side apply: JSON patch (RFC 6902), merge patch (RFC 7386) and Kubernetes'
//! strategic merge patch.
//!
//! In: a document and a patch, both already decoded; for the strategic one the schema that says which lists merge and by
//! which key. Out: the patched document, or why the patch cannot be applied. The input is never changed. Results are
//! bounded: a patch cannot multiply a document or nest it deeper than [`DEPTH_MAX`]. Deliberately absent: what the
//! patched object may hold (decode, validate) and versions (the server).

mod json;
mod merge;
mod strategic;

pub use json::{COPIED_BYTES_MAX, OPERATIONS_MAX, json_patch};
pub use merge::merge_patch;
pub use strategic::strategic;

use serde_json::Value;

use crate::status::Status;

/// Deepest nesting of a patched document; deeper than any decoded one.
pub const DEPTH_MAX: usize = 128;

/// Why a patch cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// It is not a patch of its kind.
    #[error("{0}")]
    Malformed(String),
    /// It has more than [`OPERATIONS_MAX`] operations.
    #[error("The allowed maximum operations in a JSON patch is {OPERATIONS_MAX}, got {0}")]
    TooManyOperations(usize),
    /// It does not fit the document: a test failed, a path is missing, an item has no merge key.
    #[error("{0}")]
    Unprocessable(String),
}

impl From<PatchError> for Status {
    fn from(error: PatchError) -> Self {
        match error {
            PatchError::Malformed(message) => Self::bad_request(message),
            PatchError::TooManyOperations(_) => Self::request_too_large(&error.to_string()),
            PatchError::Unprocessable(message) => Self::unprocessable_patch(&message),
        }
    }
}

/// Nesting of a value: 0 for a scalar. Values come from decoders, which bound it.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}
