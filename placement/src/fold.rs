//! What the members' reports mean for the hub object's own `status`, so that plain kubectl reads it as in one cluster.
//! In: the hub object, its Placement with its rows. Out: the new `status`, or none for kinds whose status the members do
//! not make. One file a kind. Absent: the Placement's own status (`placement_status`).

mod autoscaler;
mod budget;
mod claim;
mod conditions;
mod cron_job;
mod custom;
mod daemon_set;
mod deployment;
mod ingress;
mod job;
mod pod;
mod replica_set;
mod service;
mod stateful_set;

use api::placement::PlacedCluster;
use api::{Placement, Reason};
use serde_json::{Map, Value, json};

use crate::federated_kinds::is_custom_group;

pub use conditions::status_differs;

/// The new status of the hub object. `now` is an RFC 3339 time, used only where a condition changes.
#[must_use]
pub fn fold(object: &Value, placement: &Placement, now: &str) -> Option<Value> {
    match (object.get("apiVersion")?.as_str()?, object.get("kind")?.as_str()?) {
        ("apps/v1", "Deployment") => Some(deployment::fold(object, placement, now)),
        ("apps/v1", "ReplicaSet") => Some(replica_set::fold(object, placement)),
        ("apps/v1", "StatefulSet") => Some(stateful_set::fold(object, placement)),
        ("apps/v1", "DaemonSet") => Some(daemon_set::fold(object, placement)),
        ("batch/v1", "Job") => job::fold(object, placement),
        ("autoscaling/v2", "HorizontalPodAutoscaler") => Some(autoscaler::fold(object, placement)),
        ("v1", "Pod") => pod::fold(placement),
        ("v1", "Service") => Some(service::fold(object, placement)),
        ("v1", "PersistentVolumeClaim") => claim::fold(placement),
        ("policy/v1", "PodDisruptionBudget") => Some(budget::fold(object, placement, now)),
        ("networking.k8s.io/v1", "Ingress") => Some(ingress::fold(placement)),
        ("batch/v1", "CronJob") => Some(cron_job::fold(placement)),
        (api_version, _) if is_custom(api_version) => custom::fold(object, placement, now),
        _ => None,
    }
}

fn is_custom(api_version: &str) -> bool {
    api_version
        .split_once('/')
        .is_some_and(|(group, _)| is_custom_group(group))
}

/// The rows of the clusters that are chosen, in order.
fn chosen(placement: &Placement) -> impl Iterator<Item = &PlacedCluster> {
    let is_chosen = |row: &&PlacedCluster| placement.spec.clusters.iter().any(|target| target.name == row.name);
    placement.status.clusters.iter().filter(is_chosen)
}

/// A count in a member's status, 0 where it says none.
fn count(row: &PlacedCluster, field: &str) -> i64 {
    row.status.get(field).and_then(Value::as_i64).unwrap_or_default()
}

/// The rows that count: copies that are still to go too, as terminating ones do in one cluster, but not what was lost with a
/// cluster that failed.
fn counted(placement: &Placement) -> impl Iterator<Item = &PlacedCluster> {
    let lost = |row: &&PlacedCluster| {
        let mut excluded = placement.spec.excluded.iter();
        excluded.any(|out| out.name == row.name && out.reason == Reason::ClusterFailed)
    };
    placement.status.clusters.iter().filter(move |row| !lost(row))
}

/// A count of pods of the hub's version: where an older one is still wanted there are none.
fn sum_of_version(placement: &Placement, field: &str) -> i64 {
    let rollout = placement.spec.rollout.as_ref();
    let is_new = |row: &&PlacedCluster| {
        rollout.is_none_or(|rollout| {
            rollout.is_new_in(&row.name) && (row.template == rollout.version || row.template.is_empty())
        })
    };
    chosen(placement).filter(is_new).map(|row| count(row, field)).sum()
}

/// A count of every cluster together.
fn sum(placement: &Placement, field: &str) -> i64 {
    counted(placement).map(|row| count(row, field)).sum()
}

/// Puts a count as Kubernetes does: not at all where it is 0.
fn put_count(status: &mut Map<String, Value>, field: &str, value: i64) {
    if value != 0 {
        status.insert(field.to_owned(), json!(value));
    }
}

/// The generation that *every* chosen cluster has observed: the object's own, or the one that stood.
fn observed_generation(object: &Value, placement: &Placement) -> i64 {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64).unwrap_or_default();
    let generation = number("/metadata/generation");
    let rows = chosen(placement).count();
    let every = rows > 0
        && rows == placement.spec.clusters.len()
        && placement.spec.resource_generation >= generation
        && chosen(placement).all(|row| row.applied && row.observed_hub_generation >= generation);
    if every {
        generation
    } else {
        number("/status/observedGeneration")
    }
}

#[cfg(test)]
mod tests;
