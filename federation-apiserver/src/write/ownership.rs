//! Field sets: which fields of an object somebody applied, in memory and as `fieldsV1`. Pure.
//!
//! In: objects with their schema, `managedFields` entries. Out: sets that can be compared, joined and walked. Absent: who may
//! take what (`apply`), and the values at the paths of a set (`owned_values`).

use std::collections::BTreeMap;

use machinery::schema::{Field, ListType, Schema};
use serde_json::{Map, Value};

use super::owned_values::item_key;

/// Fields as a tree of path elements: `f:name`, `k:{"key":...}`, `v:value`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FieldSet {
    /// The place itself is owned, not only what is below it.
    pub(super) own: bool,
    pub(super) children: BTreeMap<String, FieldSet>,
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

    /// One place.
    pub(super) fn leaf() -> Self {
        Self {
            own: true,
            children: BTreeMap::new(),
        }
    }

    fn of(field: Option<&Field>, value: &Value) -> Self {
        match value {
            Value::Object(map) if !map.is_empty() && !field.is_some_and(Field::is_atomic_map) => {
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

    /// The fields of a value that was not there before. A map or list is a place itself, unless the typed object has it even
    /// when nobody wrote it: `always` says so of this place and all around it.
    pub(super) fn of_new(field: Option<&Field>, value: &Value, always: bool) -> Self {
        match value {
            Value::Object(map) if !map.is_empty() && !field.is_some_and(Field::is_atomic_map) => {
                let schema = field.map(Field::schema);
                let child = |(key, value): (&String, &Value)| {
                    let field = schema.and_then(|s| s.field(key));
                    let there = always && is_always_there(schema, key);
                    (format!("f:{key}"), Self::of_new(field, value, there))
                };
                let told =
                    |(key, value): &(&String, &Value)| !(value.is_null() || always && is_as_empty(schema, key, value));
                Self {
                    own: !always,
                    children: map.iter().filter(told).map(child).collect(),
                }
            }
            Value::Array(items) if !items.is_empty() => {
                let item_field = field.and_then(|f| f.schema().items.as_deref());
                let child = |item: &Value| {
                    let key = field.and_then(|f| item_key(f, item))?;
                    Some((key, Self::of_new(item_field, item, false).with_place()))
                };
                match field.map(|f| f.list_type) {
                    Some(ListType::Map) => Self {
                        own: !always,
                        children: once(items.iter().filter_map(child)),
                    },
                    // Sets are lists that an empty object leaves out, even where one must be given.
                    Some(ListType::Set) => Self {
                        own: true,
                        ..Self::of(field, value)
                    },
                    Some(ListType::Atomic) | None => Self::leaf(),
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                Self::leaf()
            }
        }
    }

    /// The fields of a value that is gone, with every place on the way.
    pub(super) fn of_gone(field: Option<&Field>, value: &Value) -> Self {
        let mut set = Self::of(field, value);
        set.own_all();
        set
    }

    fn own_all(&mut self) {
        self.own = true;
        self.children.values_mut().for_each(Self::own_all);
    }

    /// The same, with the place itself.
    pub(super) fn with_place(mut self) -> Self {
        self.own = true;
        self
    }

    /// Puts a set at a path.
    pub(super) fn insert(&mut self, path: &[String], below: Self) {
        match path {
            [] => self.add(&below),
            [first, rest @ ..] => self.children.entry(first.clone()).or_default().insert(rest, below),
        }
    }

    /// Everything of the other, too.
    pub(super) fn add(&mut self, other: &Self) {
        self.own |= other.own;
        for (key, child) in &other.children {
            self.children.entry(key.clone()).or_default().add(child);
        }
    }

    /// Nothing of the other any more.
    pub(super) fn subtract(&mut self, other: &Self) {
        self.own &= !other.own;
        for (key, child) in &other.children {
            if let Some(mine) = self.children.get_mut(key) {
                mine.subtract(child);
                if mine.is_empty() {
                    self.children.remove(key);
                }
            }
        }
    }

    /// Leaves a child out.
    pub(super) fn drop_child(&mut self, element: &str) {
        self.children.remove(element);
    }

    /// Leaves out what nobody owns.
    pub(super) fn forget_unowned(&mut self) {
        self.drop_child("f:apiVersion");
        self.drop_child("f:kind");
        if let Some(metadata) = self.children.get_mut("f:metadata") {
            metadata.own = false;
            metadata
                .children
                .retain(|k, _| !UNOWNED_METADATA.iter().any(|u| k.strip_prefix("f:") == Some(u)));
            if metadata.children.is_empty() {
                self.drop_child("f:metadata");
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

/// Texts that an object is written with even where they are empty.
const ALWAYS_WRITTEN: &[&str] = &["serviceName"];

/// Whether the value is what an empty typed object has there, so that writing it changes nothing: an empty struct, or an
/// empty text that is written although it is empty.
pub(super) fn is_as_empty(parent: Option<&Schema>, key: &str, value: &Value) -> bool {
    let default = || parent.and_then(|parent| parent.properties.get(key)?.default.as_ref());
    match value {
        Value::Object(map) if map.is_empty() => default().is_some_and(Value::is_object),
        Value::String(text) if text.is_empty() => ALWAYS_WRITTEN.contains(&key),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            false
        }
    }
}

/// Whether a typed object has the field even when nobody wrote it: a nested struct that is no pointer, or a field that is
/// written although it is empty.
pub(super) fn is_always_there(parent: Option<&Schema>, key: &str) -> bool {
    let Some(parent) = parent else { return false };
    let field = parent.properties.get(key);
    parent.required.iter().any(|required| required == key)
        || field.is_some_and(|f| f.default.as_ref().is_some_and(Value::is_object))
}

/// Items by their keys. Of those that share one only the place is owned: there is no saying whose fields are meant.
fn once(items: impl Iterator<Item = (String, FieldSet)>) -> BTreeMap<String, FieldSet> {
    let mut found: BTreeMap<String, FieldSet> = BTreeMap::new();
    for (key, set) in items {
        found
            .entry(key)
            .and_modify(|found| *found = FieldSet::leaf())
            .or_insert(set);
    }
    found
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::owned_values::{changed_leaves, path_text};
    use super::*;
    use machinery::schema;
    use serde_json::json;

    /// What the tests of field ownership look at.
    pub(in crate::write) fn deployment() -> Value {
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
        let mut other = deployment();
        other["spec"]["template"]["spec"]["containers"][0]["image"] = json!("b");
        assert_eq!(changed_leaves(schema, &set, &deployment(), &other), [path.to_vec()]);
        assert!(changed_leaves(schema, &set, &other, &other).is_empty());
        assert_eq!(path_text(&path), ".spec.template.spec.containers[name=\"web\"].image");
    }
}
