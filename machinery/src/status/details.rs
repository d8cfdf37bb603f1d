//! What a failure is about: the object, and the single faults with their fields.

use std::fmt;

use serde_json::{Map, Value};

/// What a [`Status`] is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// Name of the object.
    pub name: String,
    /// API group; empty for the core group.
    pub group: String,
    /// Plural resource for most failures, the Kind for `Invalid`.
    pub kind: String,
    /// Uid of the object, where one incarnation is meant.
    pub uid: String,
    /// The single faults.
    pub causes: Vec<Cause>,
    /// Seconds after which a retry makes sense; 0 says nothing.
    pub retry_after_seconds: u32,
}

/// One fault of a [`Status`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Its class.
    pub reason: CauseReason,
    /// The sentence for people, without the field.
    pub message: String,
    /// Path of the field, for example `spec.ports[0].port`; empty where no field is meant.
    pub field: String,
}

/// Classes of [`Cause`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CauseReason {
    /// No class is told.
    None,
    /// A referenced value does not exist.
    FieldValueNotFound,
    /// A value is missing.
    FieldValueRequired,
    /// A value that must be unique occurs twice.
    FieldValueDuplicate,
    /// A value is malformed.
    FieldValueInvalid,
    /// A value is not among the allowed ones.
    FieldValueNotSupported,
    /// A value may not be given here.
    FieldValueForbidden,
    /// A value is too long.
    FieldValueTooLong,
    /// There are too many values.
    FieldValueTooMany,
    /// A value has the wrong type.
    FieldValueTypeInvalid,
    /// The server failed.
    InternalError,
    /// Another field manager owns the field.
    FieldManagerConflict,
    /// The requested resourceVersion lies in the future.
    ResourceVersionTooLarge,
    /// The namespace is being deleted.
    NamespaceTerminating,
    /// What the server said, where it is no Kubernetes answer.
    UnexpectedServerResponse,
}

impl CauseReason {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "",
            Self::FieldValueNotFound => "FieldValueNotFound",
            Self::FieldValueRequired => "FieldValueRequired",
            Self::FieldValueDuplicate => "FieldValueDuplicate",
            Self::FieldValueInvalid => "FieldValueInvalid",
            Self::FieldValueNotSupported => "FieldValueNotSupported",
            Self::FieldValueForbidden => "FieldValueForbidden",
            Self::FieldValueTooLong => "FieldValueTooLong",
            Self::FieldValueTooMany => "FieldValueTooMany",
            Self::FieldValueTypeInvalid => "FieldValueTypeInvalid",
            Self::InternalError => "InternalError",
            Self::FieldManagerConflict => "FieldManagerConflict",
            Self::ResourceVersionTooLarge => "ResourceVersionTooLarge",
            Self::NamespaceTerminating => "NamespaceTerminating",
            Self::UnexpectedServerResponse => "UnexpectedServerResponse",
        }
    }
}

impl Cause {
    /// A fault of a field.
    #[must_use]
    pub fn new(reason: CauseReason, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            field: field.into(),
        }
    }
}

/// `field: message`, as it stands in the message of an `Invalid` status.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.field, self.message)
        }
    }
}

impl Details {
    pub(super) fn to_value(&self) -> Value {
        let mut object = Map::new();
        let texts = [
            ("name", &self.name),
            ("group", &self.group),
            ("kind", &self.kind),
            ("uid", &self.uid),
        ];
        for (key, text) in texts {
            if !text.is_empty() {
                object.insert(key.to_owned(), Value::from(text.as_str()));
            }
        }
        if !self.causes.is_empty() {
            object.insert("causes".to_owned(), self.causes.iter().map(Cause::to_value).collect());
        }
        if self.retry_after_seconds > 0 {
            object.insert("retryAfterSeconds".to_owned(), Value::from(self.retry_after_seconds));
        }
        Value::Object(object)
    }
}

impl Cause {
    fn to_value(&self) -> Value {
        let mut object = Map::new();
        for (key, text) in [
            ("reason", self.reason.as_str()),
            ("message", &self.message),
            ("field", &self.field),
        ] {
            if !text.is_empty() {
                object.insert(key.to_owned(), Value::from(text));
            }
        }
        Value::Object(object)
    }
}
