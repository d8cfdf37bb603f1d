//! What governs an object: its policy, else the annotations of Federation v1, else its kind's default.
//! In: inputs. Out: one [`Rule`] and the sentences that say how it was found. Absent: clusters.

use std::rc::Rc;

use api::policy::{
    ClusterAffinity, ClusterAffinityTerm, PolicySpec, ReplicaDivisionPreference, ReplicaSchedulingType,
    SpreadConstraint, StaticClusterWeight, Toleration,
};

use super::preferences_v1::{self, ClusterSelector, Preferences};
use super::{lazy, matching};
use crate::decision::Decision;
use crate::federated_kinds::{Division, Spread, default_spread};
use crate::inputs::{FederatedObject, Inputs};
use crate::needs;

/// Seconds for which an earlier affinity must fit before it is gone back to, where the policy does not say.
const RETURN_SECONDS: i64 = 300;

/// How copies and replicas are spread over the clusters that fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Manner<'a> {
    /// Every cluster holds a copy with all replicas.
    Duplicated,
    /// The clusters share the replicas by weight; an empty list means equally.
    Divided(&'a [StaticClusterWeight]),
    /// The clusters share the replicas by what they have room for.
    Available {
        /// In as few of them as hold all.
        aggregated: bool,
    },
    /// One cluster holds it all.
    One,
    /// Federation v1's planner.
    PlannedV1(Rc<Preferences>),
    /// Where others are.
    Follows(Lead),
}

/// What an object follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lead {
    /// The target that it scales.
    Target,
    /// The workloads that mount it.
    Mounts,
    /// The workloads whose pods need it.
    Needs,
}

/// What governs one object.
#[derive(Clone, Debug)]
pub(super) struct Rule<'a> {
    manner: Manner<'a>,
    policy: Option<&'a PolicySpec>,
    selector_v1: Option<Rc<ClusterSelector>>,
    /// The object's kind as members say that they serve it.
    served_name: Rc<str>,
    source: &'static str,
    /// Which of the ordered affinities counts.
    term: usize,
}

impl<'a> Rule<'a> {
    /// Finds the rule, and notes in the decision how.
    pub(super) fn of(inputs: &Inputs<'a>, decision: &mut Decision) -> Self {
        let object = inputs.object;
        let served_name: Rc<str> = format!("{}/{}", object.resource.api_version, object.resource.kind).into();
        let spread = match object.division {
            Division::Whole => Spread::One,
            Division::Free | Division::Once => default_spread(&object.resource.api_version, &object.resource.kind),
        };
        if let Some((label, policy)) = governing(inputs, decision) {
            decision.policy = label;
            decision.steps.push(format!("{} selects the object.", decision.policy));
            decision.conflict_resolution = policy.conflict_resolution;
            decision.preserve_resources_on_deletion = policy.preserve_resources_on_deletion;
            decision.suspension.clone_from(&policy.suspension);
            decision.propagate_deps = policy.propagate_deps.unwrap_or_default();
            if preferences_v1::present(object) {
                decision
                    .steps
                    .push("Its Federation v1 annotations are not read, because a policy selects it.".to_owned());
            }
            let manner = manner_of(policy, is_divisible(object), spread);
            return Self {
                manner,
                policy: Some(policy),
                selector_v1: None,
                served_name,
                source: "The policy",
                term: 0,
            };
        }
        let selector_v1 = ClusterSelector::from_annotations(&object.annotations).map(Rc::new);
        if selector_v1.is_some() {
            decision
                .steps
                .push("Its Federation v1 cluster selector chooses among the clusters.".to_owned());
        }
        if let Some(preferences) = Preferences::of(object, &mut decision.steps) {
            let source = "The Federation v1 annotation";
            return Self {
                manner: Manner::PlannedV1(Rc::new(preferences)),
                policy: None,
                selector_v1,
                served_name,
                source,
                term: 0,
            };
        }
        if selector_v1.is_none() && is_propagated(inputs) {
            decision.propagated = true;
            decision
                .steps
                .push("No policy selects it itself; the policy of what needs it takes it along.".to_owned());
            return Self {
                manner: Manner::Follows(Lead::Needs),
                policy: None,
                selector_v1: None,
                served_name,
                source: "The policy of what needs it",
                term: 0,
            };
        }
        let manner = by_default(spread);
        decision.steps.push(format!(
            "No policy selects it: the default of {} applies.",
            object.resource.kind
        ));
        Self {
            manner,
            policy: None,
            selector_v1,
            served_name,
            source: "The default",
            term: 0,
        }
    }

    pub(super) fn how(&self) -> &Manner<'a> {
        &self.manner
    }

    pub(super) fn served_name(&self) -> &str {
        &self.served_name
    }

    pub(super) fn affinity(&self) -> Option<&'a ClusterAffinity> {
        let term = self.terms().get(self.term).map(|term| &term.affinity);
        term.or(self.policy?.placement.cluster_affinity.as_ref())
    }

    /// The ordered affinities; empty where the policy has none.
    pub(super) fn terms(&self) -> &'a [ClusterAffinityTerm] {
        self.policy
            .map(|policy| policy.placement.cluster_affinities.as_slice())
            .unwrap_or_default()
    }

    /// The rule with another of the ordered affinities.
    pub(super) fn with_term(&self, term: usize) -> Self {
        Self { term, ..self.clone() }
    }

    /// The ordered affinities after the one that counts.
    pub(super) fn later_terms(&self) -> std::ops::Range<usize> {
        self.term.saturating_add(1)..self.terms().len()
    }

    /// The ordered affinity that counts.
    pub(super) fn term(&self) -> Option<&'a ClusterAffinityTerm> {
        self.terms().get(self.term)
    }

    /// Seconds for which an earlier affinity must fit before it is gone back to.
    pub(super) fn return_seconds(&self) -> i64 {
        let said = self
            .policy
            .and_then(|policy| policy.placement.cluster_affinity_return_seconds);
        said.unwrap_or(RETURN_SECONDS).max(0)
    }

    pub(super) fn spread(&self) -> &'a [SpreadConstraint] {
        self.policy
            .map(|policy| policy.placement.spread_constraints.as_slice())
            .unwrap_or_default()
    }

    pub(super) fn tolerations(&self) -> &'a [Toleration] {
        self.policy
            .map(|policy| policy.placement.cluster_tolerations.as_slice())
            .unwrap_or_default()
    }

    /// Whether replicas of the object move away from where they cannot run. Copies that are everywhere lose nothing by staying.
    pub(super) fn moves(&self, object: &FederatedObject) -> bool {
        match &self.manner {
            Manner::Follows(_) => false,
            // Where there are other clusters to go to, whoever ordered them wants that.
            Manner::Duplicated => self.terms().len() > 1,
            Manner::One => true,
            Manner::Divided(_) | Manner::Available { .. } | Manner::PlannedV1(_) => object.replicas.is_some(),
        }
    }

    pub(super) fn selector_v1(&self) -> Option<&ClusterSelector> {
        self.selector_v1.as_deref()
    }

    pub(super) fn source(&self) -> &'static str {
        self.source
    }

    /// How, in words that end a sentence.
    pub(super) fn manner(&self) -> &'static str {
        match &self.manner {
            Manner::Duplicated => "duplicated",
            Manner::Divided([]) => "replicas divided evenly",
            Manner::Divided(_) => "replicas divided by weight",
            Manner::Available { aggregated: false } => "replicas divided by room",
            Manner::Available { aggregated: true } => "replicas in few clusters",
            Manner::One => "one cluster",
            Manner::PlannedV1(_) => "replicas planned as Federation v1 did",
            Manner::Follows(Lead::Target) => "where its target has replicas",
            Manner::Follows(Lead::Mounts) => "where what mounts it is",
            Manner::Follows(Lead::Needs) => "where what needs it is",
        }
    }

    /// The rule with equal weights, for when none of the weighted clusters is left.
    pub(super) fn without_weights(&self) -> Self {
        let manner = match &self.manner {
            Manner::Divided(_) => Manner::Divided(&[]),
            other @ (Manner::Duplicated
            | Manner::Available { .. }
            | Manner::One
            | Manner::PlannedV1(_)
            | Manner::Follows(_)) => other.clone(),
        };
        Self { manner, ..self.clone() }
    }
}

/// The policy that governs the object, with its label; none where it is the kind's default.
fn governing<'a>(inputs: &Inputs<'a>, decision: &mut Decision) -> Option<(String, &'a PolicySpec)> {
    let standing = inputs.previous.map_or("", |previous| previous.policy.as_str());
    let selected = matching::best(inputs.policies, inputs.object, standing);
    if let Some(in_use) = lazy::in_use(inputs, selected) {
        decision.lazy = Some(lazy::kept(inputs, in_use.spec));
        let now = selected.map(|policy| &policy.spec);
        if in_use.spec != now {
            let step = "A lazy policy says something else by now: that counts once the object is edited.";
            decision.steps.push(step.to_owned());
        }
        return Some((in_use.label.to_owned(), in_use.spec?));
    }
    let policy = selected?;
    if lazy::is_lazy(policy) {
        decision.lazy = Some(lazy::kept(inputs, Some(&policy.spec)));
    }
    Some((matching::label(policy), &policy.spec))
}

/// The policy that governs an object, as it is in use; none where it is the kind's default.
#[must_use]
pub fn governs<'a>(inputs: &Inputs<'a>) -> Option<&'a PolicySpec> {
    governing(inputs, &mut Decision::default()).map(|(_, policy)| policy)
}

/// Whether the object goes where those are that need it: one of them is propagated with what it needs, or once was.
fn is_propagated(inputs: &Inputs<'_>) -> bool {
    let resource = &inputs.object.resource;
    if needs::Kind::of(&resource.api_version, &resource.kind).is_none() {
        return false;
    }
    let same = |previous: &&api::PlacementSpec| previous.resource.uid == resource.uid;
    let was = inputs.previous.filter(same).is_some_and(|previous| previous.propagated);
    let propagates = |leader: &&api::PlacementSpec| leader.propagate_deps && !leader.deleted;
    was || inputs.leaders.iter().any(propagates)
}

fn is_divisible(object: &FederatedObject) -> bool {
    object.replicas.is_some() && object.division != Division::Whole
}

fn by_default(spread: Spread) -> Manner<'static> {
    match spread {
        Spread::Duplicated | Spread::Follows => Manner::Duplicated,
        Spread::Divided => Manner::Divided(&[]),
        Spread::One => Manner::One,
        Spread::WithTarget => Manner::Follows(Lead::Target),
        Spread::WithMounts => Manner::Follows(Lead::Mounts),
    }
}

/// A policy that says nothing of replicas leaves the kind's default; one that gives the struct means `Divided` unless it
/// says otherwise, as in Karmada. Kinds without replicas are duplicated, or stay single by their default.
fn manner_of(policy: &PolicySpec, has_replicas: bool, spread: Spread) -> Manner<'_> {
    let by_default = match spread {
        // Whoever selects a claim says where it is; an autoscaler has no work but where its target is.
        Spread::WithMounts => Manner::Duplicated,
        spread => by_default(spread),
    };
    let Some(scheduling) = &policy.placement.replica_scheduling else {
        return by_default;
    };
    match scheduling.replica_scheduling_type {
        ReplicaSchedulingType::Duplicated => Manner::Duplicated,
        ReplicaSchedulingType::Divided if !has_replicas => by_default,
        ReplicaSchedulingType::Divided => match scheduling.replica_division_preference {
            Some(ReplicaDivisionPreference::Aggregated) => Manner::Available { aggregated: true },
            Some(ReplicaDivisionPreference::Weighted) | None => match &scheduling.weight_preference {
                // The static ones are not read then, as in Karmada.
                Some(preference) if preference.dynamic_weight.is_some() => Manner::Available { aggregated: false },
                Some(preference) => Manner::Divided(&preference.static_weight_list),
                None => Manner::Divided(&[]),
            },
        },
    }
}
