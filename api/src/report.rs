//! `Report`: what one cluster says of one federated object. Sent in batches up the report stream (`clusters/NAME/reports`,
//! POST), kept in memory on the hub, watched by the aggregation controller as kind `Report`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::heartbeat::HeartbeatSpec;
use crate::metadata::ObjectMeta;
use crate::names::PlacementKey;

/// What one cluster says of one federated object. Namespace: the Placement's; name: `CLUSTER.PLACEMENT`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// The cluster's word.
    pub spec: ReportSpec,
}

/// One cluster's word on one federated object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReportSpec {
    /// The cluster.
    pub cluster: String,
    /// The federated object.
    pub placement: PlacementKey,
    /// Uid of the Placement that was acted on; a report about an older incarnation is ignored.
    pub placement_uid: String,
    /// What is so.
    pub state: ReportState,
    /// Hash of the manifest that is applied.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hash: String,
    /// Hub generation whose manifest the member's controllers have observed; 0 if none yet.
    pub observed_hub_generation: i64,
    /// The version that is applied, where versions are rolled out.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub template: String,
    /// The member's words where something failed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// The copy does its work; absent where the kind has no notion of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready: Option<bool>,
    /// Load-balancer addresses of a Service.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// Ready endpoints behind a Service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_endpoints: Option<i64>,
    /// The member's `status` of the object.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub status: Value,
}

/// What is so in the member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReportState {
    /// Not acted on yet.
    #[default]
    Pending,
    /// The member holds the object as rendered.
    Applied,
    /// The member refused it or could not be asked; `message` says more. It is retried.
    Failed,
    /// An object that is not Meridian's is in the way.
    Conflict,
    /// The hub says nothing of it for now; what the member holds of it is told.
    Suspended,
    /// It is to go and stays until an operator confirms that; `message` says how.
    Held,
    /// The member holds it no longer, confirmed.
    Absent,
}

/// Body of a POST to a cluster's report stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReportBatch {
    /// The cluster's pulse; in every batch.
    pub heartbeat: HeartbeatSpec,
    /// News, at most one an object; the newest word replaces older ones.
    pub reports: Vec<ReportSpec>,
}

/// Answer to a [`ReportBatch`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportReply {
    /// Changes when the hub has lost what it kept in memory: the syncer then sends every report again.
    pub epoch: String,
}
