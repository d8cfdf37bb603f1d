//! How a new version of a workload goes over the clusters: what a policy says of it, and where it stands.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::policy::{ClusterAffinity, SpreadField};

/// Seconds for which a wave may be unwell before it has failed, where the policy does not say.
pub const PROGRESS_DEADLINE_SECONDS: i64 = 600;

/// How a new version, a change of the pod template, goes over the clusters: wave after wave, each once the one before is well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Rollout {
    /// The first waves, in order. A cluster is in the first that means it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waves: Vec<RolloutWave>,
    /// The clusters that are in none of them: a wave for each of these, by name. All in one wave where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub each: Option<SpreadField>,
    /// Seconds for which a wave must be well before the next begins; 0 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soak_seconds: Option<i64>,
    /// Seconds for which a wave may be unwell before it has failed; 600 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress_deadline_seconds: Option<i64>,
    /// What becomes of a rollout that has failed; it stays where it is where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<OnRolloutFailure>,
    /// No further wave begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
}

/// Clusters that get a new version together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RolloutWave {
    /// Its name, unique in its list.
    pub name: String,
    /// Seconds for which it must be well before the next begins; the rollout's where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soak_seconds: Option<i64>,
    /// Which clusters.
    #[serde(flatten)]
    pub clusters: ClusterAffinity,
}

/// What becomes of a rollout that has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OnRolloutFailure {
    /// It stays where it is.
    Pause,
    /// Every cluster gets the version back that was well everywhere.
    Rollback,
}

/// Where a rollout stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RolloutState {
    /// The version that the hub's object has: a hash of its pod template.
    pub version: String,
    /// The version that was well everywhere last.
    pub stable: String,
    /// The pod template of that: what clusters hold whose wave has not come.
    pub stable_template: Value,
    /// What is going on.
    pub phase: RolloutPhase,
    /// The wave that is under way; empty where none is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub wave: String,
    /// The waves that are through.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub passed: Vec<String>,
    /// The clusters that are to have the new version, sorted by name. All of them at the end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub updated: Vec<String>,
    /// Since when the phase lasts, as RFC 3339.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub since: String,
    /// Since when the wave has its time, as RFC 3339; empty while none of its clusters can be reached.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub begun: String,
    /// The same for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// What is going on in a rollout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RolloutPhase {
    /// Every cluster is to have the version.
    #[default]
    Done,
    /// A wave gets it.
    Progressing,
    /// A wave has it, and must be well for a while.
    Soaking,
    /// Somebody said that no further wave begins.
    Paused,
    /// A wave was unwell for too long; it stays where it is.
    Failed,
    /// A wave was unwell for too long; every cluster has the version back that was well.
    RolledBack,
}

impl RolloutState {
    /// The version that a cluster is to have.
    #[must_use]
    pub fn version_of(&self, cluster: &str) -> &str {
        if self.is_new_in(cluster) {
            &self.version
        } else {
            &self.stable
        }
    }

    /// Whether a cluster is to have the version of the hub's object.
    #[must_use]
    pub fn is_new_in(&self, cluster: &str) -> bool {
        self.phase == RolloutPhase::Done || self.updated.iter().any(|name| name == cluster)
    }
}
