//! Rules about roles and bindings.

use serde_json::{Value, json};

use crate::field;
use crate::rbac::GROUP;
use crate::status::Cause;

use super::at::{At, same};
use super::metadata::{push, segment};
use super::{format, selector};

pub(super) fn role(object: &Value, faults: &mut Vec<Cause>) {
    for rule in At::root(object, "rules").items() {
        policy_rule(&rule, true, faults);
    }
}

pub(super) fn cluster_role(object: &Value, faults: &mut Vec<Cause>) {
    for rule in At::root(object, "rules").items() {
        policy_rule(&rule, false, faults);
    }
    let aggregation = At::root(object, "aggregationRule");
    if !aggregation.is_set() {
        return;
    }
    let selectors = aggregation.get("clusterRoleSelectors");
    if selectors.len() == 0 {
        let detail = "at least one clusterRoleSelector required if aggregationRule is non-nil";
        faults.push(field::required(&selectors.path, detail));
    }
    for at in selectors.items() {
        let before = faults.len();
        selector::label_selector(&at, faults);
        if faults.len() > before {
            faults.push(field::invalid(&at.path, &Value::Null, "invalid label selector."));
        }
    }
}

fn policy_rule(rule: &At<'_>, namespaced: bool, faults: &mut Vec<Cause>) {
    let missing = |name: &str| rule.get(name).len() == 0;
    let require = |name: &str, detail: &str| field::required(&rule.path.child(name), detail);
    if missing("verbs") {
        faults.push(require("verbs", "verbs must contain at least one value"));
    }
    let urls = rule.get("nonResourceURLs");
    if urls.len() > 0 {
        if namespaced {
            let detail = "namespaced rules cannot apply to non-resource URLs";
            faults.push(field::invalid(&urls.path, urls.value, detail));
        }
        if ["apiGroups", "resources", "resourceNames"]
            .iter()
            .any(|name| !missing(name))
        {
            let detail = "rules cannot apply to both regular resources and non-resource URLs";
            faults.push(field::invalid(&urls.path, urls.value, detail));
        }
        return;
    }
    if missing("apiGroups") {
        faults.push(require(
            "apiGroups",
            "resource rules must supply at least one api group",
        ));
    }
    if missing("resources") {
        faults.push(require("resources", "resource rules must supply at least one resource"));
    }
}

pub(super) fn binding(object: &Value, namespaced: bool, faults: &mut Vec<Cause>) {
    let reference = At::root(object, "roleRef");
    let (group, kind, name) = (reference.get("apiGroup"), reference.get("kind"), reference.get("name"));
    if group.text() != GROUP {
        faults.push(field::not_supported(&group.path, &json!(group.text()), &[GROUP]));
    }
    let kinds: &[&str] = if namespaced {
        &["Role", "ClusterRole"]
    } else {
        &["ClusterRole"]
    };
    if !kinds.contains(&kind.text()) {
        faults.push(field::not_supported(&kind.path, &json!(kind.text()), kinds));
    }
    if name.text().is_empty() {
        faults.push(field::required(&name.path, ""));
    } else {
        push(&name, segment(name.text()), faults);
    }
    for at in At::root(object, "subjects").items() {
        subject(&at, namespaced, faults);
    }
}

/// The role of a binding stays; whoever was given it must not come to have another.
pub(super) fn update_binding(new: &Value, old: &Value, faults: &mut Vec<Cause>) {
    let (now, before) = (At::root(new, "roleRef"), At::root(old, "roleRef"));
    if !same(now.value, before.value) {
        faults.push(field::invalid(&now.path, now.value, "cannot change roleRef"));
    }
}

fn subject(subject: &At<'_>, namespaced: bool, faults: &mut Vec<Cause>) {
    let (kind, name, group) = (subject.get("kind"), subject.get("name"), subject.get("apiGroup"));
    if name.text().is_empty() {
        faults.push(field::required(&name.path, ""));
    }
    match kind.text() {
        "ServiceAccount" => {
            if !name.text().is_empty() {
                push(&name, format::dns_subdomain(name.text()), faults);
            }
            if !group.text().is_empty() {
                faults.push(field::not_supported(&group.path, group.value, &[""]));
            }
            let home = subject.get("namespace");
            if !namespaced && home.text().is_empty() {
                faults.push(field::required(&home.path, ""));
            }
        }
        "User" | "Group" => {
            if group.text() != GROUP {
                faults.push(field::not_supported(&group.path, &json!(group.text()), &[GROUP]));
            }
        }
        other => faults.push(field::not_supported(
            &kind.path,
            &json!(other),
            &["ServiceAccount", "User", "Group"],
        )),
    }
}
