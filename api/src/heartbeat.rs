//! `Heartbeat`: a cluster's pulse, kept in memory on the hub and judged by the health controller.

use serde::{Deserialize, Serialize};

use crate::capacity::Capacity;
use crate::cluster::{NodeSummary, ResourceSummary};
use crate::metadata::ObjectMeta;

/// A cluster's pulse; cluster-scoped, named as the cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// What the syncer saw.
    pub spec: HeartbeatSpec,
}

/// What the syncer saw of its member when it last looked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HeartbeatSpec {
    /// RFC 3339 time on the hub's clock at which the hub took the heartbeat; the hub sets it.
    pub received: String,
    /// The member's API answered its readiness check.
    pub reachable: bool,
    /// Why not, in one line.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Uid of the member's `kube-system` namespace; empty if it was never read.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cluster_id: String,
    /// `gitVersion` of the member.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kubernetes_version: String,
    /// Nodes of the member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<NodeSummary>,
    /// Resources of the member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceSummary>,
    /// What its nodes have room for; absent where it has none, or they and their pods cannot be seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,
    /// Kinds the member serves, `apiVersion/Kind`, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub api_enablements: Vec<String>,
}
