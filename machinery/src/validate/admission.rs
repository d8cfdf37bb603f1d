//! Rules about what decides on admission: webhook configurations, admission policies and their bindings.

mod binding;
mod policy;
mod rules;
mod webhook;

pub(super) use binding::binding;
pub(super) use policy::{mutating, validating};
pub(super) use webhook::webhooks;

use crate::field;
use crate::status::Cause;

use super::at::At;
use super::selector;

/// One of a few words, which are told in this order; nothing where nothing was said.
fn word(at: &At<'_>, allowed: &[&str], faults: &mut Vec<Cause>) {
    if at.is_set() && !allowed.contains(&at.text()) {
        faults.push(field::not_supported(&at.path, at.value, allowed));
    }
}

fn failure_policy(at: &At<'_>, faults: &mut Vec<Cause>) {
    word(at, &["Fail", "Ignore"], faults);
}

/// How objects are selected beside rules.
fn selection(at: &At<'_>, faults: &mut Vec<Cause>) {
    word(&at.get("matchPolicy"), &["Equivalent", "Exact"], faults);
    for name in ["namespaceSelector", "objectSelector"] {
        selector::label_selector(&at.get(name), faults);
    }
}

/// A `MatchResources` of a policy or a binding.
fn resources(at: &At<'_>, faults: &mut Vec<Cause>) {
    selection(at, faults);
    for name in ["resourceRules", "excludeResourceRules"] {
        for rule in at.get(name).items() {
            rules::rule(&rule, faults);
            rules::names(&rule.get("resourceNames"), faults);
        }
    }
}
