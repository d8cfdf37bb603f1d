//! Scopes: which objects a quota is about.
//!
//! In: a quota's `scopes` and `scopeSelector`, an object. Out: whether all of them hold. Only pods have scopes, and claims one.

use serde_json::Value;

use crate::admission::resources::{is_best_effort, items};

/// Whether the quota is about the object.
pub(super) fn holds(quota: &Value, group: &str, plural: &str, object: &Value) -> bool {
    let plain = items(quota, "/spec/scopes")
        .filter_map(Value::as_str)
        .map(|name| (name, "Exists", None));
    let selected = items(quota, "/spec/scopeSelector/matchExpressions").map(|term| {
        let text = |key: &str| term.get(key).and_then(Value::as_str).unwrap_or_default();
        (text("scopeName"), text("operator"), term.get("values"))
    });
    plain
        .chain(selected)
        .all(|(scope, operator, values)| match (group, plural) {
            ("", "pods") => pod_is_in(scope, operator, values, object),
            ("", "persistentvolumeclaims") if scope == "VolumeAttributesClass" => {
                let class = object.pointer("/spec/volumeAttributesClassName");
                is_among(class.and_then(Value::as_str), operator, values)
            }
            _ => false,
        })
}

fn pod_is_in(scope: &str, operator: &str, values: Option<&Value>, pod: &Value) -> bool {
    let ends = pod
        .pointer("/spec/activeDeadlineSeconds")
        .and_then(Value::as_i64)
        .is_some_and(|left| left >= 0);
    match scope {
        "Terminating" => ends,
        "NotTerminating" => !ends,
        "BestEffort" => is_best_effort(pod),
        "NotBestEffort" => !is_best_effort(pod),
        "PriorityClass" => {
            let class = pod.pointer("/spec/priorityClassName").and_then(Value::as_str);
            is_among(class, operator, values)
        }
        "CrossNamespacePodAffinity" => reaches_out(pod),
        _ => false,
    }
}

fn is_among(name: Option<&str>, operator: &str, values: Option<&Value>) -> bool {
    let name = name.filter(|name| !name.is_empty());
    let listed = || {
        let values = values.and_then(Value::as_array).into_iter().flatten();
        let mut values = values.filter_map(Value::as_str);
        values.any(|value| Some(value) == name)
    };
    match operator {
        "Exists" => name.is_some(),
        "DoesNotExist" => name.is_none(),
        "In" => listed(),
        "NotIn" => !listed(),
        _ => false,
    }
}

/// Whether a pod's affinity looks into other namespaces.
fn reaches_out(pod: &Value) -> bool {
    let reaches = |term: &Value| {
        let named = term
            .get("namespaces")
            .and_then(Value::as_array)
            .is_some_and(|names| !names.is_empty());
        named
            || term
                .get("namespaceSelector")
                .is_some_and(|selector| !selector.is_null())
    };
    ["podAffinity", "podAntiAffinity"].iter().any(|side| {
        let at = |list: &str| items(pod, &format!("/spec/affinity/{side}/{list}"));
        let preferred = at("preferredDuringSchedulingIgnoredDuringExecution");
        at("requiredDuringSchedulingIgnoredDuringExecution")
            .chain(preferred.filter_map(|term| term.get("podAffinityTerm")))
            .any(reaches)
    })
}
