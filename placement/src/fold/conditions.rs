//! Conditions of Kubernetes' own kinds: two times, one for the status, one for anything.
//! In: conditions as judged and as they stand. Out: the conditions to write. Absent: what they judge.

use serde_json::{Map, Value, json};

/// A condition as judged.
pub(super) struct Judged {
    pub(super) type_: &'static str,
    pub(super) status: &'static str,
    pub(super) reason: &'static str,
    pub(super) message: String,
}

/// The conditions with their times: what says the same keeps both, what has the same status keeps its transition time.
pub(super) fn timed(judged: Vec<Judged>, standing: Option<&Value>, now: &str) -> Value {
    let standing: Vec<&Map<String, Value>> = standing
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .collect();
    let text = |condition: &Map<String, Value>, key: &str| {
        condition
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let timed = judged.into_iter().map(|new| {
        let old = standing.iter().find(|old| text(old, "type") == new.type_);
        let same_status = old.filter(|old| text(old, "status") == new.status);
        let same = same_status.filter(|old| text(old, "reason") == new.reason && text(old, "message") == new.message);
        let keep = |old: Option<&&Map<String, Value>>, key: &str| {
            old.and_then(|old| old.get(key)).cloned().unwrap_or_else(|| json!(now))
        };
        json!({
            "type": new.type_,
            "status": new.status,
            "reason": new.reason,
            "message": new.message,
            "lastUpdateTime": keep(same, "lastUpdateTime"),
            "lastTransitionTime": keep(same_status, "lastTransitionTime"),
        })
    });
    Value::Array(timed.collect())
}

/// Whether two statuses say different things, whenever they began to. An absent status is an empty one.
#[must_use]
pub fn status_differs(old: &Value, new: &Value) -> bool {
    without_times(old) != without_times(new)
}

fn without_times(status: &Value) -> Value {
    let mut status = status.clone();
    for condition in status
        .get_mut("conditions")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if let Some(condition) = condition.as_object_mut() {
            condition.remove("lastUpdateTime");
            condition.remove("lastTransitionTime");
        }
    }
    if let Some(map) = status.as_object_mut() {
        map.retain(|_, value| !is_empty(value));
    }
    if is_empty(&status) { Value::Null } else { status }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Number(number) => number.as_i64() == Some(0),
        Value::Bool(_) | Value::String(_) => false,
    }
}
