//! Rules about HorizontalPodAutoscalers.

use serde_json::Value;

use crate::field;
use crate::quantity::Quantity;
use crate::status::Cause;

use super::at::At;
use super::metadata::{push, segment};

const WINDOW_MAX: i64 = 3600;
const PERIOD_MAX: i64 = 1800;
/// Types of metrics and the fields that hold them, in the order in which they are looked at.
const SOURCES: [(&str, &str); 5] = [
    ("Object", "object"),
    ("External", "external"),
    ("Pods", "pods"),
    ("Resource", "resource"),
    ("ContainerResource", "containerResource"),
];
const TYPES: [&str; 5] = ["ContainerResource", "External", "Object", "Pods", "Resource"];

pub(super) fn autoscaler(object: &Value, faults: &mut Vec<Cause>) {
    let spec = At::root(object, "spec");
    let (least, most) = (spec.get("minReplicas"), spec.get("maxReplicas"));
    let metrics = spec.get("metrics");
    if least.number().is_some_and(|n| n < 1) {
        faults.push(field::invalid(
            &least.path,
            least.value,
            "must be greater than or equal to 1",
        ));
    }
    let outside = |metric: At<'_>| matches!(metric.get("type").text(), "Object" | "External");
    if least.number() == Some(0) && !metrics.items().any(outside) {
        let detail = "must specify at least one Object or External metric to support scaling to zero replicas";
        faults.push(field::forbidden(&metrics.path, detail));
    }
    let greatest = most.number().unwrap_or(0);
    if greatest < 1 {
        faults.push(field::required(&most.path, "must be set and greater than 0"));
    }
    if least.number().is_some_and(|least| greatest < least) {
        let detail = "must be greater than or equal to `minReplicas`";
        faults.push(field::invalid(&most.path, &Value::from(greatest), detail));
    }
    let target = spec.get("scaleTargetRef");
    reference(&target, faults);
    let version = target.get("apiVersion");
    if !version.text().contains('/') && target.get("kind").text() != "ReplicationController" {
        let detail = "apiVersion must specify API group";
        faults.push(field::invalid(&version.path, &Value::from(version.text()), detail));
    }
    for each in metrics.items() {
        metric(&each, faults);
    }
    for direction in ["scaleUp", "scaleDown"] {
        let rules = spec.get("behavior").get(direction);
        if rules.is_set() {
            scaling(&rules, faults);
        }
    }
}

/// A word that must be there and is a segment of a path.
fn named(at: &At<'_>, missing: &str, faults: &mut Vec<Cause>) {
    if at.text().is_empty() {
        faults.push(field::required(&at.path, missing));
    } else {
        push(at, segment(at.text()), faults);
    }
}

fn reference(at: &At<'_>, faults: &mut Vec<Cause>) {
    named(&at.get("kind"), "", faults);
    named(&at.get("name"), "", faults);
}

fn metric(at: &At<'_>, faults: &mut Vec<Cause>) {
    let type_ = at.get("type");
    if type_.text().is_empty() {
        faults.push(field::required(&type_.path, "must specify a metric source type"));
    }
    let mut present = SOURCES.iter().filter(|(_, name)| at.get(name).is_set());
    if let Some((_, first)) = present.clone().next() {
        source(first, &at.get(first), faults);
    }
    match SOURCES.iter().find(|(known, _)| *known == type_.text()) {
        None => {
            // Said by two rules, and so twice.
            let fault = || field::not_supported(&type_.path, &Value::from(type_.text()), &TYPES);
            faults.extend([fault(), fault()]);
        }
        Some((_, expected)) => {
            let own = at.get(expected);
            if !own.is_set() {
                let detail = "must populate information for the given metric source";
                faults.push(field::required(&own.path, detail));
            }
        }
    }
    if present.clone().count() > 1 || !present.any(|(known, _)| *known == type_.text()) {
        for (_, name) in SOURCES
            .iter()
            .filter(|(known, name)| *known != type_.text() && at.get(name).is_set())
        {
            let detail = "must populate the given metric source only";
            faults.push(field::forbidden(&at.get(name).path, detail));
        }
    }
}

fn source(name: &str, at: &At<'_>, faults: &mut Vec<Cause>) {
    let aim = at.get("target");
    let (value, average, share) = (aim.get("value"), aim.get("averageValue"), aim.get("averageUtilization"));
    let metric_name = at.get("metric").get("name");
    match name {
        "object" | "external" | "pods" => {
            if name == "object" {
                reference(&at.get("describedObject"), faults);
            }
            named(&metric_name, "must specify a metric name", faults);
        }
        _ => {
            named(&at.get("name"), "must specify a resource name", faults);
            if name == "containerResource" {
                named(&at.get("container"), "must specify a container", faults);
            }
        }
    }
    metric_target(&aim, faults);
    match name {
        "object" if !value.is_set() && !average.is_set() => {
            let detail = "must set either a target value or averageValue";
            faults.push(field::required(&average.path, detail));
        }
        "object" => {}
        "external" if !value.is_set() && !average.is_set() => {
            let detail = "must set either a target value for metric or a per-pod target";
            faults.push(field::required(&average.path, detail));
        }
        "external" if value.is_set() && average.is_set() => {
            let detail = "may not set both a target value for metric and a per-pod target";
            faults.push(field::forbidden(&value.path, detail));
        }
        "external" => {}
        "pods" if !is_positive(&average) => {
            let detail = "must specify a positive target averageValue";
            faults.push(field::required(&average.path, detail));
        }
        "pods" => {}
        _ if !share.is_set() && !average.is_set() => {
            let detail = "must set either a target raw value or a target utilization";
            faults.push(field::required(&share.path, detail));
        }
        _ if share.is_set() && average.is_set() => {
            let detail = "may not set both a target raw value and a target utilization";
            faults.push(field::forbidden(&average.path, detail));
        }
        _ => {}
    }
}

fn metric_target(aim: &At<'_>, faults: &mut Vec<Cause>) {
    let type_ = aim.get("type");
    if type_.text().is_empty() {
        faults.push(field::required(&type_.path, "must specify a metric target type"));
    }
    if !matches!(type_.text(), "Utilization" | "Value" | "AverageValue") {
        let detail = "must be either Utilization, Value, or AverageValue";
        faults.push(field::invalid(&type_.path, &Value::from(type_.text()), detail));
    }
    for name in ["value", "averageValue"] {
        let amount = aim.get(name);
        if amount.is_set() && !is_positive(&amount) {
            faults.push(field::invalid(&amount.path, amount.value, "must be positive"));
        }
    }
    let share = aim.get("averageUtilization");
    if share.number().is_some_and(|n| n < 1) {
        faults.push(field::invalid(&share.path, share.value, "must be greater than 0"));
    }
}

fn is_positive(amount: &At<'_>) -> bool {
    Quantity::from_value(amount.value).is_some_and(|q| q.is_positive())
}

fn scaling(rules: &At<'_>, faults: &mut Vec<Cause>) {
    let (window, select, policies) = (
        rules.get("stabilizationWindowSeconds"),
        rules.get("selectPolicy"),
        rules.get("policies"),
    );
    if window.number().is_some_and(|n| n < 0) {
        faults.push(field::invalid(
            &window.path,
            window.value,
            "must be greater than or equal to zero",
        ));
    } else {
        at_most(&window, WINDOW_MAX, faults);
    }
    if select.is_set() && !matches!(select.text(), "Disabled" | "Max" | "Min") {
        faults.push(field::not_supported(
            &select.path,
            select.value,
            &["Disabled", "Max", "Min"],
        ));
    }
    if policies.len() == 0 {
        faults.push(field::required(&policies.path, "must specify at least one Policy"));
    }
    for policy in policies.items() {
        let (type_, value, period) = (policy.get("type"), policy.get("value"), policy.get("periodSeconds"));
        if !matches!(type_.text(), "Percent" | "Pods") {
            faults.push(field::not_supported(&type_.path, type_.value, &["Percent", "Pods"]));
        }
        for number in [&value, &period] {
            if number.number().is_none_or(|n| n <= 0) {
                faults.push(field::invalid(&number.path, number.value, "must be greater than zero"));
            }
        }
        at_most(&period, PERIOD_MAX, faults);
    }
}

fn at_most(at: &At<'_>, most: i64, faults: &mut Vec<Cause>) {
    if at.number().is_some_and(|n| n > most) {
        let detail = format!("must be less than or equal to {most}");
        faults.push(field::invalid(&at.path, at.value, &detail));
    }
}
