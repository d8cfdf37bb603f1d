//! An object as a member holds it.
//! In: objects from lists, watches and writes. Out: what the syncer keeps of them. Absent: managed fields, which nothing
//! here reads and which are most of an object's size.

use std::sync::Arc;

use api::well_known::{
    HUB_UID_ANNOTATION, MANAGED_LABEL, MANAGED_VALUE, MANIFEST_HASH_ANNOTATION, PLACEMENT_ANNOTATION,
    TEMPLATE_ANNOTATION,
};
use kube::api::DynamicObject;
use serde_json::Value;

use crate::kinds::{KindId, ObjectId};

/// An object as a member holds it.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) id: ObjectId,
    pub(crate) uid: String,
    pub(crate) resource_version: String,
    pub(crate) value: Arc<Value>,
}

impl Live {
    /// Keeps of an object what the syncer needs.
    pub(crate) fn new(kind: &KindId, mut object: DynamicObject) -> Self {
        object.metadata.managed_fields = None;
        let id = ObjectId {
            kind: kind.clone(),
            namespace: object.metadata.namespace.clone().unwrap_or_default(),
            name: object.metadata.name.clone().unwrap_or_default(),
        };
        let uid = object.metadata.uid.clone().unwrap_or_default();
        let resource_version = object.metadata.resource_version.clone().unwrap_or_default();
        let mut value = object.data;
        // A DynamicObject is its metadata and a map of everything else, so both steps succeed for what a server sent.
        if !value.is_object() {
            value = Value::Object(serde_json::Map::new());
        }
        if let (Some(fields), Ok(metadata)) = (value.as_object_mut(), serde_json::to_value(&object.metadata)) {
            fields.insert("metadata".to_owned(), metadata);
        }
        Self {
            id,
            uid,
            resource_version,
            value: Arc::new(value),
        }
    }

    fn metadata(&self, part: &str, key: &str) -> Option<&str> {
        self.value.get("metadata")?.get(part)?.get(key)?.as_str()
    }

    /// Whether it carries our label.
    pub(crate) fn is_managed(&self) -> bool {
        self.metadata("labels", MANAGED_LABEL) == Some(MANAGED_VALUE)
    }

    /// The Placement that put it there, as its annotation says.
    pub(crate) fn placement(&self) -> Option<&str> {
        self.metadata("annotations", PLACEMENT_ANNOTATION)
    }

    /// Whether it is the copy that the Placement `key` put there.
    pub(crate) fn belongs_to(&self, key: &str) -> bool {
        self.is_managed() && self.placement() == Some(key)
    }

    /// Hash of the manifest that was applied last.
    pub(crate) fn manifest_hash(&self) -> Option<&str> {
        self.metadata("annotations", MANIFEST_HASH_ANNOTATION)
    }

    /// The version that was applied last, where versions are rolled out.
    pub(crate) fn template(&self) -> Option<&str> {
        self.metadata("annotations", TEMPLATE_ANNOTATION)
    }

    /// Uid of the hub's object that was applied last; none where an older Meridian applied it.
    pub(crate) fn hub_uid(&self) -> Option<&str> {
        self.metadata("annotations", HUB_UID_ANNOTATION)
    }

    /// `metadata.generation`, 0 where the kind has none.
    pub(crate) fn generation(&self) -> i64 {
        self.value
            .get("metadata")
            .and_then(|m| m.get("generation"))
            .and_then(Value::as_i64)
            .unwrap_or(0)
    }

    /// Whether deletion was asked.
    pub(crate) fn is_terminating(&self) -> bool {
        self.value
            .get("metadata")
            .and_then(|m| m.get("deletionTimestamp"))
            .is_some()
    }

    /// Whether `self` is certainly older than `other`. Versions of one kind grow; what cannot be compared is not older.
    pub(crate) fn is_older_than(&self, other: &Live) -> bool {
        match (
            self.resource_version.parse::<u64>(),
            other.resource_version.parse::<u64>(),
        ) {
            (Ok(mine), Ok(theirs)) => self.uid == other.uid && mine < theirs,
            _ => false,
        }
    }
}
