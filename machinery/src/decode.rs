//! Reading request bodies: bytes to a JSON value, and the value to the shape of its kind.
//!
//! In: bytes that may hold anything. Out: a [`Decoded`] value with the paths of duplicate fields, then, by schema, the
//! paths of unknown fields (which are removed) or the first value of a wrong type. Depth, aliases and sizes are bounded.
//! Which of these faults refuses a request (`fieldValidation`) is the caller's choice; protobuf is [`crate::protobuf`].

mod json;
mod prune;
pub(crate) mod trail;
mod types;
mod yaml;

use serde_json::Value;

pub(crate) use prune::prune_below;
pub use prune::prune_unknown;
pub use types::check_types;

/// Nesting beyond this many maps and lists is refused.
pub const MAX_DEPTH: usize = 100;
/// Bytes of text that the aliases of a YAML document may repeat.
pub const ALIASED_BYTES_MAX: usize = 3 << 20;

/// How a body is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaType {
    /// `application/json`.
    Json,
    /// `application/yaml`.
    Yaml,
    /// `application/vnd.kubernetes.protobuf`.
    Protobuf,
}

/// A body that could be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// What it says; the last of several fields of one name wins.
    pub value: Value,
    /// Paths of fields given more than once, such as `metadata.labels.app`.
    pub duplicates: Vec<String>,
}

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Not JSON.
    #[error("json parse error: {0}")]
    Json(String),
    /// Not YAML, or not within its limits.
    #[error("yaml parse error: {0}")]
    Yaml(String),
    /// Not text.
    #[error("the body is not UTF-8 text")]
    NotText(#[source] std::str::Utf8Error),
    /// A value of the wrong type.
    #[error("json: cannot unmarshal {found} into field {path} of type {expected}")]
    Type {
        /// Where it stands.
        path: String,
        /// What was found there.
        found: String,
        /// What should be there.
        expected: &'static str,
    },
    /// A value of the right type that does not read as what it stands for.
    #[error("field {path}: {detail}")]
    Value {
        /// Where it stands.
        path: String,
        /// What is wrong with it.
        detail: String,
    },
}

impl DecodeError {
    /// The same error of a value that stands below a field.
    pub(crate) fn below(self, field: &str) -> Self {
        let under = |path: String| {
            if path.is_empty() {
                field.to_owned()
            } else {
                join(field, &path)
            }
        };
        match self {
            Self::Type { path, found, expected } => Self::Type {
                path: under(path),
                found,
                expected,
            },
            Self::Value { path, detail } => Self::Value {
                path: under(path),
                detail,
            },
            other @ (Self::Json(_) | Self::Yaml(_) | Self::NotText(_)) => other,
        }
    }
}

/// Reads JSON.
///
/// # Errors
/// The text is not JSON, not UTF-8, or nested too deeply.
pub fn json(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    json::decode(bytes)
}

/// Reads one YAML document, by the rules of YAML 1.1 for booleans and octal numbers.
///
/// # Errors
/// The text is not YAML, not UTF-8, holds several documents, is nested too deeply, or expands aliases without measure.
pub fn yaml(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    yaml::decode(bytes)
}

/// The sentences about unknown and duplicate fields, as kube-apiserver puts them into `Warning` headers.
#[must_use]
pub fn strict_faults(unknown: &[String], duplicates: &[String]) -> Vec<String> {
    let unknown = unknown.iter().map(|path| format!("unknown field \"{path}\""));
    unknown
        .chain(duplicates.iter().map(|path| format!("duplicate field \"{path}\"")))
        .collect()
}

/// The message of the refusal under `fieldValidation=Strict`; none if there is nothing to refuse.
#[must_use]
pub fn strict_error(unknown: &[String], duplicates: &[String]) -> Option<String> {
    let faults = strict_faults(unknown, duplicates);
    (!faults.is_empty()).then(|| format!("strict decoding error: {}", faults.join(", ")))
}

/// `parent.name`, or the name alone at the top.
fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() {
        name.to_owned()
    } else {
        format!("{parent}.{name}")
    }
}
