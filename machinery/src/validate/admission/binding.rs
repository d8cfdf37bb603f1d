//! Rules about the bindings of admission policies.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{resources, word};
use crate::field;
use crate::status::Cause;
use crate::validate::at::At;
use crate::validate::format;
use crate::validate::metadata::push;
use crate::validate::selector::label_selector;

/// A ValidatingAdmissionPolicyBinding, which says what happens, or a MutatingAdmissionPolicyBinding.
pub(in crate::validate) fn binding(object: &Value, validating: bool, faults: &mut Vec<Cause>) {
    let spec = At::root(object, "spec");
    let policy = spec.get("policyName");
    if policy.text().is_empty() {
        faults.push(field::required(&policy.path, ""));
    } else {
        push(&policy, format::dns_subdomain(policy.text()), faults);
    }
    let parameter = spec.get("paramRef");
    if parameter.is_set() {
        reference(&parameter, faults);
    }
    let matched = spec.get("matchResources");
    if matched.is_set() {
        resources(&matched, faults);
    }
    if validating {
        actions(&spec.get("validationActions"), faults);
    }
}

fn reference(at: &At<'_>, faults: &mut Vec<Cause>) {
    let (name, selector, missing) = (at.get("name"), at.get("selector"), at.get("parameterNotFoundAction"));
    match (name.text().is_empty(), selector.is_set()) {
        (true, false) => faults.push(field::required(&at.path, "one of name or selector must be specified")),
        (false, true) => {
            for one in [&name, &selector] {
                faults.push(field::forbidden(&one.path, "name and selector are mutually exclusive"));
            }
        }
        (true, true) => label_selector(&selector, faults),
        (false, false) => push(&name, format::dns_subdomain(name.text()), faults),
    }
    if missing.is_set() {
        word(&missing, &["Deny", "Allow"], faults);
    } else {
        faults.push(field::required(&missing.path, ""));
    }
}

fn actions(list: &At<'_>, faults: &mut Vec<Cause>) {
    let mut seen = BTreeSet::new();
    for action in list.items() {
        word(&action, &["Audit", "Deny", "Warn"], faults);
        if !seen.insert(action.text()) {
            faults.push(field::duplicate(&action.path, action.value));
        }
    }
    if seen.contains("Deny") && seen.contains("Warn") {
        let detail = "must not contain both Deny and Warn (repeating the same validation failure information in the API response \
                      and headers serves no purpose)";
        faults.push(field::invalid(&list.path, list.value, detail));
    }
    if list.len() == 0 {
        faults.push(field::required(
            &list.path,
            "at least one validation action is required",
        ));
    }
}
