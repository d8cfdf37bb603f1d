//! Shares by what the members have room for, in proportion to it or in few clusters.
//! In: the rule, the clusters that fit. Out: their fates, and how the shares came about when they were last divided: that stays as
//! it was said until something moves, because room changes all the time. Absent: the division itself (`available/division.rs`).

pub(super) mod assumed;
mod division;

use api::{Cluster, ConditionStatus, Reason};

use super::rule::Rule;
use super::shares::rank;
use super::{filter, fitting, planned, put_out};
use crate::decision::{Decision, Fate};
use crate::federated_kinds::Division;
use crate::inputs::Inputs;
use crate::room::room;
use division::{Berth, Style, divide};

/// Gives every candidate its share, and clusters of later groups what does not fit.
pub(super) fn assign(
    inputs: &Inputs<'_>,
    rule: &Rule,
    aggregated: bool,
    wanted: i64,
    candidates: &[&Cluster],
    decision: &mut Decision,
) {
    let mut clusters: Vec<(&Cluster, usize)> = candidates.iter().map(|cluster| (*cluster, 0)).collect();
    clusters.extend(overflow(inputs, rule, candidates));
    let grows_any = clusters.iter().any(|(one, _)| filter::may_grow(rule, one, inputs.now));
    let seen: Vec<Option<i64>> = clusters.iter().map(|(cluster, _)| room_of(inputs, cluster)).collect();
    let berths: Vec<Berth> = clusters
        .iter()
        .zip(&seen)
        .map(|((cluster, tier), seen)| Berth {
            tier: *tier,
            ..berth(inputs, rule, cluster, *seen, grows_any)
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
            .all(|((cluster, _), share)| aimed(inputs, cluster).unwrap_or_default() == *share);
    let said = inputs.previous.map_or("", |previous| previous.divided.as_str());
    decision.assumed_room = if stands && decision.unplaced == 0 {
        // Nobody looks at it before something changes, and then with the time of then.
        inputs
            .previous
            .map(|previous| previous.assumed_room.clone())
            .unwrap_or_default()
    } else {
        let rows = clusters.iter().zip(&seen).zip(berths.iter().zip(&shares));
        rows.filter_map(|(((cluster, _), seen), (berth, share))| {
            let name = cluster.metadata.name();
            let before = assumed::of(inputs.previous, name, *seen, inputs.now);
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
    let holds_any = clusters
        .iter()
        .any(|(cluster, _)| planned(inputs.previous, cluster.metadata.name()).is_some());
    let first = clusters
        .iter()
        .zip(&berths)
        .min_by_key(|(_, berth)| (berth.tier, berth.rank));
    let first = first.map(|((cluster, _), _)| cluster.metadata.name());
    for (((cluster, tier), berth), share) in clusters.iter().zip(&berths).zip(&shares) {
        let name = cluster.metadata.name();
        let waits = wanted <= 0
            && if holds_any {
                planned(inputs.previous, name).is_some()
            } else {
                *tier == 0 && (!aggregated || first == Some(name))
            };
        if *share > 0 || waits {
            let fate = Fate::Chosen { replicas: Some(*share) };
            decision.fates.insert(name.to_owned(), fate);
        } else if *tier == 0 {
            let (reason, message) = if decision.unplaced > 0 && berth.grows {
                (Reason::NoRoom, "its nodes have no room for one".to_owned())
            } else if aggregated {
                (
                    Reason::NotSelected,
                    "it goes to few clusters, and others hold it all".to_owned(),
                )
            } else {
                (Reason::NoReplicas, format!("{wanted} replicas leave none for it"))
            };
            put_out(decision, cluster, reason, message);
        }
    }
}

/// Clusters of the groups after the one in use, each with how far after.
fn overflow<'a>(inputs: &Inputs<'a>, rule: &Rule, candidates: &[&Cluster]) -> Vec<(&'a Cluster, usize)> {
    let mut seen: Vec<&str> = candidates.iter().map(|cluster| cluster.metadata.name()).collect();
    let mut found = Vec::new();
    // What overflows would break the constraints by which the others were chosen.
    let later = if rule.spread().is_empty() {
        rule.later_terms()
    } else {
        0..0
    };
    for (tier, term) in later.enumerate() {
        for cluster in fitting(inputs, &rule.with_term(term), |_, _, _| {}) {
            if !seen.contains(&cluster.metadata.name()) {
                seen.push(cluster.metadata.name());
                found.push((cluster, tier + 1));
            }
        }
    }
    found
}

/// What was planned for a cluster, less what stays there only until a move is done.
fn aimed(inputs: &Inputs<'_>, cluster: &Cluster) -> Option<i64> {
    let name = cluster.metadata.name();
    let targets = inputs.previous.map(|previous| previous.clusters.as_slice());
    let target = targets.unwrap_or_default().iter().find(|target| target.name == name)?;
    Some(target.replicas.unwrap_or_default() - target.leaving_replicas)
}

/// How many more fit by what is seen; none where that is not known.
fn room_of(inputs: &Inputs<'_>, cluster: &Cluster) -> Option<i64> {
    let capacity = cluster.status.capacity.as_ref()?;
    room(capacity, inputs.object.demand.as_ref()?)
}

fn berth(inputs: &Inputs<'_>, rule: &Rule, cluster: &Cluster, seen: Option<i64>, grows_any: bool) -> Berth {
    let name = cluster.metadata.name();
    let resource = &inputs.object.resource;
    let held = aimed(inputs, cluster);
    let may_grow = filter::may_grow(rule, cluster, inputs.now);
    let tainted = !may_grow && cluster.manageable() == ConditionStatus::True;
    let fixed = inputs.object.division == Division::Once && held.is_some();
    let assumed = assumed::of(inputs.previous, name, seen, inputs.now);
    Berth {
        held: held.unwrap_or_default(),
        room: seen.map(|seen| assumed::counts(seen, assumed)),
        // Where none may grow, growing waits in those that are not reachable.
        grows: !fixed && (may_grow || !(held.is_some() && (grows_any || tainted))),
        tier: 0,
        rank: rank(name, &resource.namespace, &resource.name),
    }
}

/// `9 replicas divided by room: eu-1=6 (room for 20 more), us-1=3 (room not known).`
fn told(wanted: i64, clusters: &[(&Cluster, usize)], berths: &[Berth], shares: &[i64], afresh: bool) -> String {
    let rows = clusters.iter().zip(berths).zip(shares);
    let list: Vec<String> = rows
        .filter(|(((_, tier), _), share)| *tier == 0 || **share > 0)
        .map(|(((cluster, _), berth), share)| {
            let room = match (berth.grows, berth.room) {
                (false, _) => "may not grow now".to_owned(),
                (true, None) => "room not known".to_owned(),
                (true, Some(room)) => format!("room for {room} more"),
            };
            format!("{}={share} ({room})", cluster.metadata.name())
        })
        .collect();
    let how = if afresh { "divided anew, as asked," } else { "divided" };
    format!("{wanted} replicas {how} by room: {}.", list.join(", "))
}
