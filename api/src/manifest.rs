//! `Manifest`: what one cluster should hold of one federated object, rendered. A virtual kind: served down the manifest
//! stream of a cluster (`clusters/NAME/manifests`, list and watch), never stored.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::metadata::ObjectMeta;
use crate::names::{ObjectRef, PlacementKey};
use crate::policy::ConflictResolution;

/// What one cluster should hold of one federated object. `metadata.namespace` and `metadata.name` are its Placement's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Metadata: the Placement's namespace, name and uid; `resourceVersion` is the hub's revision.
    pub metadata: ObjectMeta,
    /// What to do.
    pub spec: ManifestSpec,
}

impl Manifest {
    /// Identity of the federated object.
    #[must_use]
    pub fn key(&self) -> PlacementKey {
        PlacementKey {
            namespace: self.metadata.namespace().to_owned(),
            name: self.metadata.name().to_owned(),
        }
    }
}

/// What to do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestSpec {
    /// Hold it, or hold it no longer. Only an explicit `Absent` deletes: a manifest that is missing from a list never does.
    pub action: ManifestAction,
    /// The object in the member.
    pub resource: ObjectRef,
    /// The rendered object with our label and annotations; null where `action` is not `Apply`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub object: Value,
    /// Hash of `object` without our annotations: equal hashes need no write.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hash: String,
    /// `metadata.generation` of the hub object, 0 where the kind has none.
    #[serde(default)]
    pub hub_generation: i64,
    /// What to do with an object that is already there and not Meridian's.
    #[serde(default)]
    pub conflict_resolution: ConflictResolution,
    /// JSON pointers into `object` of what is set when the copy is made and the member's own from then on. `hash` leaves them
    /// out. A value of the member that is none, or 0, is set again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub initial_fields: Vec<String>,
    /// The policy says that the cluster is told nothing for now; `error` says which. What is there stays.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspended: bool,
    /// It is to go, but too much is to go at once: it stays until an operator confirms that; `error` says how.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held_back: bool,
    /// Why the object could not be rendered for this cluster; then nothing is applied and nothing removed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error: String,
}

/// Hold it, or hold it no longer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ManifestAction {
    /// Apply the object.
    #[default]
    Apply,
    /// Remove the object, if it is Meridian's.
    Absent,
    /// Strip Meridian's marks, keep the object.
    Release,
    /// It could not be rendered: leave what is there.
    Hold,
}
