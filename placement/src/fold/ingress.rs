//! Ingress: the entries of every chosen cluster together, each once.

use api::Placement;
use serde_json::{Map, Value, json};

use super::chosen;

pub(super) fn fold(placement: &Placement) -> Value {
    let entries = chosen(placement).flat_map(|row| {
        let ingress = row.status.pointer("/loadBalancer/ingress").and_then(Value::as_array);
        ingress.into_iter().flatten().cloned()
    });
    let mut entries: Vec<Value> = entries.collect();
    entries.sort_by_cached_key(Value::to_string);
    entries.dedup();
    let mut balancer = Map::new();
    if !entries.is_empty() {
        balancer.insert("ingress".to_owned(), Value::Array(entries));
    }
    json!({"loadBalancer": balancer})
}
