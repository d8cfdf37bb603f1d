//! What a pod counts for, and what it must say so that it can be counted.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::admission::resources::{Amounts, items, of_container, of_pod};
use crate::quantity::Quantity;

/// What can be asked for by its plain name, by `requests.` and by `limits.`.
const COMPUTE: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];
/// What a pod must say where a quota counts it.
const DEMANDED: [&str; 6] = [
    "cpu",
    "memory",
    "requests.cpu",
    "requests.memory",
    "limits.cpu",
    "limits.memory",
];
const HUGE: &str = "hugepages-";

/// Whether a quota's resource is about pods.
pub(super) fn is_resource(name: &str) -> bool {
    let plain = |name: &str| COMPUTE.contains(&name);
    match name.split_once('.') {
        Some(("requests", "storage")) => false,
        Some(("requests", asked)) => plain(asked) || asked.starts_with(HUGE) || asked.contains('/'),
        Some(("limits", asked)) => plain(asked),
        _ => name == "pods" || plain(name) || name.starts_with(HUGE),
    }
}

/// The names of one container's or pod's requests and limits, as quotas know them.
fn named(requests: &Amounts, limits: &Amounts) -> Amounts {
    let mut sum = Amounts::new();
    for (name, amount) in requests {
        if COMPUTE.contains(&name.as_str()) || name.starts_with(HUGE) {
            sum.insert(name.clone(), *amount);
            sum.insert(format!("requests.{name}"), *amount);
        } else if name.contains('/') {
            sum.insert(format!("requests.{name}"), *amount);
        }
    }
    for name in COMPUTE {
        if let Some(limit) = limits.get(name) {
            sum.insert(format!("limits.{name}"), *limit);
        }
    }
    sum
}

/// What a pod that lives counts for; one that ended is only an object.
pub(super) fn usage(pod: &Value, now: Timestamp, sum: &mut Amounts) {
    if !is_alive(pod, now) {
        return;
    }
    sum.insert("pods".to_owned(), Quantity::count(1));
    sum.extend(named(&of_pod(pod, "requests"), &of_pod(pod, "limits")));
}

fn is_alive(pod: &Value, now: Timestamp) -> bool {
    let phase = pod.pointer("/status/phase").and_then(Value::as_str);
    if matches!(phase, Some("Failed" | "Succeeded")) {
        return false;
    }
    let metadata = |key: &str| pod.get("metadata").and_then(|metadata| metadata.get(key));
    let since = metadata("deletionTimestamp").and_then(Value::as_str);
    let since = since.and_then(|text| text.parse::<Timestamp>().ok());
    match (since, metadata("deletionGracePeriodSeconds").and_then(Value::as_i64)) {
        // One that should be gone by now is stuck, and holds nothing that counts.
        (Some(since), Some(grace)) => since
            .checked_add(SignedDuration::from_secs(grace))
            .is_ok_and(|end| now <= end),
        _ => true,
    }
}

/// What containers leave unsaid although a quota counts it, and which containers.
pub(super) fn unsaid(pod: &Value, counted: &[&str]) -> Option<String> {
    let demanded: Vec<&str> = counted.iter().copied().filter(|name| DEMANDED.contains(name)).collect();
    let mut missing: Vec<String> = Vec::new();
    for name in demanded {
        let containers = items(pod, "/spec/containers").chain(items(pod, "/spec/initContainers"));
        let silent: Vec<&str> = containers
            .filter(|container| {
                let said = named(&of_container(container, "requests"), &of_container(container, "limits"));
                !said.contains_key(name)
            })
            .filter_map(|container| container.get("name").and_then(Value::as_str))
            .collect();
        if !silent.is_empty() {
            missing.push(format!("{name} for: {}", silent.join(",")));
        }
    }
    (!missing.is_empty()).then(|| missing.join("; "))
}
