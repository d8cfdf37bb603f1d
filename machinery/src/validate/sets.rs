//! Rules about StatefulSets and DaemonSets, and about the history that they keep.

use serde_json::Value;

use crate::field;
use crate::status::Cause;

use super::at::{At, same};
use super::pod;
use super::workload::{self, amount, count_or_percent, not_negative};

/// What of a StatefulSet's spec may change.
const CHANGEABLE: [&str; 7] = [
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

pub(super) fn stateful_set(object: &Value, faults: &mut Vec<Cause>) {
    let spec = At::root(object, "spec");
    let management = spec.get("podManagementPolicy");
    match management.text() {
        "" => faults.push(field::required(&management.path, "")),
        "OrderedReady" | "Parallel" => {}
        _ => faults.push(field::invalid(
            &management.path,
            management.value,
            "must be 'OrderedReady' or 'Parallel'",
        )),
    }
    let strategy = spec.get("updateStrategy");
    let rolling = strategy.get("rollingUpdate");
    match strategy.get("type").text() {
        "" => faults.push(field::required(&strategy.path, "")),
        "RollingUpdate" => {
            not_negative(&rolling.get("partition"), faults);
            let unavailable = rolling.get("maxUnavailable");
            if unavailable.is_set() {
                positive_share(&unavailable, faults);
            }
        }
        "OnDelete" => {
            if rolling.is_set() {
                let detail = "only allowed for updateStrategy 'RollingUpdate'";
                faults.push(field::invalid(&rolling.path, rolling.value, detail));
            }
        }
        _ => faults.push(field::invalid(
            &strategy.path,
            strategy.value,
            "must be 'RollingUpdate' or 'OnDelete'",
        )),
    }
    for name in ["whenDeleted", "whenScaled"] {
        let policy = spec.get("persistentVolumeClaimRetentionPolicy").get(name);
        pod::one_of(&policy, &["Retain", "Delete"], faults);
    }
    not_negative(&spec.get("replicas"), faults);
    not_negative(&spec.get("minReadySeconds"), faults);
    not_negative(&spec.get("ordinals").get("start"), faults);
    if !spec.get("selector").is_set() {
        faults.push(field::required(&spec.get("selector").path, ""));
    }
    workload::pods(&spec, "StatefulSet", faults);
}

pub(super) fn update_stateful_set(new: &Value, old: &Value, faults: &mut Vec<Cause>) {
    let fixed = |object: &Value| {
        let mut spec = object.get("spec").cloned().unwrap_or_default();
        if let Some(map) = spec.as_object_mut() {
            map.retain(|key, _| !CHANGEABLE.contains(&key.as_str()));
            // A claim template's status is no part of what is wanted.
            for claim in map
                .get_mut("volumeClaimTemplates")
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                if let Some(claim) = claim.as_object_mut() {
                    claim.remove("status");
                }
            }
        }
        spec
    };
    if fixed(new) != fixed(old) {
        let detail = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
        faults.push(field::forbidden(&At::root(new, "spec").path, detail));
    }
}

pub(super) fn daemon_set(object: &Value, faults: &mut Vec<Cause>) {
    let spec = At::root(object, "spec");
    workload::pods(&spec, "DaemonSet", faults);
    not_negative(&spec.get("minReadySeconds"), faults);
    not_negative(&spec.get("revisionHistoryLimit"), faults);
    let strategy = spec.get("updateStrategy");
    match strategy.get("type").text() {
        "OnDelete" => {}
        "RollingUpdate" => daemon_rollout(&strategy.get("rollingUpdate"), faults),
        _ => faults.push(field::not_supported(
            &strategy.path,
            strategy.value,
            &["RollingUpdate", "OnDelete"],
        )),
    }
}

fn daemon_rollout(rolling: &At<'_>, faults: &mut Vec<Cause>) {
    if !rolling.is_set() {
        faults.push(field::required(&rolling.path, ""));
        return;
    }
    let (unavailable, surge) = (rolling.get("maxUnavailable"), rolling.get("maxSurge"));
    for share in [&unavailable, &surge] {
        count_or_percent(share, faults);
        not_over_all(share, faults);
    }
    match (amount(&unavailable), amount(&surge)) {
        (0, 0) => faults.push(field::required(&unavailable.path, "cannot be 0 when maxSurge is 0")),
        (1.., 1..) => faults.push(field::invalid(
            &surge.path,
            surge.value,
            "may not be set when maxUnavailable is non-zero",
        )),
        _ => {}
    }
}

/// A share that is written as a percentage is at most the whole.
pub(super) fn not_over_all(share: &At<'_>, faults: &mut Vec<Cause>) {
    if share.value.is_string() && amount(share) > 100 {
        faults.push(field::invalid(
            &share.path,
            share.value,
            "must not be greater than 100%",
        ));
    }
}

fn positive_share(share: &At<'_>, faults: &mut Vec<Cause>) {
    count_or_percent(share, faults);
    if amount(share) == 0 {
        faults.push(field::invalid(&share.path, share.value, "cannot be 0"));
    }
    not_over_all(share, faults);
}

pub(super) fn revision(object: &Value, faults: &mut Vec<Cause>) {
    let data = At::root(object, "data");
    if !data.is_set() {
        faults.push(field::required(&data.path, "data is mandatory"));
    }
    not_negative(&At::root(object, "revision"), faults);
}

pub(super) fn update_revision(new: &Value, old: &Value, faults: &mut Vec<Cause>) {
    immutable(&At::root(new, "data"), &At::root(old, "data"), faults);
}

/// A field that stays as it was.
pub(super) fn immutable(now: &At<'_>, then: &At<'_>, faults: &mut Vec<Cause>) {
    if !same(now.value, then.value) {
        faults.push(field::invalid(&now.path, now.value, "field is immutable"));
    }
}
