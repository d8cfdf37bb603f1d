//! `Placement`: the decision for one federated object, with its reasons, and what became of it. Everything that explains a
//! decision (`explain`, `plan`, the console) prints this value.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::metadata::{Condition, ObjectMeta};
use crate::names::ObjectRef;
use crate::policy::{ConflictResolution, PolicySpec, Suspension};
use crate::reason::Reason;
use crate::rollout::RolloutState;

/// The decision for one federated object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Placement {
    /// Metadata; the name is [`ObjectRef::placement_name`].
    pub metadata: ObjectMeta,
    /// The decision.
    #[serde(default)]
    pub spec: PlacementSpec,
    /// What became of it.
    #[serde(default)]
    pub status: PlacementStatus,
}

/// The decision.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PlacementSpec {
    /// The federated object, with its uid.
    pub resource: ObjectRef,
    /// `metadata.generation` of the object that was decided for; 0 where the kind has none.
    pub resource_generation: i64,
    /// The chosen clusters, sorted by name. Empty once the object is deleted: members then remove their copies.
    pub clusters: Vec<TargetCluster>,
    /// The clusters that were not chosen, sorted by name, each with its reason; of very many only the first of each reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<ExcludedCluster>,
    /// How many more were not chosen, by reason; `meridian explain placement --all` names them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded_more: Vec<ExcludedMore>,
    /// Chosen clusters that are being drained and that the object leaves, sorted by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub leaving: Vec<LeavingCluster>,
    /// One sentence: why it is where it is.
    pub reason: String,
    /// The policy that decided, `KIND NAMESPACE/NAME`; empty for the kind's default.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub policy: String,
    /// How the shares came about when they were last divided by what the members have room for; empty where they are not.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub divided: String,
    /// Room that was taken when replicas were last divided, while their pods may not have it yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assumed_room: Vec<AssumedRoom>,
    /// The value of the object's annotation `federation.meridian.dev/rebalance` when it was last divided by room.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub rebalanced: String,
    /// Which of the policy's ordered affinities is in use; absent where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<AffinityInUse>,
    /// How the decision was reached, one sentence a step.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<String>,
    /// No cluster fits any more; the last good placement stays until one does.
    #[serde(skip_serializing_if = "is_false")]
    pub kept: bool,
    /// Replicas that fit nowhere.
    #[serde(skip_serializing_if = "is_zero")]
    pub unplaced_replicas: i64,
    /// Spread constraints of the policy that cannot be met.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unmet_constraints: Vec<UnmetConstraint>,
    /// Where the rollout of its version stands, where the policy says how that goes over the clusters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutState>,
    /// Clusters that it was unwell in, and stays out of for a while.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ailing: Vec<AilingCluster>,
    /// Members that are told nothing for now, by the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspension: Option<Suspension>,
    /// What its pods need goes where it goes, by the policy.
    #[serde(skip_serializing_if = "is_false")]
    pub propagate_deps: bool,
    /// It goes where those are that need it, and stays there when none is left.
    #[serde(skip_serializing_if = "is_false")]
    pub propagated: bool,
    /// The lazy policy as it is in use: its later edits count once the object is edited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lazy: Option<LazyPolicy>,
    /// What to do with an object that is already in a member and not Meridian's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflict_resolution: Option<ConflictResolution>,
    /// The hub object was deleted and its policy asked to keep the members' copies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preserve_resources_on_deletion: Option<bool>,
    /// The replicas of a member's copy are the member's own, once it is made; absent where the shares are the hub's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_to_members: Option<LeftToMembers>,
    /// The hub object is gone; the Placement stays until every member confirmed that its copy is gone too.
    #[serde(skip_serializing_if = "is_false")]
    pub deleted: bool,
}

fn is_zero(value: &i64) -> bool {
    *value == 0
}

fn is_false(value: &bool) -> bool {
    !*value
}

/// A cluster that a workload was unwell in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AilingCluster {
    /// Its name.
    pub name: String,
    /// Until when it stays out, as RFC 3339.
    pub until: String,
    /// Which edit of the workload it was: another one is another chance.
    pub edit: String,
}

/// A lazy policy as it is in use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct LazyPolicy {
    /// Which edit of the object it took effect with.
    pub edit: String,
    /// What it said then.
    pub spec: PolicySpec,
}

impl PlacementSpec {
    /// Whether a cluster is told nothing for now. A deletion on the hub is told all the same.
    #[must_use]
    pub fn suspends(&self, cluster: &str) -> bool {
        !self.deleted
            && self
                .suspension
                .as_ref()
                .is_some_and(|suspension| suspension.holds(cluster))
    }
}

/// A chosen cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TargetCluster {
    /// Its name.
    pub name: String,
    /// Its share of the replicas; absent for kinds without replicas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i64>,
    /// Of these, replicas that stay only until as many are ready elsewhere.
    #[serde(skip_serializing_if = "is_zero")]
    pub leaving_replicas: i64,
    /// Its share of an autoscaler's bounds; absent for other kinds, and where it gets them whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounds: Option<ReplicaBounds>,
}

/// Room of a member, in replicas of one object, that new pods are about to take.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AssumedRoom {
    /// The cluster.
    pub cluster: String,
    /// The room that was seen when they were divided.
    pub seen: i64,
    /// What is left of it once all of them have their place.
    pub left: i64,
    /// Until when that is believed, as RFC 3339, unless the room that is seen shows it sooner.
    pub until: String,
}

/// Which of a policy's ordered affinities is in use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AffinityInUse {
    /// Its `affinityName`.
    pub name: String,
    /// An earlier one that fits again and is gone back to; empty where there is none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub returning_to: String,
    /// When, as RFC 3339, if it fits until then.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub returning_after: String,
}

/// A spread constraint that cannot be met.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct UnmetConstraint {
    /// What makes its groups: `region`, `label tier`.
    pub constraint: String,
    /// The fewest groups that it asks for.
    pub wanted: i64,
    /// The groups that can be had.
    pub found: i64,
}

/// A cluster that the object leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct LeavingCluster {
    /// Its name.
    pub name: String,
    /// When it begins to leave, as RFC 3339: the names of the cluster's addresses are forgotten then.
    pub after: String,
}

/// How far an autoscaler may go, in replicas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ReplicaBounds {
    /// The fewest.
    pub min_replicas: i64,
    /// The most.
    pub max_replicas: i64,
}

/// Replicas that are the members' own: each copy is made with its planned share and keeps what its member says from then on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct LeftToMembers {
    /// The autoscaler on the hub; empty where a label asks for it, or once the autoscaler is gone.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub autoscaler: String,
    /// `spec.replicas` of the hub object. Once the autoscaler is gone, another number there takes the replicas back.
    pub hub_replicas: i64,
    /// What was divided: the hub's number within the autoscaler's bounds.
    pub planned: i64,
}

/// A cluster that was not chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExcludedCluster {
    /// Its name.
    pub name: String,
    /// Why, for machines.
    pub reason: Reason,
    /// Why, for people.
    #[serde(default)]
    pub message: String,
}

/// Clusters that were not chosen and are not listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExcludedMore {
    /// Why.
    pub reason: Reason,
    /// How many.
    pub clusters: i64,
}

/// What became of a decision.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PlacementStatus {
    /// `Scheduled`, `Applied`, `Healthy`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The last known truth of each cluster that holds, should hold, or may still hold the object; sorted by name. A row
    /// goes only when its cluster confirmed that the object is gone there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<PlacedCluster>,
}

/// The last known truth of one cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PlacedCluster {
    /// Its name.
    pub name: String,
    /// The member holds the object as rendered.
    pub applied: bool,
    /// Hub generation whose manifest the member's controllers have observed; 0 if none yet.
    pub observed_hub_generation: i64,
    /// Hash of the manifest that is applied.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hash: String,
    /// The version that is applied, where versions are rolled out.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub template: String,
    /// The copy does its work; absent where the kind has no notion of it or nothing was reported yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready: Option<bool>,
    /// Since when the copy does not do its work, as RFC 3339; empty while it does, and where nobody can tell.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub unready_since: String,
    /// Load-balancer addresses of a Service: IPs and host names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// Ready endpoints behind a Service; absent where nothing was reported yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_endpoints: Option<i64>,
    /// It is to go from this cluster and is held back, because too much was to go at once; `error` says how to confirm it.
    #[serde(skip_serializing_if = "is_false")]
    pub held: bool,
    /// The last error, as the member gave it; empty when all is well.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// The member's `status` of the object.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub status: Value,
}
