//! What an event says, as `audit.k8s.io/v1` spells it. Pure.

use jiff::Timestamp;
use machinery::status::Status;
use serde_json::{Map, Value, json};

use crate::http::path::ResourcePath;

/// `metav1.MicroTime`.
pub(super) fn micros(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// Which object a request is about.
pub(super) fn object_reference(path: &ResourcePath) -> Value {
    let mut reference = Map::new();
    for (key, text) in [
        ("resource", &path.resource),
        ("namespace", &path.namespace),
        ("name", &path.name),
        ("apiGroup", &path.group),
        ("apiVersion", &path.version),
        ("subresource", &path.subresource),
    ] {
        if !text.is_empty() {
            reference.insert(key.to_owned(), Value::from(text.as_str()));
        }
    }
    Value::Object(reference)
}

/// How it ended.
pub(super) fn response_status(code: u16, failure: Option<&Status>) -> Value {
    let Some(failure) = failure else {
        return json!({ "metadata": {}, "code": code });
    };
    let mut status = failure.to_value();
    if let Some(status) = status.as_object_mut() {
        status.remove("kind");
        status.remove("apiVersion");
        status.insert("code".to_owned(), Value::from(code));
    }
    status
}

/// An object, or a list of objects, without who owns which field.
pub(super) fn without_managed_fields(mut object: Value) -> Value {
    fn strip(object: &mut Value) {
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
        }
    }
    strip(&mut object);
    let items = object.get_mut("items").and_then(Value::as_array_mut);
    items.into_iter().flatten().for_each(strip);
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_kube_apiserver_writes_them() {
        assert_eq!(
            micros("2026-11-27T11:44:26.983779123Z".parse().unwrap()),
            "2026-11-27T11:44:26.983779Z"
        );
        assert_eq!(
            micros("2026-11-27T11:44:26Z".parse().unwrap()),
            "2026-11-27T11:44:26.000000Z"
        );
        let path = ResourcePath {
            version: "v1".into(),
            namespace: "default".into(),
            resource: "configmaps".into(),
            ..ResourcePath::default()
        };
        assert_eq!(
            object_reference(&path),
            json!({"resource": "configmaps", "namespace": "default", "apiVersion": "v1"})
        );
        assert_eq!(response_status(201, None), json!({"metadata": {}, "code": 201}));
        assert_eq!(
            response_status(404, Some(&Status::not_found("", "configmaps", "none"))),
            json!({"metadata": {}, "status": "Failure", "message": "configmaps \"none\" not found", "reason": "NotFound",
                "details": {"name": "none", "kind": "configmaps"}, "code": 404})
        );
        let list = json!({"items": [{"metadata": {"name": "a", "managedFields": []}}]});
        assert_eq!(
            without_managed_fields(list),
            json!({"items": [{"metadata": {"name": "a"}}]})
        );
    }
}
