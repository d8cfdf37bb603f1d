//! Rules about DNSPolicies.

use serde_json::Value;

use crate::field;
use crate::status::Cause;

use super::super::at::At;
use super::super::metadata::push;
use super::super::{format, selector};
use super::{between, labels_once};

const DAY: i64 = 86_400;

pub(super) fn dns_policy(spec: &At<'_>, faults: &mut Vec<Cause>) {
    selector::label_selector(&spec.get("selector"), faults);
    labels_once(&spec.get("services"), faults);
    let weights = spec.get("weights");
    for (cluster, _) in weights.entries() {
        let wrong = format::dns_label(cluster);
        faults.extend(
            wrong
                .iter()
                .map(|detail| field::invalid(&weights.path, &Value::from(cluster), detail)),
        );
    }
    if weights.len() > 0 && weights.entries().all(|(_, weight)| weight.number() == Some(0)) {
        faults.push(field::invalid(
            &weights.path,
            weights.value,
            "at least one weight must be greater than 0",
        ));
    }
    let order = spec.get("order");
    labels_once(&order, faults);
    if spec.get("steering").text() == "Failover" && order.len() == 0 {
        faults.push(field::required(&order.path, "when `steering` is 'Failover'"));
    }
    between(&spec.get("ttl"), 1, 3600, faults);
    between(&spec.get("maxAnswers"), 1, 100, faults);
    let probe = spec.get("probe");
    let port = probe.get("port");
    if let Some(number) = port.number() {
        push(&port, format::port_number(number), faults);
    }
    between(&probe.get("intervalSeconds"), 1, DAY, faults);
    between(&probe.get("timeoutSeconds"), 1, 10, faults);
    between(&probe.get("failureThreshold"), 1, 100, faults);
    between(&probe.get("successThreshold"), 1, 100, faults);
    let (path, host) = (probe.get("path"), probe.get("host"));
    let is_http = matches!(probe.get("type").text(), "Http" | "Https");
    for (at, set) in [(&path, path.is_set()), (&host, host.is_set())] {
        if set && !is_http {
            faults.push(field::forbidden(&at.path, "is of probes of the type 'Http' or 'Https'"));
        }
    }
    let printable = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    if path.is_set() && !(path.text().starts_with('/') && printable(path.text())) {
        let detail = "must begin with '/' and hold no blanks";
        faults.push(field::invalid(&path.path, path.value, detail));
    }
    if host.is_set() {
        push(&host, format::dns_subdomain(host.text()), faults);
    }
}
