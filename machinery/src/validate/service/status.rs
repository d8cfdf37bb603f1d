//! Rules about the status of Services: the addresses of load balancers.

use std::net::IpAddr;

use serde_json::Value;

use crate::field;
use crate::status::Cause;

use super::super::at::At;
use super::super::format;
use super::super::metadata::push;

pub(in crate::validate) fn status(object: &Value, faults: &mut Vec<Cause>) {
    let ingress = At::root(object, "status").get("loadBalancer").get("ingress");
    if At::root(object, "spec").get("type").text() != "LoadBalancer" && ingress.len() > 0 {
        faults.push(field::forbidden(
            &ingress.path,
            "may only be used when `spec.type` is 'LoadBalancer'",
        ));
        return;
    }
    for point in ingress.items() {
        let (ip, mode, hostname) = (point.get("ip"), point.get("ipMode"), point.get("hostname"));
        if ip.text().is_empty() {
            if mode.is_set() {
                faults.push(field::forbidden(
                    &mode.path,
                    "may not be specified when `ip` is not set",
                ));
            }
        } else {
            push(&ip, format::ip(ip.text()), faults);
            if !mode.is_set() {
                faults.push(field::required(&mode.path, "must be specified when `ip` is set"));
            } else if !matches!(mode.text(), "Proxy" | "VIP") {
                faults.push(field::not_supported(&mode.path, mode.value, &["Proxy", "VIP"]));
            }
        }
        if !hostname.text().is_empty() {
            push(&hostname, format::dns_subdomain(hostname.text()), faults);
            if hostname.text().parse::<IpAddr>().is_ok() {
                faults.push(field::invalid(
                    &hostname.path,
                    hostname.value,
                    "must be a DNS name, not an IP address",
                ));
            }
        }
    }
}
