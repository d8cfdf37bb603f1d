//! Fields in objects: finds, names and removes what the paths of a field set mean in a value. Pure.
//!
//! In: paths of elements, values with their schema. Out: values, texts for conflicts, objects without what nobody wants any
//! more. Absent: the sets themselves (`ownership`).

use std::collections::{BTreeMap, HashMap};

use machinery::schema::{Field, ListType, Schema};
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

/// The items of a list by their elements, each found at once: a list of a hostile size must not cost a scan for each item.
/// Of several with one element the first counts.
pub(super) struct Items<'a>(HashMap<String, &'a Value>);

impl<'a> Items<'a> {
    /// The items of a list whose items are known by keys, or by their values.
    pub(super) fn of(field: Option<&Field>, items: &'a [Value]) -> Self {
        let mut found = HashMap::with_capacity(items.len());
        for item in items {
            if let Some(element) = element_of(field, item) {
                found.entry(element).or_insert(item);
            }
        }
        Self(found)
    }

    /// The item of an element.
    pub(super) fn get(&self, element: &str) -> Option<&'a Value> {
        self.0.get(element).copied()
    }
}

/// The element of an item: `k:` and its keys where the list is known by keys, else `v:` and its value.
fn element_of(field: Option<&Field>, item: &Value) -> Option<String> {
    match field.map(|field| field.list_type) {
        Some(ListType::Map) => field.and_then(|field| item_key(field, item)),
        Some(ListType::Set | ListType::Atomic) | None => Some(format!("v:{item}")),
    }
}

/// The owned places of a set that hold another value in `after` than in `before`.
pub(super) fn changed_leaves<'s>(
    schema: Option<&Schema>,
    set: &'s FieldSet,
    before: &Value,
    after: &Value,
) -> Vec<Vec<&'s str>> {
    let mut walk = Walk {
        path: Vec::new(),
        changed: Vec::new(),
    };
    for (element, child) in &set.children {
        let Some(name) = element.strip_prefix("f:") else {
            continue;
        };
        walk.path.push(element);
        let field = schema.and_then(|schema| schema.field(name));
        walk.child(field, child, before.get(name), after.get(name));
        walk.path.pop();
    }
    walk.changed
}

struct Walk<'s> {
    path: Vec<&'s str>,
    changed: Vec<Vec<&'s str>>,
}

impl<'s> Walk<'s> {
    fn child(&mut self, field: Option<&Field>, set: &'s FieldSet, before: Option<&Value>, after: Option<&Value>) {
        if before == after {
            return;
        }
        if set.own && set.children.is_empty() {
            self.changed.push(self.path.clone());
            return;
        }
        fn list(value: Option<&Value>) -> &[Value] {
            value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
        }
        let (old, new) = (Items::of(field, list(before)), Items::of(field, list(after)));
        for (element, child) in &set.children {
            self.path.push(element);
            match element.strip_prefix("f:") {
                Some(name) => {
                    let inner = field.and_then(|field| field.schema().field(name));
                    let (before, after) = (before.and_then(|v| v.get(name)), after.and_then(|v| v.get(name)));
                    self.child(inner, child, before, after);
                }
                None => {
                    let inner = field.and_then(|field| field.schema().items.as_deref());
                    self.child(inner, child, old.get(element), new.get(element));
                }
            }
            self.path.pop();
        }
    }
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
    if let Value::Array(items) = value {
        return remove_dropped_items(field, items, before, after, others);
    }
    for (element, was) in &before.children {
        let Some(name) = element.strip_prefix("f:") else {
            continue;
        };
        // A field that nobody wants any more goes whole, with what was filled in below it.
        let fate = Fate {
            whole: true,
            ..Fate::of(element, was, after, others)
        };
        let below_field = field.and_then(|f| f.schema().field(name));
        if let Some(map) = value.as_object_mut()
            && let Some(below) = map.get_mut(name)
            && fate.removes(below_field, below)
        {
            map.remove(name);
        }
    }
}

/// As [`remove_dropped`], in a list; what goes is collected first, so that the list is gone through once.
fn remove_dropped_items(
    field: Option<&Field>,
    items: &mut Vec<Value>,
    before: &FieldSet,
    after: Option<&FieldSet>,
    others: &[&FieldSet],
) {
    let item_field = field.and_then(|f| f.schema().items.as_deref());
    items.retain_mut(|item| {
        let Some(element) = element_of(field, item) else {
            return true;
        };
        match before.children.get(&element) {
            Some(was) => !Fate::of(&element, was, after, others).removes(item_field, item),
            None => true,
        }
    });
}

/// What becomes of a place that was owned.
struct Fate<'a> {
    /// It goes whole, or only what was owned of it.
    whole: bool,
    was: &'a FieldSet,
    still: Option<&'a FieldSet>,
    elsewhere: Vec<&'a FieldSet>,
}

impl<'a> Fate<'a> {
    fn of(element: &str, was: &'a FieldSet, after: Option<&'a FieldSet>, others: &[&'a FieldSet]) -> Self {
        Self {
            whole: was.own,
            was,
            still: after.and_then(|set| set.children.get(element)),
            elsewhere: others.iter().filter_map(|set| set.children.get(element)).collect(),
        }
    }

    /// Removes what is dropped below the place; says whether the place itself goes, too.
    fn removes(&self, field: Option<&Field>, value: &mut Value) -> bool {
        let gone = self.still.is_none() && self.elsewhere.is_empty();
        if gone && self.whole {
            return true;
        }
        remove_dropped(field, value, self.was, self.still, &self.elsewhere);
        gone && (value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty))
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
    let others: Vec<&FieldSet> = others.iter().collect();
    for (element, was) in &before.children {
        let Some(name) = element.strip_prefix("f:") else {
            continue;
        };
        let fate = Fate::of(element, was, Some(after), &others);
        let field = schema.and_then(|s| s.field(name));
        if let Some(map) = object.as_object_mut()
            && let Some(below) = map.get_mut(name)
            && fate.removes(field, below)
        {
            map.remove(name);
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
