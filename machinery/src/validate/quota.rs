//! Rules about LimitRanges and ResourceQuotas.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::field;
use crate::quantity::Quantity;
use crate::status::Cause;

use super::at::At;
use super::format;
use super::metadata::push;
use super::pod::container_resource;
use super::sets::immutable;

/// The maps of a limit, in the order in which their keys are judged.
const MAPS: [&str; 5] = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"];
/// Counted objects, which are whole numbers.
const COUNTED: [&str; 9] = [
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "persistentvolumeclaims",
    "configmaps",
    "services.nodeports",
    "services.loadbalancers",
];
/// What pods ask for.
const COMPUTE: [&str; 9] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
];
const SCOPES: [&str; 7] = [
    "Terminating",
    "NotTerminating",
    "BestEffort",
    "NotBestEffort",
    "PriorityClass",
    "CrossNamespacePodAffinity",
    "VolumeAttributesClass",
];
const CONFLICTING: [[&str; 2]; 2] = [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]];

pub(super) fn limit_range(object: &Value, faults: &mut Vec<Cause>) {
    let mut seen = BTreeSet::new();
    for limit in At::root(object, "spec").get("limits").items() {
        let type_ = limit.get("type");
        let standard = matches!(type_.text(), "Pod" | "Container" | "PersistentVolumeClaim");
        let wrong = format::qualified_name(type_.text());
        if wrong.is_empty() && !standard && !type_.text().contains('/') {
            let detail = "must be a standard limit type or fully qualified";
            faults.push(field::invalid(&type_.path, type_.value, detail));
        }
        push(&type_, wrong, faults);
        if !seen.insert(type_.text()) {
            faults.push(field::duplicate(&type_.path, type_.value));
        }
        limit_rules(&limit, type_.text(), faults);
    }
}

fn limit_rules(limit: &At<'_>, type_: &str, faults: &mut Vec<Cause>) {
    let mut names = BTreeSet::new();
    for map in MAPS.map(|name| limit.get(name)) {
        for (name, amount) in map.entries() {
            names.insert(name);
            if matches!(type_, "Pod" | "Container") {
                container_resource(name, &amount, faults);
            } else {
                let said = Value::from(name);
                let here = At {
                    value: &said,
                    path: amount.path.clone(),
                };
                push(&here, format::qualified_name(name), faults);
            }
        }
    }
    if type_ == "Pod" {
        for map in ["default", "defaultRequest"].map(|name| limit.get(name)) {
            if map.len() > 0 {
                faults.push(field::forbidden(&map.path, "may not be specified when `type` is 'Pod'"));
            }
        }
    }
    let storage = |map: &str| limit.get(map).entry("storage").is_set();
    if type_ == "PersistentVolumeClaim" && !storage("min") && !storage("max") {
        let detail = "either minimum or maximum storage value is required, but neither was provided";
        faults.push(field::required(&limit.get("limits").path, detail));
    }
    for name in names {
        order(limit, name, faults);
    }
}

/// The amounts of one resource follow one another.
fn order(limit: &At<'_>, name: &str, faults: &mut Vec<Cause>) {
    let amount = |map: &str| Quantity::from_value(limit.get(map).entry(name).value);
    let [max, min, default, request, ratio] = MAPS.map(amount);
    let mut above = |low: Option<Quantity>, high: Option<Quantity>, map: &str, blame_low: bool, words: [&str; 2]| {
        let (Some(low), Some(high)) = (low, high) else { return };
        if low > high {
            let detail = format!(
                "{} {} is greater than {} {}",
                words[0],
                low.canonical(),
                words[1],
                high.canonical()
            );
            let bad = if blame_low { low } else { high };
            let path = limit.get(map).entry(name).path;
            faults.push(field::invalid(&path, &Value::from(bad.canonical()), &detail));
        }
    };
    above(min, max, "min", true, ["min value", "max value"]);
    above(
        min,
        request,
        "defaultRequest",
        false,
        ["min value", "default request value"],
    );
    above(
        request,
        max,
        "defaultRequest",
        true,
        ["default request value", "max value"],
    );
    above(
        request,
        default,
        "defaultRequest",
        true,
        ["default request value", "default limit value"],
    );
    above(min, default, "default", true, ["min value", "default value"]);
    above(default, max, "default", false, ["default value", "max value"]);
    let at = limit.get("maxLimitRequestRatio").entry(name);
    let Some(ratio) = ratio else { return };
    let bad = Value::from(ratio.canonical());
    if Quantity::parse("1").is_some_and(|one| ratio < one) {
        let detail = format!("ratio {} is less than 1", ratio.canonical());
        faults.push(field::invalid(&at.path, &bad, &detail));
    }
    if let (Some(min), Some(max)) = (min, max) {
        let most = max.as_f64() / min.as_f64();
        if ratio.as_f64() > most {
            let detail = format!("ratio {} is greater than max/min = {most:.6}", ratio.canonical());
            faults.push(field::invalid(&at.path, &bad, &detail));
        }
    }
}

pub(super) fn resource_quota(object: &Value, faults: &mut Vec<Cause>) {
    let spec = At::root(object, "spec");
    let hard = spec.get("hard");
    for (name, amount) in hard.entries() {
        quota_resource(name, &amount, faults);
        let Some(quantity) = Quantity::from_value(amount.value) else {
            continue;
        };
        let bad = Value::from(quantity.canonical());
        if quantity.is_negative() {
            faults.push(field::invalid(&amount.path, &bad, "must be greater than or equal to 0"));
        }
        let extended = name.contains('/') && !name.contains("kubernetes.io/");
        if (COUNTED.contains(&name) || extended) && !quantity.is_whole() {
            faults.push(field::invalid(&amount.path, &bad, "must be an integer"));
        }
    }
    let scopes = spec.get("scopes");
    let named: BTreeSet<&str> = scopes.items().map(|scope| scope.text()).collect();
    let mut wrong = |detail: &str| faults.push(field::invalid(&scopes.path, scopes.value, detail));
    for scope in &named {
        if !SCOPES.contains(scope) {
            wrong("unsupported scope");
        }
        for (resource, _) in hard.entries() {
            if !applies(scope, resource) {
                wrong("unsupported scope applied to resource");
            }
        }
    }
    if CONFLICTING
        .iter()
        .any(|pair| pair.iter().all(|scope| named.contains(scope)))
    {
        wrong("conflicting scopes");
    }
    for expression in spec.get("scopeSelector").get("matchExpressions").items() {
        scope_expression(&spec, &expression, faults);
    }
}

/// Told without the place in the list.
fn scope_expression(spec: &At<'_>, expression: &At<'_>, faults: &mut Vec<Cause>) {
    let expression = At {
        value: expression.value,
        path: spec.path.child("scopeSelector").child("matchExpressions"),
    };
    let (scope, operator, values) = (
        expression.get("scopeName"),
        expression.get("operator"),
        expression.get("values"),
    );
    if !SCOPES.contains(&scope.text()) {
        faults.push(field::invalid(&scope.path, scope.value, "unsupported scope"));
    }
    match (operator.text(), values.len()) {
        ("In" | "NotIn", 0) => {
            let detail = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
            faults.push(field::required(&values.path, detail));
        }
        ("Exists" | "DoesNotExist", 1..) => {
            let detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
            faults.push(field::invalid(&values.path, values.value, detail));
        }
        ("In" | "NotIn" | "Exists" | "DoesNotExist", _) => {}
        _ => faults.push(field::invalid(
            &operator.path,
            operator.value,
            "not a valid selector operator",
        )),
    }
}

fn quota_resource(name: &str, amount: &At<'_>, faults: &mut Vec<Cause>) {
    let huge = name.starts_with("hugepages-") || name.starts_with("requests.hugepages-");
    let standard = huge || COUNTED.contains(&name) || COMPUTE.contains(&name) || name == "requests.storage";
    let said = Value::from(name);
    let here = At {
        value: &said,
        path: amount.path.clone(),
    };
    let wrong = format::qualified_name(name);
    if wrong.is_empty() && !name.contains('/') && !standard && name != "storage" {
        push(
            &here,
            vec!["must be a standard resource type or fully qualified".to_owned()],
            faults,
        );
    }
    push(&here, wrong, faults);
    if !name.contains('/') && !standard {
        push(&here, vec!["must be a standard resource for quota".to_owned()], faults);
    }
}

fn applies(scope: &str, resource: &str) -> bool {
    match scope {
        "BestEffort" => resource == "pods",
        "Terminating" | "NotTerminating" | "NotBestEffort" | "PriorityClass" | "CrossNamespacePodAffinity" => {
            resource == "pods" || COMPUTE.contains(&resource)
        }
        _ => true,
    }
}

pub(super) fn update_resource_quota(new: &Value, old: &Value, faults: &mut Vec<Cause>) {
    let scopes = |object| At::root(object, "spec").get("scopes");
    immutable(&scopes(new), &scopes(old), faults);
}
