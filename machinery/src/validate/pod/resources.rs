//! Resource requests and limits of containers.

use serde_json::Value;

use crate::field;
use crate::quantity::Quantity;
use crate::status::Cause;

use super::super::at::At;
use super::super::format;
use super::super::metadata::push;

pub(super) fn requirements(resources: &At<'_>, faults: &mut Vec<Cause>) {
    let (limits, requests) = (resources.get("limits"), resources.get("requests"));
    for (name, amount) in limits.entries() {
        entry(name, &amount, faults);
    }
    for (name, amount) in requests.entries() {
        entry(name, &amount, faults);
        let limit = limits.entry(name);
        let elastic = is_elastic(name);
        match (Quantity::from_value(amount.value), Quantity::from_value(limit.value)) {
            (Some(wanted), Some(most)) if wanted != most && !elastic => {
                let detail = format!("must be equal to {name} limit of {}", most.canonical());
                faults.push(field::invalid(
                    &requests.path,
                    &Value::from(wanted.canonical()),
                    &detail,
                ));
            }
            (Some(wanted), Some(most)) if wanted > most => {
                let detail = format!("must be less than or equal to {name} limit of {}", most.canonical());
                faults.push(field::invalid(
                    &requests.path,
                    &Value::from(wanted.canonical()),
                    &detail,
                ));
            }
            (Some(_), None) if !elastic => {
                faults.push(field::required(
                    &limits.path,
                    "Limit must be set for non overcommitable resources",
                ));
            }
            _ => {}
        }
    }
}

fn entry(name: &str, amount: &At<'_>, faults: &mut Vec<Cause>) {
    container_resource(name, amount, faults);
    if Quantity::from_value(amount.value).is_some_and(|q| q.is_negative()) {
        faults.push(field::invalid(
            &amount.path,
            amount.value,
            "must be greater than or equal to 0",
        ));
    }
}

/// The name of a resource that a container may ask for; `amount` stands where it is named.
pub(in super::super) fn container_resource(name: &str, amount: &At<'_>, faults: &mut Vec<Cause>) {
    let value = Value::from(name);
    let here = At {
        value: &value,
        path: amount.path.clone(),
    };
    let wrong = format::qualified_name(name);
    if wrong.is_empty() && !name.contains('/') && !is_standard(name) {
        push(
            &here,
            vec!["must be a standard resource type or fully qualified".to_owned()],
            faults,
        );
        push(
            &here,
            vec!["must be a standard resource for containers".to_owned()],
            faults,
        );
    }
    push(&here, wrong, faults);
}

fn is_standard(name: &str) -> bool {
    matches!(name, "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-")
}

/// Whether more may be promised than there is.
fn is_elastic(name: &str) -> bool {
    (!name.contains('/') || name.contains("kubernetes.io/")) && !name.starts_with("hugepages-")
}
