//! Rules about Clusters.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::field;
use crate::status::Cause;

use super::super::at::At;
use super::super::metadata::push;
use super::super::{format, node};
use super::labels_once;

pub(super) fn cluster(spec: &At<'_>, faults: &mut Vec<Cause>) {
    let endpoint = spec.get("apiEndpoint");
    if endpoint.is_set() {
        push(&endpoint, url(endpoint.text()), faults);
    }
    let bundle = spec.get("caBundle");
    if bundle.is_set() {
        let pem = STANDARD.decode(bundle.text()).unwrap_or_default();
        let marker = b"-----BEGIN CERTIFICATE-----";
        if !pem.windows(marker.len()).any(|window| window == marker) {
            let detail = "must be base64 of one or more PEM certificates";
            faults.push(field::invalid(
                &bundle.path,
                &serde_json::Value::from("<certificates>"),
                detail,
            ));
        }
    }
    let secret = spec.get("secretRef");
    if secret.is_set() {
        let (namespace, name) = (secret.get("namespace"), secret.get("name"));
        push(&namespace, format::dns_label(namespace.text()), faults);
        push(&name, format::dns_subdomain(name.text()), faults);
    }
    let region = spec.get("region");
    if region.is_set() {
        push(&region, format::dns_label(region.text()), faults);
    }
    labels_once(&spec.get("zones"), faults);
    let provider = spec.get("provider");
    if provider.is_set() {
        push(&provider, format::label_value(provider.text()), faults);
    }
    node::taints(&spec.get("taints"), faults);
    for address in spec.get("dns").get("addresses").items() {
        push(&address, format::ip(address.text()), faults);
    }
    for word in spec.get("dns").get("overrides").items() {
        let (address, until) = (word.get("address"), word.get("until"));
        if address.is_set() {
            push(&address, format::ip(address.text()), faults);
        }
        if until.text().parse::<jiff::Timestamp>().is_err() {
            faults.push(field::invalid(
                &until.path,
                &serde_json::Value::from(until.text()),
                "must be a time such as 2026-01-31T12:00:00Z (RFC 3339)",
            ));
        }
    }
}

/// An http or https URL with a host and without a user.
fn url(text: &str) -> Vec<String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let authority = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    match authority {
        None => vec!["must be a URL that begins with https:// (or http://)".to_owned()],
        Some(authority) if authority.is_empty() || authority.starts_with(':') => vec!["must have a host".to_owned()],
        Some(authority) if authority.contains('@') => vec!["must not carry a user or a password".to_owned()],
        Some(authority) => {
            let port = authority
                .rsplit_once(':')
                .filter(|(_, port)| !port.contains(']'))
                .map(|(_, port)| port);
            let bad_port = port.is_some_and(|port| port.parse::<u16>().is_err());
            let odd = text.chars().any(|c| c.is_whitespace() || c.is_control());
            if bad_port || odd {
                vec!["must be a valid URL, for example https://203.0.113.7:6443".to_owned()]
            } else {
                Vec::new()
            }
        }
    }
}
