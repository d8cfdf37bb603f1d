//! Which fields of an object a write changed, in the terms of field ownership. Pure.
//!
//! In: an object before and after, with its schema. Out: the fields that are new or differ, and those that are gone. Lists
//! whose items are known by keys are compared item by item, atomic lists and maps as one value.

use std::collections::{BTreeSet, HashMap};

use machinery::schema::{Field, ListType, Schema};
use serde_json::{Map, Value};

use super::owned_values::item_key;
use super::ownership::{FieldSet, is_always_there, is_as_empty};

/// The items of a list by their elements; of several with one element the first.
type Places<'a> = HashMap<&'a str, &'a Value>;

fn places<'a>(keys: &'a [String], items: &'a [Value]) -> Places<'a> {
    let mut places = Places::with_capacity(items.len());
    for (key, item) in keys.iter().zip(items) {
        places.entry(key).or_insert(item);
    }
    places
}

/// What a write changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Changes {
    /// New, or with another value.
    pub(super) changed: FieldSet,
    /// Gone.
    pub(super) removed: FieldSet,
}

impl Changes {
    /// Compares objects. Fields that nobody owns are left out.
    pub(super) fn between(schema: Option<&Schema>, before: &Value, after: &Value) -> Self {
        let mut changes = Self::default();
        let empty = Map::new();
        let (before, after) = (
            before.as_object().unwrap_or(&empty),
            after.as_object().unwrap_or(&empty),
        );
        changes.maps(schema, before, after, &mut Vec::new());
        changes.changed.forget_unowned();
        changes.removed.forget_unowned();
        changes
    }

    /// Leaves out a field of the object and everything in it.
    pub(super) fn without(mut self, field: &str) -> Self {
        self.changed.drop_child(&format!("f:{field}"));
        self.removed.drop_child(&format!("f:{field}"));
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.removed.is_empty()
    }

    fn maps(
        &mut self,
        schema: Option<&Schema>,
        before: &Map<String, Value>,
        after: &Map<String, Value>,
        path: &mut Vec<String>,
    ) {
        let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for key in keys {
            path.push(format!("f:{key}"));
            let field = schema.and_then(|s| s.field(key));
            let always = is_always_there(schema, key);
            if before.get(key).is_none() && after.get(key).is_some_and(|value| is_as_empty(schema, key, value)) {
                path.pop();
                continue;
            }
            self.values((field, always), before.get(key), after.get(key), path);
            path.pop();
        }
    }

    fn values(
        &mut self,
        (field, always): (Option<&Field>, bool),
        before: Option<&Value>,
        after: Option<&Value>,
        path: &mut Vec<String>,
    ) {
        match (before.filter(|v| !v.is_null()), after.filter(|v| !v.is_null())) {
            (None, None) => {}
            (Some(before), Some(after)) if before == after => {}
            (Some(Value::Object(before)), Some(Value::Object(after))) if !field.is_some_and(Field::is_atomic_map) => {
                self.maps(field.map(Field::schema), before, after, path);
            }
            (Some(Value::Array(before)), Some(Value::Array(after))) => self.lists(field, before, after, path),
            (Some(_), Some(_)) => self.changed.insert(path, FieldSet::leaf()),
            (None, Some(after)) => self.changed.insert(path, FieldSet::of_new(field, after, always)),
            (Some(before), None) => self.removed.insert(path, FieldSet::of_gone(field, before)),
        }
    }

    fn lists(&mut self, field: Option<&Field>, before: &[Value], after: &[Value], path: &mut Vec<String>) {
        let element = |item: &Value| match field.map(|f| f.list_type) {
            Some(ListType::Map) => field.and_then(|f| item_key(f, item)),
            Some(ListType::Set) => Some(format!("v:{item}")),
            Some(ListType::Atomic) | None => None,
        };
        let keyed = |items: &[Value]| items.iter().map(&element).collect::<Option<Vec<String>>>();
        let (Some(old_keys), Some(new_keys)) = (keyed(before), keyed(after)) else {
            self.changed.insert(path, FieldSet::leaf());
            return;
        };
        let item_field = field.and_then(|f| f.schema().items.as_deref());
        let (was, is): (Places<'_>, Places<'_>) = (places(&old_keys, before), places(&new_keys, after));
        for (key, item) in old_keys.iter().zip(before) {
            path.push(key.clone());
            self.values((item_field, false), Some(item), is.get(key.as_str()).copied(), path);
            path.pop();
        }
        for (key, item) in new_keys
            .iter()
            .zip(after)
            .filter(|(key, _)| !was.contains_key(key.as_str()))
        {
            path.push(key.clone());
            self.changed
                .insert(path, FieldSet::of_new(item_field, item, false).with_place());
            path.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use machinery::schema;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn deployment() -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "labels": {"app": "web"}, "resourceVersion": "3"},
            "spec": {"replicas": 2, "template": {"spec": {"containers": [
                {"name": "web", "image": "a", "args": ["x"], "ports": [{"containerPort": 80}]}]}}},
            "status": {"replicas": 1}})
    }

    fn between(before: &Value, after: &Value) -> (Value, Value) {
        let changes = Changes::between(schema::of("apps/v1", "Deployment"), before, after);
        (changes.changed.to_fields_v1(), changes.removed.to_fields_v1())
    }

    #[test]
    fn leaves_items_and_atomic_lists() {
        let mut after = deployment();
        after["metadata"]["resourceVersion"] = json!("4");
        after["spec"]["replicas"] = json!(3);
        after["spec"]["template"]["spec"]["containers"][0]["args"] = json!(["x", "y"]);
        after["spec"]["template"]["spec"]["containers"]
            .as_array_mut()
            .unwrap()
            .push(json!({"name": "side", "image": "b"}));
        let (changed, removed) = between(&deployment(), &after);
        assert_eq!(
            changed,
            json!({"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": {
                "k:{\"name\":\"web\"}": {"f:args": {}},
                "k:{\"name\":\"side\"}": {".": {}, "f:image": {}, "f:name": {}}}}}}})
        );
        assert_eq!(removed, json!({}));
        let (changed, removed) = between(&after, &deployment());
        assert_eq!(changed["f:spec"]["f:replicas"], json!({}));
        assert!(
            removed["f:spec"]["f:template"]["f:spec"]["f:containers"]["k:{\"name\":\"side\"}"]["."].is_object(),
            "{removed}"
        );
    }

    #[test]
    fn a_new_map_is_owned_itself_a_struct_that_is_always_there_is_not() {
        let before = json!({});
        let after = json!({"metadata": {"labels": {"a": "b"}},
            "spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}});
        let (changed, _) = between(&before, &after);
        assert_eq!(
            changed,
            json!({"f:metadata": {"f:labels": {".": {}, "f:a": {}}},
                "f:spec": {"f:strategy": {"f:type": {}, "f:rollingUpdate": {".": {}, "f:maxSurge": {}}}}})
        );
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![any::<bool>().prop_map(Value::from), "[a-z]{0,3}".prop_map(Value::from)];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                proptest::collection::btree_map("[a-c]", inner, 0..3)
                    .prop_map(|m| Value::Object(m.into_iter().collect()))
            ]
        })
    }

    proptest! {
        #[test]
        fn only_a_change_is_a_change(before in values(), after in values()) {
            let (before, after) = (json!({"data": before}), json!({"data": after}));
            let changes = Changes::between(None, &before, &after);
            prop_assert_eq!(changes.is_empty(), before == after);
            prop_assert!(Changes::between(None, &before, &before).is_empty());
        }
    }
}
