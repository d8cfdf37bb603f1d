//! A kind that a CustomResourceDefinition brings, where its definition says nothing of how to fold it: its conditions, and whatever all
//! clusters say alike. Numbers are not summed: whether they are counts nobody knows.

use std::collections::BTreeMap;

use api::Placement;
use api::placement::PlacedCluster;
use serde_json::{Map, Value, json};

use super::{chosen, observed_generation};

/// None before any member spoke.
pub(super) fn fold(object: &Value, placement: &Placement, now: &str) -> Option<Value> {
    let rows: Vec<&PlacedCluster> = chosen(placement).filter(|row| row.status.is_object()).collect();
    let (first, others) = rows.split_first()?;
    let mut status: Map<String, Value> = first.status.as_object().cloned().unwrap_or_default();
    status.retain(|field, value| others.iter().all(|row| row.status.get(field) == Some(value)));
    let all = rows.len() == placement.spec.clusters.len();
    status.remove("conditions");
    let conditions = conditions(&rows, all, object.pointer("/status/conditions"), now);
    if !conditions.is_empty() {
        status.insert("conditions".to_owned(), Value::Array(conditions));
    }
    if rows.iter().any(|row| row.status.get("observedGeneration").is_some()) {
        status.insert(
            "observedGeneration".to_owned(),
            json!(observed_generation(object, placement)),
        );
    }
    Some(Value::Object(status))
}

/// Each condition that any cluster speaks of: true where it is in all, false where it is anywhere, else unknown.
fn conditions(rows: &[&PlacedCluster], all: bool, standing: Option<&Value>, now: &str) -> Vec<Value> {
    let mut told: BTreeMap<&str, Vec<(&str, &Value)>> = BTreeMap::new();
    for row in rows {
        for condition in list(row.status.get("conditions")) {
            told.entry(text(condition, "type"))
                .or_default()
                .push((&row.name, condition));
        }
    }
    told.remove("");
    let whole = |told: &[(&str, &Value)]| all && told.len() == rows.len();
    let merged = told.into_iter().map(|(type_, told)| {
        let is = |word: &'static str| told.iter().find(|(_, one)| text(one, "status") == word);
        let status = match (is("False"), is("Unknown")) {
            (Some(_), _) => "False",
            (None, None) if whole(&told) => "True",
            _ => "Unknown",
        };
        let spoken = is(status);
        // Where all say the same, that is said; else who says what.
        let message = match told
            .iter()
            .filter(|(_, one)| text(one, "status") == status)
            .collect::<Vec<_>>()
            .as_slice()
        {
            [] => "not every cluster has said it yet".to_owned(),
            [(_, first), others @ ..]
                if others
                    .iter()
                    .all(|(_, one)| text(one, "message") == text(first, "message")) =>
            {
                text(first, "message").to_owned()
            }
            several => {
                let said: Vec<String> = several
                    .iter()
                    .map(|(name, one)| format!("{name}: {}", text(one, "message")))
                    .collect();
                said.join("; ")
            }
        };
        let reason = spoken.map_or("NotSaidByAll", |(_, one)| text(one, "reason"));
        let before = list(standing).find(|one| text(one, "type") == type_ && text(one, "status") == status);
        let since = before
            .and_then(|one| one.get("lastTransitionTime"))
            .cloned()
            .unwrap_or_else(|| json!(now));
        json!({"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": since})
    });
    merged.collect()
}

fn list(conditions: Option<&Value>) -> impl Iterator<Item = &Value> {
    conditions.and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(condition: &'a Value, key: &str) -> &'a str {
    condition.get(key).and_then(Value::as_str).unwrap_or_default()
}
