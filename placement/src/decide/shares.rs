//! Which of the fitting clusters hold the object, and with how many replicas each.
//! In: the rule and the clusters that fit. Out: their fates. Absent: why the others are out (`filter.rs`).

use std::collections::BTreeMap;

use api::Reason;

use super::candidate::Candidate;
use super::divide::{self, Seat};
use super::planner_v1::{self, Bounds};
use super::preferences_v1::Preferences;
use super::rule::{Manner, Rule};
use super::{available, listed};
use crate::affinity;
use crate::decision::Decision;
use crate::federated_kinds::Division;
use crate::inputs::Inputs;

/// Gives every candidate its fate. `candidates` is not empty.
pub(super) fn assign(inputs: &Inputs<'_>, rule: &Rule<'_>, candidates: &[Candidate<'_>], decision: &mut Decision) {
    match (rule.how(), inputs.object.replicas) {
        (Manner::One, _) => assign_one(inputs, candidates, decision),
        // Those that follow were decided before.
        (Manner::Duplicated | Manner::Follows(_), replicas) => {
            for candidate in candidates {
                decision.fates.choose(candidate.name(), replicas);
            }
        }
        (Manner::Divided(_) | Manner::Available { .. } | Manner::PlannedV1(_), None) => {
            for candidate in candidates {
                decision.fates.choose(candidate.name(), None);
            }
        }
        (Manner::Divided(_), Some(wanted)) => {
            assign_divided(inputs, rule, wanted, candidates, decision);
        }
        (Manner::Available { aggregated }, Some(wanted)) => {
            available::assign(inputs, rule, *aggregated, wanted, candidates, decision);
        }
        (Manner::PlannedV1(preferences), Some(wanted)) => {
            assign_v1(inputs, preferences, wanted, candidates, decision);
        }
    }
}

/// Where it is, if it may stay; else the cluster whose hash with the object's name is smallest: even over many objects,
/// and a change of clusters moves only what it must.
fn assign_one(inputs: &Inputs<'_>, candidates: &[Candidate<'_>], decision: &mut Decision) {
    let resource = &inputs.object.resource;
    let score = |candidate: &&Candidate<'_>| {
        (
            candidate.held().is_none(),
            std::cmp::Reverse(candidate.held().unwrap_or_default()),
            rank(candidate.name(), &resource.namespace, &resource.name),
        )
    };
    let best = candidates.iter().min_by_key(score).map(Candidate::name);
    let Some(best) = best else { return };
    decision
        .steps
        .push(format!("It goes to one cluster, {best}, and stays there while it can."));
    for candidate in candidates {
        if candidate.name() == best {
            decision.fates.choose(best, inputs.object.replicas);
        } else {
            decision.fates.put_out(candidate.name(), Reason::NotSelected, || {
                format!("it goes to one cluster, {best}")
            });
        }
    }
}

fn assign_divided(
    inputs: &Inputs<'_>,
    rule: &Rule<'_>,
    wanted: i64,
    candidates: &[Candidate<'_>],
    decision: &mut Decision,
) {
    let (held, newcomers) = standing(inputs, candidates);
    if !held.is_empty() {
        let left = wanted.saturating_sub(held.iter().map(|(_, share)| share).sum());
        for (candidate, share) in &held {
            decision.fates.choose(candidate.name(), Some(*share));
        }
        decision
            .steps
            .push("Copies that stand keep their share, because it can never change.".to_owned());
        if left > 0 && !newcomers.is_empty() {
            divide_anew(inputs, rule, left, &newcomers, decision);
        } else {
            decision.unplaced = left.max(0);
            for candidate in newcomers {
                decision.fates.put_out(candidate.name(), Reason::NoReplicas, || {
                    "the copies that stand have all of it".to_owned()
                });
            }
        }
        return;
    }
    divide_anew(inputs, rule, wanted, candidates, decision);
}

/// Copies whose share can never change, with it, and the clusters without one. A decision on an older incarnation of the
/// object says nothing.
fn standing<'a>(inputs: &Inputs<'_>, candidates: &[Candidate<'a>]) -> (Vec<(Candidate<'a>, i64)>, Vec<Candidate<'a>>) {
    let same = |previous: &api::PlacementSpec| previous.resource.uid == inputs.object.resource.uid;
    let fixed = inputs.object.division == Division::Once && inputs.previous.is_some_and(same);
    let mut held = Vec::new();
    let mut newcomers = Vec::new();
    for candidate in candidates {
        match candidate.held().filter(|_| fixed) {
            Some(share) => held.push((*candidate, share)),
            None => newcomers.push(*candidate),
        }
    }
    (held, newcomers)
}

/// The weight of each candidate: equal ones where the policy gives none of them any.
pub(super) fn weights_of(rule: &Rule<'_>, candidates: &[Candidate<'_>]) -> Vec<i64> {
    let Manner::Divided(list) = rule.how() else {
        return vec![1; candidates.len()];
    };
    let weight_of = |candidate: &Candidate<'_>| {
        let entry = list
            .iter()
            .find(|entry| affinity::mismatch(&entry.target_cluster, candidate.cluster).is_none());
        entry.map_or(0, |entry| entry.weight.max(0))
    };
    let weights: Vec<i64> = candidates.iter().map(weight_of).collect();
    if weights.iter().any(|weight| *weight > 0) {
        weights
    } else {
        vec![1; candidates.len()]
    }
}

fn divide_anew(
    inputs: &Inputs<'_>,
    rule: &Rule<'_>,
    wanted: i64,
    candidates: &[Candidate<'_>],
    decision: &mut Decision,
) {
    let resource = &inputs.object.resource;
    let weights = weights_of(rule, candidates);
    // Clusters that may not grow are held to what they have, unless there are no others: then growing waits in them.
    let any_grows = candidates.iter().any(|candidate| candidate.grows);
    let seats: Vec<Seat> = candidates
        .iter()
        .zip(weights)
        .map(|(candidate, weight)| {
            let previous = candidate.held();
            let is_held = previous.is_some() && !candidate.grows && (any_grows || candidate.is_reachable());
            Seat {
                weight,
                most: if is_held {
                    previous.unwrap_or_default()
                } else {
                    i64::MAX
                },
                previous: previous.unwrap_or_default(),
                rank: rank(candidate.name(), &resource.namespace, &resource.name),
            }
        })
        .collect();
    // A cluster that was chosen so that the copies are spread gets one at least.
    let division = if rule.spread().is_empty() {
        divide::sainte_lague
    } else {
        divide::one_at_least
    };
    let shares = division(wanted, &seats);
    let placed: i64 = shares.iter().sum();
    decision.unplaced = wanted.max(0).saturating_sub(placed);
    // With a thousand clusters a division is most of a decision: only where one is held is there another.
    let unheld = seats.iter().any(|seat| seat.most < i64::MAX).then(|| {
        let free = seats.iter().map(|seat| Seat {
            most: i64::MAX,
            ..*seat
        });
        division(wanted, &free.collect::<Vec<Seat>>())
    });
    let unheld = unheld.as_deref().unwrap_or(&shares);
    decision
        .steps
        .push(shares_step(wanted, candidates, &seats, &shares, unheld));

    // Scaled to zero: the copies stay where they are, with no replicas; a new object starts in every cluster.
    let holds_any = candidates.iter().any(|candidate| candidate.held().is_some());
    for ((candidate, seat), share) in candidates.iter().zip(&seats).zip(&shares) {
        let stays_empty = wanted <= 0 && (!holds_any || candidate.held().is_some()) && seat.weight > 0;
        if *share > 0 || stays_empty {
            decision.fates.choose(candidate.name(), Some(*share));
        } else {
            decision.fates.put_out(candidate.name(), Reason::NoReplicas, || {
                if seat.weight == 0 {
                    "the policy gives it no weight".to_owned()
                } else {
                    format!("{wanted} replicas leave none for it")
                }
            });
        }
    }
}

fn assign_v1(
    inputs: &Inputs<'_>,
    preferences: &Preferences,
    wanted: i64,
    candidates: &[Candidate<'_>],
    decision: &mut Decision,
) {
    let resource = &inputs.object.resource;
    let names: Vec<&str> = candidates.iter().map(Candidate::name).collect();
    let current: BTreeMap<String, i64> = candidates
        .iter()
        .filter_map(|candidate| Some((candidate.name().to_owned(), candidate.held()?)))
        .collect();
    let key = format!("{}/{}", resource.namespace, resource.name);
    let plan = planner_v1::plan(
        preferences,
        wanted.max(0),
        &names,
        &Bounds {
            current: &current,
            capacity: &BTreeMap::new(),
        },
        &key,
    );
    let share = |name: &&str| plan.get(*name).map_or(0, |share| share.total());
    let shares: Vec<i64> = names.iter().map(share).collect();
    decision.unplaced = wanted.max(0).saturating_sub(shares.iter().sum());
    // Federation v1 keeps a copy in every selected cluster, with no replicas where the plan has none.
    for (name, share) in names.iter().zip(&shares) {
        decision.fates.choose(name, Some(*share));
    }
    let rows: Vec<(&&str, &i64)> = names.iter().zip(&shares).collect();
    let text = |index: usize| rows.get(index).map(|(name, share)| format!("{name}={share}"));
    let list = listed::shares(&shares, |index| text(index).unwrap_or_default());
    decision.steps.push(format!("{wanted} replicas planned: {list}."));
}

/// `unheld` is what the division would be if every cluster could grow: only a difference is worth telling.
fn shares_step(wanted: i64, candidates: &[Candidate<'_>], seats: &[Seat], shares: &[i64], unheld: &[i64]) -> String {
    let rows: Vec<_> = candidates.iter().zip(seats).zip(shares.iter().zip(unheld)).collect();
    let text = |index: usize| {
        let ((candidate, seat), (share, unheld)) = rows.get(index)?;
        let held = if share < unheld { ", may not grow now" } else { "" };
        Some(format!("{}={share} (weight {}{held})", candidate.name(), seat.weight))
    };
    let list = listed::shares(shares, |index| text(index).unwrap_or_default());
    format!("{wanted} replicas divided: {list}.")
}

/// Order of clusters where all else is equal. It depends on the object, so that single replicas of many objects do not
/// all land in the cluster whose name sorts first.
pub(super) fn rank(cluster: &str, namespace: &str, name: &str) -> u64 {
    let parts = [cluster, "\n", namespace, "/", name];
    let bytes = parts.into_iter().flat_map(str::bytes);
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    // FNV leaves the last bytes in the low bits only; one round of mixing spreads them.
    let mixed = (hash ^ (hash >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    mixed ^ (mixed >> 32)
}
