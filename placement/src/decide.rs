//! Where an object goes: match a policy, filter the clusters, divide the replicas, keep what is good.
//! In: [`Inputs`]. Out: a [`Decision`] that says of every cluster why it is in or out. Total and deterministic.
//!
//! Never shrink on doubt: a cluster that holds the object loses it only when a policy, a selector, a `NoExecute` taint, the
//! cluster's failure or its leaving says so. Where no cluster is left, the last good placement stays and says so.
//! Absent: the order of a move ([`crate::moves`]).

mod available;
mod bounds;
mod candidate;
mod concern;
pub mod divide;
mod drain;
mod filter;
mod follow;
mod lazy;
mod left;
mod listed;
pub mod matching;
pub mod namespace;
mod ordered;
pub mod planner_v1;
pub mod preferences_v1;
mod rule;
mod shares;
mod spread;

use std::collections::BTreeSet;

use api::Reason;
use api::placement::UnmetConstraint;
use jiff::Timestamp;

use crate::decision::{Decision, Fates};
use crate::inputs::{FederatedObject, Inputs};
use candidate::{Candidate, fitting};
pub use concern::concerns;
pub use rule::governs;
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
    decide_as(inputs, false)
}

/// The same with the reason of every cluster, however many there are.
pub fn decide_in_full(inputs: &Inputs<'_>) -> Decision {
    decide_as(inputs, true)
}

fn decide_as(inputs: &Inputs<'_>, in_full: bool) -> Decision {
    let mut decision = Decision {
        resource: inputs.object.resource.clone(),
        generation: inputs.object.generation,
        fates: Fates::after(inputs.previous, inputs.clusters.len(), in_full),
        ..Decision::default()
    };
    decision.ailing = inputs.ailing.to_vec();
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
    let mut candidates = fitting(inputs, &rule, |cluster, why| {
        let fates = &mut decision.fates;
        fates.put_out(cluster.metadata.name(), why.reason(), || why.to_string());
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
        for (candidate, message) in selection.out {
            decision
                .fates
                .put_out(candidate.name(), Reason::SpreadConstraint, || message.into_owned());
        }
        candidates = selection.chosen;
    }
    shares::assign(inputs, &rule, &candidates, &mut decision);
    decision.reason = sentence(&decision, &rule);
    decision
}

/// The spread constraints cannot be met. What stands stays where it may, and nothing new is placed: a copy more would be in
/// the way once they can be met again.
fn keep_unspread(inputs: &Inputs<'_>, rule: &Rule<'_>, candidates: &[Candidate<'_>], decision: &mut Decision) {
    let unmet = spread::described(&decision.unmet);
    let (standing, others): (Vec<Candidate<'_>>, Vec<Candidate<'_>>) =
        candidates.iter().partition(|candidate| candidate.held().is_some());
    for candidate in others {
        decision
            .fates
            .put_out(candidate.name(), Reason::SpreadConstraint, || unspread(&decision.unmet));
    }
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

fn unspread(unmet: &[UnmetConstraint]) -> String {
    let unmet = spread::described(unmet);
    format!("the policy's spread constraints cannot be met ({unmet})")
}

/// `3 of 4 clusters fit; out: 1 UntoleratedTaint`.
fn count_step(all: usize, fates: &Fates) -> String {
    let out: Vec<String> = fates
        .counts()
        .map(|(reason, count)| format!("{count} {reason}"))
        .collect();
    let fit = all.saturating_sub(fates.counts().map(|(_, count)| count).sum());
    if out.is_empty() {
        return format!("{fit} of {all} clusters fit.");
    }
    format!("{fit} of {all} clusters fit; out: {}.", out.join(", "))
}

/// No cluster fits. What stands stays, less the clusters that are leaving: their copies must go for the leaving to end.
fn keep_last_good(inputs: &Inputs<'_>, rule: &Rule<'_>, decision: &mut Decision) {
    let held = inputs
        .previous
        .map(|previous| previous.clusters.as_slice())
        .unwrap_or_default();
    let leaving: BTreeSet<&str> = inputs
        .clusters
        .iter()
        .filter(|cluster| cluster.metadata.deletion_timestamp.is_some())
        .map(|cluster| cluster.metadata.name())
        .collect();
    let stays = held.iter().filter(|target| !leaving.contains(target.name.as_str()));
    let kept: BTreeSet<&str> = stays.clone().map(|target| target.name.as_str()).collect();
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
    // What is kept is out no more.
    decision.fates.clear();
    let fit = fitting(inputs, rule, |cluster, why| {
        let name = cluster.metadata.name();
        if !kept.contains(name) {
            decision.fates.put_out(name, why.reason(), || why.to_string());
        }
    });
    for candidate in fit.iter().filter(|candidate| !kept.contains(candidate.name())) {
        decision
            .fates
            .put_out(candidate.name(), Reason::SpreadConstraint, || unspread(&decision.unmet));
    }
    let existing = candidate::named(inputs, rule, |name| kept.contains(name));
    if existing.len() == kept.len() {
        // The object may still be scaled where it is.
        shares::assign(inputs, &rule.without_weights(), &existing, decision);
    } else {
        for target in stays {
            decision.fates.choose(&target.name, target.replicas);
        }
    }
    decision
        .steps
        .push("The last good placement stays, because an empty one would delete the object everywhere.".to_owned());
    decision.reason = "No cluster fits any more; the last good placement stays.".to_owned();
}

fn sentence(decision: &Decision, rule: &Rule<'_>) -> String {
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
    match decision.fates.chosen() {
        [] => format!("{who} places it nowhere{short}."),
        [one] => format!("{who} places it in {} ({how}){short}.", one.name),
        many => format!("{who} places it in {} clusters ({how}){short}.", many.len()),
    }
}

#[cfg(test)]
mod tests;
