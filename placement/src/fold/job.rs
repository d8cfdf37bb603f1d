//! Job: counts are summed. In one cluster its own words are the Job's; in several it is failed where any copy is, and complete
//! once all are.

use api::Placement;
use api::placement::PlacedCluster;
use serde_json::{Map, Value, json};

use super::{chosen, put_count, sum};

const FINISHED: [&str; 2] = ["Complete", "Failed"];

/// None before any member spoke, and once the Job is finished: what it came to never changes.
pub(super) fn fold(object: &Value, placement: &Placement) -> Option<Value> {
    let rows: Vec<&PlacedCluster> = chosen(placement).filter(|row| row.status.is_object()).collect();
    let finished = |conditions: Option<&Value>| FINISHED.iter().any(|type_| holds(conditions, type_).is_some());
    if rows.is_empty() || finished(object.pointer("/status/conditions")) {
        return None;
    }
    let all = rows.len() == placement.spec.clusters.len();
    if let ([only], true) = (rows.as_slice(), all) {
        return Some(only.status.clone());
    }
    let mut status = Map::new();
    for field in ["active", "succeeded", "failed", "ready", "terminating"] {
        put_count(&mut status, field, sum(placement, field));
    }
    let text = |row: &PlacedCluster, field: &str| row.status.get(field).and_then(Value::as_str).map(str::to_owned);
    // RFC 3339 times of one form order as texts do.
    if let Some(start) = rows.iter().filter_map(|row| text(row, "startTime")).min() {
        status.insert("startTime".to_owned(), json!(start));
    }
    let ended: Vec<String> = rows.iter().filter_map(|row| text(row, "completionTime")).collect();
    let conditions = |row: &&PlacedCluster, type_: &str| holds(row.status.get("conditions"), type_).cloned();
    let failed = rows.iter().find_map(|row| conditions(row, "Failed"));
    let complete: Vec<Value> = rows.iter().filter_map(|row| conditions(row, "Complete")).collect();
    if let Some(failed) = failed {
        status.insert("conditions".to_owned(), json!([failed]));
    } else if all && complete.len() == rows.len() {
        status.insert(
            "conditions".to_owned(),
            Value::Array(complete.into_iter().take(1).collect()),
        );
        if let (Some(last), true) = (ended.iter().max(), ended.len() == rows.len()) {
            status.insert("completionTime".to_owned(), json!(last));
        }
    }
    Some(Value::Object(status))
}

/// The condition of that type, where it holds.
fn holds<'a>(conditions: Option<&'a Value>, type_: &str) -> Option<&'a Value> {
    let is = |condition: &Value, key: &str, value: &str| condition.get(key).and_then(Value::as_str) == Some(value);
    let all = conditions.and_then(Value::as_array).into_iter().flatten();
    all.into_iter()
        .find(|condition| is(condition, "type", type_) && is(condition, "status", "True"))
}
