//! Rules about PodDisruptionBudgets and PriorityClasses.

use serde_json::Value;

use crate::field;
use crate::status::Cause;

use super::at::At;
use super::selector;
use super::sets::{immutable, not_over_all};
use super::workload::count_or_percent;

/// Above this is the system's own.
const PRIORITY_MAX: i64 = 1_000_000_000;
const SYSTEM_PREFIX: &str = "system-";
const SYSTEM_CLASSES: [&str; 2] = ["system-node-critical", "system-cluster-critical"];

pub(super) fn disruption_budget(object: &Value, faults: &mut Vec<Cause>) {
    let spec = At::root(object, "spec");
    let bounds = ["minAvailable", "maxUnavailable"].map(|name| spec.get(name));
    if bounds.iter().all(At::is_set) {
        let detail = "minAvailable and maxUnavailable cannot be both set";
        faults.push(field::invalid(&spec.path, spec.value, detail));
    }
    for bound in &bounds {
        count_or_percent(bound, faults);
        not_over_all(bound, faults);
    }
    selector::label_selector(&spec.get("selector"), faults);
    let eviction = spec.get("unhealthyPodEvictionPolicy");
    let known = ["AlwaysAllow", "IfHealthyBudget"];
    if eviction.is_set() && !known.contains(&eviction.text()) {
        faults.push(field::not_supported(&eviction.path, eviction.value, &known));
    }
}

pub(super) fn priority_class(object: &Value, faults: &mut Vec<Cause>) {
    let name = At::root(object, "metadata").get("name");
    let value = At::root(object, "value");
    if name.text().starts_with(SYSTEM_PREFIX) {
        if !SYSTEM_CLASSES.contains(&name.text()) {
            let detail = format!(
                "priority class names with '{SYSTEM_PREFIX}' prefix are reserved for system use only. error: {} is not a known system priority class",
                name.text()
            );
            faults.push(field::forbidden(&name.path, &detail));
        }
    } else if value.number().is_some_and(|n| n > PRIORITY_MAX) {
        let detail = format!("maximum allowed value of a user defined priority is {PRIORITY_MAX}");
        faults.push(field::forbidden(&value.path, &detail));
    }
    let policy = At::root(object, "preemptionPolicy");
    let known = ["PreemptLowerPriority", "Never"];
    if policy.is_set() && !known.contains(&policy.text()) {
        faults.push(field::not_supported(&policy.path, policy.value, &known));
    }
}

pub(super) fn update_priority_class(new: &Value, old: &Value, faults: &mut Vec<Cause>) {
    let number = |object| At::root(object, "value").number().unwrap_or(0);
    if number(new) != number(old) {
        let path = At::root(new, "value").path;
        faults.push(field::forbidden(&path, "may not be changed in an update."));
    }
    let policy = |object| At::root(object, "preemptionPolicy");
    immutable(&policy(new), &policy(old), faults);
}
