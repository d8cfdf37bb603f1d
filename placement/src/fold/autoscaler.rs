//! HorizontalPodAutoscaler: replicas are summed, and the last scaling anywhere is told. Metrics and conditions are each
//! member's own: an average of averages would be nobody's.

use api::Placement;
use serde_json::{Map, Value, json};

use super::{observed_generation, sum};

pub(super) fn fold(object: &Value, placement: &Placement) -> Value {
    let mut status = Map::new();
    for field in ["currentReplicas", "desiredReplicas"] {
        status.insert(field.to_owned(), json!(sum(placement, field)));
    }
    let rows = placement.status.clusters.iter();
    // RFC 3339 times of one form order as texts do.
    let last = rows
        .filter_map(|row| row.status.get("lastScaleTime").and_then(Value::as_str))
        .max();
    if let Some(last) = last {
        status.insert("lastScaleTime".to_owned(), json!(last));
    }
    let observed = observed_generation(object, placement);
    if observed != 0 {
        status.insert("observedGeneration".to_owned(), json!(observed));
    }
    Value::Object(status)
}
