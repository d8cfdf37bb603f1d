//! PersistentVolumeClaim: one claim's words are its own; of several the worst phase is told, and the least room, because that is what a
//! workload can count on in every cluster.

use api::Placement;
use api::placement::PlacedCluster;
use api::quantity;
use serde_json::{Map, Value, json};

use super::chosen;

/// From worst to best, as a user waits for them.
const PHASES: [&str; 3] = ["Lost", "Pending", "Bound"];

/// None before any member spoke.
pub(super) fn fold(placement: &Placement) -> Option<Value> {
    let rows: Vec<&PlacedCluster> = chosen(placement).filter(|row| row.status.is_object()).collect();
    let (first, others) = rows.split_first()?;
    let all = rows.len() == placement.spec.clusters.len();
    if others.is_empty() && all {
        return Some(first.status.clone());
    }
    let phase = |row: &PlacedCluster| {
        row.status
            .get("phase")
            .and_then(Value::as_str)
            .unwrap_or("Pending")
            .to_owned()
    };
    let worst = PHASES
        .iter()
        .find(|phase_| rows.iter().any(|row| phase(row) == **phase_));
    // A claim that nobody spoke of yet is pending.
    let phase = match worst {
        Some(&"Bound") | None if !all => "Pending",
        Some(worst) => worst,
        None => "Pending",
    };
    let mut status = Map::from_iter([("phase".to_owned(), json!(phase))]);
    let capacity = |row: &&PlacedCluster| row.status.get("capacity").cloned();
    let size = |capacity: &Value| {
        capacity
            .get("storage")
            .and_then(Value::as_str)
            .and_then(quantity::parse)
    };
    if let Some(least) = rows.iter().filter_map(capacity).min_by_key(|capacity| size(capacity)) {
        status.insert("capacity".to_owned(), least);
    }
    let modes: Vec<Option<&Value>> = rows.iter().map(|row| row.status.get("accessModes")).collect();
    if let Some(Some(modes)) = modes.first().filter(|first| modes.iter().all(|modes| modes == *first)) {
        status.insert("accessModes".to_owned(), (*modes).clone());
    }
    Some(Value::Object(status))
}
