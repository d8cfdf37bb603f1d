//! Rules about Meridian's own kinds.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::field;
use crate::status::Cause;

use super::at::At;
use super::metadata::push;
use super::{format, structural};

mod cluster;
mod dns_policy;
mod overrides;
mod placement;
mod policy;
mod region;

/// Judges an object of one of our kinds. Kinds that only Meridian itself writes are judged by their schema alone.
pub(super) fn check(kind: &str, object: &Value, faults: &mut Vec<Cause>) {
    structural::check(kind, object, faults);
    let spec = At::root(object, "spec");
    let namespace = At::root(object, "metadata").get("namespace").text();
    match kind {
        "Cluster" => cluster::cluster(&spec, faults),
        "PropagationPolicy" => policy::policy(&spec, Some(namespace), faults),
        "ClusterPropagationPolicy" => policy::policy(&spec, None, faults),
        "OverridePolicy" => overrides::overrides(&spec, Some(namespace), faults),
        "ClusterOverridePolicy" => overrides::overrides(&spec, None, faults),
        "Placement" => placement::placement(&spec, faults),
        "Region" => region::region(&spec, At::root(object, "metadata").get("name").text(), faults),
        "DNSPolicy" => dns_policy::dns_policy(&spec, faults),
        // Kinds are data here.
        _ => {}
    }
}

/// Names of clusters, regions or zones: DNS labels, each once.
fn labels_once(list: &At<'_>, faults: &mut Vec<Cause>) {
    let mut seen = BTreeSet::new();
    for item in list.items() {
        push(&item, format::dns_label(item.text()), faults);
        if !seen.insert(item.text()) {
            faults.push(field::duplicate(&item.path, item.value));
        }
    }
}

/// A number that is there lies within bounds.
fn between(at: &At<'_>, least: i64, most: i64, faults: &mut Vec<Cause>) {
    if at.number().is_some_and(|n| !(least..=most).contains(&n)) {
        faults.push(field::invalid(
            &at.path,
            at.value,
            &format!("must be between {least} and {most}, inclusive"),
        ));
    }
}
