//! Rules about Leases.

use serde_json::Value;

use crate::field;
use crate::status::Cause;

use super::at::At;

pub(super) fn lease(object: &Value, faults: &mut Vec<Cause>) {
    let spec = At::root(object, "spec");
    let duration = spec.get("leaseDurationSeconds");
    if duration.number().is_some_and(|n| n <= 0) {
        faults.push(field::invalid(&duration.path, duration.value, "must be greater than 0"));
    }
    let transitions = spec.get("leaseTransitions");
    if transitions.number().is_some_and(|n| n < 0) {
        faults.push(field::invalid(
            &transitions.path,
            transitions.value,
            "must be greater than or equal to 0",
        ));
    }
    let preferred = spec.get("preferredHolder");
    if !preferred.text().is_empty() && spec.get("strategy").text().is_empty() {
        faults.push(field::forbidden(
            &preferred.path,
            "may only be specified if `strategy` is defined",
        ));
    }
}
