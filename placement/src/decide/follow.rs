//! Where an object goes that goes where others are: an autoscaler with its target, a claim with the workloads that mount it.
//! In: the rule, the clusters, the decisions of those others. Out: the fates. What makes a cluster fit for the others makes it
//! fit here: only a cluster that leaves, a policy's affinity and a kind that is not served are looked at again.
//! Never shrink on doubt: a claim stays wherever it was placed, because it may hold data there; an autoscaler whose target is
//! nowhere, or not seen, stays as it is.

use std::collections::{BTreeMap, BTreeSet};

use api::policy::ConflictResolution;
use api::{PlacementSpec, Reason};

use super::candidate::Standing;
use super::divide::Seat;
use super::filter::{self, Verdict};
use super::rule::{Lead, Rule};
use super::{bounds, listed, shares};
use crate::decision::Decision;
use crate::inputs::Inputs;

/// Gives every cluster its fate.
pub(super) fn assign<'a>(inputs: &Inputs<'a>, rule: &Rule<'a>, lead: Lead, decision: &mut Decision) {
    let leaders: Vec<&PlacementSpec> = inputs
        .leaders
        .iter()
        .filter(|leader| !leader.deleted)
        .copied()
        .collect();
    let mut found = Found::default();
    let mut clusters: Vec<&str> = Vec::new();
    let mut standing = Standing::of(inputs.previous);
    for cluster in inputs.clusters {
        let name = cluster.metadata.name();
        let holds = standing.find(name).is_some();
        match filter::judge_follower(inputs, rule, cluster, holds) {
            Verdict::Fits => clusters.push(name),
            Verdict::Out(why) => {
                let message = why.to_string();
                let reason = why.reason();
                found.insert(name.to_owned(), Fate::Out { reason, message });
            }
        }
    }
    clusters.sort_unstable();
    match lead {
        Lead::Target => with_target(inputs, leaders.first().copied(), &clusters, &mut found, decision),
        Lead::Mounts => with_mounts(inputs, &leaders, &clusters, &mut found, decision),
        Lead::Needs => with_needs(inputs, &leaders, &clusters, &mut found, decision),
    }
    for (name, fate) in found {
        match fate {
            Fate::Chosen { replicas } => decision.fates.choose(&name, replicas),
            Fate::Out { reason, message } => decision.fates.put_out(&name, reason, || message),
        }
    }
}

/// Fates that may still change: what stands is kept where nothing is found to follow.
type Found = BTreeMap<String, Fate>;

/// What becomes of the object in one cluster.
enum Fate {
    Chosen { replicas: Option<i64> },
    Out { reason: Reason, message: String },
}

fn with_mounts(
    inputs: &Inputs<'_>,
    leaders: &[&PlacementSpec],
    clusters: &[&str],
    found: &mut Found,
    decision: &mut Decision,
) {
    let mut stays = BTreeSet::new();
    let mounted: BTreeSet<&str> = leaders.iter().flat_map(|leader| names_of(leader)).collect();
    let held: BTreeSet<&str> = inputs.previous.into_iter().flat_map(names_of).collect();
    for name in clusters.iter().copied() {
        let fate = if mounted.contains(name) {
            Fate::Chosen { replicas: None }
        } else if held.contains(name) {
            stays.insert(name);
            Fate::Chosen { replicas: None }
        } else {
            nothing_to_follow("no workload that mounts it is placed there")
        };
        found.insert(name.to_owned(), fate);
    }
    let listed: Vec<String> = leaders.iter().map(|leader| whereabouts(leader)).collect();
    decision.steps.push(if listed.is_empty() {
        "No workload that mounts it is on the hub.".to_owned()
    } else {
        format!("It is mounted by {}.", listed.join(", "))
    });
    if !stays.is_empty() {
        let names: Vec<&str> = stays.into_iter().collect();
        decision.steps.push(format!(
            "Nothing mounts it in {} any more; it stays there, because it may hold data.",
            listed::listed(names.into_iter().map(str::to_owned))
        ));
    }
    let waits = "It waits on the hub until a workload that mounts it is placed.";
    finish(
        inputs,
        found,
        decision,
        "It is where the workloads that mount it are",
        waits,
    );
}

/// It needs no copy where nothing needs it; where nothing needs it anywhere it stays, because nobody said that it may go.
fn with_needs(
    inputs: &Inputs<'_>,
    leaders: &[&PlacementSpec],
    clusters: &[&str],
    found: &mut Found,
    decision: &mut Decision,
) {
    let needed: BTreeSet<&str> = leaders.iter().flat_map(|leader| names_of(leader)).collect();
    for name in clusters.iter().copied() {
        let fate = if needed.contains(name) {
            Fate::Chosen { replicas: None }
        } else {
            nothing_to_follow("nothing that needs it is placed there")
        };
        found.insert(name.to_owned(), fate);
    }
    let overwrites = |leader: &&&PlacementSpec| leader.conflict_resolution == Some(ConflictResolution::Overwrite);
    let preserves = |leader: &&&PlacementSpec| leader.preserve_resources_on_deletion == Some(true);
    let along = || leaders.iter().filter(|leader| leader.propagate_deps);
    decision.conflict_resolution = along()
        .any(|leader| overwrites(&leader))
        .then_some(ConflictResolution::Overwrite);
    decision.preserve_resources_on_deletion = along().any(|leader| preserves(&leader)).then_some(true);
    decision.steps.push(if leaders.is_empty() {
        "Nothing on the hub needs it any more.".to_owned()
    } else {
        let listed = listed::listed(leaders.iter().map(|leader| whereabouts(leader)));
        format!("It is needed by {listed}.")
    });
    let waits = "It waits on the hub until something that needs it is placed.";
    finish(inputs, found, decision, "It is where those are that need it", waits);
}

fn with_target(
    inputs: &Inputs<'_>,
    target: Option<&PlacementSpec>,
    clusters: &[&str],
    found: &mut Found,
    decision: &mut Decision,
) {
    let scaled = inputs.object.target.clone().unwrap_or_default();
    let shares = target.map(|target| running(target, clusters)).unwrap_or_default();
    if shares.is_empty() {
        let message = match target {
            Some(_) => format!("its target {scaled} has no replicas"),
            None => format!("its target {scaled} is not placed"),
        };
        for cluster in clusters {
            found.insert((*cluster).to_owned(), nothing_to_follow(&message));
        }
        decision.steps.push(format!(
            "{}{}.",
            message.get(..1).map(str::to_uppercase).unwrap_or_default(),
            message.get(1..).unwrap_or_default()
        ));
        // With nothing to scale it does nothing; without it, what runs would be scaled by nobody.
        if let Some(previous) = inputs.previous {
            keep(inputs, previous, found, decision);
        }
    } else {
        let runs: BTreeSet<&str> = shares.iter().map(|(name, _)| *name).collect();
        let holds: BTreeSet<&str> = target.into_iter().flat_map(names_of).collect();
        for name in clusters.iter().copied() {
            let fate = match target.filter(|_| !runs.contains(name)) {
                None => Fate::Chosen { replicas: None },
                Some(_) if holds.contains(name) => Fate::Out {
                    reason: Reason::NoReplicas,
                    message: format!("its target {scaled} has no replicas there"),
                },
                Some(_) => nothing_to_follow(&format!("its target {scaled} is not placed there")),
            };
            found.insert(name.to_owned(), fate);
        }
        divide(inputs, target, &shares, decision);
    }
    let placed = format!("It is where its target {scaled} has replicas");
    let waits = format!("It waits on the hub until its target {scaled} has replicas.");
    finish(inputs, found, decision, &placed, &waits);
}

/// The clusters in which the target runs, with its share. One that counts no replicas is as much everywhere. A target whose
/// replicas are not left to the members yet has none to scale: it is stopped, or will be decided again at once.
fn running<'a>(target: &PlacementSpec, clusters: &[&'a str]) -> Vec<(&'a str, i64)> {
    let counted = target.clusters.iter().any(|at| at.replicas.is_some());
    if counted && target.left_to_members.is_none() {
        return vec![];
    }
    let mut standing = Standing::of(Some(target));
    let share = |name: &&'a str| {
        let share = standing.find(name)?.replicas.unwrap_or(1);
        (share > 0).then_some((*name, share))
    };
    clusters.iter().filter_map(share).collect()
}

/// Divides the bounds as the target is divided. A target that is whole in each cluster has whole bounds in each.
fn divide(inputs: &Inputs<'_>, target: Option<&PlacementSpec>, shares: &[(&str, i64)], decision: &mut Decision) {
    let (Some(all), Some(target)) = (inputs.object.bounds, target) else {
        return;
    };
    let whole = target.left_to_members.as_ref().map(|left| left.planned);
    let duplicated = target
        .clusters
        .iter()
        .all(|at| at.replicas.is_none() || at.replicas == whole);
    if duplicated {
        decision
            .steps
            .push("Its target is whole in each cluster, and so are its bounds.".to_owned());
        return;
    }
    let resource = &inputs.object.resource;
    let before = |name: &str| {
        let at = inputs.previous?.clusters.iter().find(|at| at.name == name)?;
        Some(at.bounds?.max_replicas)
    };
    let seats: Vec<Seat> = shares
        .iter()
        .map(|(name, share)| Seat {
            weight: *share,
            most: i64::MAX,
            previous: before(name).unwrap_or_default(),
            rank: shares::rank(name, &resource.namespace, &resource.name),
        })
        .collect();
    let divided = bounds::divide(all, &seats);
    let mut listed = Vec::new();
    for ((name, _), bounds) in shares.iter().zip(divided) {
        listed.push(format!("{name}={}-{}", bounds.min_replicas, bounds.max_replicas));
        decision.bounds.insert((*name).to_owned(), bounds);
    }
    decision.steps.push(format!(
        "{} to {} replicas divided as its target is: {}.",
        all.min_replicas,
        all.max_replicas,
        listed::listed(listed.into_iter())
    ));
}

/// The sentence, and what stands where nothing could be chosen.
fn finish(inputs: &Inputs<'_>, found: &mut Found, decision: &mut Decision, placed: &str, waits: &str) {
    let chosen = |found: &Found| {
        let fates = found.values();
        fates.filter(|fate| matches!(fate, Fate::Chosen { .. })).count()
    };
    if chosen(found) == 0
        && let Some(previous) = inputs.previous
    {
        keep(inputs, previous, found, decision);
    }
    decision.reason = match (chosen(found), decision.kept) {
        (0, _) => waits.to_owned(),
        (_, true) => "What it follows is nowhere; the last good placement stays.".to_owned(),
        (1, false) => format!("{placed} (1 cluster)."),
        (count, false) => format!("{placed} ({count} clusters)."),
    };
}

/// What stands stays, less the clusters that are leaving or that a policy takes away.
fn keep(inputs: &Inputs<'_>, previous: &PlacementSpec, found: &mut Found, decision: &mut Decision) {
    for at in &previous.clusters {
        let taken = match found.get(&at.name) {
            Some(Fate::Out { reason, .. }) => {
                matches!(
                    reason,
                    Reason::ClusterLeaving | Reason::AffinityMismatch | Reason::SelectorMismatch
                )
            }
            Some(Fate::Chosen { .. }) => continue,
            // It is no longer in the federation; an empty list of clusters is no proof of that.
            None => !inputs.clusters.is_empty(),
        };
        if !taken {
            decision.kept = true;
            found.insert(at.name.clone(), Fate::Chosen { replicas: at.replicas });
            decision
                .bounds
                .extend(at.bounds.map(|bounds| (at.name.clone(), bounds)));
        }
    }
}

/// The clusters that a decision names.
fn names_of(spec: &PlacementSpec) -> impl Iterator<Item = &str> {
    spec.clusters.iter().map(|at| at.name.as_str())
}

fn nothing_to_follow(message: &str) -> Fate {
    Fate::Out {
        reason: Reason::NothingToFollow,
        message: message.to_owned(),
    }
}

/// `Deployment shop/web (eu-1, us-1)`.
fn whereabouts(leader: &PlacementSpec) -> String {
    let place = if leader.clusters.is_empty() {
        "nowhere yet".to_owned()
    } else {
        listed::listed(leader.clusters.iter().map(|at| at.name.clone()))
    };
    format!("{} ({place})", leader.resource)
}
