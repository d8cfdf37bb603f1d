//! Rules about Placements.

use std::collections::BTreeSet;

use crate::field;
use crate::status::Cause;

use super::super::at::At;
use super::super::format;
use super::super::metadata::push;
use super::super::workload::not_negative;

pub(super) fn placement(spec: &At<'_>, faults: &mut Vec<Cause>) {
    let resource = spec.get("resource");
    for name in ["apiVersion", "kind", "name"] {
        let at = resource.get(name);
        if at.text().is_empty() {
            faults.push(field::required(&at.path, ""));
        }
    }
    let mut seen = BTreeSet::new();
    for cluster in spec.get("clusters").items() {
        let name = cluster.get("name");
        push(&name, format::dns_label(name.text()), faults);
        if !seen.insert(name.text()) {
            faults.push(field::duplicate(&name.path, name.value));
        }
        not_negative(&cluster.get("replicas"), faults);
    }
}
