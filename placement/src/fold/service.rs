//! Service: the addresses of every chosen cluster together, for a Service of type LoadBalancer.

use std::collections::BTreeSet;
use std::net::IpAddr;

use api::Placement;
use serde_json::{Map, Value, json};

use super::chosen;

pub(super) fn fold(object: &Value, placement: &Placement) -> Value {
    // Conditions of a Service are other controllers' words.
    let mut status: Map<String, Value> = object
        .get("status")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    let mut balancer = Map::new();
    if object.pointer("/spec/type").and_then(Value::as_str) == Some("LoadBalancer") {
        let addresses: BTreeSet<&str> = chosen(placement)
            .flat_map(|row| row.addresses.iter().map(String::as_str))
            .collect();
        let ingress: Vec<Value> = addresses
            .into_iter()
            .map(|address| match address.parse::<IpAddr>() {
                Ok(ip) => json!({"ip": ip.to_string(), "ipMode": "VIP"}),
                Err(_) => json!({"hostname": address}),
            })
            .collect();
        if !ingress.is_empty() {
            balancer.insert("ingress".to_owned(), Value::Array(ingress));
        }
    }
    // Kubernetes always writes this one.
    status.insert("loadBalancer".to_owned(), Value::Object(balancer));
    Value::Object(status)
}
