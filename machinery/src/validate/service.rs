//! Rules about Services.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::{Value, json};

use crate::field;
use crate::status::Cause;

use super::at::At;
use super::endpoints::{endpoint_ip, protocol};
use super::metadata::push;
use super::{format, selector};

mod change;
mod status;

pub(super) use change::update;
pub(super) use status::status;

const TYPES: [&str; 4] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const AFFINITIES: [&str; 2] = ["ClientIP", "None"];
const POLICIES: [&str; 2] = ["Cluster", "Local"];
const FAMILIES: [&str; 2] = ["IPv4", "IPv6"];
const FAMILY_POLICIES: [&str; 3] = ["PreferDualStack", "RequireDualStack", "SingleStack"];
const DISTRIBUTIONS: [&str; 3] = ["PreferClose", "PreferSameZone", "PreferSameNode"];
const ONLY_BALANCED: &str = "may only be used when `type` is 'LoadBalancer'";
const AFFINITY_MAX: i64 = 86_400;

const TOPOLOGY_MODE: &str = "service.kubernetes.io/topology-mode";
const TOPOLOGY_HINTS: &str = "service.kubernetes.io/topology-aware-hints";

pub(super) fn create(object: &Value, faults: &mut Vec<Cause>) {
    let spec = At::root(object, "spec");
    let kind = spec.get("type");
    let ports = spec.get("ports");
    if ports.len() == 0 && !is_headless(&spec) && kind.text() != "ExternalName" {
        faults.push(field::required(&ports.path, ""));
    }
    by_type(&spec, faults);
    let mut names = BTreeSet::new();
    for each in ports.items() {
        port(&each, ports.len() > 1, &mut names, faults);
    }
    selector::labels(&spec.get("selector"), faults);
    affinity(&spec, faults);
    if kind.text() != "ExternalName" {
        cluster_ips(&spec, faults);
    }
    for ip in spec.get("externalIPs").items() {
        let wrong = format::ip(ip.text());
        if wrong.is_empty() {
            endpoint_ip(&ip, faults);
        }
        push(&ip, wrong, faults);
    }
    one_of(&kind, &TYPES, faults);
    topology(&At::root(object, "metadata").get("annotations"), faults);
    port_clashes(&spec, faults);
    balancing(&spec, faults);
    traffic(&spec, faults);
}

fn one_of(at: &At<'_>, allowed: &[&str], faults: &mut Vec<Cause>) {
    match at.text() {
        "" => faults.push(field::required(&at.path, "")),
        text if allowed.contains(&text) => {}
        _ => faults.push(field::not_supported(&at.path, at.value, allowed)),
    }
}

/// The cluster IPs that are asked for, under either name of the field.
fn wanted_ips(spec: &At<'_>) -> Vec<String> {
    let many: Vec<String> = spec.get("clusterIPs").items().map(|ip| ip.text().to_owned()).collect();
    let one = spec.get("clusterIP").text();
    if many.is_empty() && !one.is_empty() {
        vec![one.to_owned()]
    } else {
        many
    }
}

fn is_headless(spec: &At<'_>) -> bool {
    wanted_ips(spec) == ["None"]
}

fn by_type(spec: &At<'_>, faults: &mut Vec<Cause>) {
    let (ips, kind) = (spec.get("clusterIPs"), spec.get("type"));
    match kind.text() {
        "LoadBalancer" | "NodePort" if is_headless(spec) => {
            let detail = format!("may not be set to 'None' for {} services", kind.text());
            faults.push(field::invalid(&ips.path.index(0), &Value::from("None"), &detail));
        }
        "ExternalName" => {
            for name in ["clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
                let at = spec.get(name);
                let given =
                    at.len() > 0 || at.value.is_string() || (name == "clusterIPs" && !wanted_ips(spec).is_empty());
                if given {
                    faults.push(field::forbidden(&at.path, "may not be set for ExternalName services"));
                }
            }
            let name = spec.get("externalName");
            match name.text().strip_suffix('.').unwrap_or(name.text()) {
                "" => faults.push(field::required(&name.path, "")),
                text => push(&name, format::dns_subdomain(text), faults),
            }
        }
        // The other types have no rules of their own here.
        _ => {}
    }
}

fn port<'a>(port: &At<'a>, needs_name: bool, names: &mut BTreeSet<&'a str>, faults: &mut Vec<Cause>) {
    let (name, number, target) = (port.get("name"), port.get("port"), port.get("targetPort"));
    if name.text().is_empty() {
        if needs_name {
            faults.push(field::required(&name.path, ""));
        }
    } else {
        push(&name, format::dns_label(name.text()), faults);
        if !names.insert(name.text()) {
            faults.push(field::duplicate(&name.path, name.value));
        }
    }
    let wrong = format::port_number(number.number().unwrap_or(0));
    let bad = json!(number.number().unwrap_or(0));
    faults.extend(wrong.iter().map(|detail| field::invalid(&number.path, &bad, detail)));
    protocol(port, faults);
    port_or_name(&target, faults);
    let node_port = port.get("nodePort");
    if let Some(number) = node_port.number().filter(|n| *n != 0) {
        push(&node_port, format::port_number(number), faults);
    }
}

/// A port by number or by name.
/// Two names of one annotation: where both are there they must agree.
fn topology(annotations: &At<'_>, faults: &mut Vec<Cause>) {
    let (mode, hints) = (annotations.entry(TOPOLOGY_MODE), annotations.entry(TOPOLOGY_HINTS));
    if mode.is_set() && hints.is_set() && mode.text() != hints.text() {
        let detail = format!("must match annotations[{TOPOLOGY_HINTS}] when both are specified");
        faults.push(field::invalid(&mode.path, mode.value, &detail));
    }
}

pub(super) fn port_or_name(at: &At<'_>, faults: &mut Vec<Cause>) {
    match at.value {
        Value::String(name) => push(at, format::port_name(name), faults),
        Value::Null => {
            faults.extend(
                format::port_number(0)
                    .iter()
                    .map(|detail| field::invalid(&at.path, &json!(0), detail)),
            );
        }
        _ => push(at, format::port_number(at.number().unwrap_or(0)), faults),
    }
}

fn affinity(spec: &At<'_>, faults: &mut Vec<Cause>) {
    let (affinity, config) = (spec.get("sessionAffinity"), spec.get("sessionAffinityConfig"));
    one_of(&affinity, &AFFINITIES, faults);
    let seconds = config.get("clientIP").get("timeoutSeconds");
    match affinity.text() {
        "ClientIP" => match seconds.number() {
            None => faults.push(field::required(&seconds.path, "when session affinity type is ClientIP")),
            Some(n) if !(1..=AFFINITY_MAX).contains(&n) => {
                let detail = format!("must be greater than 0 and less than {AFFINITY_MAX}");
                faults.push(field::invalid(&seconds.path, seconds.value, &detail));
            }
            Some(_) => {}
        },
        "None" if config.is_set() => {
            faults.push(field::forbidden(
                &config.path,
                "must not be set when session affinity is None",
            ));
        }
        // Told above.
        _ => {}
    }
}

fn cluster_ips(spec: &At<'_>, faults: &mut Vec<Cause>) {
    let (one, many) = (spec.get("clusterIP"), spec.get("clusterIPs"));
    let first = many.items().next().map(|ip| ip.text().to_owned()).unwrap_or_default();
    if !one.text().is_empty() && many.len() > 0 && first != one.text() {
        faults.push(field::invalid(
            &many.path,
            many.value,
            "first value must match `clusterIP`",
        ));
    }
    let families = spec.get("ipFamilies");
    let mut seen = BTreeSet::new();
    for family in families.items() {
        if !FAMILIES.contains(&family.text()) {
            faults.push(field::not_supported(&family.path, family.value, &FAMILIES));
        }
        if !seen.insert(family.text()) {
            faults.push(field::duplicate(&family.path, family.value));
        }
    }
    let policy = spec.get("ipFamilyPolicy");
    if policy.is_set() {
        one_of(&policy, &FAMILY_POLICIES, faults);
        // Whose selector is empty finds its addresses elsewhere, of whatever family.
        let elsewhere = is_headless(spec) && spec.get("selector").len() == 0;
        if policy.text() == "RequireDualStack" && !elsewhere {
            let detail = "this cluster is not configured for dual-stack services";
            faults.push(field::invalid(&policy.path, policy.value, detail));
        }
    }
    let ips = wanted_ips(spec);
    let before = faults.len();
    for (index, ip) in ips.iter().enumerate() {
        if index == 0 && ip == "None" {
            if ips.len() > 1 {
                faults.push(field::invalid(
                    &many.path,
                    many.value,
                    "'None' must be the first and only value",
                ));
            }
            continue;
        }
        let value = Value::from(ip.as_str());
        push(
            &At {
                value: &value,
                path: many.path.index(index),
            },
            format::ip(ip),
            faults,
        );
    }
    if ips.len() > 2 {
        faults.push(field::invalid(&many.path, many.value, "may only hold up to 2 values"));
    }
    if faults.len() > before || is_headless(spec) {
        return;
    }
    let parsed: Vec<IpAddr> = ips.iter().filter_map(|ip| ip.parse().ok()).collect();
    if let [a, b] = parsed.as_slice()
        && a.is_ipv4() == b.is_ipv4()
    {
        faults.push(field::invalid(
            &many.path,
            many.value,
            "may specify no more than one IP for each IP family",
        ));
    }
    for (index, (ip, family)) in parsed.iter().zip(families.items()).enumerate() {
        if (family.text() == "IPv4") != ip.is_ipv4() && FAMILIES.contains(&family.text()) {
            let detail = format!(
                "expected an {} value as indicated by `ipFamilies[{index}]`",
                family.text()
            );
            faults.push(field::invalid(
                &many.path.index(index),
                &Value::from(ip.to_string()),
                &detail,
            ));
        }
    }
}

fn port_clashes(spec: &At<'_>, faults: &mut Vec<Cause>) {
    let (mut node_ports, mut ports) = (BTreeSet::new(), BTreeSet::new());
    for port in spec.get("ports").items() {
        let (protocol, node_port) = (port.get("protocol").text(), port.get("nodePort"));
        if let Some(number) = node_port.number().filter(|n| *n != 0) {
            if spec.get("type").text() == "ClusterIP" {
                faults.push(field::forbidden(
                    &node_port.path,
                    "may not be used when `type` is 'ClusterIP'",
                ));
            }
            if !node_ports.insert((protocol, number)) {
                faults.push(field::duplicate(&node_port.path, node_port.value));
            }
        }
        let number = port.get("port").number().unwrap_or(0);
        if !ports.insert((protocol, number)) {
            faults.push(field::duplicate(
                &port.path,
                &json!({"protocol": protocol, "port": number}),
            ));
        }
    }
}

fn balancing(spec: &At<'_>, faults: &mut Vec<Cause>) {
    let balanced = spec.get("type").text() == "LoadBalancer";
    let ranges = spec.get("loadBalancerSourceRanges");
    if ranges.len() > 0 {
        let path = spec.path.child("LoadBalancerSourceRanges");
        if !balanced {
            faults.push(field::forbidden(&path, ONLY_BALANCED));
        }
        for (index, range) in ranges.items().enumerate() {
            push(
                &At {
                    value: range.value,
                    path: path.index(index),
                },
                format::cidr(range.text().trim()),
                faults,
            );
        }
    }
    let allocate = spec.get("allocateLoadBalancerNodePorts");
    if allocate.is_set() && !balanced {
        faults.push(field::forbidden(&allocate.path, ONLY_BALANCED));
    }
    let class = spec.get("loadBalancerClass");
    if class.is_set() {
        if balanced {
            push(&class, format::qualified_name(class.text()), faults);
        } else {
            faults.push(field::forbidden(&class.path, ONLY_BALANCED));
        }
    }
}

fn traffic(spec: &At<'_>, faults: &mut Vec<Cause>) {
    let kind = spec.get("type");
    let exposed = matches!(kind.text(), "LoadBalancer" | "NodePort")
        || (kind.text() == "ClusterIP" && spec.get("externalIPs").len() > 0);
    let (external, internal) = (spec.get("externalTrafficPolicy"), spec.get("internalTrafficPolicy"));
    if exposed {
        one_of(&external, &POLICIES, faults);
    } else if !external.text().is_empty() {
        faults.push(field::invalid(
            &external.path,
            external.value,
            "may only be set for externally-accessible services",
        ));
    }
    let check = spec.get("healthCheckNodePort");
    if let Some(number) = check.number().filter(|n| *n != 0) {
        if kind.text() == "LoadBalancer" && external.text() == "Local" {
            push(&check, format::port_number(number), faults);
        } else {
            let detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
            faults.push(field::invalid(&check.path, check.value, detail));
        }
    }
    if internal.is_set() || matches!(kind.text(), "ClusterIP" | "LoadBalancer" | "NodePort") {
        one_of(&internal, &POLICIES, faults);
    }
    let distribution = spec.get("trafficDistribution");
    if distribution.is_set() {
        one_of(&distribution, &DISTRIBUTIONS, faults);
    }
}
