//! What a pod and its containers ask for, added up as the scheduler and quotas do.
//!
//! In: a pod's JSON. Out: amounts by resource. Containers that run together add up; an init container counts where it asks for
//! more than they do, beside the init containers that keep running.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::quantity::Quantity;

/// Amounts by the name of what they are of.
pub type Amounts = BTreeMap<String, Quantity>;

/// The amounts of a JSON map; what is no amount is left out.
#[must_use]
pub fn amounts(map: Option<&Value>) -> Amounts {
    let entries = map.and_then(Value::as_object).into_iter().flatten();
    entries
        .filter_map(|(name, amount)| Some((name.clone(), Quantity::from_value(amount)?)))
        .collect()
}

/// Adds amounts to others.
pub fn add(to: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        let sum = to.get(name).map_or(*amount, |before| before.and(*amount));
        to.insert(name.clone(), sum);
    }
}

fn raise(to: &mut Amounts, other: &Amounts) {
    for (name, amount) in other {
        if to.get(name).is_none_or(|before| before < amount) {
            to.insert(name.clone(), *amount);
        }
    }
}

/// The items of a list inside an object.
pub(super) fn items<'a>(object: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    object.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// What one container states: `requests` or `limits`.
#[must_use]
pub fn of_container(container: &Value, what: &str) -> Amounts {
    amounts(container.get("resources").and_then(|resources| resources.get(what)))
}

/// What a whole pod states: `requests` or `limits`.
#[must_use]
pub fn of_pod(pod: &Value, what: &str) -> Amounts {
    let mut sum = Amounts::new();
    for container in items(pod, "/spec/containers") {
        add(&mut sum, &of_container(container, what));
    }
    let (mut lasting, mut most) = (Amounts::new(), Amounts::new());
    for container in items(pod, "/spec/initContainers") {
        let own = of_container(container, what);
        if container.get("restartPolicy").and_then(Value::as_str) == Some("Always") {
            add(&mut sum, &own);
            add(&mut lasting, &own);
            raise(&mut most, &lasting);
        } else {
            let mut then = own;
            add(&mut then, &lasting);
            raise(&mut most, &then);
        }
    }
    raise(&mut sum, &most);
    // What the pod says as a whole stands for what its containers say.
    for (name, amount) in amounts(pod.pointer("/spec/resources").and_then(|resources| resources.get(what))) {
        sum.insert(name, amount);
    }
    let overhead = amounts(pod.pointer("/spec/overhead"));
    match what {
        "requests" => add(&mut sum, &overhead),
        // Only what is limited at all is limited together with the overhead.
        _ => {
            for (name, amount) in overhead {
                if let Some(limit) = sum.get_mut(&name).filter(|limit| limit.is_positive()) {
                    *limit = limit.and(amount);
                }
            }
        }
    }
    sum
}

/// Whether nothing is asked for by any container: then the pod is served last.
#[must_use]
pub fn is_best_effort(pod: &Value) -> bool {
    let states = |container: &Value| {
        ["requests", "limits"].iter().any(|what| {
            let stated = of_container(container, what);
            ["cpu", "memory"]
                .iter()
                .any(|name| stated.get(*name).is_some_and(Quantity::is_positive))
        })
    };
    !items(pod, "/spec/containers")
        .chain(items(pod, "/spec/initContainers"))
        .any(states)
}

/// How well a pod is served when a machine runs short (`status.qosClass`): by what its containers ask for and may have.
#[must_use]
pub fn quality_of_service(pod: &Value) -> &'static str {
    if is_best_effort(pod) {
        return "BestEffort";
    }
    let fixed = |container: &Value| {
        let (requests, limits) = (of_container(container, "requests"), of_container(container, "limits"));
        ["cpu", "memory"].iter().all(|name| {
            let limit = limits.get(*name).filter(|limit| limit.is_positive());
            limit.is_some_and(|limit| requests.get(*name).is_none_or(|request| request == limit))
        })
    };
    let mut all = items(pod, "/spec/containers").chain(items(pod, "/spec/initContainers"));
    if all.all(fixed) { "Guaranteed" } else { "Burstable" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn quality_follows_what_is_asked() {
        let pod = |resources: Value| json!({"spec": {"containers": [{"resources": resources}]}});
        let both = json!({"cpu": "1", "memory": "1Gi"});
        for (resources, quality) in [
            (json!({}), "BestEffort"),
            (json!({"requests": {"cpu": "1"}}), "Burstable"),
            (json!({"limits": both}), "Guaranteed"),
            (json!({"limits": both, "requests": {"cpu": "500m"}}), "Burstable"),
            (json!({"limits": {"cpu": "1"}}), "Burstable"),
        ] {
            assert_eq!(quality_of_service(&pod(resources.clone())), quality, "{resources}");
        }
    }

    fn asks(cpu: &str) -> Value {
        json!({"requests": {"cpu": cpu}})
    }

    #[test]
    fn what_runs_together_adds_up() {
        let pod = json!({"spec": {
            "containers": [{"resources": asks("100m")}, {"resources": asks("200m")}],
            "initContainers": [
                {"resources": asks("50m"), "restartPolicy": "Always"},
                {"resources": asks("500m")},
            ],
            "overhead": {"cpu": "10m"}}});
        let cpu = |pod: &Value| of_pod(pod, "requests").get("cpu").unwrap().canonical();
        assert_eq!(
            cpu(&pod),
            "560m",
            "the init container beside the lasting one, and the overhead"
        );
        let small = json!({"spec": {"containers": [{"resources": asks("1")}],
            "initContainers": [{"resources": asks("50m"), "restartPolicy": "Always"}, {"resources": asks("500m")}]}});
        assert_eq!(cpu(&small), "1050m");
        assert!(!is_best_effort(&small));
        assert!(is_best_effort(&json!({"spec": {"containers": [{"name": "c"}]}})));
    }
}
