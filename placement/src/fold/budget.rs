//! PodDisruptionBudget: counts are summed. Each member judges its own pods by its own copy of the budget; what may be disrupted in
//! all is what may be in each.

use api::Placement;
use serde_json::{Map, Value, json};

use super::conditions::{Judged, timed};
use super::{counted, observed_generation, sum};

pub(super) fn fold(object: &Value, placement: &Placement, now: &str) -> Value {
    let mut status = Map::new();
    // Kubernetes always writes these.
    for field in ["currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods"] {
        status.insert(field.to_owned(), json!(sum(placement, field)));
    }
    let disrupted = counted(placement).flat_map(|row| {
        let pods = row.status.get("disruptedPods").and_then(Value::as_object);
        // As the hub calls a Pod that may be in several clusters.
        let named = move |(pod, since): (&String, &Value)| (format!("{pod}.{}", row.name), since.clone());
        pods.into_iter().flatten().map(named)
    });
    let disrupted: Map<String, Value> = disrupted.collect();
    if !disrupted.is_empty() {
        status.insert("disruptedPods".to_owned(), Value::Object(disrupted));
    }
    let observed = observed_generation(object, placement);
    if observed != 0 {
        status.insert("observedGeneration".to_owned(), json!(observed));
    }
    let (said, reason) = match sum(placement, "disruptionsAllowed") {
        0 => ("False", "InsufficientPods"),
        _ => ("True", "SufficientPods"),
    };
    let judged = Judged {
        type_: "DisruptionAllowed",
        status: said,
        reason,
        message: String::new(),
    };
    status.insert(
        "conditions".to_owned(),
        timed(vec![judged], object.pointer("/status/conditions"), now),
    );
    Value::Object(status)
}
