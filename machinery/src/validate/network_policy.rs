//! Rules about NetworkPolicies.

use std::net::IpAddr;

use serde_json::Value;

use crate::field;
use crate::status::Cause;

use super::at::At;
use super::metadata::push;
use super::{format, selector};

pub(super) fn network_policy(object: &Value, old: Option<&Value>, faults: &mut Vec<Cause>) {
    let spec = At::root(object, "spec");
    selector::label_selector(&spec.get("podSelector"), faults);
    for (rules, peers) in [("ingress", "from"), ("egress", "to")] {
        for rule in spec.get(rules).items() {
            for each in rule.get("ports").items() {
                port(&each, faults);
            }
            for each in rule.get(peers).items() {
                peer(&each, faults);
                exact(&each.get("ipBlock"), old, faults);
            }
        }
    }
    let types = spec.get("policyTypes");
    if types.len() > 2 {
        let detail = "may not specify more than two policyTypes";
        faults.push(field::invalid(&types.path, types.value, detail));
        return;
    }
    for type_ in types.items() {
        if !matches!(type_.text(), "Ingress" | "Egress") {
            faults.push(field::not_supported(&type_.path, type_.value, &["Ingress", "Egress"]));
        }
    }
}

fn port(at: &At<'_>, faults: &mut Vec<Cause>) {
    let (protocol, port, end) = (at.get("protocol"), at.get("port"), at.get("endPort"));
    if protocol.is_set() && !matches!(protocol.text(), "TCP" | "UDP" | "SCTP") {
        let known = ["TCP", "UDP", "SCTP"];
        faults.push(field::not_supported(&protocol.path, protocol.value, &known));
    }
    let mut range = |bad: &Value, detail: &str| faults.push(field::invalid(&end.path, bad, detail));
    match (port.value, end.number()) {
        // The port is what is told here.
        (Value::Number(_), Some(last)) if port.number().is_some_and(|first| last < first) => {
            range(port.value, "must be greater than or equal to `port`");
        }
        (Value::Number(_), Some(last)) => {
            for fault in format::port_number(last) {
                range(end.value, &fault);
            }
        }
        (Value::String(_), Some(_)) => range(end.value, "may not be specified when `port` is non-numeric"),
        (_, Some(_)) => range(end.value, "may not be specified when `port` is not specified"),
        (_, None) => {}
    }
    match port.value {
        Value::Number(_) => push(&port, format::port_number(port.number().unwrap_or(0)), faults),
        Value::String(name) => push(&port, format::port_name(name), faults),
        _ => {}
    }
}

fn peer(at: &At<'_>, faults: &mut Vec<Cause>) {
    let (pods, namespaces, block) = (at.get("podSelector"), at.get("namespaceSelector"), at.get("ipBlock"));
    for chosen in [&pods, &namespaces] {
        selector::label_selector(chosen, faults);
    }
    let others = pods.is_set() || namespaces.is_set();
    if block.is_set() {
        ip_block(&block, faults);
    }
    if !others && !block.is_set() {
        faults.push(field::required(&at.path, "must specify a peer"));
    } else if others && block.is_set() {
        faults.push(field::forbidden(
            &at.path,
            "may not specify both ipBlock and another peer",
        ));
    }
}

fn ip_block(block: &At<'_>, faults: &mut Vec<Cause>) {
    let cidr = block.get("cidr");
    if cidr.text().is_empty() {
        faults.push(field::required(&cidr.path, ""));
        return;
    }
    let wrong = format::cidr(cidr.text());
    let whole = network(cidr.text());
    push(&cidr, wrong, faults);
    for except in block.get("except").items() {
        let wrong = format::cidr(except.text());
        let good = wrong.is_empty();
        push(&except, wrong, faults);
        let inside = match (whole, network(except.text())) {
            (Some(whole), Some(part)) => part.is_strictly_inside(whole),
            _ => true,
        };
        if good && !inside {
            faults.push(field::invalid(
                &except.path,
                except.value,
                "must be a strict subset of `cidr`",
            ));
        }
    }
}

/// Networks must not say more than their length counts. What was stored when that was not asked may stay.
fn exact(block: &At<'_>, old: Option<&Value>, faults: &mut Vec<Cause>) {
    let stored = old.map(Value::to_string).unwrap_or_default();
    for at in std::iter::once(block.get("cidr")).chain(block.get("except").items()) {
        let beyond = network(at.text()).is_some_and(Network::has_bits_beyond);
        if beyond && !stored.contains(&field::quoted(at.text())) {
            let detail = "must not have bits set beyond the prefix length";
            faults.push(field::invalid(&at.path, at.value, detail));
        }
    }
}

/// A network as the bits of its address, how many of them count, and how many there are.
#[derive(Clone, Copy)]
struct Network {
    bits: u128,
    length: u32,
    width: u32,
}

impl Network {
    fn has_bits_beyond(self) -> bool {
        let rest = self.width.saturating_sub(self.length);
        let mask = 1_u128.checked_shl(rest).map_or(u128::MAX, |bit| bit - 1);
        self.bits & mask != 0
    }

    fn is_strictly_inside(self, whole: Self) -> bool {
        let shift = whole.width.saturating_sub(whole.length);
        let head = |bits: u128| bits.checked_shr(shift).unwrap_or(0);
        self.width == whole.width && self.length > whole.length && head(self.bits) == head(whole.bits)
    }
}

fn network(text: &str) -> Option<Network> {
    let (address, length) = text.split_once('/')?;
    let length = length.parse().ok()?;
    Some(match address.parse().ok()? {
        IpAddr::V4(ip) => Network {
            bits: u128::from(u32::from(ip)),
            length,
            width: 32,
        },
        IpAddr::V6(ip) => Network {
            bits: u128::from(ip),
            length,
            width: 128,
        },
    })
}
