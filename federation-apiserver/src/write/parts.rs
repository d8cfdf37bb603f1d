//! Which part of an object a write may touch: the object without its status, its status, its scale, its finalizers.

use machinery::field;
use machinery::status::Status;
use serde_json::{Map, Value, json};

use super::{Draft, Engine, Intent, Part, certificates};
use crate::kinds::{Kind, ScalePaths};

/// A new object has no status but what the server gives it. Nodes register with theirs.
pub(super) fn drop_status(_: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    if intent.kind.strategy.status && intent.kind.kind != "Node" {
        take(&mut draft.value, "status");
    }
    Ok(())
}

/// Whatever the write is not about stays as it was.
pub(super) fn keep_the_rest(_: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    let Some(old) = draft.old.clone() else { return Ok(()) };
    match intent.part {
        Part::Object | Part::Scale => {
            if intent.kind.strategy.status {
                put(&mut draft.value, "status", old.get("status"));
            }
            if intent.kind.is_namespace() {
                put(&mut draft.value, "spec", old.get("spec"));
            }
        }
        Part::Status => {
            let described = described(&intent.kind, &draft.value);
            replace_keeping(draft, &old, "status");
            if let Some(metadata) = draft.value.get_mut("metadata") {
                for (key, content) in described {
                    put(metadata, key, content.as_ref());
                }
            }
        }
        Part::Approval => replace_keeping(draft, &old, "status"),
        Part::Finalize => replace_keeping(draft, &old, "spec"),
    }
    certificates::keep_the_rest(intent, draft, &old);
    Ok(())
}

/// Labels and annotations that a write of the status changes too: those of the kinds that Kubernetes builds in, but for
/// definitions, and the labels of Deployments.
fn described(kind: &Kind, new: &Value) -> Vec<(&'static str, Option<Value>)> {
    let keys: &[&'static str] = match (kind.built_in, kind.kind.as_str()) {
        (false, _) | (true, "CustomResourceDefinition") => &[],
        (true, "Deployment") => &["annotations"],
        (true, _) => &["annotations", "labels"],
    };
    let metadata = new.get("metadata");
    keys.iter()
        .map(|key| (*key, metadata.and_then(|metadata| metadata.get(key)).cloned()))
        .collect()
}

/// The old object with one field of the new one; `managedFields` of an apply stay too.
fn replace_keeping(draft: &mut Draft, old: &Value, field: &str) {
    let new = take(&mut draft.value, field);
    let managed = draft.value.get_mut("metadata").map(|m| take(m, "managedFields"));
    draft.value = old.clone();
    put(&mut draft.value, field, new.as_ref());
    if let Some(metadata) = draft.value.get_mut("metadata") {
        take(metadata, "resourceVersion");
        if let (true, Some(managed)) = (draft.applied, managed) {
            put(metadata, "managedFields", managed.as_ref());
        }
    }
}

fn take(value: &mut Value, field: &str) -> Option<Value> {
    value.as_object_mut().and_then(|object| object.remove(field))
}

fn put(value: &mut Value, field: &str, content: Option<&Value>) {
    if let Some(object) = value.as_object_mut() {
        match content {
            Some(content) => object.insert(field.to_owned(), content.clone()),
            None => object.remove(field),
        };
    }
}

/// The `autoscaling/v1` Scale of an object.
pub(crate) fn scale_of(kind: &Kind, paths: &ScalePaths, object: &Value) -> Value {
    let mut metadata = Map::new();
    for key in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = object.get("metadata").and_then(|m| m.get(key)) {
            metadata.insert(key.to_owned(), value.clone());
        }
    }
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0);
    let mut status = json!({ "replicas": number(&paths.status_replicas) });
    let selector = selector_text(paths.selector.as_deref().and_then(|pointer| object.pointer(pointer)));
    if let (Some(status), false) = (status.as_object_mut(), selector.is_empty()) {
        status.insert("selector".to_owned(), Value::from(selector));
    }
    debug_assert!(kind.strategy.scale.is_some());
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": metadata,
        "spec": { "replicas": number(&paths.replicas) },
        "status": status,
    })
}

/// The object with the replicas of a Scale; 422 where they are no number from 0 on.
pub(super) fn with_scale(paths: &ScalePaths, object: &Value, scale: &Value) -> Result<Value, Status> {
    let wanted = match scale.pointer("/spec/replicas") {
        None | Some(Value::Null) => 0,
        Some(value) => value
            .as_i64()
            .ok_or_else(|| Status::bad_request(format!("spec.replicas of the Scale is not a whole number: {value}")))?,
    };
    if wanted < 0 {
        let name = super::identity::meta(object, "name");
        let cause = field::invalid(
            &field::Path::root("spec").child("replicas"),
            &Value::from(wanted),
            "must be greater than or equal to 0",
        );
        return Err(Status::invalid("autoscaling", "Scale", name, vec![cause]));
    }
    let mut object = object.clone();
    insert(&mut object, &paths.replicas, Value::from(wanted));
    Ok(object)
}

/// Puts a value at a JSON pointer, making the maps on the way.
fn insert(object: &mut Value, pointer: &str, value: Value) {
    let mut place = object;
    for key in pointer.split('/').skip(1) {
        if place.is_null() {
            *place = json!({});
        }
        let Some(map) = place.as_object_mut() else { return };
        place = map.entry(key).or_insert(Value::Null);
    }
    *place = value;
}

/// A `metav1.LabelSelector` as text.
fn selector_text(selector: Option<&Value>) -> String {
    if let Some(Value::String(text)) = selector {
        return text.clone();
    }
    let mut terms = Vec::new();
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(labels) = selector.and_then(|s| s.get("matchLabels")).and_then(Value::as_object) {
        terms.extend(labels.iter().map(|(key, value)| format!("{key}={}", text(Some(value)))));
    }
    let expressions = selector
        .and_then(|s| s.get("matchExpressions"))
        .and_then(Value::as_array);
    for expression in expressions.into_iter().flatten() {
        let key = text(expression.get("key"));
        let values: Vec<String> = expression
            .get("values")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|v| text(Some(v)))
            .collect();
        match expression.get("operator").and_then(Value::as_str) {
            Some("In") => terms.push(format!("{key} in ({})", values.join(","))),
            Some("NotIn") => terms.push(format!("{key} notin ({})", values.join(","))),
            Some("Exists") => terms.push(key),
            Some("DoesNotExist") => terms.push(format!("!{key}")),
            Some(_) | None => {}
        }
    }
    terms.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::{Profile, Registry};

    #[test]
    fn scale_there_and_back() {
        let registry = Registry::of(Profile::Hub);
        let kind = registry.resource("apps", "v1", "deployments").unwrap();
        let paths = kind.strategy.scale.clone().unwrap();
        let object = json!({
            "metadata": {"name": "web", "namespace": "shop", "resourceVersion": "7"},
            "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"},
                "matchExpressions": [{"key": "tier", "operator": "In", "values": ["a", "b"]}]}},
            "status": {"replicas": 2},
        });
        let scale = scale_of(kind, &paths, &object);
        assert_eq!(scale.pointer("/status/selector").unwrap(), "app=web,tier in (a,b)");
        assert_eq!(scale.pointer("/spec/replicas").unwrap(), 3);
        let scaled = with_scale(&paths, &object, &json!({"spec": {"replicas": 5}})).unwrap();
        assert_eq!(scaled.pointer("/spec/replicas").unwrap(), 5);
        assert_eq!(
            with_scale(&paths, &object, &json!({"spec": {"replicas": -1}}))
                .unwrap_err()
                .code,
            422
        );
    }
}
