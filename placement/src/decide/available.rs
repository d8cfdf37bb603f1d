//! Shares by what the members have room for, in proportion to it or in few clusters.
//! In: the rule, the clusters that fit. Out: their fates, and how the shares came about when they were last divided: that stays as
//! it was said until something moves, because room changes all the time. Absent: the division itself (`available/division.rs`).

pub(super) mod assumed;
mod division;

use std::collections::BTreeSet;

use api::placement::AssumedRoom;
use api::{Cluster, Reason};

use super::candidate::{Candidate, fitting};
use super::filter::{self, Verdict};
use super::listed;
use super::rule::Rule;
use super::shares::rank;
use crate::decision::Decision;
use crate::federated_kinds::Division;
use crate::inputs::Inputs;
use crate::room::room;
use assumed::Assumed;
use division::{Berth, Style, divide};

/// Gives every candidate its share, and clusters of later groups what does not fit.
pub(super) fn assign(
    inputs: &Inputs<'_>,
    rule: &Rule<'_>,
    aggregated: bool,
    wanted: i64,
    candidates: &[Candidate<'_>],
    decision: &mut Decision,
) {
    let mut clusters: Vec<(Candidate<'_>, usize)> = candidates.iter().map(|candidate| (*candidate, 0)).collect();
    clusters.extend(overflow(inputs, rule, candidates));
    let grows_any = clusters.iter().any(|(one, _)| one.grows);
    let seen: Vec<Option<i64>> = clusters.iter().map(|(one, _)| room_of(inputs, one.cluster)).collect();
    let assumed = Assumed::since(inputs.previous, inputs.now);
    let berths: Vec<Berth> = clusters
        .iter()
        .zip(&seen)
        .map(|((candidate, tier), seen)| Berth {
            tier: *tier,
            ..berth(inputs, candidate, *seen, assumed.of(candidate.name(), *seen), grows_any)
        })
        .collect();
    let asked = &inputs.object.rebalance;
    let answered = inputs.previous.map_or("", |previous| previous.rebalanced.as_str());
    let once = inputs.object.division == Division::Once;
    let afresh = !once && !asked.is_empty() && asked != answered && inputs.previous.is_some();
    let style = Style {
        aggregated,
        afresh,
        spread: !rule.spread().is_empty(),
    };
    let shares = divide(wanted, &berths, style);
    let placed = shares.iter().fold(0, |sum: i64, share| sum.saturating_add(*share));
    decision.unplaced = wanted.max(0).saturating_sub(placed);
    decision.rebalanced.clone_from(asked);

    let stands = !afresh
        && clusters
            .iter()
            .zip(&shares)
            .all(|((candidate, _), share)| candidate.aimed().unwrap_or_default() == *share);
    let said = inputs.previous.map_or("", |previous| previous.divided.as_str());
    decision.assumed_room = if stands && decision.unplaced == 0 {
        // Nobody looks at it before something changes, and then with the time of then.
        inputs
            .previous
            .map(|previous| previous.assumed_room.clone())
            .unwrap_or_default()
    } else {
        let rows = clusters.iter().zip(&seen).zip(berths.iter().zip(&shares));
        rows.filter_map(|(((candidate, _), seen), (berth, share))| {
            let name = candidate.name();
            let before = assumed.of(name, *seen);
            assumed::after(name, (*seen)?, before, share - berth.held, inputs.now)
        })
        .collect()
    };
    decision.divided = if stands && !said.is_empty() {
        said.to_owned()
    } else {
        told(wanted, &clusters, &berths, &shares, afresh)
    };
    decision.steps.push(decision.divided.clone());
    if clusters
        .iter()
        .zip(&shares)
        .any(|((_, tier), share)| *tier > 0 && *share > 0)
    {
        let step =
            "What does not fit into the group in use is in the next ones, until the object is scaled or divided anew.";
        decision.steps.push(step.to_owned());
    }

    // Scaled to zero: the copies stay where they are; a new object is in one cluster, or in each.
    let holds_any = clusters.iter().any(|(candidate, _)| candidate.held().is_some());
    let first = clusters
        .iter()
        .zip(&berths)
        .min_by_key(|(_, berth)| (berth.tier, berth.rank));
    let first = first.map(|((candidate, _), _)| candidate.name());
    for (((candidate, tier), berth), share) in clusters.iter().zip(&berths).zip(&shares) {
        let name = candidate.name();
        let waits = wanted <= 0
            && if holds_any {
                candidate.held().is_some()
            } else {
                *tier == 0 && (!aggregated || first == Some(name))
            };
        if *share > 0 || waits {
            // The group in use does not have it; what overflows is there all the same.
            if *tier > 0
                && let Verdict::Out(why) = filter::judge(inputs, rule, candidate.cluster, candidate.held().is_some())
            {
                decision.fates.take_back(name, why.reason());
            }
            decision.fates.choose(name, Some(*share));
        } else if *tier == 0 {
            let fates = &mut decision.fates;
            if decision.unplaced > 0 && berth.grows {
                fates.put_out(name, Reason::NoRoom, || "its nodes have no room for one".to_owned());
            } else if aggregated {
                fates.put_out(name, Reason::NotSelected, || {
                    "it goes to few clusters, and others hold it all".to_owned()
                });
            } else {
                fates.put_out(name, Reason::NoReplicas, || {
                    format!("{wanted} replicas leave none for it")
                });
            }
        }
    }
}

/// Clusters of the groups after the one in use, each with how far after.
fn overflow<'a>(inputs: &Inputs<'a>, rule: &Rule<'a>, candidates: &[Candidate<'a>]) -> Vec<(Candidate<'a>, usize)> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut found = Vec::new();
    // What overflows would break the constraints by which the others were chosen.
    let later = if rule.spread().is_empty() {
        rule.later_terms()
    } else {
        0..0
    };
    if !later.is_empty() {
        seen.extend(candidates.iter().map(Candidate::name));
    }
    for (tier, term) in later.enumerate() {
        for candidate in fitting(inputs, &rule.with_term(term), |_, _| {}) {
            if seen.insert(candidate.name()) {
                found.push((candidate, tier + 1));
            }
        }
    }
    found
}

/// How many more fit by what is seen; none where that is not known.
fn room_of(inputs: &Inputs<'_>, cluster: &Cluster) -> Option<i64> {
    let capacity = cluster.status.capacity.as_ref()?;
    room(capacity, inputs.object.demand.as_ref()?)
}

fn berth(
    inputs: &Inputs<'_>,
    candidate: &Candidate<'_>,
    seen: Option<i64>,
    assumed: Option<&AssumedRoom>,
    grows_any: bool,
) -> Berth {
    let name = candidate.name();
    let resource = &inputs.object.resource;
    let held = candidate.aimed();
    let tainted = !candidate.grows && candidate.is_reachable();
    let fixed = inputs.object.division == Division::Once && held.is_some();
    Berth {
        held: held.unwrap_or_default(),
        room: seen.map(|seen| assumed::counts(seen, assumed)),
        // Where none may grow, growing waits in those that are not reachable.
        grows: !fixed && (candidate.grows || !(held.is_some() && (grows_any || tainted))),
        tier: 0,
        rank: rank(name, &resource.namespace, &resource.name),
    }
}

/// `9 replicas divided by room: eu-1=6 (room for 20 more), us-1=3 (room not known).`
fn told(wanted: i64, clusters: &[(Candidate<'_>, usize)], berths: &[Berth], shares: &[i64], afresh: bool) -> String {
    let rows = clusters.iter().zip(berths).zip(shares);
    let rows: Vec<_> = rows
        .filter(|(((_, tier), _), share)| *tier == 0 || **share > 0)
        .collect();
    let shares: Vec<i64> = rows.iter().map(|(_, share)| **share).collect();
    let text = |index: usize| {
        let (((candidate, _), berth), share) = rows.get(index)?;
        let room = match (berth.grows, berth.room) {
            (false, _) => "may not grow now".to_owned(),
            (true, None) => "room not known".to_owned(),
            (true, Some(room)) => format!("room for {room} more"),
        };
        Some(format!("{}={share} ({room})", candidate.name()))
    };
    let list = listed::shares(&shares, |index| text(index).unwrap_or_default());
    let how = if afresh { "divided anew, as asked," } else { "divided" };
    format!("{wanted} replicas {how} by room: {list}.")
}
