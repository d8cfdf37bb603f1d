//! Rules about Endpoints and EndpointSlices.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::Value;

use crate::field;
use crate::status::Cause;

use super::at::{At, same};
use super::format;
use super::metadata::push;

const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];
const ADDRESS_TYPES: [&str; 3] = ["FQDN", "IPv4", "IPv6"];

pub(super) fn endpoints(object: &Value, old: Option<&Value>, faults: &mut Vec<Cause>) {
    let subsets = At::root(object, "subsets");
    // What older rules let in stays while it is not touched.
    if old.is_some_and(|old| same(At::root(old, "subsets").value, subsets.value)) {
        return;
    }
    for subset in subsets.items() {
        let (ready, not_ready, ports) = (
            subset.get("addresses"),
            subset.get("notReadyAddresses"),
            subset.get("ports"),
        );
        if ready.len() + not_ready.len() == 0 {
            faults.push(field::required(
                &subset.path,
                "must specify `addresses` or `notReadyAddresses`",
            ));
        }
        for address in ready.items().chain(not_ready.items()) {
            let (hostname, node) = (address.get("hostname"), address.get("nodeName"));
            if !hostname.text().is_empty() {
                push(&hostname, format::dns_label(hostname.text()), faults);
            }
            if node.is_set() {
                push(&node, format::dns_subdomain(node.text()), faults);
            }
            push(&address.get("ip"), format::ip(address.get("ip").text()), faults);
            endpoint_ip(&address.get("ip"), faults);
        }
        for port in ports.items() {
            let (name, number) = (port.get("name"), port.get("port"));
            if name.text().is_empty() {
                if ports.len() > 1 {
                    faults.push(field::required(&name.path, ""));
                }
            } else {
                push(&name, format::dns_label(name.text()), faults);
            }
            push(&number, format::port_number(number.number().unwrap_or(0)), faults);
            protocol(&port, faults);
        }
    }
}

/// The protocol of a port, and the protocol above it.
pub(super) fn protocol(port: &At<'_>, faults: &mut Vec<Cause>) {
    let (protocol, app) = (port.get("protocol"), port.get("appProtocol"));
    match protocol.text() {
        "" => faults.push(field::required(&protocol.path, "")),
        text if PROTOCOLS.contains(&text) => {}
        _ => faults.push(field::not_supported(&protocol.path, protocol.value, &PROTOCOLS)),
    }
    if app.is_set() {
        push(&app, format::qualified_name(app.text()), faults);
    }
}

/// An address that traffic may be sent to.
pub(super) fn endpoint_ip(at: &At<'_>, faults: &mut Vec<Cause>) {
    let Ok(ip) = at.text().parse::<IpAddr>() else {
        push(at, vec!["must be a valid IP address".to_owned()], faults);
        return;
    };
    let (link_local, link_multicast) = match ip {
        IpAddr::V4(v4) => (v4.is_link_local(), matches!(v4.octets(), [224, 0, 0, _])),
        IpAddr::V6(v6) => (
            v6.is_unicast_link_local(),
            v6.segments().first().is_some_and(|s| s & 0xff0f == 0xff02),
        ),
    };
    let mut wrong = Vec::new();
    if ip.is_unspecified() {
        wrong.push(format!("may not be unspecified ({})", at.text()));
    }
    if ip.is_loopback() {
        wrong.push("may not be in the loopback range (127.0.0.0/8, ::1/128)".to_owned());
    }
    if link_local {
        wrong.push("may not be in the link-local range (169.254.0.0/16, fe80::/10)".to_owned());
    }
    if link_multicast {
        wrong.push("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)".to_owned());
    }
    push(at, wrong, faults);
}

pub(super) fn slice(object: &Value, old: Option<&Value>, faults: &mut Vec<Cause>) {
    let address_type = At::root(object, "addressType");
    match address_type.text() {
        "" => faults.push(field::required(&address_type.path, "")),
        text if ADDRESS_TYPES.contains(&text) => {}
        _ => faults.push(field::not_supported(
            &address_type.path,
            address_type.value,
            &ADDRESS_TYPES,
        )),
    }
    slice_ports(&At::root(object, "ports"), faults);
    let endpoints = At::root(object, "endpoints");
    if old.is_none_or(|old| !same(At::root(old, "endpoints").value, endpoints.value)) {
        slice_endpoints(&endpoints, address_type.text(), faults);
    }
}

fn slice_ports(ports: &At<'_>, faults: &mut Vec<Cause>) {
    if ports.len() > 20_000 {
        faults.push(field::too_many(&ports.path, ports.len(), 20_000));
        return;
    }
    let mut names = BTreeSet::new();
    for port in ports.items() {
        let name = port.get("name");
        if !name.text().is_empty() {
            push(&name, format::dns_label(name.text()), faults);
        }
        if !names.insert(name.text()) {
            faults.push(field::duplicate(&name.path, name.value));
        }
        protocol(&port, faults);
    }
}

fn slice_endpoints(endpoints: &At<'_>, address_type: &str, faults: &mut Vec<Cause>) {
    if endpoints.len() > 1_000 {
        faults.push(field::too_many(&endpoints.path, endpoints.len(), 1_000));
        return;
    }
    for endpoint in endpoints.items() {
        let (addresses, node, hostname) = (
            endpoint.get("addresses"),
            endpoint.get("nodeName"),
            endpoint.get("hostname"),
        );
        if addresses.len() == 0 {
            faults.push(field::required(&addresses.path, "must contain at least 1 address"));
        } else if addresses.len() > 100 {
            faults.push(field::too_many(&addresses.path, addresses.len(), 100));
        }
        for address in addresses.items() {
            match address_type {
                "IPv4" | "IPv6" => {
                    endpoint_ip(&address, faults);
                    let fits = address
                        .text()
                        .parse::<IpAddr>()
                        .map(|ip| ip.is_ipv4() == (address_type == "IPv4"));
                    if fits == Ok(false) {
                        faults.push(field::invalid(
                            &addresses.path,
                            address.value,
                            &format!("must be an {address_type} address"),
                        ));
                    }
                }
                _ => push(&address, format::dns_subdomain(address.text()), faults),
            }
        }
        if node.is_set() {
            push(&node, format::dns_subdomain(node.text()), faults);
        }
        if hostname.is_set() {
            push(&hostname, format::dns_label(hostname.text()), faults);
        }
        let zones = endpoint.get("hints").get("forZones");
        for zone in zones.items() {
            let name = zone.get("name");
            push(&name, format::label_value(name.text()), faults);
        }
    }
}

pub(super) fn update_slice(new: &Value, old: &Value, faults: &mut Vec<Cause>) {
    let (now, then) = (At::root(new, "addressType"), At::root(old, "addressType"));
    if now.value != then.value {
        faults.push(field::invalid(&now.path, now.value, "field is immutable"));
    }
}
