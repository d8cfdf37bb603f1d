//! One version of one object as readers get it: final bytes, made once, and the few fields that are asked for often.
//!
//! In: a commit. Out: bytes with the revision in them, labels, and a JSON tree for those who need one. The tree is built
//! on demand and lives only while somebody holds it: at rest an object costs its bytes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use api::Revision;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use super::body;
use super::views::Views;
use crate::store::{Committed, ObjectKey};

/// Why a stored body is not an object.
#[derive(Debug, thiserror::Error)]
#[error("the stored body of {key} at revision {revision} is not a JSON object; restore it from a backup")]
pub struct ObjectError {
    key: ObjectKey,
    revision: Revision,
    #[source]
    source: serde_json::Error,
}

/// An immutable version of an object.
#[derive(Debug)]
pub struct CachedObject {
    /// Which object.
    pub key: ObjectKey,
    /// `metadata.uid`.
    pub uid: Arc<str>,
    /// The commit that made this version; in the bytes as `metadata.resourceVersion`.
    pub revision: Revision,
    /// The commit that created this incarnation.
    pub created_revision: Revision,
    /// `metadata.labels`; shared with the version before where they did not change.
    pub labels: Arc<BTreeMap<String, String>>,
    /// The object as clients get it: JSON with `metadata.resourceVersion`.
    pub bytes: Bytes,
    value: Mutex<Weak<Value>>,
    /// What other versions of its kind made of it.
    pub(crate) views: Views,
}

#[derive(Deserialize)]
struct Header {
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}

impl CachedObject {
    /// The version that a commit made; `previous` is the version before it, to share what did not change.
    ///
    /// # Errors
    /// [`ObjectError`] if the body is not a JSON object with string labels.
    pub fn of(commit: &Committed, previous: Option<&Self>) -> Result<Self, ObjectError> {
        let Committed {
            key,
            uid,
            op: _,
            revision,
            created_revision,
            body,
        } = commit;
        let fail = |source| ObjectError {
            key: key.clone(),
            revision: *revision,
            source,
        };
        let header: Header = serde_json::from_slice(body).map_err(fail)?;
        let bytes = match body::splice_revision(body, *revision) {
            Some(bytes) => bytes,
            None => {
                // Written by something that did not use `canonical`; the tree is the slow way to the same bytes.
                let value: Value = serde_json::from_slice(body).map_err(fail)?;
                body::splice_revision(&body::canonical(&value), *revision).unwrap_or_else(|| body.clone())
            }
        };
        let labels = header.metadata.labels.unwrap_or_default();
        let labels = match previous {
            Some(previous) if *previous.labels == labels => previous.labels.clone(),
            Some(_) | None => Arc::new(labels),
        };
        Ok(Self {
            key: previous.map_or_else(|| key.clone(), |previous| previous.key.clone()),
            uid: uid.clone(),
            revision: *revision,
            created_revision: *created_revision,
            labels,
            bytes,
            value: Mutex::new(Weak::new()),
            views: Views::default(),
        })
    }

    /// The object as a JSON tree, shared by all who hold it at the same time and freed with the last of them.
    #[must_use]
    pub fn value(&self) -> Arc<Value> {
        let mut value = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = value.upgrade() {
            return held;
        }
        let built = Arc::new(serde_json::from_slice(&self.bytes).unwrap_or_else(|error| {
            // `of` has parsed these bytes; only a change of memory gets here.
            tracing::error!(%error, key = %self.key, "cached bytes are no longer JSON");
            Value::Null
        }));
        *value = Arc::downgrade(&built);
        built
    }
}
