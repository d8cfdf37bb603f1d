//! Rows of Ingress, IngressClass and NetworkPolicy.

use std::collections::BTreeSet;

use serde_json::Value;

use super::workloads::selector_at;
use super::{AGE, Column, NAME, Printer, age, list, name, or, text};

/// How many hosts a cell names before it counts the rest.
const SHOWN: usize = 3;
/// Letters of the addresses that are shown.
const ADDRESSES: usize = 16;

pub(super) static INGRESS: Printer = Printer {
    columns: &[
        NAME,
        Column::text("Class", "Who serves it."),
        Column::text("Hosts", "Hosts that it is for."),
        Column::text("Address", "Addresses at which it is served."),
        Column::text("Ports", "Ports at which it is served."),
        AGE,
    ],
    cells: |object, now| {
        let ports = if list(object, "/spec/tls").is_empty() {
            "80"
        } else {
            "80, 443"
        };
        vec![
            name(object),
            Value::from(or(text(object, "/spec/ingressClassName"), "<none>")),
            Value::from(hosts(object)),
            Value::from(addresses(object)),
            Value::from(ports),
            age(object, now),
        ]
    },
};

fn hosts(ingress: &Value) -> String {
    let all: Vec<&str> = list(ingress, "/spec/rules")
        .iter()
        .map(|rule| text(rule, "/host"))
        .filter(|host| !host.is_empty())
        .collect();
    if all.is_empty() {
        return "*".to_owned();
    }
    let shown = all.iter().take(SHOWN).copied().collect::<Vec<_>>().join(",");
    match all.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} + {more} more..."),
    }
}

fn addresses(ingress: &Value) -> String {
    let all: BTreeSet<&str> = list(ingress, "/status/loadBalancer/ingress")
        .iter()
        .map(|ingress| or(text(ingress, "/ip"), text(ingress, "/hostname")))
        .filter(|address| !address.is_empty())
        .collect();
    let joined = all.into_iter().collect::<Vec<_>>().join(",");
    if joined.chars().count() <= ADDRESSES {
        return joined;
    }
    let kept: String = joined.chars().take(ADDRESSES - 3).collect();
    kept + "..."
}

pub(super) static INGRESS_CLASS: Printer = Printer {
    columns: &[
        NAME,
        Column::text("Controller", "Who serves the Ingresses of the class."),
        Column::text("Parameters", "Where the controller finds more."),
        AGE,
    ],
    cells: |object, now| {
        let parameters = match object.pointer("/spec/parameters").filter(|p| p.is_object()) {
            Some(parameters) => {
                let group = text(parameters, "/apiGroup");
                let dot = if group.is_empty() { "" } else { "." };
                format!(
                    "{}{dot}{group}/{}",
                    text(parameters, "/kind"),
                    text(parameters, "/name")
                )
            }
            None => "<none>".to_owned(),
        };
        vec![
            name(object),
            Value::from(text(object, "/spec/controller")),
            Value::from(parameters),
            age(object, now),
        ]
    },
};

pub(super) static NETWORK_POLICY: Printer = Printer {
    columns: &[
        NAME,
        Column::text("Pod-Selector", "Labels of the pods that it is about."),
        AGE,
    ],
    cells: |object, now| {
        let selector = selector_at(object, "/spec/podSelector");
        vec![name(object), Value::from(or(&selector, "<none>")), age(object, now)]
    },
};
