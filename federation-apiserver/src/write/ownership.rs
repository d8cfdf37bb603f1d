//! Field sets: which fields of an object somebody applied, in memory and as `fieldsV1`. Pure.
//!
//! In: applied configurations with their schema, `managedFields` entries. Out: sets that can be compared and walked, and what
//! becomes of an object when a set shrinks. Absent: who may take what (`apply`).

use std::collections::BTreeMap;

use machinery::schema::{Field, ListType, Schema};
use serde_json::{Map, Value};

/// Fields as a tree of path elements: `f:name`, `k:{"key":...}`, `v:value`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FieldSet {
    /// The place itself is owned, not only what is below it.
    own: bool,
    children: BTreeMap<String, FieldSet>,
}

/// Fields that nobody owns: identity, and what only the server writes.
const UNOWNED_METADATA: &[&str] = &[
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "deletionTimestamp",
];

impl FieldSet {
    /// The fields of an applied object.
    pub(super) fn of_object(schema: Option<&Schema>, object: &Value) -> Self {
        let mut set = Self::default();
        for (key, value) in object.as_object().into_iter().flatten() {
            match key.as_str() {
                "apiVersion" | "kind" => {}
                "metadata" => {
                    let field = schema.and_then(|s| s.field(key));
                    let mut metadata = Self::of(field, value);
                    metadata
                        .children
                        .retain(|k, _| !UNOWNED_METADATA.iter().any(|u| k.strip_prefix("f:") == Some(u)));
                    metadata.own = false;
                    if !metadata.children.is_empty() {
                        set.children.insert("f:metadata".to_owned(), metadata);
                    }
                }
                _ => {
                    set.children
                        .insert(format!("f:{key}"), Self::of(schema.and_then(|s| s.field(key)), value));
                }
            }
        }
        set
    }

    fn leaf() -> Self {
        Self {
            own: true,
            children: BTreeMap::new(),
        }
    }

    fn of(field: Option<&Field>, value: &Value) -> Self {
        match value {
            Value::Object(map) if !map.is_empty() && !field.is_some_and(|f| f.atomic_map) => {
                let schema = field.map(Field::schema);
                let child = |(key, value): (&String, &Value)| {
                    (format!("f:{key}"), Self::of(schema.and_then(|s| s.field(key)), value))
                };
                Self {
                    own: false,
                    children: map.iter().map(child).collect(),
                }
            }
            Value::Array(items) if !items.is_empty() => match field.map(|f| f.list_type) {
                Some(ListType::Map) => {
                    let item_field = field.and_then(|f| f.schema().items.as_deref());
                    let child = |item: &Value| {
                        let key = field.and_then(|f| item_key(f, item))?;
                        Some((
                            key,
                            Self {
                                own: true,
                                ..Self::of(item_field, item)
                            },
                        ))
                    };
                    Self {
                        own: false,
                        children: items.iter().filter_map(child).collect(),
                    }
                }
                Some(ListType::Set) => Self {
                    own: false,
                    children: items.iter().map(|item| (format!("v:{item}"), Self::leaf())).collect(),
                },
                Some(ListType::Atomic) | None => Self::leaf(),
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                Self::leaf()
            }
        }
    }

    /// Reads `fieldsV1`.
    pub(super) fn from_fields_v1(value: &Value) -> Self {
        let mut set = Self::default();
        let Some(map) = value.as_object() else { return set };
        for (key, below) in map {
            if key == "." {
                set.own = true;
            } else {
                let mut child = Self::from_fields_v1(below);
                if below.as_object().is_none_or(Map::is_empty) {
                    child.own = true;
                }
                set.children.insert(key.clone(), child);
            }
        }
        set
    }

    /// Writes `fieldsV1`.
    pub(super) fn to_fields_v1(&self) -> Value {
        let mut map = Map::new();
        if self.own && !self.children.is_empty() {
            map.insert(".".to_owned(), Value::Object(Map::new()));
        }
        map.extend(
            self.children
                .iter()
                .map(|(key, child)| (key.clone(), child.to_fields_v1())),
        );
        Value::Object(map)
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.own && self.children.is_empty()
    }

    /// Owned places below, as paths of elements; list items count once, by their fields.
    pub(super) fn leaves(&self) -> Vec<Vec<&str>> {
        fn walk<'a>(set: &'a FieldSet, path: &mut Vec<&'a str>, out: &mut Vec<Vec<&'a str>>) {
            if set.own && set.children.is_empty() && !path.is_empty() {
                out.push(path.clone());
            }
            for (key, child) in &set.children {
                path.push(key);
                walk(child, path, out);
                path.pop();
            }
        }
        let mut out = Vec::new();
        walk(self, &mut Vec::new(), &mut out);
        out
    }

    /// Whether a place is owned.
    pub(super) fn has(&self, path: &[&str]) -> bool {
        match path {
            [] => self.own,
            [first, rest @ ..] => self.children.get(*first).is_some_and(|child| child.has(rest)),
        }
    }

    /// Gives a place up.
    pub(super) fn remove(&mut self, path: &[&str]) {
        match path {
            [] => self.own = false,
            [first, rest @ ..] => {
                if let Some(child) = self.children.get_mut(*first) {
                    child.remove(rest);
                    if child.is_empty() {
                        self.children.remove(*first);
                    }
                }
            }
        }
    }
}

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
        if gone && was.own {
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
    use super::*;
    use machinery::schema;
    use serde_json::json;

    fn deployment() -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "labels": {"app": "web"}},
            "spec": {"replicas": 2, "template": {"spec": {"containers": [
                {"name": "web", "image": "a", "ports": [{"containerPort": 80}]}]}}},
        })
    }

    #[test]
    fn sets_read_and_write() {
        let schema = schema::of("apps/v1", "Deployment");
        let set = FieldSet::of_object(schema, &deployment());
        let fields = set.to_fields_v1();
        let container = &fields["f:spec"]["f:template"]["f:spec"]["f:containers"]["k:{\"name\":\"web\"}"];
        assert_eq!(container["."], json!({}));
        assert!(
            container["f:ports"]["k:{\"containerPort\":80,\"protocol\":\"TCP\"}"].is_object(),
            "{fields}"
        );
        assert!(fields["f:metadata"].get("f:name").is_none());
        assert_eq!(FieldSet::from_fields_v1(&fields), set);
        let path = [
            "f:spec",
            "f:template",
            "f:spec",
            "f:containers",
            "k:{\"name\":\"web\"}",
            "f:image",
        ];
        assert!(set.has(&path));
        assert_eq!(object_value_at(schema, &deployment(), &path), Some(&json!("a")));
        assert_eq!(path_text(&path), ".spec.template.spec.containers[name=\"web\"].image");
    }

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
