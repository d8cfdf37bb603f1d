//! CronJob: the Jobs that run anywhere, and the last times anywhere.

use api::Placement;
use serde_json::{Map, Value, json};

use super::counted;

pub(super) fn fold(placement: &Placement) -> Value {
    let mut status = Map::new();
    let active =
        counted(placement).flat_map(|row| row.status.get("active").and_then(Value::as_array).into_iter().flatten());
    let active: Vec<Value> = active.cloned().collect();
    if !active.is_empty() {
        status.insert("active".to_owned(), Value::Array(active));
    }
    for field in ["lastScheduleTime", "lastSuccessfulTime"] {
        // RFC 3339 times of one form order as texts do.
        let last = counted(placement)
            .filter_map(|row| row.status.get(field).and_then(Value::as_str))
            .max();
        if let Some(last) = last {
            status.insert(field.to_owned(), json!(last));
        }
    }
    Value::Object(status)
}
