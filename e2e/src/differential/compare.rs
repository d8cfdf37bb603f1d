//! Two answers, field by field. In: two values. Out: the paths at which they differ, and what each says there.

use serde_json::Value;

/// A field that the two servers answer differently.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Where: `body.items[0].metadata.name`.
    pub field: String,
    /// What kube-apiserver says, as JSON; empty where it says nothing.
    pub kube: String,
    /// What the hub says, as JSON; empty where it says nothing.
    pub hub: String,
}

/// All fields that differ, in the order of their paths.
#[must_use]
pub fn differences(kube: &Value, hub: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    walk(String::new(), Some(kube), Some(hub), &mut found);
    found
}

fn walk(path: String, kube: Option<&Value>, hub: Option<&Value>, found: &mut Vec<Difference>) {
    match (kube, hub) {
        (Some(Value::Object(left)), Some(Value::Object(right))) => {
            let mut keys: Vec<&String> = left.keys().chain(right.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                let below = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                walk(below, left.get(key), right.get(key), found);
            }
        }
        (Some(Value::Array(left)), Some(Value::Array(right))) => {
            for at in 0..left.len().max(right.len()) {
                walk(format!("{path}[{at}]"), left.get(at), right.get(at), found);
            }
        }
        (left, right) if left == right => {}
        (left, right) => {
            let said = |value: Option<&Value>| value.map(Value::to_string).unwrap_or_default();
            found.push(Difference {
                field: path,
                kube: said(left),
                hub: said(right),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn each_field_is_told_once() {
        let kube = json!({"a": [1, {"b": null}], "c": "x"});
        let hub = json!({"a": [1, {}, 2], "c": "x", "d": {}});
        let told: Vec<_> = differences(&kube, &hub)
            .into_iter()
            .map(|d| (d.field, d.kube, d.hub))
            .collect();
        let row = |field: &str, kube: &str, hub: &str| (field.to_owned(), kube.to_owned(), hub.to_owned());
        assert_eq!(
            told,
            [row("a[1].b", "null", ""), row("a[2]", "", "2"), row("d", "", "{}")]
        );
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c]", inner, 0..4).prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn equal_values_alone_do_not_differ(left in any_value(), right in any_value()) {
            prop_assert_eq!(differences(&left, &right).is_empty(), left == right);
            prop_assert!(differences(&left, &left).is_empty());
        }
    }
}
