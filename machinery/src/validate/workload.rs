//! Rules about Deployments and ReplicaSets.

use serde_json::Value;

use crate::field;
use crate::status::Cause;

use super::at::{At, same};
use super::metadata::push;
use super::{format, pod, selector};

const NEGATIVE: &str = "must be greater than or equal to 0";

pub(super) fn deployment(object: &Value, faults: &mut Vec<Cause>) {
    let spec = At::root(object, "spec");
    not_negative(&spec.get("replicas"), faults);
    selector_and_template(&spec, faults);
    strategy(&spec.get("strategy"), faults);
    let (ready, deadline) = (spec.get("minReadySeconds"), spec.get("progressDeadlineSeconds"));
    not_negative(&ready, faults);
    not_negative(&spec.get("revisionHistoryLimit"), faults);
    not_negative(&deadline, faults);
    if deadline.number().is_some_and(|n| n <= ready.number().unwrap_or(0)) {
        faults.push(field::invalid(
            &deadline.path,
            deadline.value,
            "must be greater than minReadySeconds",
        ));
    }
}

pub(super) fn replica_set(object: &Value, faults: &mut Vec<Cause>) {
    let spec = At::root(object, "spec");
    not_negative(&spec.get("replicas"), faults);
    not_negative(&spec.get("minReadySeconds"), faults);
    selector_and_template(&spec, faults);
}

fn selector_and_template(spec: &At<'_>, faults: &mut Vec<Cause>) {
    let chosen = spec.get("selector");
    if !chosen.is_set() {
        faults.push(field::required(&chosen.path, ""));
    }
    pods(spec, "ReplicaSet", faults);
}

/// A selector that is not empty and selects the pods of the template, which run for good. `kind` is who says so.
pub(super) fn pods(spec: &At<'_>, kind: &str, faults: &mut Vec<Cause>) {
    let (chosen, template) = (spec.get("selector"), spec.get("template"));
    let before = faults.len();
    selector::label_selector(&chosen, faults);
    let broken = faults.len() > before;
    if chosen.is_set() && selector::is_empty(&chosen) {
        let whose = match kind {
            "ReplicaSet" => "deployment".to_owned(),
            kind => kind.to_lowercase(),
        };
        let detail = format!("empty selector is invalid for {whose}");
        faults.push(field::invalid(&chosen.path, chosen.value, &detail));
    }
    if broken {
        faults.push(field::invalid(&chosen.path, chosen.value, "invalid label selector"));
        return;
    }
    // No selector matches nothing, an empty one everything.
    let labels = template.get("metadata").get("labels");
    if !chosen.is_set() || !selector::matches(&chosen, &labels) {
        faults.push(field::invalid(
            &labels.path,
            labels.value,
            "`selector` does not match template `labels`",
        ));
    }
    pod::template(&template, faults);
    let restart = template.get("spec").get("restartPolicy");
    if restart.text() != "Always" {
        faults.push(field::not_supported(&restart.path, restart.value, &["Always"]));
    }
    let deadline = template.get("spec").get("activeDeadlineSeconds");
    if deadline.is_set() {
        let detail = format!("activeDeadlineSeconds in {kind} is not Supported");
        faults.push(field::forbidden(&deadline.path, &detail));
    }
}

fn strategy(strategy: &At<'_>, faults: &mut Vec<Cause>) {
    let rolling = strategy.get("rollingUpdate");
    match strategy.get("type").text() {
        "Recreate" => {
            if rolling.is_set() {
                let detail = "may not be specified when strategy `type` is 'Recreate'";
                faults.push(field::forbidden(&rolling.path, detail));
            }
        }
        "RollingUpdate" => {
            let (unavailable, surge) = (rolling.get("maxUnavailable"), rolling.get("maxSurge"));
            count_or_percent(&unavailable, faults);
            count_or_percent(&surge, faults);
            if amount(&unavailable) == 0 && amount(&surge) == 0 {
                faults.push(field::invalid(
                    &unavailable.path,
                    unavailable.value,
                    "may not be 0 when `maxSurge` is 0",
                ));
            }
            if unavailable.value.is_string() && amount(&unavailable) > 100 {
                faults.push(field::invalid(
                    &unavailable.path,
                    unavailable.value,
                    "must not be greater than 100%",
                ));
            }
        }
        _ => faults.push(field::not_supported(
            &strategy.path,
            strategy.value,
            &["Recreate", "RollingUpdate"],
        )),
    }
}

pub(super) fn count_or_percent(at: &At<'_>, faults: &mut Vec<Cause>) {
    match at.value {
        Value::String(text) => push(at, format::percent(text), faults),
        _ => not_negative(at, faults),
    }
}

pub(super) fn amount(at: &At<'_>) -> i64 {
    match at.value {
        Value::String(text) => text
            .strip_suffix('%')
            .and_then(|digits| digits.parse().ok())
            .unwrap_or(0),
        _ => at.number().unwrap_or(0),
    }
}

pub(super) fn update(new: &Value, old: &Value, faults: &mut Vec<Cause>) {
    let (now, then) = (
        At::root(new, "spec").get("selector"),
        At::root(old, "spec").get("selector"),
    );
    if !same(now.value, then.value) {
        faults.push(field::invalid(&now.path, now.value, "field is immutable"));
    }
}

pub(super) fn status(new: &Value, old: &Value, faults: &mut Vec<Cause>) {
    let status = At::root(new, "status");
    let counts = [
        "observedGeneration",
        "replicas",
        "fullyLabeledReplicas",
        "updatedReplicas",
        "readyReplicas",
        "availableReplicas",
        "unavailableReplicas",
        "terminatingReplicas",
        "collisionCount",
    ];
    for name in counts {
        not_negative(&status.get(name), faults);
    }
    let count = |name: &str| status.get(name).number().unwrap_or(0);
    for name in [
        "fullyLabeledReplicas",
        "updatedReplicas",
        "readyReplicas",
        "availableReplicas",
    ] {
        let at = status.get(name);
        if count(name) > count("replicas") {
            faults.push(field::invalid(
                &at.path,
                at.value,
                "cannot be greater than status.replicas",
            ));
        }
    }
    let available = status.get("availableReplicas");
    if count("availableReplicas") > count("readyReplicas") {
        faults.push(field::invalid(
            &available.path,
            available.value,
            "cannot be greater than readyReplicas",
        ));
    }
    let collisions = status.get("collisionCount");
    let before = At::root(old, "status").get("collisionCount").number();
    if before.is_some_and(|before| collisions.number().is_none_or(|now| now < before)) {
        faults.push(field::invalid(
            &collisions.path,
            &Value::from(collisions.number().unwrap_or(0)),
            "cannot be decremented",
        ));
    }
}

/// A number that is there may not be below zero.
pub(super) fn not_negative(at: &At<'_>, faults: &mut Vec<Cause>) {
    if at.number().is_some_and(|n| n < 0) {
        faults.push(field::invalid(&at.path, at.value, NEGATIVE));
    }
}
