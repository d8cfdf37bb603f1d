//! Which of the fitting clusters hold the object, and with how many replicas each.
//! In: the rule and the clusters that fit. Out: their fates. Absent: why the others are out (`filter.rs`).

use std::collections::BTreeMap;

use api::{Cluster, Reason};

use super::divide::{self, Seat};
use super::planner_v1::{self, Bounds};
use super::preferences_v1::Preferences;
use super::rule::{Manner, Rule};
use super::{available, filter, planned};
use crate::affinity;
use crate::decision::{Decision, Fate};
use crate::federated_kinds::Division;
use crate::inputs::Inputs;

/// Gives every candidate its fate. `candidates` is not empty.
pub(super) fn assign(inputs: &Inputs<'_>, rule: &Rule, candidates: &[&Cluster], decision: &mut Decision) {
    match (rule.how(), inputs.object.replicas) {
        (Manner::One, _) => assign_one(inputs, candidates, decision),
        // Those that follow were decided before.
        (Manner::Duplicated | Manner::Follows(_), replicas) => {
            for cluster in candidates {
                decision
                    .fates
                    .insert(cluster.metadata.name().to_owned(), Fate::Chosen { replicas });
            }
        }
        (Manner::Divided(_) | Manner::Available { .. } | Manner::PlannedV1(_), None) => {
            for cluster in candidates {
                decision
                    .fates
                    .insert(cluster.metadata.name().to_owned(), Fate::Chosen { replicas: None });
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
fn assign_one(inputs: &Inputs<'_>, candidates: &[&Cluster], decision: &mut Decision) {
    let resource = &inputs.object.resource;
    let score = |name: &str| {
        let held = planned(inputs.previous, name);
        (
            held.is_none(),
            std::cmp::Reverse(held.unwrap_or_default()),
            rank(name, &resource.namespace, &resource.name),
        )
    };
    let best = candidates
        .iter()
        .map(|cluster| cluster.metadata.name())
        .min_by_key(|name| score(name));
    let Some(best) = best else { return };
    decision
        .steps
        .push(format!("It goes to one cluster, {best}, and stays there while it can."));
    for cluster in candidates {
        let name = cluster.metadata.name();
        let fate = if name == best {
            Fate::Chosen {
                replicas: inputs.object.replicas,
            }
        } else {
            Fate::Out {
                reason: Reason::NotSelected,
                message: format!("it goes to one cluster, {best}"),
            }
        };
        decision.fates.insert(name.to_owned(), fate);
    }
}

fn assign_divided(inputs: &Inputs<'_>, rule: &Rule, wanted: i64, candidates: &[&Cluster], decision: &mut Decision) {
    let (held, newcomers) = standing(inputs, candidates);
    if !held.is_empty() {
        let left = wanted.saturating_sub(held.iter().map(|(_, share)| share).sum());
        for (cluster, share) in &held {
            let fate = Fate::Chosen { replicas: Some(*share) };
            decision.fates.insert(cluster.metadata.name().to_owned(), fate);
        }
        decision
            .steps
            .push("Copies that stand keep their share, because it can never change.".to_owned());
        if left > 0 && !newcomers.is_empty() {
            divide_anew(inputs, rule, left, &newcomers, decision);
        } else {
            decision.unplaced = left.max(0);
            for cluster in newcomers {
                let fate = Fate::Out {
                    reason: Reason::NoReplicas,
                    message: "the copies that stand have all of it".to_owned(),
                };
                decision.fates.insert(cluster.metadata.name().to_owned(), fate);
            }
        }
        return;
    }
    divide_anew(inputs, rule, wanted, candidates, decision);
}

/// Copies whose share can never change, with it, and the clusters without one. A decision on an older incarnation of the
/// object says nothing.
fn standing<'a>(inputs: &Inputs<'_>, candidates: &[&'a Cluster]) -> (Vec<(&'a Cluster, i64)>, Vec<&'a Cluster>) {
    let same = |previous: &api::PlacementSpec| previous.resource.uid == inputs.object.resource.uid;
    let previous = inputs.previous.filter(|previous| same(previous));
    let fixed = inputs.object.division == Division::Once;
    let mut held = Vec::new();
    let mut newcomers = Vec::new();
    for cluster in candidates {
        match planned(previous, cluster.metadata.name()).filter(|_| fixed) {
            Some(share) => held.push((*cluster, share)),
            None => newcomers.push(*cluster),
        }
    }
    (held, newcomers)
}

/// The weight of each candidate: equal ones where the policy gives none of them any.
pub(super) fn weights_of(rule: &Rule, candidates: &[&Cluster]) -> Vec<i64> {
    let Manner::Divided(list) = rule.how() else {
        return vec![1; candidates.len()];
    };
    let weight_of = |cluster: &&Cluster| {
        let entry = list
            .iter()
            .find(|entry| affinity::mismatch(&entry.target_cluster, cluster).is_none());
        entry.map_or(0, |entry| entry.weight.max(0))
    };
    let weights: Vec<i64> = candidates.iter().map(weight_of).collect();
    if weights.iter().any(|weight| *weight > 0) {
        weights
    } else {
        vec![1; candidates.len()]
    }
}

fn divide_anew(inputs: &Inputs<'_>, rule: &Rule, wanted: i64, candidates: &[&Cluster], decision: &mut Decision) {
    let resource = &inputs.object.resource;
    let weights = weights_of(rule, candidates);
    // Clusters that may not grow are held to what they have, unless there are no others: then growing waits in them.
    let grows = candidates
        .iter()
        .any(|cluster| filter::may_grow(rule, cluster, inputs.now));
    let seats: Vec<Seat> = candidates
        .iter()
        .zip(weights)
        .map(|(cluster, weight)| {
            let name = cluster.metadata.name();
            let previous = planned(inputs.previous, name);
            let tainted =
                !filter::may_grow(rule, cluster, inputs.now) && cluster.manageable() == api::ConditionStatus::True;
            let held = previous.is_some() && !filter::may_grow(rule, cluster, inputs.now) && (grows || tainted);
            Seat {
                weight,
                most: if held { previous.unwrap_or_default() } else { i64::MAX },
                previous: previous.unwrap_or_default(),
                rank: rank(name, &resource.namespace, &resource.name),
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
    let free: Vec<Seat> = seats
        .iter()
        .map(|seat| Seat {
            most: i64::MAX,
            ..*seat
        })
        .collect();
    let unheld = division(wanted, &free);
    decision
        .steps
        .push(shares_step(wanted, candidates, &seats, &shares, &unheld));

    // Scaled to zero: the copies stay where they are, with no replicas; a new object starts in every cluster.
    let holds_any = candidates
        .iter()
        .any(|cluster| planned(inputs.previous, cluster.metadata.name()).is_some());
    for ((cluster, seat), share) in candidates.iter().zip(&seats).zip(&shares) {
        let name = cluster.metadata.name();
        let stays_empty = wanted <= 0 && (!holds_any || planned(inputs.previous, name).is_some()) && seat.weight > 0;
        let fate = if *share > 0 || stays_empty {
            Fate::Chosen { replicas: Some(*share) }
        } else {
            let message = if seat.weight == 0 {
                "the policy gives it no weight".to_owned()
            } else {
                format!("{wanted} replicas leave none for it")
            };
            Fate::Out {
                reason: Reason::NoReplicas,
                message,
            }
        };
        decision.fates.insert(name.to_owned(), fate);
    }
}

fn assign_v1(
    inputs: &Inputs<'_>,
    preferences: &Preferences,
    wanted: i64,
    candidates: &[&Cluster],
    decision: &mut Decision,
) {
    let resource = &inputs.object.resource;
    let names: Vec<&str> = candidates.iter().map(|cluster| cluster.metadata.name()).collect();
    let current: BTreeMap<String, i64> = names
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), planned(inputs.previous, name)?)))
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
    let placed: i64 = plan.values().map(|share| share.total()).sum();
    decision.unplaced = wanted.max(0).saturating_sub(placed);
    // Federation v1 keeps a copy in every selected cluster, with no replicas where the plan has none.
    for name in &names {
        let share = plan.get(*name).map_or(0, |share| share.total());
        decision
            .fates
            .insert((*name).to_owned(), Fate::Chosen { replicas: Some(share) });
    }
    let list: Vec<String> = names
        .iter()
        .map(|name| format!("{name}={}", plan.get(*name).map_or(0, |share| share.total())))
        .collect();
    decision
        .steps
        .push(format!("{wanted} replicas planned: {}.", list.join(", ")));
}

/// `unheld` is what the division would be if every cluster could grow: only a difference is worth telling.
fn shares_step(wanted: i64, candidates: &[&Cluster], seats: &[Seat], shares: &[i64], unheld: &[i64]) -> String {
    let list: Vec<String> = candidates
        .iter()
        .zip(seats)
        .zip(shares.iter().zip(unheld))
        .map(|((cluster, seat), (share, unheld))| {
            let held = if share < unheld { ", may not grow now" } else { "" };
            format!("{}={share} (weight {}{held})", cluster.metadata.name(), seat.weight)
        })
        .collect();
    format!("{wanted} replicas divided: {}.", list.join(", "))
}

/// Order of clusters where all else is equal. It depends on the object, so that single replicas of many objects do not
/// all land in the cluster whose name sorts first.
pub(super) fn rank(cluster: &str, namespace: &str, name: &str) -> u64 {
    let text = format!("{cluster}\n{namespace}/{name}");
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    // FNV leaves the last bytes in the low bits only; one round of mixing spreads them.
    let mixed = (hash ^ (hash >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    mixed ^ (mixed >> 32)
}
