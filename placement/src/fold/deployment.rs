//! Deployment: counts are summed, `Available` is every chosen cluster's, `Progressing` tells the slowest's story.

use api::placement::PlacedCluster;
use api::{Placement, RolloutPhase};
use serde_json::{Map, Value};

use super::conditions::{Judged, timed};
use super::{chosen, count, counted, observed_generation, put_count, sum_of_version};

pub(super) fn fold(object: &Value, placement: &Placement, now: &str) -> Value {
    let asked = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    let all = || counted(placement);
    let mut status = Map::new();
    let replicas: i64 = all().map(|row| count(row, "replicas")).sum();
    // Replicas that are the members' own are as many as should be.
    let wanted = match &placement.spec.left_to_members {
        Some(_) => replicas,
        None => asked,
    };
    let updated = sum_of_version(placement, "updatedReplicas");
    let available: i64 = all().map(|row| count(row, "availableReplicas")).sum();
    put_count(&mut status, "replicas", replicas);
    put_count(&mut status, "updatedReplicas", updated);
    put_count(
        &mut status,
        "readyReplicas",
        all().map(|row| count(row, "readyReplicas")).sum(),
    );
    put_count(&mut status, "availableReplicas", available);
    put_count(
        &mut status,
        "unavailableReplicas",
        all().map(|row| count(row, "unavailableReplicas")).sum(),
    );
    put_count(
        &mut status,
        "terminatingReplicas",
        all().map(|row| count(row, "terminatingReplicas")).sum(),
    );
    let observed = observed_generation(object, placement);
    put_count(&mut status, "observedGeneration", observed);

    let generation = object
        .pointer("/metadata/generation")
        .and_then(Value::as_i64)
        .unwrap_or_default();
    let complete = observed >= generation && updated == wanted && replicas == updated && available >= updated;
    let mut judged = vec![available_condition(placement), progressing(placement, complete)];
    judged.extend(replica_failure(placement));
    status.insert(
        "conditions".to_owned(),
        timed(judged, object.pointer("/status/conditions"), now),
    );
    Value::Object(status)
}

fn member_condition<'a>(row: &'a PlacedCluster, type_: &str) -> Option<&'a Value> {
    let conditions = row.status.get("conditions").and_then(Value::as_array);
    conditions
        .into_iter()
        .flatten()
        .find(|c| c.get("type").and_then(Value::as_str) == Some(type_))
}

fn is(condition: Option<&Value>, key: &str, expected: &str) -> bool {
    condition.and_then(|c| c.get(key)).and_then(Value::as_str) == Some(expected)
}

/// A member that says nothing of availability is available with the replicas it was given.
fn is_available(placement: &Placement, row: &PlacedCluster) -> bool {
    let share = placement
        .spec
        .clusters
        .iter()
        .find(|target| target.name == row.name)
        .and_then(|t| t.replicas);
    match member_condition(row, "Available") {
        Some(condition) => is(Some(condition), "status", "True"),
        None => !row.status.is_null() && count(row, "availableReplicas") >= share.unwrap_or_default(),
    }
}

fn named(rows: &[&PlacedCluster]) -> String {
    let name = |row: &&PlacedCluster| {
        if row.error.is_empty() {
            row.name.clone()
        } else {
            format!("{} ({})", row.name, row.error)
        }
    };
    rows.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn available_condition(placement: &Placement) -> Judged {
    let judged = |status, reason, message| Judged {
        type_: "Available",
        status,
        reason,
        message,
    };
    if placement.spec.clusters.is_empty() {
        return judged("False", "NoCluster", placement.spec.reason.clone());
    }
    let missing: Vec<&str> = placement
        .spec
        .clusters
        .iter()
        .map(|target| target.name.as_str())
        .filter(|name| !placement.status.clusters.iter().any(|row| row.name == *name))
        .collect();
    let waiting: Vec<&PlacedCluster> = chosen(placement).filter(|row| !is_available(placement, row)).collect();
    if waiting.is_empty() && missing.is_empty() {
        let message = format!(
            "Minimum availability in {} of {0} clusters.",
            placement.spec.clusters.len()
        );
        return judged("True", "MinimumReplicasAvailable", message);
    }
    let list: Vec<String> = [named(&waiting), missing.join(", ")]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    judged(
        "False",
        "MinimumReplicasUnavailable",
        format!("Not available in: {}.", list.join(", ")),
    )
}

fn progressing(placement: &Placement, complete: bool) -> Judged {
    let judged = |status, reason, message| Judged {
        type_: "Progressing",
        status,
        reason,
        message,
    };
    let late: Vec<&PlacedCluster> = chosen(placement)
        .filter(|row| {
            is(
                member_condition(row, "Progressing"),
                "reason",
                "ProgressDeadlineExceeded",
            )
        })
        .collect();
    if !late.is_empty() {
        let message = format!("The deadline for progress has passed in: {}.", named(&late));
        return judged("False", "ProgressDeadlineExceeded", message);
    }
    if let Some(rollout) = placement.spec.rollout.as_ref() {
        match rollout.phase {
            // As kubectl knows it of one cluster: it does not go on by itself.
            RolloutPhase::Failed | RolloutPhase::RolledBack => {
                return judged("False", "ProgressDeadlineExceeded", rollout.message.clone());
            }
            RolloutPhase::Paused => return judged("Unknown", "DeploymentPaused", rollout.message.clone()),
            RolloutPhase::Progressing | RolloutPhase::Soaking => {
                return judged("True", "ReplicaSetUpdated", rollout.message.clone());
            }
            RolloutPhase::Done => {}
        }
    }
    if complete {
        let message = format!("Rolled out in {} of {0} clusters.", placement.spec.clusters.len());
        return judged("True", "NewReplicaSetAvailable", message);
    }
    let failing: Vec<&PlacedCluster> = chosen(placement).filter(|row| !row.error.is_empty()).collect();
    if !failing.is_empty() {
        return judged(
            "True",
            "ReplicaSetUpdated",
            format!("Not applied in: {}.", named(&failing)),
        );
    }
    judged("True", "ReplicaSetUpdated", "Rolling out.".to_owned())
}

fn replica_failure(placement: &Placement) -> Option<Judged> {
    let failing = |row: &&PlacedCluster| is(member_condition(row, "ReplicaFailure"), "status", "True");
    let rows: Vec<&PlacedCluster> = chosen(placement).filter(failing).collect();
    let first = member_condition(rows.first()?, "ReplicaFailure")?;
    let why = first
        .get("message")
        .and_then(Value::as_str)
        .unwrap_or("pods cannot be created");
    let message = format!("In {}: {why}", named(&rows));
    Some(Judged {
        type_: "ReplicaFailure",
        status: "True",
        reason: "FailedCreate",
        message,
    })
}
