//! Rows of Service, Endpoints and EndpointSlice.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{AGE, Column, NAME, Printer, age, integer, joined, labels, list, name, or, text};

/// How many addresses or ports a cell names before it counts the rest.
const SHOWN: usize = 3;

pub(super) static SERVICE: Printer = Printer {
    columns: &[
        NAME,
        Column::text("Type", "How the service is exposed."),
        Column::text("Cluster-IP", "Address inside of the cluster."),
        Column::text("External-IP", "Addresses outside of the cluster."),
        Column::text("Port(s)", "Ports of the service."),
        AGE,
        Column::text("Selector", "Labels of the pods behind it.").wide(),
    ],
    cells: |object, now| {
        vec![
            name(object),
            Value::from(text(object, "/spec/type")),
            Value::from(cluster_ip(object)),
            Value::from(external_ip(object)),
            Value::from(service_ports(object)),
            age(object, now),
            Value::from(labels(object, "/spec/selector")),
        ]
    },
};

fn cluster_ip(service: &Value) -> &str {
    let first = list(service, "/spec/clusterIPs")
        .first()
        .and_then(Value::as_str)
        .unwrap_or_default();
    or(or(first, text(service, "/spec/clusterIP")), "<none>")
}

fn external_ip(service: &Value) -> String {
    let given = list(service, "/spec/externalIPs").iter().filter_map(Value::as_str);
    match text(service, "/spec/type") {
        "ClusterIP" | "NodePort" => joined(given),
        "LoadBalancer" => {
            let ingress = list(service, "/status/loadBalancer/ingress").iter();
            let addresses: BTreeSet<&str> = ingress
                .map(|ingress| or(text(ingress, "/ip"), text(ingress, "/hostname")))
                .filter(|address| !address.is_empty())
                .collect();
            let all: Vec<&str> = addresses.into_iter().chain(given).collect();
            if all.is_empty() {
                "<pending>".to_owned()
            } else {
                all.join(",")
            }
        }
        "ExternalName" => text(service, "/spec/externalName").to_owned(),
        _ => "<unknown>".to_owned(),
    }
}

fn service_ports(service: &Value) -> String {
    let ports: Vec<String> = list(service, "/spec/ports")
        .iter()
        .map(|port| {
            let (number, protocol) = (integer(port, "/port"), or(text(port, "/protocol"), "TCP"));
            match integer(port, "/nodePort") {
                0 => format!("{number}/{protocol}"),
                node_port => format!("{number}:{node_port}/{protocol}"),
            }
        })
        .collect();
    joined(ports.iter().map(String::as_str))
}

pub(super) static ENDPOINTS: Printer = Printer {
    columns: &[NAME, Column::text("Endpoints", "Addresses and ports that answer."), AGE],
    cells: |object, now| {
        let subsets = list(object, "/subsets").iter();
        let all = subsets.flat_map(|subset| {
            let addresses = || list(subset, "/addresses").iter().map(|address| text(address, "/ip"));
            let ports = list(subset, "/ports");
            if ports.is_empty() {
                return addresses().map(str::to_owned).collect::<Vec<_>>();
            }
            ports
                .iter()
                .flat_map(|port| {
                    addresses()
                        .map(|address| host_port(address, integer(port, "/port")))
                        .collect::<Vec<_>>()
                })
                .collect()
        });
        vec![name(object), Value::from(shortened(all)), age(object, now)]
    },
};

fn host_port(address: &str, port: i64) -> String {
    if address.contains(':') {
        format!("[{address}]:{port}")
    } else {
        format!("{address}:{port}")
    }
}

pub(super) static ENDPOINT_SLICE: Printer = Printer {
    columns: &[
        NAME,
        Column::text("AddressType", "IPv4, IPv6 or FQDN."),
        Column::text("Ports", "Ports of the endpoints."),
        Column::text("Endpoints", "Addresses of the endpoints."),
        AGE,
    ],
    cells: |object, now| {
        let ports = list(object, "/ports").iter().map(|port| match integer(port, "/port") {
            0 => or(text(port, "/name"), "*").to_owned(),
            number => number.to_string(),
        });
        let endpoints = list(object, "/endpoints").iter();
        let addresses = endpoints
            .flat_map(|endpoint| list(endpoint, "/addresses"))
            .filter_map(Value::as_str);
        vec![
            name(object),
            Value::from(text(object, "/addressType")),
            Value::from(shortened_or(ports, "<unset>")),
            Value::from(shortened_or(addresses.map(str::to_owned), "<unset>")),
            age(object, now),
        ]
    },
};

fn shortened(all: impl Iterator<Item = String>) -> String {
    shortened_or(all, "<none>")
}

/// The first few, and how many more there are.
fn shortened_or(mut all: impl Iterator<Item = String>, none: &str) -> String {
    let shown: Vec<String> = all.by_ref().take(SHOWN).collect();
    let more = all.count();
    match (shown.is_empty(), more) {
        (true, _) => none.to_owned(),
        (false, 0) => shown.join(","),
        (false, more) => format!("{} + {more} more...", shown.join(",")),
    }
}
