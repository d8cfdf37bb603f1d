//! Webhook configurations and admission policies.

use serde_json::Value;

use super::place::{Object, absent, existing, items, text, within};

const SECONDS: i64 = 10;
const HTTPS: i64 = 443;

/// The webhooks of a configuration; a mutating one says whether it may be asked twice.
pub(super) fn webhooks(object: &mut Object, mutating: bool) {
    for hook in items(object, "webhooks") {
        text(hook, "failurePolicy", "Fail");
        absent(hook, "timeoutSeconds", SECONDS);
        if mutating {
            text(hook, "reinvocationPolicy", "Never");
        }
        if let Some(service) = existing(hook, "clientConfig").and_then(|client| existing(client, "service")) {
            absent(service, "port", HTTPS);
        }
        selection(hook, "rules");
    }
}

/// A policy of either sort.
pub(super) fn policy(object: &mut Object) {
    within(object, "spec", |spec| {
        text(spec, "failurePolicy", "Fail");
        if let Some(constraints) = existing(spec, "matchConstraints") {
            resources(constraints);
        }
    });
}

/// A binding of either sort.
pub(super) fn binding(object: &mut Object) {
    if let Some(matched) = existing(object, "spec").and_then(|spec| existing(spec, "matchResources")) {
        resources(matched);
    }
}

fn resources(place: &mut Object) {
    selection(place, "resourceRules");
    scopes(place, "excludeResourceRules");
}

fn selection(place: &mut Object, rules: &str) {
    text(place, "matchPolicy", "Equivalent");
    for selector in ["namespaceSelector", "objectSelector"] {
        absent(place, selector, Value::Object(Object::new()));
    }
    scopes(place, rules);
}

fn scopes(place: &mut Object, rules: &str) {
    for rule in items(place, rules) {
        text(rule, "scope", "*");
    }
}
