//! What the nodes of a member have room for, by groups of nodes that are alike, and what a pod asks for.
//! In: JSON of pods. Out: sums that can be compared. Absent: which nodes are alike (the syncer), whether a pod fits (placement).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cluster::TaintEffect;
use crate::quantity::{self, Quantity};

/// Amounts by resource name.
pub type Resources = BTreeMap<String, Quantity>;

/// What the nodes of a member have room for. Only nodes that are Ready and not cordoned count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Capacity {
    /// Nodes that are alike, in a fixed order; at most [`Capacity::GROUPS_MAX`].
    pub groups: Vec<NodeGroup>,
    /// Labels by which nodes differ too much to be told apart here, sorted; whether a pod that asks for one fits is not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels_left_out: Vec<String>,
}

impl Capacity {
    /// The most groups that are told; beyond them labels are left out.
    pub const GROUPS_MAX: usize = 16;
}

/// Nodes with the same labels, taints and size.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeGroup {
    /// How many.
    pub nodes: i64,
    /// Labels of each.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Taints of each that keep pods out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub taints: Vec<NodeTaint>,
    /// What each offers to pods.
    pub allocatable: Resources,
    /// What the pods on all of them request, together.
    pub requested: Resources,
    /// What is free on each, by a few steps: of as many nodes each has at least so much.
    pub free: Vec<FreeNodes>,
}

/// Nodes of a group with at least so much free.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FreeNodes {
    /// How many nodes.
    pub nodes: i64,
    /// What each of them has free at least.
    pub resources: Resources,
}

/// A taint of a node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct NodeTaint {
    /// Taint key.
    pub key: String,
    /// Taint value.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// `NoSchedule` or `NoExecute`.
    pub effect: NodeTaintEffect,
}

/// Effects of a node's taint that keep pods out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum NodeTaintEffect {
    /// New pods stay out.
    NoSchedule,
    /// Pods leave, too.
    NoExecute,
}

impl From<NodeTaintEffect> for TaintEffect {
    fn from(effect: NodeTaintEffect) -> Self {
        match effect {
            NodeTaintEffect::NoSchedule => Self::NoSchedule,
            NodeTaintEffect::NoExecute => Self::NoExecute,
        }
    }
}

/// What a pod requests, by the spec of a pod, as the scheduler counts it: the sum of its containers and of the init containers
/// that keep running, no less than what any init container needs beside those started before it, its overhead, and one pod.
#[must_use]
pub fn requests_of(pod: &Value) -> Resources {
    let list = |field: &str| pod.get(field).and_then(Value::as_array).into_iter().flatten();
    let mut running = Resources::new();
    let mut peak = Resources::new();
    for container in list("initContainers") {
        let asks = resources(container.pointer("/resources/requests"));
        if container.get("restartPolicy").and_then(Value::as_str) == Some("Always") {
            add(&mut running, &asks);
            raise(&mut peak, &running);
        } else {
            let mut beside = running.clone();
            add(&mut beside, &asks);
            raise(&mut peak, &beside);
        }
    }
    for container in list("containers") {
        add(&mut running, &resources(container.pointer("/resources/requests")));
    }
    raise(&mut running, &peak);
    add(&mut running, &resources(pod.get("overhead")));
    running.insert("pods".to_owned(), Quantity::ONE);
    running
}

/// Amounts as JSON has them; what is no quantity is left out.
#[must_use]
pub fn resources(value: Option<&Value>) -> Resources {
    let entries = value.and_then(Value::as_object).into_iter().flatten();
    entries
        .filter_map(|(name, amount)| {
            let amount = match amount {
                Value::String(text) => quantity::parse(text),
                Value::Number(number) => quantity::parse(&number.to_string()),
                Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
            };
            Some((name.clone(), Quantity(amount?)))
        })
        .collect()
}

/// Adds amounts.
pub fn add(sum: &mut Resources, more: &Resources) {
    for (name, amount) in more {
        let at = sum.entry(name.clone()).or_default();
        *at = at.plus(*amount);
    }
}

fn raise(sum: &mut Resources, least: &Resources) {
    for (name, amount) in least {
        let at = sum.entry(name.clone()).or_default();
        *at = (*at).max(*amount);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn requests_are_counted_as_the_scheduler_does() {
        let asks = |cpu: &str| json!({"resources": {"requests": {"cpu": cpu}}});
        let sidecar = json!({"restartPolicy": "Always", "resources": {"requests": {"cpu": "100m"}}});
        let rows = [
            (json!({}), 0),
            (json!({"containers": [asks("1"), asks("500m")]}), 1_500),
            (json!({"containers": [asks("1")], "initContainers": [asks("2")]}), 2_000),
            (
                json!({"containers": [asks("1")], "initContainers": [sidecar, asks("2")]}),
                2_100,
            ),
            (
                json!({"containers": [asks("1")], "initContainers": [asks("1"), sidecar]}),
                1_100,
            ),
            (json!({"containers": [asks("1")], "overhead": {"cpu": "250m"}}), 1_250),
        ];
        for (pod, milli) in rows {
            let requests = requests_of(&pod);
            let cpu = requests.get("cpu").copied().unwrap_or_default();
            assert_eq!(cpu, Quantity(milli * 1_000_000), "{pod}");
            assert_eq!(requests.get("pods"), Some(&Quantity::ONE));
        }
    }

    #[test]
    fn quantities_are_text() {
        let group = NodeGroup {
            allocatable: resources(Some(&json!({"cpu": "1500m", "memory": "1Gi", "broken": {}}))),
            ..NodeGroup::default()
        };
        let text = serde_json::to_value(&group).unwrap();
        assert_eq!(text["allocatable"], json!({"cpu": "1500m", "memory": "1073741824"}));
        assert_eq!(serde_json::from_value::<NodeGroup>(text).unwrap(), group);
    }
}
