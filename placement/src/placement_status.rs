//! What became of a decision: one row a cluster, and the conditions `Scheduled`, `Applied`, `Healthy`.
//! In: the rows as they stand, the decision, the newest word of each cluster, which clusters exist. Out: the new status.
//! A row appears as soon as its cluster is chosen, keeps its last truth while nothing is heard, and goes only when the
//! cluster confirmed that the object is gone there, or the cluster itself left. Absent: the hub object's status (`fold`).

use std::collections::{BTreeMap, BTreeSet};

use api::placement::PlacedCluster;
use api::well_known::{CONDITION_APPLIED, CONDITION_HEALTHY, CONDITION_SCHEDULED};
use api::{Condition, ConditionStatus, PlacementSpec, PlacementStatus, ReportSpec, ReportState};

/// What the clusters say, and which there are.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    /// The newest report of each cluster about this incarnation of the Placement.
    pub reports: &'a BTreeMap<String, ReportSpec>,
    /// Every cluster of the federation, leaving ones too.
    pub clusters: &'a BTreeSet<String>,
}

/// The new status. `generation` is the Placement's own; `now` an RFC 3339 time, used only where something changed.
#[must_use]
pub fn placement_status(
    previous: &PlacementStatus,
    spec: &PlacementSpec,
    generation: Option<i64>,
    observed: &Observed<'_>,
    now: &str,
) -> PlacementStatus {
    let mut rows: BTreeMap<&str, PlacedCluster> = previous
        .clusters
        .iter()
        .map(|row| (row.name.as_str(), row.clone()))
        .collect();
    for target in &spec.clusters {
        let new = || PlacedCluster {
            name: target.name.clone(),
            ..PlacedCluster::default()
        };
        rows.entry(target.name.as_str()).or_insert_with(new);
    }
    let chosen: BTreeSet<&str> = spec.clusters.iter().map(|target| target.name.as_str()).collect();
    let clusters: Vec<PlacedCluster> = rows
        .into_iter()
        .filter(|(name, _)| observed.clusters.contains(*name))
        .filter_map(|(name, row)| match observed.reports.get(name) {
            Some(report) => updated(row, report, chosen.contains(name), now),
            None => Some(row),
        })
        .collect();

    let mut conditions = previous.conditions.clone();
    for mut judged in [scheduled(spec), applied(spec, &clusters), healthy(spec, &clusters)] {
        judged.observed_generation = generation;
        judged.last_transition_time = Some(now.to_owned());
        judged.merge_into(&mut conditions);
    }
    PlacementStatus { conditions, clusters }
}

/// The row after a report; none once the object is confirmed gone from a cluster that is to be without it.
fn updated(mut row: PlacedCluster, report: &ReportSpec, chosen: bool, now: &str) -> Option<PlacedCluster> {
    row.held = report.state == ReportState::Held && !chosen;
    let before = (row.template.clone(), row.observed_hub_generation);
    match report.state {
        ReportState::Pending => {}
        // What is there is there as it was. A cluster that is chosen again will say so.
        ReportState::Held if chosen => {}
        ReportState::Held => row.error.clone_from(&report.message),
        ReportState::Applied => {
            row.applied = true;
            row.observed_hub_generation = report.observed_hub_generation;
            row.hash.clone_from(&report.hash);
            row.template.clone_from(&report.template);
            row.ready = report.ready;
            row.addresses.clone_from(&report.addresses);
            row.ready_endpoints = report.ready_endpoints;
            row.error.clear();
            row.status.clone_from(&report.status);
        }
        ReportState::Failed | ReportState::Conflict => {
            // What was applied before may still run there: the last truth about it stays.
            row.applied = false;
            row.error = match (report.message.as_str(), report.state) {
                ("", ReportState::Conflict) => "an object that is not Meridian's is in the way".to_owned(),
                ("", _) => "the member refused it".to_owned(),
                (message, _) => message.to_owned(),
            };
        }
        ReportState::Suspended => {
            row.applied = false;
            row.error.clone_from(&report.message);
            if !report.status.is_null() || report.ready.is_some() {
                row.template.clone_from(&report.template);
                row.ready = report.ready;
                row.addresses.clone_from(&report.addresses);
                row.ready_endpoints = report.ready_endpoints;
                row.status.clone_from(&report.status);
            }
        }
        ReportState::Absent if chosen => {
            row = PlacedCluster {
                name: row.name,
                ..PlacedCluster::default()
            }
        }
        ReportState::Absent => return None,
    }
    match row.ready {
        // Another version, or another edit, has its own time.
        Some(false)
            if row.unready_since.is_empty() || before != (row.template.clone(), row.observed_hub_generation) =>
        {
            now.clone_into(&mut row.unready_since);
        }
        Some(false) => {}
        Some(true) | None => row.unready_since.clear(),
    }
    Some(row)
}

/// Whether a report has done its work and must go, because it would speak of a copy that is yet to come: the copy it says is
/// gone has lost its row, or is chosen again.
#[must_use]
pub fn is_spent(report: &ReportSpec, spec: &PlacementSpec, status: &PlacementStatus) -> bool {
    let chosen = spec.clusters.iter().any(|target| target.name == report.cluster);
    let stands = status.clusters.iter().any(|row| row.name == report.cluster);
    report.state == ReportState::Absent && (chosen || !stands)
}

fn condition(type_: &str, status: ConditionStatus, reason: &str, message: String) -> Condition {
    Condition {
        type_: type_.to_owned(),
        status,
        reason: reason.to_owned(),
        message,
        last_transition_time: None,
        observed_generation: None,
    }
}

fn scheduled(spec: &PlacementSpec) -> Condition {
    let judged = |status, reason| condition(CONDITION_SCHEDULED, status, reason, spec.reason.clone());
    if spec.deleted {
        judged(ConditionStatus::True, "Deleted")
    } else if !spec.unmet_constraints.is_empty() {
        judged(ConditionStatus::False, "SpreadConstraintsUnmet")
    } else if spec.kept {
        judged(ConditionStatus::False, "LastGoodKept")
    } else if spec.unplaced_replicas > 0 && !spec.clusters.is_empty() {
        judged(ConditionStatus::False, "ReplicasUnplaced")
    } else if spec.clusters.is_empty() && spec.resource.kind != "Namespace" {
        judged(ConditionStatus::False, "NoClusterFits")
    } else {
        judged(ConditionStatus::True, "Placed")
    }
}

/// Rows of the chosen clusters, and whether any other row is left: a copy that is still to go.
fn split<'a>(spec: &PlacementSpec, rows: &'a [PlacedCluster]) -> (Vec<&'a PlacedCluster>, Vec<&'a PlacedCluster>) {
    rows.iter()
        .partition(|row| spec.clusters.iter().any(|target| target.name == row.name))
}

fn names(rows: &[&PlacedCluster]) -> String {
    let list: Vec<String> = rows
        .iter()
        .map(|row| {
            if row.error.is_empty() {
                row.name.clone()
            } else {
                format!("{} ({})", row.name, row.error)
            }
        })
        .collect();
    list.join(", ")
}

fn applied(spec: &PlacementSpec, rows: &[PlacedCluster]) -> Condition {
    let judged = |status, reason, message| condition(CONDITION_APPLIED, status, reason, message);
    let (chosen, leaving) = split(spec, rows);
    let waiting: Vec<&PlacedCluster> = chosen.iter().copied().filter(|row| !row.applied).collect();
    let (suspended, others): (Vec<&PlacedCluster>, Vec<&PlacedCluster>) =
        waiting.iter().chain(&leaving).partition(|row| spec.suspends(&row.name));
    if !suspended.is_empty() && others.iter().all(|row| row.error.is_empty()) {
        let names: Vec<&str> = suspended.iter().map(|row| row.name.as_str()).collect();
        let message = format!("by {}, nothing is told to: {}", spec.policy, names.join(", "));
        judged(ConditionStatus::False, "Suspended", message)
    } else if waiting.iter().any(|row| !row.error.is_empty()) {
        let message = format!("not as decided in: {}", names(&waiting));
        judged(ConditionStatus::False, "ApplyFailed", message)
    } else if !waiting.is_empty() {
        judged(
            ConditionStatus::False,
            "Applying",
            format!("waiting for: {}", names(&waiting)),
        )
    } else if leaving.iter().any(|row| row.held) {
        judged(
            ConditionStatus::False,
            "RemovalHeld",
            format!("held back in: {}", names(&leaving)),
        )
    } else if !leaving.is_empty() {
        judged(
            ConditionStatus::False,
            "Removing",
            format!("still to be removed from: {}", names(&leaving)),
        )
    } else if chosen.is_empty() {
        judged(ConditionStatus::Unknown, "NotPlaced", "no cluster is chosen".to_owned())
    } else {
        judged(
            ConditionStatus::True,
            "Applied",
            format!("{} of {} clusters", chosen.len(), chosen.len()),
        )
    }
}

/// Over an empty set nothing is healthy: that is not known.
fn healthy(spec: &PlacementSpec, rows: &[PlacedCluster]) -> Condition {
    let judged = |status, reason, message| condition(CONDITION_HEALTHY, status, reason, message);
    let (chosen, _) = split(spec, rows);
    let waiting: Vec<&PlacedCluster> = chosen
        .iter()
        .copied()
        .filter(|row| row.ready == Some(false) || !row.applied)
        .collect();
    if chosen.is_empty() {
        judged(ConditionStatus::Unknown, "NotPlaced", "no cluster is chosen".to_owned())
    } else if waiting.is_empty() {
        judged(
            ConditionStatus::True,
            "Healthy",
            format!("{} of {} clusters", chosen.len(), chosen.len()),
        )
    } else {
        judged(
            ConditionStatus::False,
            "NotHealthy",
            format!("waiting for: {}", names(&waiting)),
        )
    }
}

#[cfg(test)]
mod tests;
