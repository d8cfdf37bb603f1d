//! Rules of rules: which operations on which resources something is about.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::field;
use crate::status::Cause;
use crate::validate::at::At;

const OPERATIONS: [&str; 5] = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];

/// A `RuleWithOperations`.
pub(super) fn rule(rule: &At<'_>, faults: &mut Vec<Cause>) {
    let operations = rule.get("operations");
    alone(&operations, "operations", faults);
    for operation in operations.items() {
        if !OPERATIONS.contains(&operation.text()) {
            faults.push(field::not_supported(&operation.path, operation.value, &OPERATIONS));
        }
    }
    alone(&rule.get("apiGroups"), "API groups", faults);
    let versions = rule.get("apiVersions");
    alone(&versions, "API versions", faults);
    for version in versions.items().filter(|version| version.text().is_empty()) {
        faults.push(field::required(&version.path, ""));
    }
    resources(&rule.get("resources"), faults);
    super::word(&rule.get("scope"), &["*", "Cluster", "Namespaced"], faults);
}

fn texts<'a>(list: &At<'a>) -> Vec<&'a str> {
    list.items().map(|item| item.text()).collect()
}

/// Something must be said, and `*` says all there is to say.
fn alone(list: &At<'_>, what: &str, faults: &mut Vec<Cause>) {
    let all = texts(list);
    if all.is_empty() {
        faults.push(field::required(&list.path, ""));
    }
    if all.contains(&"*") && all.len() > 1 {
        let detail = format!("if '*' is present, must not specify other {what}");
        faults.push(field::invalid(&list.path, &json!(all), &detail));
    }
}

fn resources(list: &At<'_>, faults: &mut Vec<Cause>) {
    let all = texts(list);
    if all.is_empty() {
        faults.push(field::required(&list.path, ""));
    }
    let mut every_part_of = BTreeSet::new();
    let mut part_of_every = BTreeSet::new();
    for (place, said) in list.items().zip(&all) {
        if said.is_empty() {
            faults.push(field::required(&place.path, ""));
        }
        let Some((resource, part)) = said.split_once('/') else {
            continue;
        };
        let covered = [
            every_part_of.contains(resource).then(|| format!("{resource}/*")),
            part_of_every.contains(part).then(|| format!("*/{part}")),
        ];
        for by in covered.into_iter().flatten() {
            let detail = format!("if '{by}' is present, must not specify {said}");
            faults.push(field::invalid(&place.path, &Value::from(*said), &detail));
        }
        if part == "*" {
            every_part_of.insert(resource);
        }
        if resource == "*" {
            part_of_every.insert(part);
        }
    }
    if all.len() > 1 && all.contains(&"*/*") {
        let detail = "if '*/*' is present, must not specify other resources";
        faults.push(field::invalid(&list.path, &json!(all), detail));
    }
    let whole = all.iter().filter(|said| !said.contains('/')).count();
    if all.contains(&"*") && whole > 1 {
        let detail = "if '*' is present, must not specify other resources without subresources";
        faults.push(field::invalid(&list.path, &json!(all), detail));
    }
}

/// Names of objects that a policy is about.
pub(super) fn names(list: &At<'_>, faults: &mut Vec<Cause>) {
    let mut seen = BTreeSet::new();
    for name in list.items() {
        crate::validate::metadata::push(&name, crate::validate::metadata::segment(name.text()), faults);
        if !seen.insert(name.text()) {
            faults.push(field::duplicate(&name.path, name.value));
        }
    }
}
