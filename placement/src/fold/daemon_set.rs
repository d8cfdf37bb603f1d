//! DaemonSet: counts of nodes and pods are summed.

use api::Placement;
use serde_json::{Map, Value, json};

use super::{observed_generation, put_count, sum, sum_of_version};

/// Counts that Kubernetes always writes.
const ALWAYS: [&str; 4] = [
    "currentNumberScheduled",
    "desiredNumberScheduled",
    "numberMisscheduled",
    "numberReady",
];

pub(super) fn fold(object: &Value, placement: &Placement) -> Value {
    let mut status = Map::new();
    for field in ALWAYS {
        status.insert(field.to_owned(), json!(sum(placement, field)));
    }
    for field in ["numberAvailable", "numberUnavailable"] {
        put_count(&mut status, field, sum(placement, field));
    }
    let updated = "updatedNumberScheduled";
    put_count(&mut status, updated, sum_of_version(placement, updated));
    let observed = observed_generation(object, placement);
    put_count(&mut status, "observedGeneration", observed);
    Value::Object(status)
}
