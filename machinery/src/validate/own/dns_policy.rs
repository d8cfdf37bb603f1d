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
}
