//! Services, Endpoints, EndpointSlices, classes of Ingresses and NetworkPolicies.

use serde_json::{Value, json};

use super::place::{Object, absent, existing, items, text, within, word};

const CLIENT_IP_SECONDS: i64 = 10_800;

pub(super) fn service(object: &mut Object) {
    within(object, "spec", spec);
    let balanced = object
        .get("spec")
        .and_then(Value::as_object)
        .is_some_and(|spec| word(spec, "type") == "LoadBalancer");
    within(object, "status", |status| {
        within(status, "loadBalancer", |load_balancer| {
            for ingress in items(load_balancer, "ingress") {
                if balanced && !word(ingress, "ip").is_empty() {
                    absent(ingress, "ipMode", "VIP");
                }
            }
        });
    });
}

fn spec(spec: &mut Object) {
    text(spec, "sessionAffinity", "None");
    match word(spec, "sessionAffinity") {
        "None" => {
            spec.remove("sessionAffinityConfig");
        }
        "ClientIP" => {
            let seconds = spec
                .get("sessionAffinityConfig")
                .and_then(|c| c.get("clientIP")?.get("timeoutSeconds"));
            if seconds.is_none_or(Value::is_null) {
                spec.insert(
                    "sessionAffinityConfig".to_owned(),
                    json!({"clientIP": {"timeoutSeconds": CLIENT_IP_SECONDS}}),
                );
            }
        }
        _ => {}
    }
    text(spec, "type", "ClusterIP");
    for port in items(spec, "ports") {
        text(port, "protocol", "TCP");
        let target = port.get("targetPort");
        let none = target.is_none_or(|t| t.is_null() || t.as_i64() == Some(0) || t.as_str() == Some(""));
        if let (true, Some(number)) = (none, port.get("port").cloned()) {
            port.insert("targetPort".to_owned(), number);
        }
    }
    let kind = word(spec, "type").to_owned();
    let external_ips = spec
        .get("externalIPs")
        .and_then(Value::as_array)
        .is_some_and(|ips| !ips.is_empty());
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer") || (kind == "ClusterIP" && external_ips) {
        text(spec, "externalTrafficPolicy", "Cluster");
    }
    if matches!(kind.as_str(), "ClusterIP" | "NodePort" | "LoadBalancer") {
        absent(spec, "internalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        absent(spec, "allocateLoadBalancerNodePorts", true);
    }
}

pub(super) fn endpoints(object: &mut Object) {
    for subset in items(object, "subsets") {
        for port in items(subset, "ports") {
            text(port, "protocol", "TCP");
        }
    }
}

pub(super) fn endpoint_slice(object: &mut Object) {
    for port in items(object, "ports") {
        absent(port, "name", "");
        absent(port, "protocol", "TCP");
    }
}

pub(super) fn ingress(object: &mut Object) {
    within(object, "status", |status| within(status, "loadBalancer", |_| {}));
    let Some(spec) = existing(object, "spec") else { return };
    for rule in items(spec, "rules") {
        without_empty(rule, "host");
        if let Some(http) = existing(rule, "http") {
            items(http, "paths").for_each(|path| without_empty(path, "path"));
        }
    }
}

/// No host and no path are told by their absence.
fn without_empty(object: &mut Object, key: &str) {
    if object.get(key).and_then(Value::as_str) == Some("") {
        object.remove(key);
    }
}

pub(super) fn ingress_class(object: &mut Object) {
    if let Some(spec) = existing(object, "spec")
        && let Some(parameters) = existing(spec, "parameters")
    {
        absent(parameters, "scope", "Cluster");
    }
}

pub(super) fn network_policy(object: &mut Object) {
    let Some(spec) = existing(object, "spec") else { return };
    within(spec, "podSelector", |_| {});
    for list in ["ingress", "egress"] {
        for rule in items(spec, list) {
            for port in items(rule, "ports") {
                absent(port, "protocol", "TCP");
            }
        }
    }
    let none = |spec: &Object, key: &str| spec.get(key).and_then(Value::as_array).is_none_or(Vec::is_empty);
    if none(spec, "policyTypes") {
        let types = if none(spec, "egress") {
            json!(["Ingress"])
        } else {
            json!(["Ingress", "Egress"])
        };
        spec.insert("policyTypes".to_owned(), types);
    }
}
