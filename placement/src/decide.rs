//! Where an object goes: match a policy, filter the clusters, divide the replicas, keep what is good.
//! In: [`Inputs`]. Out: a [`Decision`] that says of every cluster why it is in or out. Total and deterministic.
//!
//! Never shrink on doubt: a cluster that holds the object loses it only when a policy, a selector, a `NoExecute` taint, the
//! cluster's failure or its leaving says so. Where no cluster is left, the last good placement stays and says so.
//! Absent: the order of a move ([`crate::moves`]).

mod available;
mod bounds;
pub mod divide;
mod drain;
mod filter;
mod follow;
mod left;
pub mod matching;
pub mod namespace;
mod ordered;
pub mod planner_v1;
pub mod preferences_v1;
mod rule;
mod shares;
mod spread;

use std::collections::BTreeMap;

use api::{Cluster, PlacementSpec, Reason};
use jiff::Timestamp;

use crate::decision::{Decision, Fate};
use crate::inputs::{FederatedObject, Inputs};
use filter::Verdict;
use rule::{Manner, Rule};

/// When a decision may be another one though nothing changes: a toleration runs out, or the names of a drained cluster are
/// forgotten.
#[must_use]
pub fn next_expiry(inputs: &Inputs<'_>) -> Option<Timestamp> {
    let rule = Rule::of(inputs, &mut Decision::default());
    let clusters = inputs.clusters.iter();
    clusters
        .filter_map(|cluster| filter::next_expiry(&rule, cluster, inputs.now))
        .chain(ordered::next_return(inputs))
        .chain(available::assumed::next_end(inputs.previous, inputs.now))
        .min()
}

/// Decides where the object goes.
pub fn decide(inputs: &Inputs<'_>) -> Decision {
    let mut decision = Decision {
        resource: inputs.object.resource.clone(),
        generation: inputs.object.generation,
        ..Decision::default()
    };
    decision.left_to_members = left::left_to_members(inputs, &mut decision.steps);
    let planned = decision.left_to_members.as_ref().map(|left| FederatedObject {
        replicas: Some(left.planned),
        ..inputs.object.clone()
    });
    let inputs = &Inputs {
        object: planned.as_ref().unwrap_or(inputs.object),
        ..*inputs
    };
    let rule = Rule::of(inputs, &mut decision);
    if let Manner::Follows(lead) = rule.how() {
        follow::assign(inputs, &rule, *lead, &mut decision);
        return decision;
    }

    let rule = ordered::in_use(inputs, rule, &mut decision);
    let mut candidates = fitting(inputs, &rule, |cluster, reason, message| {
        put_out(&mut decision, cluster, reason, message);
    });
    drain::note(inputs, &rule, &mut decision);
    decision.steps.push(count_step(inputs.clusters.len(), &decision.fates));

    if candidates.is_empty() {
        keep_last_good(inputs, &rule, &mut decision);
        return decision;
    }
    if let Some(selection) = spread::select(inputs, &rule, &candidates) {
        decision.steps.extend(selection.steps);
        decision.unmet = selection.unmet;
        if !decision.unmet.is_empty() {
            keep_unspread(inputs, &rule, &candidates, &mut decision);
            return decision;
        }
        for (cluster, message) in selection.out {
            put_out(&mut decision, cluster, Reason::SpreadConstraint, message);
        }
        candidates = selection.chosen;
    }
    shares::assign(inputs, &rule, &candidates, &mut decision);
    decision.reason = sentence(&decision, &rule);
    decision
}

/// The clusters that fit, sorted by name; the others are told.
fn fitting<'a>(inputs: &Inputs<'a>, rule: &Rule, mut out: impl FnMut(&'a Cluster, Reason, String)) -> Vec<&'a Cluster> {
    let mut candidates: Vec<&Cluster> = Vec::new();
    for cluster in inputs.clusters {
        match filter::judge(inputs, rule, cluster) {
            Verdict::Fits => candidates.push(cluster),
            Verdict::Out { reason, message } => out(cluster, reason, message),
        }
    }
    candidates.sort_by(|a, b| a.metadata.name().cmp(b.metadata.name()));
    candidates
}

fn put_out(decision: &mut Decision, cluster: &Cluster, reason: Reason, message: String) {
    let name = cluster.metadata.name().to_owned();
    decision.fates.insert(name, Fate::Out { reason, message });
}

/// The spread constraints cannot be met. What stands stays where it may, and nothing new is placed: a copy more would be in
/// the way once they can be met again.
fn keep_unspread(inputs: &Inputs<'_>, rule: &Rule, candidates: &[&Cluster], decision: &mut Decision) {
    let unmet = spread::described(&decision.unmet);
    for cluster in candidates {
        let message = format!("the policy's spread constraints cannot be met ({unmet})");
        put_out(decision, cluster, Reason::SpreadConstraint, message);
    }
    let held = |cluster: &&Cluster| planned(inputs.previous, cluster.metadata.name()).is_some();
    let standing: Vec<&Cluster> = candidates.iter().copied().filter(held).collect();
    if standing.is_empty() {
        keep_last_good(inputs, rule, decision);
    } else {
        decision.kept = true;
        shares::assign(inputs, &rule.without_weights(), &standing, decision);
    }
    let stays = if decision.kept {
        "what stands stays"
    } else {
        "nothing is placed"
    };
    decision.reason = format!("The spread constraints cannot be met ({unmet}); {stays}.");
}

/// `3 of 4 clusters fit; out: 1 UntoleratedTaint`.
fn count_step(all: usize, fates: &BTreeMap<String, Fate>) -> String {
    let mut reasons: BTreeMap<Reason, usize> = BTreeMap::new();
    for fate in fates.values() {
        match fate {
            Fate::Out { reason, .. } => *reasons.entry(*reason).or_default() += 1,
            Fate::Chosen { .. } => {}
        }
    }
    let fit = all.saturating_sub(fates.len());
    if reasons.is_empty() {
        return format!("{fit} of {all} clusters fit.");
    }
    let out: Vec<String> = reasons
        .iter()
        .map(|(reason, count)| format!("{count} {reason}"))
        .collect();
    format!("{fit} of {all} clusters fit; out: {}.", out.join(", "))
}

/// No cluster fits. What stands stays, less the clusters that are leaving: their copies must go for the leaving to end.
fn keep_last_good(inputs: &Inputs<'_>, rule: &Rule, decision: &mut Decision) {
    let held = inputs
        .previous
        .map(|previous| previous.clusters.as_slice())
        .unwrap_or_default();
    let stays = |name: &str| {
        !inputs
            .clusters
            .iter()
            .any(|c| c.metadata.name() == name && c.metadata.deletion_timestamp.is_some())
    };
    let kept: Vec<_> = held.iter().filter(|target| stays(&target.name)).collect();
    if kept.is_empty() {
        decision.unplaced = inputs.object.replicas.unwrap_or_default();
        decision.reason = if inputs.clusters.is_empty() {
            "The federation has no cluster yet.".to_owned()
        } else {
            format!(
                "No cluster fits: {}",
                decision.steps.last().cloned().unwrap_or_default()
            )
        };
        return;
    }
    decision.kept = true;
    let mut existing: Vec<&Cluster> = inputs
        .clusters
        .iter()
        .filter(|cluster| kept.iter().any(|target| target.name == cluster.metadata.name()))
        .collect();
    existing.sort_by(|a, b| a.metadata.name().cmp(b.metadata.name()));
    if existing.len() == kept.len() {
        // The object may still be scaled where it is.
        shares::assign(inputs, &rule.without_weights(), &existing, decision);
    } else {
        for target in kept {
            decision.fates.insert(
                target.name.clone(),
                Fate::Chosen {
                    replicas: target.replicas,
                },
            );
        }
    }
    decision
        .steps
        .push("The last good placement stays, because an empty one would delete the object everywhere.".to_owned());
    decision.reason = "No cluster fits any more; the last good placement stays.".to_owned();
}

fn sentence(decision: &Decision, rule: &Rule) -> String {
    let names: Vec<&str> = decision
        .fates
        .iter()
        .filter(|(_, fate)| matches!(fate, Fate::Chosen { .. }))
        .map(|(name, _)| name.as_str())
        .collect();
    let who = if decision.policy.is_empty() {
        rule.source().to_owned()
    } else {
        decision.policy.clone()
    };
    let how = rule.manner();
    let short = if decision.unplaced > 0 {
        format!("; {} replicas fit nowhere", decision.unplaced)
    } else {
        String::new()
    };
    match names.as_slice() {
        [] => format!("{who} places it nowhere{short}."),
        [one] => format!("{who} places it in {one} ({how}){short}."),
        many => format!("{who} places it in {} clusters ({how}){short}.", many.len()),
    }
}

/// The replicas that were planned for a cluster; none where it did not hold the object.
fn planned(previous: Option<&PlacementSpec>, cluster: &str) -> Option<i64> {
    let targets = previous
        .map(|previous| previous.clusters.as_slice())
        .unwrap_or_default();
    // Decisions are sorted by name; whatever else somebody wrote is looked through.
    let sorted = targets.binary_search_by(|target| target.name.as_str().cmp(cluster));
    let found = match sorted {
        Ok(at) => targets.get(at),
        Err(_) => targets.iter().find(|target| target.name == cluster),
    };
    found.map(|target| target.replicas.unwrap_or_default())
}

#[cfg(test)]
mod tests;
