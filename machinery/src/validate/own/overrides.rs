//! Rules about override policies.

use serde_json::Value;

use crate::field;
use crate::status::Cause;

use super::super::at::At;
use super::super::format;
use super::super::metadata::push;
use super::policy::{affinity, resource_selectors};

pub(super) fn overrides(spec: &At<'_>, namespace: Option<&str>, faults: &mut Vec<Cause>) {
    resource_selectors(&spec.get("resourceSelectors"), namespace, faults);
    let rules = spec.get("overrideRules");
    if rules.len() == 0 {
        faults.push(field::required(&rules.path, "an override changes at least one thing"));
    }
    for rule in rules.items() {
        affinity(&rule.get("targetCluster"), faults);
        overriders(&rule.get("overriders"), faults);
    }
}

fn overriders(overriders: &At<'_>, faults: &mut Vec<Cause>) {
    for image in overriders.get("imageOverrider").items() {
        let value = image.get("value");
        if value.text().is_empty() && matches!(image.get("operator").text(), "add" | "replace") {
            faults.push(field::required(&value.path, "when `operator` is 'add' or 'replace'"));
        }
        let predicate = image.get("predicate");
        if predicate.is_set() {
            pointer(&predicate.get("path"), faults);
        }
    }
    for name in ["commandOverrider", "argsOverrider"] {
        for overrider in overriders.get(name).items() {
            let (container, operator) = (overrider.get("containerName"), overrider.get("operator"));
            push(&container, format::dns_label(container.text()), faults);
            if operator.text() == "replace" {
                faults.push(field::not_supported(&operator.path, operator.value, &["add", "remove"]));
            }
        }
    }
    for (name, labels) in [("labelsOverrider", true), ("annotationsOverrider", false)] {
        for overrider in overriders.get(name).items() {
            let values = overrider.get("value");
            for (key, value) in values.entries() {
                let wrong = format::qualified_name(key);
                faults.extend(
                    wrong
                        .iter()
                        .map(|detail| field::invalid(&values.path, &Value::from(key), detail)),
                );
                if labels {
                    push(&value, format::label_value(value.text()), faults);
                }
            }
        }
    }
    for overrider in overriders.get("fieldOverrider").items() {
        pointer(&overrider.get("fieldPath"), faults);
        let (json, yaml) = (overrider.get("json"), overrider.get("yaml"));
        match (json.len(), yaml.len()) {
            (0, 0) => faults.push(field::required(&yaml.path, "must specify one of: `json` or `yaml`")),
            (_, 0) | (0, _) => {}
            _ => faults.push(field::forbidden(&yaml.path, "may not be set beside `json`")),
        }
        for operation in json.items().chain(yaml.items()) {
            pointer(&operation.get("subPath"), faults);
            value_of(&operation, faults);
        }
    }
    for operation in overriders.get("plaintext").items() {
        pointer(&operation.get("path"), faults);
        value_of(&operation, faults);
    }
}

fn value_of(operation: &At<'_>, faults: &mut Vec<Cause>) {
    let value = operation.get("value");
    if !value.is_set() && matches!(operation.get("operator").text(), "add" | "replace") {
        faults.push(field::required(&value.path, "when `operator` is 'add' or 'replace'"));
    }
}

fn pointer(path: &At<'_>, faults: &mut Vec<Cause>) {
    if !path.text().starts_with('/') {
        faults.push(field::invalid(
            &path.path,
            path.value,
            "must be a JSON pointer, which begins with '/'",
        ));
    }
}
