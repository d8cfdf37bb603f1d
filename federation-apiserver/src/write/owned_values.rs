//! Fields in objects: finds, names and removes what the paths of a field set mean in a value. Pure.
//!
//! In: paths of elements, values with their schema. Out: values, texts for conflicts, objects without what nobody wants any
//! more. Absent: the sets themselves (`ownership`).

use std::collections::BTreeMap;

use machinery::schema::{Field, Schema};
use serde_json::{Map, Value};

use super::ownership::FieldSet;

/// The element of a list item, from its keys in sorted order: `k:{"name":"web"}`. None where a key is missing.
pub(super) fn item_key(field: &Field, item: &Value) -> Option<String> {
    let mut keys = BTreeMap::new();
    for key in &field.list_map_keys {
        let value = match item.get(key) {
            Some(value) => value.clone(),
            // The one list key with a default in the kinds that are served.
            None if key == "protocol" => Value::from("TCP"),
            None => return None,
        };
        keys.insert(key.as_str(), value);
    }
    (!keys.is_empty()).then(|| format!("k:{}", serde_json::to_string(&keys).unwrap_or_default()))
}

/// Whether the element `v:TEXT` means a scalar.
fn is_spelled(item: &Value, text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|value| value == *item)
}

/// The value at a path of elements.
pub(super) fn value_at<'a>(field: Option<&Field>, value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    let [first, rest @ ..] = path else { return Some(value) };
    if let Some(name) = first.strip_prefix("f:") {
        return value_at(field.and_then(|f| f.schema().field(name)), value.get(name)?, rest);
    }
    let items = value.as_array()?;
    let item_field = field.and_then(|f| f.schema().items.as_deref());
    let item = match first.strip_prefix("v:") {
        Some(text) => items.iter().find(|item| is_spelled(item, text)),
        None => items
            .iter()
            .find(|item| field.and_then(|f| item_key(f, item)).as_deref() == Some(*first)),
    }?;
    value_at(item_field, item, rest)
}

/// The value at a path of an object.
pub(super) fn object_value_at<'a>(schema: Option<&Schema>, object: &'a Value, path: &[&str]) -> Option<&'a Value> {
    let [first, rest @ ..] = path else { return Some(object) };
    let name = first.strip_prefix("f:")?;
    value_at(schema.and_then(|s| s.field(name)), object.get(name)?, rest)
}

/// A path as conflicts print it: `.spec.template.spec.containers[name="web"].image`.
pub(super) fn path_text(path: &[&str]) -> String {
    let mut text = String::new();
    for element in path {
        if let Some(name) = element.strip_prefix("f:") {
            text.push('.');
            text.push_str(name);
        } else if let Some(value) = element.strip_prefix("v:") {
            text.push_str(&format!("[={value}]"));
        } else if let Some(keys) = element.strip_prefix("k:") {
            let keys: BTreeMap<String, Value> = serde_json::from_str(keys).unwrap_or_default();
            let keys: Vec<String> = keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
            text.push_str(&format!("[{}]", keys.join(",")));
        }
    }
    text
}

/// Removes from `value` what `before` owned, `after` no longer owns, and none of `others` owns.
pub(super) fn remove_dropped(
    field: Option<&Field>,
    value: &mut Value,
    before: &FieldSet,
    after: Option<&FieldSet>,
    others: &[&FieldSet],
) {
    for (element, was) in &before.children {
        let still = after.and_then(|set| set.children.get(element));
        let elsewhere: Vec<&FieldSet> = others.iter().filter_map(|set| set.children.get(element)).collect();
        let gone = still.is_none() && elsewhere.is_empty();
        // A field that nobody wants any more goes whole, with what was filled in below it.
        if gone && (was.own || element.starts_with("f:")) {
            remove_element(field, value, element);
            continue;
        }
        let (below_field, below) = match element_mut(field, value, element) {
            Some(found) => found,
            None => continue,
        };
        remove_dropped(below_field, below, was, still, &elsewhere);
        let emptied = below.as_object().is_some_and(Map::is_empty) || below.as_array().is_some_and(Vec::is_empty);
        if gone && emptied {
            remove_element(field, value, element);
        }
    }
}

fn element_mut<'f, 'v>(
    field: Option<&'f Field>,
    value: &'v mut Value,
    element: &str,
) -> Option<(Option<&'f Field>, &'v mut Value)> {
    if let Some(name) = element.strip_prefix("f:") {
        return Some((field.and_then(|f| f.schema().field(name)), value.get_mut(name)?));
    }
    let item_field = field.and_then(|f| f.schema().items.as_deref());
    let items = value.as_array_mut()?;
    let item = items
        .iter_mut()
        .find(|item| field.and_then(|f| item_key(f, item)).as_deref() == Some(element))?;
    Some((item_field, item))
}

fn remove_element(field: Option<&Field>, value: &mut Value, element: &str) {
    if let Some(name) = element.strip_prefix("f:") {
        if let Some(map) = value.as_object_mut() {
            map.remove(name);
        }
    } else if let Some(items) = value.as_array_mut() {
        match element.strip_prefix("v:") {
            Some(text) => items.retain(|item| !is_spelled(item, text)),
            None => items.retain(|item| field.and_then(|f| item_key(f, item)).as_deref() != Some(element)),
        }
    }
}

/// As [`remove_dropped`], from the top of an object.
pub(super) fn remove_dropped_of_object(
    schema: Option<&Schema>,
    object: &mut Value,
    before: &FieldSet,
    after: &FieldSet,
    others: &[FieldSet],
) {
    for (element, was) in &before.children {
        let Some(name) = element.strip_prefix("f:") else {
            continue;
        };
        let still = after.children.get(element);
        let elsewhere: Vec<&FieldSet> = others.iter().filter_map(|set| set.children.get(element)).collect();
        let gone = still.is_none() && elsewhere.is_empty();
        let field = schema.and_then(|s| s.field(name));
        if gone && was.own {
            remove_element(None, object, element);
        } else if let Some(below) = object.get_mut(name) {
            remove_dropped(field, below, was, still, &elsewhere);
            if gone && below.as_object().is_some_and(Map::is_empty) {
                remove_element(None, object, element);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ownership::tests::deployment;
    use super::*;
    use machinery::schema;
    use serde_json::json;

    #[test]
    fn what_is_dropped_goes() {
        let schema = schema::of("apps/v1", "Deployment");
        let mut live = deployment();
        let before = FieldSet::of_object(schema, &live);
        let mut wanted = live.clone();
        wanted["metadata"]["labels"] = json!({});
        wanted["spec"].as_object_mut().unwrap().remove("replicas");
        let after = FieldSet::of_object(schema, &wanted);
        let other = FieldSet::of_object(schema, &json!({"metadata": {"labels": {"app": "web"}}}));
        remove_dropped_of_object(schema, &mut live, &before, &after, &[other]);
        assert!(live["spec"].get("replicas").is_none());
        assert_eq!(
            live["metadata"]["labels"],
            json!({"app": "web"}),
            "somebody else has it"
        );
        assert_eq!(live["spec"]["template"]["spec"]["containers"][0]["image"], "a");
    }
}
