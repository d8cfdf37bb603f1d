//! Label and field selectors: which objects a list, a watch or another object means.
//!
//! In: the text of `labelSelector` or `fieldSelector`, or the JSON of a `metav1.LabelSelector`. Out: a parsed selector that
//! judges labels or fields, or the reason why the text is none, in kube-apiserver's words. Deliberately absent: which
//! fields a kind lets select (the server's rows say so; [`FieldSelector::check_known`] asks).

mod fields;
mod labels;
mod parse;

pub use fields::{FieldSelector, FieldTerm, field_text};
pub use labels::{LabelSelector, Operator, Requirement};

/// Why a text is not a selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SelectorError(String);

impl SelectorError {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl From<SelectorError> for crate::status::Status {
    fn from(error: SelectorError) -> Self {
        Self::bad_request(error.0)
    }
}
