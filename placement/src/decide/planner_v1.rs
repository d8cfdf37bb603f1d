//! Federation v1's replica planner, kept for objects that carry its annotation: same preferences, same plan.
//! In: preferences, a total, clusters, what was planned before, capacities, the object's key. Out: a [`Share`] a cluster.
//! Known weaknesses are kept on purpose, because they are the meaning of the annotation: rounding up favours the heavy,
//! and a preference can leave replicas unplaced. Absent: counting pods; `current` is what was planned.

use std::collections::BTreeMap;

use super::preferences_v1::{ClusterPreferences, Preferences};

/// What the planner gives one cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Within the cluster's capacity.
    pub planned: i64,
    /// Beyond it: pods that wait there for capacity to come back.
    pub overflow: i64,
}

impl Share {
    /// What the cluster's copy asks for.
    #[must_use]
    pub fn total(self) -> i64 {
        self.planned.saturating_add(self.overflow)
    }
}

/// What the clusters have and can.
#[derive(Clone, Copy, Debug)]
pub struct Bounds<'a> {
    /// Replicas planned before.
    pub current: &'a BTreeMap<String, i64>,
    /// Estimated capacity; unlimited where absent.
    pub capacity: &'a BTreeMap<String, i64>,
}

struct Row<'a> {
    name: &'a str,
    hash: u32,
    preferences: &'a ClusterPreferences,
    share: Share,
    /// Replicas it already kept in the first pass, to be counted against its later shares.
    kept: i64,
    open: bool,
}

/// Plans `total` replicas over `clusters`. `key` is the object's `NAMESPACE/NAME`; it breaks ties between clusters.
#[must_use]
pub fn plan(
    preferences: &Preferences,
    total: i64,
    clusters: &[&str],
    bounds: &Bounds<'_>,
    key: &str,
) -> BTreeMap<String, Share> {
    let mut rows: Vec<Row<'_>> = clusters
        .iter()
        .filter_map(|name| {
            let preferences = preferences.of_cluster(name)?;
            Some(Row {
                name,
                hash: hash(name, key),
                preferences,
                share: Share::default(),
                kept: 0,
                open: true,
            })
        })
        .collect();
    rows.sort_by(|a, b| {
        b.preferences
            .weight
            .cmp(&a.preferences.weight)
            .then(a.hash.cmp(&b.hash))
            .then_with(|| a.name.cmp(b.name))
    });

    let mut remaining = total.max(0);
    remaining = give_minimums(&mut rows, remaining, bounds);
    if !preferences.rebalance {
        remaining = keep_current(&mut rows, remaining, bounds);
    }
    remaining = distribute(&mut rows, remaining, bounds);
    if !preferences.rebalance {
        // Overflow is only for what found no other place.
        for row in &mut rows {
            row.share.overflow = row.share.overflow.min(remaining).max(0);
        }
    }
    let mut plan: BTreeMap<String, Share> = clusters
        .iter()
        .map(|name| ((*name).to_owned(), Share::default()))
        .collect();
    plan.extend(rows.iter().map(|row| (row.name.to_owned(), row.share)));
    plan
}

fn give_minimums(rows: &mut [Row<'_>], mut remaining: i64, bounds: &Bounds<'_>) -> i64 {
    for row in rows {
        let capacity = bounds.capacity.get(row.name).copied().unwrap_or(i64::MAX);
        row.share.planned = row.preferences.min_replicas.min(remaining).min(capacity).max(0);
        remaining -= row.share.planned;
    }
    remaining
}

/// Clusters keep what they have, as far as their bounds and the total allow.
fn keep_current(rows: &mut [Row<'_>], mut remaining: i64, bounds: &Bounds<'_>) -> i64 {
    for row in rows {
        let current = bounds.current.get(row.name).copied().unwrap_or_default();
        if current <= row.share.planned {
            continue;
        }
        let capacity = bounds.capacity.get(row.name).copied().unwrap_or(i64::MAX);
        let target = current
            .min(row.preferences.max_replicas.unwrap_or(i64::MAX))
            .min(capacity);
        let extra = target.saturating_sub(row.share.planned).min(remaining).max(0);
        row.share.planned += extra;
        row.kept = extra;
        remaining -= extra;
    }
    remaining
}

fn distribute(rows: &mut [Row<'_>], mut remaining: i64, bounds: &Bounds<'_>) -> i64 {
    let mut changed = true;
    while changed && remaining > 0 {
        changed = false;
        let round = i128::from(remaining);
        let weights: i128 = rows
            .iter()
            .filter(|row| row.open)
            .map(|row| i128::from(row.preferences.weight))
            .sum();
        if weights <= 0 {
            break;
        }
        for row in rows.iter_mut().filter(|row| row.open) {
            let part = (round * i128::from(row.preferences.weight) + weights - 1) / weights;
            let mut extra = i64::try_from(part).unwrap_or(i64::MAX).min(remaining).max(0);
            // What it kept in the first pass was part of this share already.
            let counted = extra.min(row.kept);
            extra -= counted;
            row.kept -= counted;
            changed |= counted > 0;

            let start = row.share.planned;
            let mut goal = start.saturating_add(extra);
            if let Some(most) = row.preferences.max_replicas
                && goal > most
            {
                goal = most;
                row.open = false;
            }
            if let Some(capacity) = bounds.capacity.get(row.name)
                && goal > *capacity
            {
                row.share.overflow = goal - capacity;
                goal = *capacity;
                row.open = false;
            }
            row.share.planned = goal;
            remaining -= goal - start;
            changed |= goal > start;
        }
    }
    remaining.max(0)
}

/// FNV-1, 32 bit: multiply, then xor.
fn hash(cluster: &str, key: &str) -> u32 {
    cluster.bytes().chain(key.bytes()).fold(0x811c_9dc5_u32, |hash, byte| {
        hash.wrapping_mul(0x0100_0193) ^ u32::from(byte)
    })
}

#[cfg(test)]
mod tests;
