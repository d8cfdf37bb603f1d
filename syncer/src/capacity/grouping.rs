//! Nodes that are alike, and what is free on them. Pure.
//! In: nodes, the requests of pods by node. Out: a [`Capacity`] of bounded size. What is told of free room is a lower bound: of a
//! group's nodes, sorted by what they have free, each quarter has at least what its fullest has.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use api::capacity::{Capacity, FreeNodes, NodeGroup, NodeTaint, NodeTaintEffect, Resources, add, resources};
use serde_json::Value;

/// Steps in which the free room of a group is told.
const STEPS_MAX: usize = 4;
/// Different on each node by its meaning.
const HOSTNAME_LABEL: &str = "kubernetes.io/hostname";

/// What matters of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NodeFacts {
    name: String,
    labels: BTreeMap<String, String>,
    taints: BTreeSet<NodeTaint>,
    allocatable: Resources,
}

impl NodeFacts {
    /// Reads a node; none for one that takes no pods now.
    pub(super) fn of(node: &Value) -> Option<Self> {
        let conditions = node.pointer("/status/conditions").and_then(Value::as_array);
        let is_ready = |condition: &&Value| condition["type"] == "Ready" && condition["status"] == "True";
        conditions.into_iter().flatten().find(is_ready)?;
        if node.pointer("/spec/unschedulable").and_then(Value::as_bool) == Some(true) {
            return None;
        }
        let labels = node.pointer("/metadata/labels").and_then(Value::as_object);
        let labels: BTreeMap<String, String> = labels
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect();
        let taints = node.pointer("/spec/taints").and_then(Value::as_array);
        Some(Self {
            name: node.pointer("/metadata/name").and_then(Value::as_str)?.to_owned(),
            labels,
            taints: taints.into_iter().flatten().filter_map(taint).collect(),
            allocatable: resources(node.pointer("/status/allocatable")),
        })
    }
}

fn taint(value: &Value) -> Option<NodeTaint> {
    let text = |field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default();
    let effect = match text("effect") {
        "NoSchedule" => NodeTaintEffect::NoSchedule,
        "NoExecute" => NodeTaintEffect::NoExecute,
        _ => return None,
    };
    Some(NodeTaint {
        key: text("key").to_owned(),
        value: text("value").to_owned(),
        effect,
    })
}

/// The capacity; none where there is no node at all.
pub(super) fn capacity<'a>(
    nodes: impl Iterator<Item = &'a NodeFacts>,
    pods: impl Iterator<Item = &'a (String, Resources)>,
) -> Option<Capacity> {
    let mut nodes: Vec<&NodeFacts> = nodes.collect();
    if nodes.is_empty() {
        return None;
    }
    nodes.sort_by(|a, b| a.name.cmp(&b.name));
    let mut requested: HashMap<&str, Resources> = HashMap::new();
    for (node, requests) in pods {
        add(requested.entry(node).or_default(), requests);
    }
    let mut left_out: BTreeSet<String> = nodes
        .iter()
        .filter(|_| nodes.len() > 1)
        .flat_map(|node| node.labels.keys())
        .filter(|key| *key == HOSTNAME_LABEL)
        .cloned()
        .collect();
    let mut groups = grouped(&nodes, &left_out);
    while groups.len() > Capacity::GROUPS_MAX {
        let Some(key) = most_different(&nodes, &left_out) else {
            break;
        };
        left_out.insert(key);
        groups = grouped(&nodes, &left_out);
    }
    let mut groups: Vec<NodeGroup> = groups
        .into_values()
        .filter_map(|nodes| group(&nodes, &left_out, &requested))
        .collect();
    // Nodes that differ in size or taints alone cannot be put together: the fewest are not told.
    groups.sort_by_key(|group| std::cmp::Reverse(group.nodes));
    groups.truncate(Capacity::GROUPS_MAX);
    groups.sort_by(|a, b| (&a.labels, &a.taints, &a.allocatable).cmp(&(&b.labels, &b.taints, &b.allocatable)));
    Some(Capacity {
        groups,
        labels_left_out: left_out.into_iter().collect(),
    })
}

type Alike<'a> = (Vec<(&'a String, &'a String)>, &'a BTreeSet<NodeTaint>, &'a Resources);

fn grouped<'a>(nodes: &[&'a NodeFacts], left_out: &BTreeSet<String>) -> BTreeMap<Alike<'a>, Vec<&'a NodeFacts>> {
    let mut groups: BTreeMap<Alike<'a>, Vec<&'a NodeFacts>> = BTreeMap::new();
    for node in nodes {
        let labels = node.labels.iter().filter(|(key, _)| !left_out.contains(*key));
        let alike = (labels.collect(), &node.taints, &node.allocatable);
        groups.entry(alike).or_default().push(node);
    }
    groups
}

/// The label with the most different values, of those that tell nodes apart.
fn most_different(nodes: &[&NodeFacts], left_out: &BTreeSet<String>) -> Option<String> {
    let mut values: BTreeMap<&String, BTreeSet<Option<&String>>> = BTreeMap::new();
    let keys: BTreeSet<&String> = nodes.iter().flat_map(|node| node.labels.keys()).collect();
    for key in keys.into_iter().filter(|key| !left_out.contains(*key)) {
        let of_key = nodes.iter().map(|node| node.labels.get(key));
        values.insert(key, of_key.collect());
    }
    let differing = values.into_iter().filter(|(_, values)| values.len() > 1);
    differing
        .max_by_key(|(key, values)| (values.len(), std::cmp::Reverse(*key)))
        .map(|(key, _)| key.clone())
}

fn group(nodes: &[&NodeFacts], left_out: &BTreeSet<String>, requested: &HashMap<&str, Resources>) -> Option<NodeGroup> {
    let first = nodes.first()?;
    let nothing = Resources::new();
    let of = |node: &NodeFacts| requested.get(node.name.as_str()).unwrap_or(&nothing);
    let mut sum = Resources::new();
    let mut free: Vec<Resources> = Vec::new();
    for node in nodes {
        add(&mut sum, of(node));
        let used = |name: &String| of(node).get(name).copied().unwrap_or_default();
        let left = node.allocatable.iter();
        free.push(
            left.map(|(name, amount)| (name.clone(), amount.minus(used(name))))
                .collect(),
        );
    }
    // By cpu first, which is what runs out most often.
    free.sort_by(|a, b| (a.get("cpu"), a.get("memory"), a).cmp(&(b.get("cpu"), b.get("memory"), b)));
    let step = free.len().div_ceil(STEPS_MAX).max(1);
    let mut steps: Vec<FreeNodes> = Vec::new();
    for chunk in free.chunks(step) {
        let mut least = chunk.first().cloned().unwrap_or_default();
        for other in chunk {
            for (name, amount) in &mut least {
                *amount = (*amount).min(other.get(name).copied().unwrap_or_default());
            }
        }
        let count = i64::try_from(chunk.len()).unwrap_or(i64::MAX);
        match steps.last_mut().filter(|last| last.resources == least) {
            Some(last) => last.nodes += count,
            None => steps.push(FreeNodes {
                nodes: count,
                resources: least,
            }),
        }
    }
    sum.retain(|name, _| first.allocatable.contains_key(name));
    let labels = first.labels.iter().filter(|(key, _)| !left_out.contains(*key));
    Some(NodeGroup {
        nodes: i64::try_from(nodes.len()).unwrap_or(i64::MAX),
        labels: labels.map(|(key, value)| (key.clone(), value.clone())).collect(),
        taints: first.taints.iter().cloned().collect(),
        allocatable: first.allocatable.clone(),
        requested: sum,
        free: steps,
    })
}

#[cfg(test)]
mod tests {
    use api::capacity::requests_of;
    use serde_json::json;

    use super::*;

    fn node(name: &str, cpu: &str, more: &Value) -> Option<NodeFacts> {
        let mut labels = json!({HOSTNAME_LABEL: name});
        for (key, value) in more["labels"].as_object().into_iter().flatten() {
            labels[key] = value.clone();
        }
        NodeFacts::of(
            &json!({"metadata": {"name": name, "labels": labels}, "spec": more["spec"],
            "status": {"allocatable": {"cpu": cpu, "pods": "110"},
                "conditions": [{"type": "Ready", "status": more["ready"].as_str().unwrap_or("True")}]}}),
        )
    }

    fn pod(node: &str, cpu: &str) -> (String, Resources) {
        let spec = json!({"containers": [{"resources": {"requests": {"cpu": cpu}}}]});
        (node.to_owned(), requests_of(&spec))
    }

    fn free(group: &NodeGroup) -> Vec<(i64, String)> {
        let steps = group.free.iter();
        steps
            .map(|step| (step.nodes, api::quantity::format(step.resources["cpu"].0)))
            .collect()
    }

    #[test]
    fn nodes_that_are_alike_are_one_group_with_steps_of_free_room() {
        let all: Vec<NodeFacts> = ["a", "b", "c", "d", "e"]
            .iter()
            .filter_map(|name| node(name, "4", &json!({})))
            .collect();
        let pods = [pod("a", "3"), pod("b", "500m"), pod("b", "1"), pod("gone", "1")];
        let capacity = capacity(all.iter(), pods.iter()).unwrap();
        assert_eq!(capacity.groups.len(), 1);
        let group = &capacity.groups[0];
        assert_eq!(group.nodes, 5);
        assert_eq!(free(group), [(2, "1".to_owned()), (3, "4".to_owned())]);
        assert_eq!(api::quantity::format(group.requested["cpu"].0), "4500m");
        assert_eq!(api::quantity::format(group.requested["pods"].0), "3");
        assert_eq!(capacity.labels_left_out, [HOSTNAME_LABEL]);
    }

    #[test]
    fn labels_taints_and_size_make_groups_and_what_takes_no_pods_is_none() {
        let gpu = json!({"labels": {"gpu": "yes"}, "spec": {"taints": [
            {"key": "gpu", "effect": "NoSchedule"}, {"key": "soft", "effect": "PreferNoSchedule"}]}});
        let all = [
            node("a", "4", &json!({})),
            node("b", "8", &json!({})),
            node("c", "8", &gpu),
            node("d", "8", &json!({"ready": "Unknown"})),
            node("e", "8", &json!({"spec": {"unschedulable": true}})),
        ];
        let all: Vec<NodeFacts> = all.into_iter().flatten().collect();
        let capacity = capacity(all.iter(), [].iter()).unwrap();
        let told: Vec<(i64, usize)> = capacity
            .groups
            .iter()
            .map(|group| (group.nodes, group.taints.len()))
            .collect();
        assert_eq!(told, [(1, 0), (1, 0), (1, 1)]);
        assert_eq!(super::capacity([].iter(), [].iter()), None, "no nodes are no answer");
    }

    #[test]
    fn the_number_of_groups_is_bounded() {
        let all: Vec<NodeFacts> = (0..100)
            .filter_map(|index| {
                let labels = json!({"labels": {"serial": format!("{index}"), "pool": format!("{}", index % 3)}});
                node(&format!("n{index:03}"), "4", &labels)
            })
            .collect();
        let by_pool = capacity(all.iter(), [].iter()).unwrap();
        assert_eq!(by_pool.groups.len(), 3);
        assert_eq!(by_pool.labels_left_out, [HOSTNAME_LABEL, "serial"]);
        let sizes: Vec<NodeFacts> = (1..60)
            .filter_map(|cpu| node(&format!("n{cpu}"), &cpu.to_string(), &json!({})))
            .collect();
        assert_eq!(
            capacity(sizes.iter(), [].iter()).unwrap().groups.len(),
            Capacity::GROUPS_MAX
        );
    }
}
