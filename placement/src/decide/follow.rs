//! Where an object goes that goes where others are: an autoscaler with its target, a claim with the workloads that mount it.
//! In: the rule, the clusters, the decisions of those others. Out: the fates. What makes a cluster fit for the others makes it
//! fit here: only a cluster that leaves, a policy's affinity and a kind that is not served are looked at again.
//! Never shrink on doubt: a claim stays wherever it was placed, because it may hold data there; an autoscaler whose target is
//! nowhere, or not seen, stays as it is.

use std::collections::BTreeSet;

use api::{Cluster, PlacementSpec, Reason};

use super::divide::Seat;
use super::filter::{self, Verdict};
use super::rule::{Lead, Rule};
use super::{bounds, planned, shares};
use crate::decision::{Decision, Fate};
use crate::inputs::Inputs;

/// Gives every cluster its fate.
pub(super) fn assign(inputs: &Inputs<'_>, rule: &Rule, lead: Lead, decision: &mut Decision) {
    let leaders: Vec<&PlacementSpec> = inputs
        .leaders
        .iter()
        .filter(|leader| !leader.deleted)
        .copied()
        .collect();
    let mut clusters: Vec<&Cluster> = Vec::new();
    for cluster in inputs.clusters {
        match filter::judge_follower(inputs, rule, cluster) {
            Verdict::Fits => clusters.push(cluster),
            Verdict::Out { reason, message } => {
                let name = cluster.metadata.name().to_owned();
                decision.fates.insert(name, Fate::Out { reason, message });
            }
        }
    }
    clusters.sort_by(|a, b| a.metadata.name().cmp(b.metadata.name()));
    match lead {
        Lead::Target => with_target(inputs, leaders.first().copied(), &clusters, decision),
        Lead::Mounts => with_mounts(inputs, &leaders, &clusters, decision),
    }
}

fn with_mounts(inputs: &Inputs<'_>, leaders: &[&PlacementSpec], clusters: &[&Cluster], decision: &mut Decision) {
    let mut stays = BTreeSet::new();
    for cluster in clusters {
        let name = cluster.metadata.name();
        let mounted = leaders.iter().any(|leader| holds(leader, name));
        let fate = if mounted {
            Fate::Chosen { replicas: None }
        } else if planned(inputs.previous, name).is_some() {
            stays.insert(name);
            Fate::Chosen { replicas: None }
        } else {
            nothing_to_follow("no workload that mounts it is placed there")
        };
        decision.fates.insert(name.to_owned(), fate);
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
            names.join(", ")
        ));
    }
    let waits = "It waits on the hub until a workload that mounts it is placed.";
    finish(inputs, decision, "It is where the workloads that mount it are", waits);
}

fn with_target(inputs: &Inputs<'_>, target: Option<&PlacementSpec>, clusters: &[&Cluster], decision: &mut Decision) {
    let scaled = inputs.object.target.clone().unwrap_or_default();
    let shares = target.map(|target| running(target, clusters)).unwrap_or_default();
    if shares.is_empty() {
        let message = match target {
            Some(_) => format!("its target {scaled} has no replicas"),
            None => format!("its target {scaled} is not placed"),
        };
        for cluster in clusters {
            let fate = nothing_to_follow(&message);
            decision.fates.insert(cluster.metadata.name().to_owned(), fate);
        }
        decision.steps.push(format!(
            "{}{}.",
            message.get(..1).map(str::to_uppercase).unwrap_or_default(),
            message.get(1..).unwrap_or_default()
        ));
        // With nothing to scale it does nothing; without it, what runs would be scaled by nobody.
        if let Some(previous) = inputs.previous {
            keep(inputs, previous, decision);
        }
    } else {
        for cluster in clusters {
            let name = cluster.metadata.name();
            let fate = match target.filter(|_| !shares.iter().any(|(with, _)| *with == name)) {
                None => Fate::Chosen { replicas: None },
                Some(target) if holds(target, name) => Fate::Out {
                    reason: Reason::NoReplicas,
                    message: format!("its target {scaled} has no replicas there"),
                },
                Some(_) => nothing_to_follow(&format!("its target {scaled} is not placed there")),
            };
            decision.fates.insert(name.to_owned(), fate);
        }
        divide(inputs, target, &shares, decision);
    }
    let placed = format!("It is where its target {scaled} has replicas");
    let waits = format!("It waits on the hub until its target {scaled} has replicas.");
    finish(inputs, decision, &placed, &waits);
}

/// The clusters in which the target runs, with its share. One that counts no replicas is as much everywhere. A target whose
/// replicas are not left to the members yet has none to scale: it is stopped, or will be decided again at once.
fn running<'a>(target: &PlacementSpec, clusters: &[&'a Cluster]) -> Vec<(&'a str, i64)> {
    let counted = target.clusters.iter().any(|at| at.replicas.is_some());
    if counted && target.left_to_members.is_none() {
        return vec![];
    }
    let names = clusters.iter().map(|cluster| cluster.metadata.name());
    names
        .filter_map(|name| {
            let at = target.clusters.iter().find(|at| at.name == name)?;
            let share = at.replicas.unwrap_or(1);
            (share > 0).then_some((name, share))
        })
        .collect()
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
        listed.join(", ")
    ));
}

/// The sentence, and what stands where nothing could be chosen.
fn finish(inputs: &Inputs<'_>, decision: &mut Decision, placed: &str, waits: &str) {
    let chosen = |decision: &Decision| {
        let fates = decision.fates.values();
        fates.filter(|fate| matches!(fate, Fate::Chosen { .. })).count()
    };
    if chosen(decision) == 0
        && let Some(previous) = inputs.previous
    {
        keep(inputs, previous, decision);
    }
    decision.reason = match (chosen(decision), decision.kept) {
        (0, _) => waits.to_owned(),
        (_, true) => "What it follows is nowhere; the last good placement stays.".to_owned(),
        (1, false) => format!("{placed} (1 cluster)."),
        (count, false) => format!("{placed} ({count} clusters)."),
    };
}

/// What stands stays, less the clusters that are leaving or that a policy takes away.
fn keep(inputs: &Inputs<'_>, previous: &PlacementSpec, decision: &mut Decision) {
    for at in &previous.clusters {
        let taken = match decision.fates.get(&at.name) {
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
            decision
                .fates
                .insert(at.name.clone(), Fate::Chosen { replicas: at.replicas });
            decision
                .bounds
                .extend(at.bounds.map(|bounds| (at.name.clone(), bounds)));
        }
    }
}

fn holds(leader: &PlacementSpec, cluster: &str) -> bool {
    leader.clusters.iter().any(|at| at.name == cluster)
}

fn nothing_to_follow(message: &str) -> Fate {
    Fate::Out {
        reason: Reason::NothingToFollow,
        message: message.to_owned(),
    }
}

/// `Deployment shop/web (eu-1, us-1)`.
fn whereabouts(leader: &PlacementSpec) -> String {
    let names: Vec<&str> = leader.clusters.iter().map(|at| at.name.as_str()).collect();
    let place = if names.is_empty() {
        "nowhere yet".to_owned()
    } else {
        names.join(", ")
    };
    format!("{} ({place})", leader.resource)
}
