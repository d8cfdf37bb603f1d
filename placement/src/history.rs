//! The revisions of a workload, kept on the hub so that `kubectl rollout history` and `undo` work there as in one cluster, and
//! clients that wait for the ReplicaSet of a Deployment find it.
//! In: a Deployment, StatefulSet or DaemonSet, and the ReplicaSets or ControllerRevisions that it owns on the hub. Out: what is
//! to be written, in [`Step`]s. Absent: pods; the members keep histories of their own, and these never leave the hub.

mod controller_revisions;
mod replica_sets;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

pub use controller_revisions::controller_revisions;
pub use replica_sets::replica_sets;

/// What is to be written.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A new object.
    Create(Value),
    /// A merge patch of the object of that name.
    Patch(String, Value),
    /// A merge patch of its status.
    PatchStatus(String, Value),
    /// One revision too many: name and uid.
    Delete(String, String),
}

/// Revisions that are kept where the workload does not say how many.
const LIMIT: i64 = 10;
/// Annotations that tell of the workload itself, not of its template.
const OWN_ANNOTATIONS: [&str; 2] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    replica_sets::REVISION,
];
/// What Kubernetes writes hashes in: no vowels, nothing that looks like another.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
const HASH_LENGTH: usize = 10;
/// Longest name of an object.
const NAME_MAX: usize = 253;

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or_default()
}

fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

fn texts(object: &Value, pointer: &str) -> Map<String, Value> {
    let found = object.pointer(pointer).and_then(Value::as_object);
    found.cloned().unwrap_or_default()
}

/// A short hash of a template.
fn hash(template: &Value) -> String {
    let digest = Sha256::digest(template.to_string().as_bytes());
    digest
        .iter()
        .take(HASH_LENGTH)
        .filter_map(|byte| ALPHABET.get(usize::from(*byte) % ALPHABET.len()))
        .map(|letter| char::from(*letter))
        .collect()
}

/// The workload's name and the hash, within what a name may have.
fn revision_name(workload: &Value, hash: &str) -> String {
    let room = NAME_MAX.saturating_sub(hash.len() + 1);
    // Names are ASCII.
    let stem: String = name(workload).chars().take(room).collect();
    format!("{stem}-{hash}")
}

/// Annotations that a revision takes from its workload, such as why it was made.
fn annotations(workload: &Value) -> Map<String, Value> {
    let mut all = texts(workload, "/metadata/annotations");
    all.retain(|key, _| !OWN_ANNOTATIONS.contains(&key.as_str()));
    all
}

/// Metadata of a new revision.
fn metadata(workload: &Value, hash: &str, labels: &Map<String, Value>, annotations: &Map<String, Value>) -> Value {
    json!({
        "name": revision_name(workload, hash),
        "namespace": text(workload, "/metadata/namespace"),
        "labels": labels,
        "annotations": annotations,
        "ownerReferences": [{
            "apiVersion": text(workload, "/apiVersion"),
            "kind": text(workload, "/kind"),
            "name": name(workload),
            "uid": text(workload, "/metadata/uid"),
            "controller": true,
            "blockOwnerDeletion": true,
        }],
    })
}

/// The oldest of `old` (lowest revision first) that are over the limit.
fn surplus<'a>(workload: &Value, old: &[&'a Value]) -> Vec<&'a Value> {
    let limit = workload.pointer("/spec/revisionHistoryLimit").and_then(Value::as_i64);
    let limit = usize::try_from(limit.unwrap_or(LIMIT)).unwrap_or_default();
    let over = old.len().saturating_sub(limit);
    old.iter().take(over).copied().collect()
}

fn deletion(object: &Value) -> Step {
    Step::Delete(name(object).to_owned(), text(object, "/metadata/uid").to_owned())
}

#[cfg(test)]
mod tests;
