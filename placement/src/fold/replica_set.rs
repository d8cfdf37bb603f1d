//! ReplicaSet: counts are summed.

use api::Placement;
use serde_json::{Map, Value, json};

use super::{count, observed_generation, put_count};

pub(super) fn fold(object: &Value, placement: &Placement) -> Value {
    let sum = |field: &str| {
        placement
            .status
            .clusters
            .iter()
            .map(|row| count(row, field))
            .sum::<i64>()
    };
    let mut status = Map::new();
    // Kubernetes always writes this one.
    status.insert("replicas".to_owned(), json!(sum("replicas")));
    for field in [
        "fullyLabeledReplicas",
        "readyReplicas",
        "availableReplicas",
        "terminatingReplicas",
    ] {
        put_count(&mut status, field, sum(field));
    }
    put_count(
        &mut status,
        "observedGeneration",
        observed_generation(object, placement),
    );
    Value::Object(status)
}
