//! Whether a live object still says what Meridian applied.
//!
//! In: the rendered object and the live one. Out: a fingerprint of the live values of exactly the fields that were rendered,
//! and a lenient comparison for the time before a fingerprint is known. Absent: schemas. Lists whose items carry a key are
//! compared by that key, because others may add items of their own there; all other lists are compared whole.

use api::quantity;
use api::well_known::HUB_GENERATION_ANNOTATION;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// Hash of the live values of the fields that were rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint([u8; 32]);

/// Keys that tell list items apart, the most telling first.
const ITEM_KEYS: [&str; 8] = [
    "name",
    "containerPort",
    "port",
    "mountPath",
    "devicePath",
    "topologyKey",
    "ip",
    "uid",
];

/// Fingerprint of what `live` says in the fields of `rendered`. Two live objects with the same fingerprint do not differ in
/// anything that was rendered, however the server spells or defaults it.
pub(crate) fn fingerprint(rendered: &Value, live: &Value) -> Fingerprint {
    let mut projection = Map::new();
    for (key, shape, seen) in owned_fields(rendered, live) {
        if let Some(seen) = seen {
            projection.insert(key, project(shape, seen));
        }
    }
    Fingerprint(Sha256::digest(Value::Object(projection).to_string().as_bytes()).into())
}

/// Whether `live` holds everything that `rendered` says, granting the server its defaults and canonical spellings.
pub(crate) fn covers(rendered: &Value, live: &Value) -> bool {
    owned_fields(rendered, live)
        .into_iter()
        .all(|(_, shape, seen)| match seen {
            Some(seen) => value_covers(shape, seen),
            None => is_empty(shape),
        })
}

/// The parts of a rendered object that are compared, each beside its live counterpart.
fn owned_fields<'a>(rendered: &'a Value, live: &'a Value) -> Vec<(String, &'a Value, Option<&'a Value>)> {
    let mut fields = Vec::new();
    let Some(object) = rendered.as_object() else {
        return fields;
    };
    for (key, shape) in object {
        match key.as_str() {
            "apiVersion" | "kind" | "status" => {}
            "metadata" => {
                for (part, shapes) in ["labels", "annotations"]
                    .into_iter()
                    .filter_map(|part| shape.get(part)?.as_object().map(|m| (part, m)))
                {
                    let seen = live.get("metadata").and_then(|m| m.get(part));
                    // Which hub generation was applied is bookkeeping: it may move without a write.
                    for (name, value) in shapes.iter().filter(|(name, _)| *name != HUB_GENERATION_ANNOTATION) {
                        fields.push((format!("{part}/{name}"), value, seen.and_then(|s| s.get(name))));
                    }
                }
            }
            _ => fields.push((key.clone(), shape, live.get(key))),
        }
    }
    fields
}

fn project(shape: &Value, live: &Value) -> Value {
    match (shape, live) {
        (Value::Object(shape), Value::Object(live)) => Value::Object(
            shape
                .iter()
                .filter_map(|(key, inner)| live.get(key).map(|seen| (key.clone(), project(inner, seen))))
                .collect(),
        ),
        (Value::Array(shape), Value::Array(live)) => match item_key(shape) {
            Some(key) => Value::Array(
                shape
                    .iter()
                    .filter_map(|item| find_item(live, key, item).map(|seen| project(item, seen)))
                    .collect(),
            ),
            None => Value::Array(live.clone()),
        },
        _ => live.clone(),
    }
}

fn value_covers(shape: &Value, live: &Value) -> bool {
    match (shape, live) {
        (Value::Object(shape), Value::Object(live)) => shape.iter().all(|(key, inner)| match live.get(key) {
            Some(seen) => value_covers(inner, seen),
            None => is_empty(inner),
        }),
        (Value::Array(shape), Value::Array(live)) => match item_key(shape) {
            Some(key) => shape
                .iter()
                .all(|item| find_item(live, key, item).is_some_and(|seen| value_covers(item, seen))),
            None => shape.len() == live.len() && shape.iter().zip(live).all(|(a, b)| value_covers(a, b)),
        },
        _ => scalars_equal(shape, live),
    }
}

/// The key by which the items of a list are told apart: every item has it and no two share its value.
fn item_key(items: &[Value]) -> Option<&'static str> {
    if items.is_empty() {
        return None;
    }
    ITEM_KEYS.into_iter().find(|key| {
        let mut values: Vec<&Value> = items.iter().filter_map(|item| item.get(key)).collect();
        let all = values.len() == items.len();
        values.sort_by_key(|value| value.to_string());
        values.dedup();
        all && values.len() == items.len()
    })
}

fn find_item<'a>(live: &'a [Value], key: &str, item: &Value) -> Option<&'a Value> {
    let wanted = item.get(key)?;
    live.iter().find(|candidate| candidate.get(key) == Some(wanted))
}

/// What a server may leave out when it writes an object back.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_empty),
    }
}

fn scalars_equal(a: &Value, b: &Value) -> bool {
    if a == b || (is_empty(a) && is_empty(b)) {
        return true;
    }
    let amount = |value: &Value| match value {
        Value::String(text) => quantity::parse(text),
        Value::Number(number) => quantity::parse(&number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    matches!((amount(a), amount(b)), (Some(a), Some(b)) if a == b)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn deployment() -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "labels": {"app": "web"}, "annotations": {HUB_GENERATION_ANNOTATION: "3"}},
            "spec": {"replicas": 2, "paused": false, "template": {"spec": {"containers": [
                {"name": "web", "image": "web:1", "args": ["-a", "-b"], "resources": {"requests": {"cpu": "1000m"}}}]}}}})
    }

    fn live() -> Value {
        json!({"metadata": {"name": "web", "uid": "u", "labels": {"app": "web", "theirs": "x"}, "annotations": {HUB_GENERATION_ANNOTATION: "2"}},
            "spec": {"replicas": 2, "revisionHistoryLimit": 10, "template": {"spec": {"dnsPolicy": "ClusterFirst", "containers": [
                {"name": "sidecar", "image": "proxy"},
                {"name": "web", "image": "web:1", "args": ["-a", "-b"], "resources": {"requests": {"cpu": "1"}}}]}}},
            "status": {"replicas": 1}})
    }

    #[test]
    fn defaults_and_foreign_additions_are_no_drift() {
        assert!(covers(&deployment(), &live()));
        let mut later = live();
        later["status"] = json!({"replicas": 2});
        later["spec"]["progressDeadlineSeconds"] = json!(5);
        later["metadata"]["labels"]["more"] = json!("y");
        assert_eq!(fingerprint(&deployment(), &live()), fingerprint(&deployment(), &later));
    }

    #[test]
    fn changes_of_rendered_fields_are_drift() {
        let edits: [fn(&mut Value); 6] = [
            |v| v["spec"]["replicas"] = json!(5),
            |v| v["metadata"]["labels"]["app"] = json!("other"),
            |v| drop(v["metadata"].as_object_mut().unwrap().remove("labels")),
            |v| v["spec"]["template"]["spec"]["containers"][1]["image"] = json!("web:2"),
            |v| v["spec"]["template"]["spec"]["containers"][1]["args"] = json!(["-a", "-b", "-c"]),
            |v| {
                drop(
                    v["spec"]["template"]["spec"]["containers"]
                        .as_array_mut()
                        .unwrap()
                        .remove(1),
                )
            },
        ];
        for (number, edit) in edits.into_iter().enumerate() {
            let mut edited = live();
            edit(&mut edited);
            assert!(!covers(&deployment(), &edited), "edit {number}");
            assert_ne!(
                fingerprint(&deployment(), &live()),
                fingerprint(&deployment(), &edited),
                "edit {number}"
            );
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-z0-9]{0,4}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("[a-c]|name|port", inner, 0..4)
                    .prop_map(|m| Value::Object(m.into_iter().collect()))
            ]
        })
    }

    proptest! {
        #[test]
        fn everything_covers_itself(spec in values()) {
            let object = json!({"metadata": {"labels": {"a": "b"}}, "spec": spec});
            prop_assert!(covers(&object, &object));
        }

        #[test]
        fn equal_fingerprints_cover_alike(spec in values(), other in values()) {
            let object = json!({"spec": spec.clone()});
            let changed = json!({"spec": other});
            if fingerprint(&object, &object) == fingerprint(&object, &changed) {
                prop_assert!(covers(&object, &changed));
            }
        }
    }
}
