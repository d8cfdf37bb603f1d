//! StatefulSet: counts are summed; revisions are told where every chosen cluster tells the same, as one cluster alone does.

use api::Placement;
use serde_json::{Map, Value, json};

use super::{chosen, observed_generation, put_count, sum, sum_of_version};

/// Counts that Kubernetes always writes.
const ALWAYS: [&str; 2] = ["replicas", "availableReplicas"];

pub(super) fn fold(object: &Value, placement: &Placement) -> Value {
    let mut status = Map::new();
    for field in ALWAYS {
        status.insert(field.to_owned(), json!(sum(placement, field)));
    }
    for field in ["readyReplicas", "currentReplicas"] {
        put_count(&mut status, field, sum(placement, field));
    }
    let updated = "updatedReplicas";
    put_count(&mut status, updated, sum_of_version(placement, updated));
    for field in ["currentRevision", "updateRevision"] {
        let mut told = chosen(placement).map(|row| row.status.get(field).and_then(Value::as_str));
        if let Some(Some(first)) = told.next()
            && told.all(|other| other == Some(first))
        {
            status.insert(field.to_owned(), json!(first));
        }
    }
    let observed = observed_generation(object, placement);
    put_count(&mut status, "observedGeneration", observed);
    Value::Object(status)
}
