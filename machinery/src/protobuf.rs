//! Kubernetes' protobuf spelled as JSON and back, driven by one table of facts (`data/protobuf-fields.txt`).
//!
//! In: a request body in the `k8s\0` framing, or a JSON object to answer with. Out: the JSON that a client would have sent
//! for the same object, or the bytes that a Go client reads. Work is bounded: nesting by [`DEPTH_MAX`], values by
//! [`VALUES_MAX`]; hostile bytes give errors. Deliberately absent: defaulting, validation, and the kinds that have no
//! protobuf (custom resources, our own); asking for those is [`ProtobufError::NoMessage`].

mod fields;
mod read;
mod special;
mod wire;
mod write;

use serde_json::{Map, Value};

use crate::status::Status;
use fields::TABLE;

/// Deepest nesting of messages, embedded objects included.
pub const DEPTH_MAX: usize = 64;
/// Most values in one decoded object.
pub const VALUES_MAX: usize = 1_000_000;

const MAGIC: &[u8] = b"k8s\0";

/// Why bytes are not an object, or an object has no bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtobufError {
    /// The body does not begin with the magic bytes.
    #[error("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")]
    NotFramed,
    /// The body does not say what it is.
    #[error("Object 'Kind' is missing in the protobuf body")]
    NoKind,
    /// The kind has no protobuf form.
    #[error("no kind {kind:?} is registered for version {api_version:?} in protobuf")]
    NoMessage {
        /// Version that was asked for.
        api_version: String,
        /// Kind that was asked for.
        kind: String,
    },
    /// The bytes break the encoding, or a limit.
    #[error("protobuf: {0}")]
    Broken(&'static str),
    /// A field holds what its type cannot.
    #[error("protobuf: {path}: {message}")]
    Field {
        /// Where, from the top.
        path: String,
        /// What is wrong.
        message: String,
    },
}

impl ProtobufError {
    fn field(message: impl Into<String>) -> Self {
        Self::Field {
            path: String::new(),
            message: message.into(),
        }
    }

    /// The same fault seen from one level up.
    fn within(self, name: &str) -> Self {
        match self {
            Self::Field { path, message } => {
                let path = if path.is_empty() {
                    name.to_owned()
                } else {
                    format!("{name}.{path}")
                };
                Self::Field { path, message }
            }
            Self::NotFramed | Self::NoKind | Self::NoMessage { .. } | Self::Broken(_) => self,
        }
    }
}

impl From<ProtobufError> for Status {
    fn from(error: ProtobufError) -> Self {
        Self::bad_request(error.to_string())
    }
}

/// Whether objects of this kind have a protobuf form.
#[must_use]
pub fn is_known(api_version: &str, kind: &str) -> bool {
    TABLE.kind(api_version, kind).is_some()
}

/// The object in a framed body, with its `apiVersion` and `kind`.
///
/// # Errors
/// [`ProtobufError`] for anything else than one object of a known kind.
pub fn decode(body: &[u8]) -> Result<Value, ProtobufError> {
    let mut values = VALUES_MAX;
    read::framed(
        &mut read::Limits {
            depth: DEPTH_MAX,
            values: &mut values,
        },
        body,
    )
}

/// The framed body of an object.
///
/// # Errors
/// [`ProtobufError::NoMessage`] for kinds without a protobuf form, [`ProtobufError::Field`] for values of a wrong type.
pub fn encode(object: &Value) -> Result<Vec<u8>, ProtobufError> {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    if kind.is_empty() {
        return Err(ProtobufError::NoKind);
    }
    let Some(message) = TABLE.kind(api_version, kind) else {
        return Err(ProtobufError::NoMessage {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
        });
    };
    let raw = write::message(message, object)?;
    let mut type_meta = Vec::with_capacity(api_version.len() + kind.len() + 4);
    wire::put_bytes(&mut type_meta, 1, api_version.as_bytes());
    wire::put_bytes(&mut type_meta, 2, kind.as_bytes());
    let mut body = Vec::with_capacity(raw.len() + type_meta.len() + 24);
    body.extend_from_slice(MAGIC);
    wire::put_bytes(&mut body, 1, &type_meta);
    wire::put_bytes(&mut body, 2, &raw);
    wire::put_bytes(&mut body, 3, b"");
    wire::put_bytes(&mut body, 4, b"");
    Ok(body)
}

/// One frame of a watch stream: four bytes of length, then the event with its framed object.
///
/// # Errors
/// As [`encode`].
pub fn encode_watch_event(event_type: &str, object: &Value) -> Result<Vec<u8>, ProtobufError> {
    let mut embedded = Vec::new();
    wire::put_bytes(&mut embedded, 1, &encode(object)?);
    let mut event = Vec::with_capacity(embedded.len() + event_type.len() + 16);
    wire::put_bytes(&mut event, 1, event_type.as_bytes());
    wire::put_bytes(&mut event, 2, &embedded);
    let length = u32::try_from(event.len()).map_err(|_| ProtobufError::Broken("the event is larger than a frame"))?;
    let mut frame = length.to_be_bytes().to_vec();
    frame.append(&mut event);
    Ok(frame)
}

/// Puts the two fields that protobuf carries outside of the object.
fn with_type(api_version: &str, kind: &str, mut object: Map<String, Value>) -> Value {
    object.insert("apiVersion".to_owned(), Value::from(api_version));
    object.insert("kind".to_owned(), Value::from(kind));
    Value::Object(object)
}

#[cfg(test)]
mod tests;
