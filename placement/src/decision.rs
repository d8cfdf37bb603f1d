//! What was decided for one object, with every reason: the value that the Placement, `explain`, `plan` and the console
//! print.
//! In: fates of clusters. Out: a [`PlacementSpec`]. Absent: how the fates were found (`decide`).

mod fates;

use std::collections::BTreeMap;

use api::placement::{
    AffinityInUse, AilingCluster, AssumedRoom, LazyPolicy, LeavingCluster, LeftToMembers, ReplicaBounds,
    UnmetConstraint,
};
use api::policy::{ConflictResolution, Suspension};
use api::{ObjectRef, PlacementSpec};

pub use fates::Fates;

/// What was decided for one object.
#[must_use]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// The object.
    pub resource: ObjectRef,
    /// `metadata.generation` of the object that was looked at.
    pub generation: i64,
    /// The fate of every cluster.
    pub fates: Fates,
    /// Shares of an autoscaler's bounds, of chosen clusters; none for one that gets them whole.
    pub bounds: BTreeMap<String, ReplicaBounds>,
    /// Replicas that are the members' own once their copies are made.
    pub left_to_members: Option<LeftToMembers>,
    /// Clusters that are being drained and that the object leaves, sorted by name.
    pub leaving: Vec<LeavingCluster>,
    /// How it was reached, one sentence a step.
    pub steps: Vec<String>,
    /// Why it is where it is, in one sentence.
    pub reason: String,
    /// The policy that decided; empty for the kind's default.
    pub policy: String,
    /// No cluster fits any more; the last good placement stays.
    pub kept: bool,
    /// Replicas that fit nowhere.
    pub unplaced: i64,
    /// How the shares came about when they were last divided by room; empty where they are not.
    pub divided: String,
    /// Room that new pods are about to take.
    pub assumed_room: Vec<AssumedRoom>,
    /// The request for a new division that was answered.
    pub rebalanced: String,
    /// Which of the policy's ordered affinities is in use.
    pub affinity: Option<AffinityInUse>,
    /// Spread constraints of the policy that cannot be met.
    pub unmet: Vec<UnmetConstraint>,
    /// Clusters that it was unwell in, and stays out of for a while.
    pub ailing: Vec<AilingCluster>,
    /// Members that are told nothing for now.
    pub suspension: Option<Suspension>,
    /// What its pods need goes where it goes.
    pub propagate_deps: bool,
    /// It goes where those are that need it.
    pub propagated: bool,
    /// The lazy policy as it is in use.
    pub lazy: Option<LazyPolicy>,
    /// What the policy says of objects already in a member.
    pub conflict_resolution: Option<ConflictResolution>,
    /// What the policy says of deletion.
    pub preserve_resources_on_deletion: Option<bool>,
}

impl Decision {
    /// The decision as a Placement carries it.
    #[must_use]
    pub fn into_spec(self) -> PlacementSpec {
        let (mut clusters, excluded, excluded_more) = self.fates.into_lists();
        for target in &mut clusters {
            target.bounds = self.bounds.get(&target.name).copied();
        }
        PlacementSpec {
            resource: self.resource,
            resource_generation: self.generation,
            clusters,
            excluded,
            excluded_more,
            leaving: self.leaving,
            reason: self.reason,
            policy: self.policy,
            steps: self.steps,
            kept: self.kept,
            unplaced_replicas: self.unplaced,
            divided: self.divided,
            assumed_room: self.assumed_room,
            rebalanced: self.rebalanced,
            affinity: self.affinity,
            unmet_constraints: self.unmet,
            ailing: self.ailing,
            // Where it stands is seen by who sees the members' reports.
            rollout: None,
            suspension: self.suspension,
            propagate_deps: self.propagate_deps,
            propagated: self.propagated,
            lazy: self.lazy,
            conflict_resolution: self.conflict_resolution,
            preserve_resources_on_deletion: self.preserve_resources_on_deletion,
            left_to_members: self.left_to_members,
            deleted: false,
        }
    }
}

/// The decision once the hub object is gone: no cluster holds it, and the Placement stays until each has confirmed.
#[must_use]
pub fn deleted(previous: &PlacementSpec) -> PlacementSpec {
    PlacementSpec {
        resource: previous.resource.clone(),
        resource_generation: previous.resource_generation,
        reason: "The object was deleted on the hub; the Placement goes when every cluster has confirmed.".to_owned(),
        policy: previous.policy.clone(),
        conflict_resolution: previous.conflict_resolution,
        preserve_resources_on_deletion: previous.preserve_resources_on_deletion,
        deleted: true,
        ..PlacementSpec::default()
    }
}
