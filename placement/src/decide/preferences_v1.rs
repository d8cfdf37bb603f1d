//! The annotations of Federation v1, read in one place.
//! In: an object's annotations. Out: [`Preferences`] and a [`ClusterSelector`], with their defaults. Absent: the planner
//! that uses them (`planner_v1.rs`).

use std::collections::BTreeMap;

use api::well_known::{V1_CLUSTER_SELECTOR, V1_DEPLOYMENT_PREFERENCES, V1_REPLICA_SET_PREFERENCES};
use serde_json::{Map, Value};

use crate::inputs::FederatedObject;

/// How the replicas of one object are to be spread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preferences {
    /// Whether running replicas may be moved for a better spread.
    pub rebalance: bool,
    /// Preferences by cluster; `*` is for all others.
    pub clusters: BTreeMap<String, ClusterPreferences>,
}

/// Preferences of one cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterPreferences {
    /// Given first, as far as the total reaches.
    pub min_replicas: i64,
    /// Never exceeded by the weighted part.
    pub max_replicas: Option<i64>,
    /// Share of what is left after the minimums.
    pub weight: i64,
}

/// Whether the object carries an annotation of Federation v1.
#[must_use]
pub fn present(object: &FederatedObject) -> bool {
    preferences_key(object).is_some_and(|key| object.annotations.contains_key(key))
        || object.annotations.contains_key(V1_CLUSTER_SELECTOR)
}

fn preferences_key(object: &FederatedObject) -> Option<&'static str> {
    match object.resource.kind.as_str() {
        "Deployment" => Some(V1_DEPLOYMENT_PREFERENCES),
        "ReplicaSet" => Some(V1_REPLICA_SET_PREFERENCES),
        _ => None,
    }
}

impl Preferences {
    /// The preferences of an object that carries the annotation. A text that is no preferences means equal weights, as it
    /// always did, and a step says so.
    #[must_use]
    pub fn of(object: &FederatedObject, steps: &mut Vec<String>) -> Option<Self> {
        let key = preferences_key(object)?;
        let text = object.annotations.get(key)?;
        match serde_json::from_str::<Value>(text)
            .ok()
            .as_ref()
            .and_then(Self::from_value)
        {
            Some(preferences) => {
                steps.push(format!("The annotation {key} plans the replicas."));
                Some(preferences)
            }
            None => {
                steps.push(format!(
                    "The annotation {key} is not valid: every cluster gets the same weight."
                ));
                let equal = ClusterPreferences {
                    min_replicas: 0,
                    max_replicas: None,
                    weight: 1,
                };
                Some(Self {
                    rebalance: false,
                    clusters: BTreeMap::from([("*".to_owned(), equal)]),
                })
            }
        }
    }

    fn from_value(value: &Value) -> Option<Self> {
        let top = value.as_object()?;
        let rebalance = field(top, "rebalance").map_or(Some(false), Value::as_bool)?;
        let mut clusters = BTreeMap::new();
        if let Some(entries) = field(top, "clusters") {
            for (name, entry) in entries.as_object()? {
                let entry = entry.as_object()?;
                let number = |name: &str| match field(entry, name) {
                    None | Some(Value::Null) => Some(None),
                    Some(value) => value.as_i64().filter(|number| *number >= 0).map(Some),
                };
                clusters.insert(
                    name.clone(),
                    ClusterPreferences {
                        min_replicas: number("minReplicas")?.unwrap_or_default(),
                        max_replicas: number("maxReplicas")?,
                        weight: number("weight")?.unwrap_or_default(),
                    },
                );
            }
        }
        Some(Self { rebalance, clusters })
    }

    /// The preferences of one cluster: its own, else those of `*`; none for a cluster that takes no part.
    #[must_use]
    pub fn of_cluster(&self, name: &str) -> Option<&ClusterPreferences> {
        self.clusters.get(name).or_else(|| self.clusters.get("*"))
    }
}

/// Go reads JSON keys without regard to case.
fn field<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| {
        object
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

/// Requirements over the labels of clusters. A text that is no selector selects no cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterSelector {
    requirements: Option<Vec<Requirement>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
    Greater,
    Less,
}

impl Operator {
    fn parse(text: &str) -> Option<Self> {
        Some(match text.to_lowercase().as_str() {
            "in" | "=" | "==" => Self::In,
            "notin" | "!=" => Self::NotIn,
            "exists" => Self::Exists,
            "doesnotexist" | "!" => Self::DoesNotExist,
            "gt" | ">" => Self::Greater,
            "lt" | "<" => Self::Less,
            _ => return None,
        })
    }
}

impl ClusterSelector {
    /// The selector of an object that carries the annotation.
    #[must_use]
    pub fn from_annotations(annotations: &BTreeMap<String, String>) -> Option<Self> {
        let text = annotations.get(V1_CLUSTER_SELECTOR)?;
        let requirements = serde_json::from_str::<Value>(text).ok();
        Some(Self {
            requirements: requirements
                .as_ref()
                .and_then(Value::as_array)
                .and_then(|list| parse_all(list)),
        })
    }

    /// Why it does not select a cluster with these labels; none where it does.
    #[must_use]
    pub fn mismatch(&self, labels: &BTreeMap<String, String>) -> Option<String> {
        let Some(requirements) = &self.requirements else {
            return Some(format!(
                "the annotation {V1_CLUSTER_SELECTOR} is not valid and selects no cluster"
            ));
        };
        let failed = requirements
            .iter()
            .find(|requirement| !requirement.holds(labels.get(&requirement.key)))?;
        Some(format!(
            "its label {} does not satisfy {:?} [{}]",
            failed.key,
            failed.operator,
            failed.values.join(", ")
        ))
    }
}

fn parse_all(list: &[Value]) -> Option<Vec<Requirement>> {
    list.iter()
        .map(|entry| {
            let entry = entry.as_object()?;
            let values = match field(entry, "values") {
                None | Some(Value::Null) => vec![],
                Some(values) => values
                    .as_array()?
                    .iter()
                    .map(|value| value.as_str().map(str::to_owned))
                    .collect::<Option<_>>()?,
            };
            let requirement = Requirement {
                key: field(entry, "key")?.as_str().filter(|key| !key.is_empty())?.to_owned(),
                operator: Operator::parse(field(entry, "operator")?.as_str()?)?,
                values,
            };
            requirement.is_complete().then_some(requirement)
        })
        .collect()
}

impl Requirement {
    fn is_complete(&self) -> bool {
        match self.operator {
            Operator::In | Operator::NotIn => !self.values.is_empty(),
            Operator::Exists | Operator::DoesNotExist => self.values.is_empty(),
            Operator::Greater | Operator::Less => self.values.len() == 1 && self.number().is_some(),
        }
    }

    fn number(&self) -> Option<i64> {
        self.values.first()?.parse().ok()
    }

    fn holds(&self, value: Option<&String>) -> bool {
        let compare = |test: fn(&i64, &i64) -> bool| {
            let label = value.and_then(|value| value.parse::<i64>().ok());
            label
                .zip(self.number())
                .is_some_and(|(label, bound)| test(&label, &bound))
        };
        match self.operator {
            Operator::In => value.is_some_and(|value| self.values.contains(value)),
            Operator::NotIn => value.is_none_or(|value| !self.values.contains(value)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::Greater => compare(i64::gt),
            Operator::Less => compare(i64::lt),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_read_without_regard_to_case_and_default_to_equal_weights() {
        let read = |text: &str| {
            let mut object = FederatedObject::default();
            object.resource.kind = "Deployment".into();
            object.annotations.insert(V1_DEPLOYMENT_PREFERENCES.into(), text.into());
            Preferences::of(&object, &mut vec![]).unwrap()
        };
        let entry = |min_replicas, max_replicas, weight| ClusterPreferences {
            min_replicas,
            max_replicas,
            weight,
        };
        let both = read(
            r#"{"Rebalance": true, "clusters": {"eu": {"MinReplicas": 1, "maxReplicas": 4, "weight": 2}, "*": {}}}"#,
        );
        assert!(both.rebalance);
        assert_eq!(both.of_cluster("eu"), Some(&entry(1, Some(4), 2)));
        assert_eq!(both.of_cluster("us"), Some(&entry(0, None, 0)));
        for broken in [
            "",
            "[]",
            "{",
            r#"{"clusters": []}"#,
            r#"{"clusters": {"a": {"weight": "1"}}}"#,
        ] {
            assert_eq!(read(broken).of_cluster("eu"), Some(&entry(0, None, 1)), "{broken}");
        }
        assert_eq!(read("{}").of_cluster("eu"), None);
    }

    #[test]
    fn cluster_selectors() {
        let labels: BTreeMap<String, String> = [("tier", "gold"), ("size", "12")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        let rows = [
            (r"[]", true),
            (
                r#"[{"key": "tier", "operator": "in", "values": ["gold", "silver"]}]"#,
                true,
            ),
            (r#"[{"key": "tier", "operator": "NotIn", "values": ["gold"]}]"#, false),
            (r#"[{"key": "tier", "operator": "!"}]"#, false),
            (
                r#"[{"key": "tier", "operator": "exists"}, {"key": "gpu", "operator": "DoesNotExist"}]"#,
                true,
            ),
            (r#"[{"key": "tier", "operator": "==", "values": ["gold"]}]"#, true),
            (r#"[{"key": "tier", "operator": "!=", "values": ["gold"]}]"#, false),
            (r#"[{"key": "size", "operator": "Gt", "values": ["10"]}]"#, true),
            (r#"[{"key": "size", "operator": "<", "values": ["12"]}]"#, false),
            (r#"[{"key": "gpu", "operator": ">", "values": ["1"]}]"#, false),
            (r#"{"key": "tier"}"#, false),
            (r#"[{"key": "tier", "operator": "about", "values": ["gold"]}]"#, false),
            (r#"[{"key": "tier", "operator": "In"}]"#, false),
            ("not json", false),
        ];
        for (text, expected) in rows {
            let annotations = BTreeMap::from([(V1_CLUSTER_SELECTOR.to_owned(), text.to_owned())]);
            let selector = ClusterSelector::from_annotations(&annotations).unwrap();
            assert_eq!(selector.mismatch(&labels).is_none(), expected, "{text}");
        }
        assert_eq!(ClusterSelector::from_annotations(&BTreeMap::new()), None);
    }
}
