//! How many more pods of one kind fit into a member, by what its nodes have free.
//! In: a pod template, the capacity that the member's syncer told. Out: a number, or nothing where it is not known, which is not none.
//! Looked at: requests, node selector, required node affinity, taints. Absent: what pods ask of each other (anti-affinity, spread
//! over nodes), ports, volumes: the member's scheduler has the last word.

use std::collections::BTreeMap;

use api::capacity::{Capacity, NodeGroup, Resources, requests_of};
use api::policy::Toleration;
use serde_json::Value;

use crate::inputs::text_map;
use crate::tolerations;

/// What the pods of a workload ask of nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodDemand {
    /// Requests of one pod.
    pub requests: Resources,
    /// Labels that its node must have.
    pub node_selector: BTreeMap<String, String>,
    /// Terms of which one must hold; none where there is no required node affinity.
    pub node_terms: Option<Vec<NodeTerm>>,
    /// Taints of nodes that it tolerates.
    pub tolerations: Vec<Toleration>,
}

/// A term of a node affinity: everything in it must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeTerm {
    /// Requirements on labels.
    pub labels: Vec<NodeRequirement>,
    /// It names nodes, of which groups know nothing.
    pub names_nodes: bool,
}

/// A requirement on a label of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeRequirement {
    /// The label.
    pub key: String,
    /// `In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt`, `Lt`.
    pub operator: String,
    /// What it is compared with.
    pub values: Vec<String>,
}

impl PodDemand {
    /// Reads the template of a workload; none for objects without one.
    #[must_use]
    pub fn of(object: &Value) -> Option<Self> {
        let pod = object.pointer("/spec/template/spec")?;
        let terms =
            pod.pointer("/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms");
        Some(Self {
            requests: requests_of(pod),
            node_selector: text_map(pod.get("nodeSelector")),
            node_terms: terms
                .and_then(Value::as_array)
                .map(|terms| terms.iter().map(term).collect()),
            tolerations: pod
                .get("tolerations")
                .and_then(|list| serde_json::from_value(list.clone()).ok())
                .unwrap_or_default(),
        })
    }
}

fn term(value: &Value) -> NodeTerm {
    let list = |field: &str| value.get(field).and_then(Value::as_array).into_iter().flatten();
    let text = |value: &Value, field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let requirement = |value: &Value| {
        let values = value.get("values").and_then(Value::as_array).into_iter().flatten();
        NodeRequirement {
            key: text(value, "key"),
            operator: text(value, "operator"),
            values: values.filter_map(|one| Some(one.as_str()?.to_owned())).collect(),
        }
    };
    NodeTerm {
        labels: list("matchExpressions").map(requirement).collect(),
        names_nodes: list("matchFields").next().is_some(),
    }
}

/// How many more pods fit; none where the capacity cannot tell.
#[must_use]
pub fn room(capacity: &Capacity, demand: &PodDemand) -> Option<i64> {
    let terms = demand.node_terms.iter().flatten();
    let requirements = terms.clone().flat_map(|term| &term.labels).map(|one| &one.key);
    let mut asked = demand.node_selector.keys().chain(requirements);
    let unknown = terms.clone().any(|term| term.names_nodes) || asked.any(|key| capacity.labels_left_out.contains(key));
    if unknown {
        return None;
    }
    let fitting = capacity.groups.iter().filter(|group| admits(group, demand));
    let fit = fitting.flat_map(|group| &group.free).map(|free| {
        let each = demand.requests.iter().filter(|(_, wanted)| wanted.0 > 0);
        let each = each.map(|(name, wanted)| free.resources.get(name).map_or(0, |free| free.0 / wanted.0));
        let each = i64::try_from(each.min().unwrap_or_default().max(0)).unwrap_or(i64::MAX);
        each.saturating_mul(free.nodes.max(0))
    });
    Some(fit.fold(0, i64::saturating_add))
}

/// Whether pods may be on nodes of the group, room or none.
fn admits(group: &NodeGroup, demand: &PodDemand) -> bool {
    let selected = demand
        .node_selector
        .iter()
        .all(|(key, value)| group.labels.get(key) == Some(value));
    let term_holds = |term: &NodeTerm| {
        // As in a pod: an empty term matches nothing.
        !term.labels.is_empty() && term.labels.iter().all(|one| holds(one, group.labels.get(&one.key)))
    };
    let by_terms = demand
        .node_terms
        .as_ref()
        .is_none_or(|terms| terms.iter().any(term_holds));
    let tolerated = group.taints.iter().all(|taint| {
        let tolerates = |one: &Toleration| tolerations::matches(one, &taint.key, &taint.value, taint.effect.into());
        demand.tolerations.iter().any(tolerates)
    });
    selected && by_terms && tolerated
}

fn holds(requirement: &NodeRequirement, value: Option<&String>) -> bool {
    let numbers = || {
        let bound: i64 = requirement.values.first()?.parse().ok()?;
        Some((value?.parse::<i64>().ok()?, bound))
    };
    match requirement.operator.as_str() {
        "In" => value.is_some_and(|value| requirement.values.contains(value)),
        "NotIn" => value.is_none_or(|value| !requirement.values.contains(value)),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => numbers().is_some_and(|(value, bound)| value > bound),
        "Lt" => numbers().is_some_and(|(value, bound)| value < bound),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn capacity() -> Capacity {
        serde_json::from_value(json!({
            "labelsLeftOut": ["kubernetes.io/hostname"],
            "groups": [
                {"nodes": 3, "labels": {"pool": "big", "generation": "7"}, "allocatable": {}, "requested": {}, "free": [
                    {"nodes": 2, "resources": {"cpu": "4", "memory": "8Gi", "pods": "10"}},
                    {"nodes": 1, "resources": {"cpu": "1500m", "memory": "8Gi", "pods": "10"}}]},
                {"nodes": 2, "labels": {"pool": "gpu"}, "taints": [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}],
                    "allocatable": {}, "requested": {}, "free": [
                    {"nodes": 2, "resources": {"cpu": "8", "memory": "64Gi", "pods": "3", "example.com/gpu": "1"}}]},
            ],
        }))
        .unwrap()
    }

    #[test]
    fn what_fits() {
        let tolerates = json!([{"key": "gpu", "operator": "Exists"}]);
        let affinity = |terms: Value| {
            json!({"nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}})
        };
        let pool = |operator: &str, values: Value| json!({"key": "pool", "operator": operator, "values": values});
        let old = json!({"key": "generation", "operator": "Lt", "values": ["8"]});
        let rows = [
            ("by cpu", json!({}), "1", "1Gi", Some(9)),
            ("by memory", json!({}), "1m", "4Gi", Some(6)),
            ("by number of pods", json!({}), "0", "0", Some(30)),
            ("too large for any", json!({}), "5", "1Gi", Some(0)),
            ("tolerated", json!({"tolerations": tolerates}), "1", "1Gi", Some(15)),
            (
                "wrong value",
                json!({"tolerations": [{"key": "gpu", "value": "no"}]}),
                "1",
                "1Gi",
                Some(9),
            ),
            (
                "selected",
                json!({"nodeSelector": {"pool": "gpu"}, "tolerations": tolerates}),
                "1",
                "1Gi",
                Some(6),
            ),
            (
                "no such nodes",
                json!({"nodeSelector": {"pool": "small"}}),
                "1",
                "1Gi",
                Some(0),
            ),
            (
                "in",
                json!({"affinity": affinity(json!([{"matchExpressions": [pool("In", json!(["big"]))]}]))}),
                "4",
                "1Gi",
                Some(2),
            ),
            (
                "not in",
                json!({"affinity": affinity(json!([{"matchExpressions": [pool("NotIn", json!(["big"]))]}]))}),
                "1",
                "1Gi",
                Some(0),
            ),
            (
                "less",
                json!({"affinity": affinity(json!([{"matchExpressions": [old]}]))}),
                "1",
                "1Gi",
                Some(9),
            ),
            (
                "any term",
                json!({"affinity": affinity(json!([{}, {"matchExpressions": [pool("Exists", json!([]))]}]))}),
                "1",
                "1Gi",
                Some(9),
            ),
            ("no term", json!({"affinity": affinity(json!([]))}), "1", "1Gi", Some(0)),
            (
                "by a name",
                json!({"nodeSelector": {"kubernetes.io/hostname": "a"}}),
                "1",
                "1Gi",
                None,
            ),
            (
                "by a field",
                json!({"affinity": affinity(json!([{"matchFields": [{}]}]))}),
                "1",
                "1Gi",
                None,
            ),
        ];
        for (what, mut pod, cpu, memory, expected) in rows {
            pod["containers"] = json!([{"resources": {"requests": {"cpu": cpu, "memory": memory}}}]);
            let demand = PodDemand::of(&json!({"spec": {"template": {"spec": pod}}})).unwrap();
            assert_eq!(room(&capacity(), &demand), expected, "{what}");
        }
        let gpu =
            json!({"containers": [{"resources": {"requests": {"example.com/gpu": "1"}}}], "tolerations": tolerates});
        let demand = PodDemand::of(&json!({"spec": {"template": {"spec": gpu}}})).unwrap();
        assert_eq!(
            room(&capacity(), &demand),
            Some(2),
            "a resource that a node does not have is none"
        );
    }
}
