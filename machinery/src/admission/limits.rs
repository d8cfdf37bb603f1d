//! LimitRanges: what containers get where they say nothing, and between which bounds containers, pods and claims must stay.
//!
//! In: the specs of a namespace's LimitRanges, an object. Out: the object with defaults, or every fault. Only Pods and
//! PersistentVolumeClaims are concerned.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::resources::{Amounts, amounts, items, of_container, of_pod};
use super::together;
use crate::quantity::Quantity;

/// Where a pod tells what it was given.
const ANNOTATION: &str = "kubernetes.io/limit-ranger";

/// Writes the defaults of a LimitRange into the containers of a pod that do not say otherwise.
pub fn fill_pod(range: &Value, pod: &mut Value) {
    let (mut requests, mut limits) = (BTreeMap::new(), BTreeMap::new());
    for limit in items(range, "/spec/limits").filter(|limit| kind_of(limit) == "Container") {
        for (from, to) in [("defaultRequest", &mut requests), ("default", &mut limits)] {
            let given = limit.get(from).and_then(Value::as_object).into_iter().flatten();
            to.extend(given.map(|(name, amount)| (name.clone(), amount.clone())));
        }
    }
    let mut told = Vec::new();
    for (list, word) in [("containers", "container"), ("initContainers", "init container")] {
        let containers = pod.pointer_mut(&format!("/spec/{list}")).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
            for (what, given, noun) in [("requests", &requests, "request"), ("limits", &limits, "limit")] {
                let set = fill(container, what, given);
                if !set.is_empty() {
                    let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
                    told.push(format!("{} {noun} for {word} {name}", set.join(", ")));
                }
            }
        }
    }
    if told.is_empty() {
        return;
    }
    let text = format!("LimitRanger plugin set: {}", told.join("; "));
    if let Some(metadata) = pod.get_mut("metadata").and_then(Value::as_object_mut) {
        let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.insert(ANNOTATION.to_owned(), Value::from(text));
        }
    }
}

/// Writes what is missing; the names of what was set.
fn fill(container: &mut Map<String, Value>, what: &str, given: &BTreeMap<String, Value>) -> Vec<String> {
    let mut set = Vec::new();
    for (name, amount) in given {
        let resources = container.entry("resources").or_insert_with(|| json!({}));
        let Some(resources) = resources.as_object_mut() else {
            continue;
        };
        let map = resources.entry(what).or_insert_with(|| json!({}));
        if let Some(map) = map.as_object_mut()
            && !map.contains_key(name)
        {
            map.insert(name.clone(), amount.clone());
            set.push(name.clone());
        }
    }
    set
}

fn kind_of(limit: &Value) -> &str {
    limit.get("type").and_then(Value::as_str).unwrap_or_default()
}

/// Why a LimitRange refuses an object; none where it does not.
#[must_use]
pub fn refusal(range: &Value, kind: &str, object: &Value) -> Option<String> {
    let mut faults = Vec::new();
    for limit in items(range, "/spec/limits") {
        match (kind, kind_of(limit)) {
            ("Pod", "Container") => {
                let all = items(object, "/spec/containers").chain(items(object, "/spec/initContainers"));
                for container in all {
                    let (requests, limits) = (of_container(container, "requests"), of_container(container, "limits"));
                    bounds(limit, "Container", &requests, &limits, &mut faults);
                }
            }
            ("Pod", "Pod") => {
                let (requests, limits) = (of_pod(object, "requests"), of_pod(object, "limits"));
                bounds(limit, "Pod", &requests, &limits, &mut faults);
            }
            ("PersistentVolumeClaim", "PersistentVolumeClaim") => claim_bounds(limit, object, &mut faults),
            _ => {}
        }
    }
    (!faults.is_empty()).then(|| together(&faults))
}

fn bounds(limit: &Value, of: &str, requests: &Amounts, limits: &Amounts, faults: &mut Vec<String>) {
    for (name, least) in amounts(limit.get("min")) {
        let text = format!("minimum {name} usage per {of} is {}", least.canonical());
        match requests.get(&name) {
            None => faults.push(format!("{text}.  No request is specified")),
            Some(request) if *request < least => {
                faults.push(format!("{text}, but request is {}", request.canonical()));
            }
            Some(_) => {
                if let Some(stated) = limits.get(&name).filter(|stated| **stated < least) {
                    faults.push(format!("{text}, but limit is {}", stated.canonical()));
                }
            }
        }
    }
    for (name, most) in amounts(limit.get("max")) {
        let text = format!("maximum {name} usage per {of} is {}", most.canonical());
        match limits.get(&name) {
            None => faults.push(format!("{text}.  No limit is specified")),
            Some(stated) if *stated > most => faults.push(format!("{text}, but limit is {}", stated.canonical())),
            Some(_) => {
                if let Some(request) = requests.get(&name).filter(|request| **request > most) {
                    faults.push(format!("{text}, but request is {}", request.canonical()));
                }
            }
        }
    }
    for (name, ratio) in amounts(limit.get("maxLimitRequestRatio")) {
        let text = format!("{name} max limit to request ratio per {of} is {}", ratio.canonical());
        let positive = |stated: &Amounts| stated.get(&name).copied().filter(Quantity::is_positive);
        match (positive(requests), positive(limits)) {
            (None, _) => faults.push(format!("{text}, but no request is specified or request is 0")),
            (_, None) => faults.push(format!("{text}, but no limit is specified or limit is 0")),
            (Some(request), Some(stated)) => {
                let observed = stated.as_f64() / request.as_f64();
                if observed > ratio.as_f64() {
                    faults.push(format!("{text}, but provided ratio is {observed:.6}"));
                }
            }
        }
    }
}

fn claim_bounds(limit: &Value, claim: &Value, faults: &mut Vec<String>) {
    let requests = amounts(claim.pointer("/spec/resources/requests"));
    for (word, map) in [("minimum", "min"), ("maximum", "max")] {
        for (name, bound) in amounts(limit.get(map)) {
            let text = format!("{word} {name} usage per PersistentVolumeClaim is {}", bound.canonical());
            let beyond = |request: &Quantity| {
                if map == "min" {
                    *request < bound
                } else {
                    *request > bound
                }
            };
            match requests.get(&name) {
                None => faults.push(format!("{text}.  No request is specified")),
                Some(request) if beyond(request) => {
                    faults.push(format!("{text}, but request is {}", request.canonical()));
                }
                Some(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range() -> Value {
        json!({"spec": {"limits": [
            {"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}, "max": {"storage": "5Gi"}},
            {"type": "Container", "default": {"cpu": "500m"}, "defaultRequest": {"cpu": "100m", "memory": "64Mi"},
             "min": {"cpu": "50m"}, "max": {"cpu": "1"}, "maxLimitRequestRatio": {"cpu": "10"}},
            {"type": "Pod", "max": {"cpu": "2", "memory": "1Gi"}, "min": {"memory": "10Mi"}}]}})
    }

    fn pod(resources: Value) -> Value {
        let mut pod = json!({"metadata": {}, "spec": {"containers": [{"name": "c", "resources": resources}]}});
        fill_pod(&range(), &mut pod);
        pod
    }

    /// Texts as kube-apiserver 1.36.3 gave them for the same objects.
    #[test]
    fn refusals_as_upstream() {
        let said = |resources: Value| refusal(&range(), "Pod", &pod(resources));
        assert_eq!(
            said(json!({})).unwrap(),
            "maximum memory usage per Pod is 1Gi.  No limit is specified"
        );
        assert_eq!(
            said(json!({"requests": {"cpu": "10m"}, "limits": {"cpu": "2"}})).unwrap(),
            "[minimum cpu usage per Container is 50m, but request is 10m, maximum cpu usage per Container is 1, but limit is 2, \
             cpu max limit to request ratio per Container is 10, but provided ratio is 200.000000, maximum memory usage per Pod \
             is 1Gi.  No limit is specified]"
        );
        assert_eq!(
            said(json!({"requests": {"memory": "1Mi"}, "limits": {"memory": "2Gi"}})).unwrap(),
            "[minimum memory usage per Pod is 10Mi, but request is 1Mi, maximum memory usage per Pod is 1Gi, but limit is 2Gi]"
        );
        let claim = |size: &str| json!({"spec": {"resources": {"requests": {"storage": size}}}});
        assert_eq!(
            refusal(&range(), "PersistentVolumeClaim", &claim("500Mi")).unwrap(),
            "minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 500Mi"
        );
        assert_eq!(
            refusal(&range(), "PersistentVolumeClaim", &claim("50Gi")).unwrap(),
            "maximum storage usage per PersistentVolumeClaim is 5Gi, but request is 50Gi"
        );
        assert_eq!(refusal(&range(), "PersistentVolumeClaim", &claim("2Gi")), None);
    }

    #[test]
    fn what_was_set_is_told() {
        let mut pod = json!({"metadata": {}, "spec": {
            "containers": [
                {"name": "c", "resources": {"requests": {"cpu": "100m", "memory": "20Mi"}, "limits": {"memory": "200Mi"}}},
                {"name": "d"}],
            "initContainers": [{"name": "e"}]}});
        fill_pod(&range(), &mut pod);
        assert_eq!(
            pod["metadata"]["annotations"][ANNOTATION],
            "LimitRanger plugin set: cpu limit for container c; cpu, memory request for container d; cpu limit for container d; \
             cpu, memory request for init container e; cpu limit for init container e"
        );
        assert_eq!(pod["spec"]["containers"][0]["resources"]["limits"]["cpu"], "500m");
    }
}
