//! The closed set of reasons for which a cluster is not chosen. Each has a page in `docs/reasons/`.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a cluster is not chosen for an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Reason {
    /// The policy's cluster affinity does not match the cluster.
    AffinityMismatch,
    /// The cluster's API is not reachable or never was, and nothing of this object runs there yet.
    ClusterNotReady,
    /// The cluster failed, and its replicas run elsewhere.
    ClusterFailed,
    /// The cluster is being drained by an operator.
    ClusterDrained,
    /// A taint of the cluster is not tolerated.
    UntoleratedTaint,
    /// The member does not serve the object's kind.
    KindNotServed,
    /// Its share of the replicas is zero.
    NoReplicas,
    /// The Cluster is being removed from the federation.
    ClusterLeaving,
    /// The Federation v1 cluster selector of the object does not match the cluster.
    SelectorMismatch,
    /// Another cluster scored higher, and the object goes to one.
    NotSelected,
    /// The object goes where others are: an autoscaler with its target, a claim with the workloads that mount it; and none
    /// of those is in the cluster.
    NothingToFollow,
    /// The policy's spread constraints choose other clusters, or the cluster is in none of the groups they speak of.
    SpreadConstraint,
    /// Replicas fit nowhere, and not one more into this cluster.
    NoRoom,
    /// The workload was unwell in the cluster for too long, and well elsewhere.
    WorkloadUnwell,
}

impl Reason {
    /// Every reason, for tests that demand a page and an emitter for each.
    pub const ALL: [Self; 14] = [
        Self::AffinityMismatch,
        Self::ClusterNotReady,
        Self::ClusterFailed,
        Self::ClusterDrained,
        Self::UntoleratedTaint,
        Self::KindNotServed,
        Self::NoReplicas,
        Self::ClusterLeaving,
        Self::SelectorMismatch,
        Self::NotSelected,
        Self::NothingToFollow,
        Self::SpreadConstraint,
        Self::NoRoom,
        Self::WorkloadUnwell,
    ];

    /// The word as it stands in Placements, Events and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AffinityMismatch => "AffinityMismatch",
            Self::ClusterNotReady => "ClusterNotReady",
            Self::ClusterFailed => "ClusterFailed",
            Self::ClusterDrained => "ClusterDrained",
            Self::UntoleratedTaint => "UntoleratedTaint",
            Self::KindNotServed => "KindNotServed",
            Self::NoReplicas => "NoReplicas",
            Self::ClusterLeaving => "ClusterLeaving",
            Self::SelectorMismatch => "SelectorMismatch",
            Self::NotSelected => "NotSelected",
            Self::NothingToFollow => "NothingToFollow",
            Self::SpreadConstraint => "SpreadConstraint",
            Self::NoRoom => "NoRoom",
            Self::WorkloadUnwell => "WorkloadUnwell",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
