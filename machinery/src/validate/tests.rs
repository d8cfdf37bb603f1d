//! Table tests of the rules: an object, and the fields and reasons that must be told.

use serde_json::{Value, json};

use super::{create, update, update_status};
use crate::decode::prune_unknown;
use crate::status::{Cause, CauseReason as R};
use crate::{default, schema};

mod creations;
mod our_kinds;
mod roles;

/// API version, kind, object, and what must be told of it.
type Row = (&'static str, &'static str, Value, Vec<Told>);
/// A field and a reason.
type Told = (&'static str, R);
/// API version, kind, stored object, new object, and what must be told of the change.
type Change = (&'static str, &'static str, Value, Value, Vec<Told>);

fn meta(name: &str) -> Value {
    json!({"name": name, "namespace": "shop"})
}

fn made(api_version: &str, kind: &str, mut object: Value) -> Value {
    prune_unknown(schema::of(api_version, kind).unwrap(), &mut object);
    default::apply(api_version, kind, &mut object);
    object
}

fn told(causes: &[Cause]) -> Vec<(&str, R)> {
    causes.iter().map(|c| (c.field.as_str(), c.reason)).collect()
}

fn deployment(change: impl FnOnce(&mut Value)) -> Value {
    let mut object = json!({"metadata": meta("web"), "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {
        "metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "nginx:1"}]}}}});
    change(&mut object);
    object
}

fn service(spec: Value) -> Value {
    json!({"metadata": meta("web"), "spec": spec})
}

fn set(pointer: &str, key: &str, value: Value) -> impl FnOnce(&mut Value) {
    let pointer = pointer.to_owned();
    let key = key.to_owned();
    move |object| {
        object
            .pointer_mut(&pointer)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .insert(key, value);
    }
}

#[test]
fn changes() {
    let frozen = json!({"metadata": meta("a"), "immutable": true, "data": {"a": "1"}});
    let balanced = service(
        json!({"type": "LoadBalancer", "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "ports": [{"port": 80}]}),
    );
    let dying = json!({"metadata": {"name": "a", "namespace": "shop", "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["a.b/c"]}});
    let rows: Vec<Change> = vec![
        (
            "apps/v1",
            "Deployment",
            deployment(|_| {}),
            deployment(set("/spec", "replicas", json!(5))),
            vec![],
        ),
        (
            "apps/v1",
            "Deployment",
            deployment(|_| {}),
            deployment(|d| {
                set("/spec/selector", "matchLabels", json!({"app": "two"}))(d);
                set("/spec/template/metadata", "labels", json!({"app": "two"}))(d);
            }),
            vec![("spec.selector", R::FieldValueInvalid)],
        ),
        (
            "v1",
            "ConfigMap",
            frozen.clone(),
            json!({"metadata": meta("a"), "data": {"a": "2"}}),
            vec![("immutable", R::FieldValueForbidden), ("data", R::FieldValueForbidden)],
        ),
        (
            "v1",
            "Secret",
            json!({"metadata": meta("a"), "type": "Opaque"}),
            json!({"metadata": meta("a"), "type": "other"}),
            vec![("type", R::FieldValueInvalid)],
        ),
        (
            "v1",
            "ConfigMap",
            json!({"metadata": meta("a")}),
            json!({"metadata": meta("b")}),
            vec![("metadata.name", R::FieldValueInvalid)],
        ),
        (
            "v1",
            "ConfigMap",
            dying.clone(),
            json!({"metadata": {"name": "a", "namespace": "shop", "finalizers": ["a.b/c", "d.e/f"]}}),
            vec![("metadata.finalizers", R::FieldValueForbidden)],
        ),
        (
            "v1",
            "Service",
            balanced.clone(),
            service(json!({"type": "LoadBalancer", "clusterIP": "10.0.0.2", "ports": [{"port": 80}]})),
            vec![("spec.clusterIPs[0]", R::FieldValueInvalid)],
        ),
        (
            "v1",
            "Service",
            balanced.clone(),
            service(json!({"ports": [{"port": 81}]})),
            vec![],
        ),
        (
            "v1",
            "Service",
            balanced,
            service(json!({"type": "ExternalName", "externalName": "a.example"})),
            vec![],
        ),
    ];
    for (api_version, kind, old, new, expected) in rows {
        let (old, new) = (made(api_version, kind, old), made(api_version, kind, new));
        let causes = update(api_version, kind, &new, &old);
        assert_eq!(told(&causes), expected, "{kind} {new}: {causes:?}");
    }
}

#[test]
fn statuses() {
    let with = |status: Value| {
        let mut object = deployment(|_| {});
        object.as_object_mut().unwrap().insert("status".to_owned(), status);
        made("apps/v1", "Deployment", object)
    };
    let causes = update_status(
        "apps/v1",
        "Deployment",
        &with(json!({"replicas": 1, "readyReplicas": 2})),
        &with(json!({})),
    );
    assert_eq!(told(&causes), [("status.readyReplicas", R::FieldValueInvalid)]);
    let mut plain = service(json!({"ports": [{"port": 80}]}));
    set("", "status", json!({"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}))(&mut plain);
    let plain = made("v1", "Service", plain);
    assert_eq!(
        told(&update_status("v1", "Service", &plain, &plain)),
        [("status.loadBalancer.ingress", R::FieldValueForbidden)]
    );
}

proptest::proptest! {
    #[test]
    fn no_object_makes_a_rule_panic(text in "[\\[\\]{}\",:a-c0-9]{0,40}", kind in 0..19_usize) {
        let (api_version, kind) = [("v1", "Service"), ("v1", "Secret"), ("v1", "Pod"), ("apps/v1", "Deployment"), ("v1", "Event"),
            ("federation.meridian.dev/v1alpha1", "Cluster"), ("federation.meridian.dev/v1alpha1", "Region"), ("discovery.k8s.io/v1", "EndpointSlice"),
            ("apps/v1", "StatefulSet"), ("apps/v1", "DaemonSet"), ("batch/v1", "Job"), ("batch/v1", "CronJob"), ("networking.k8s.io/v1", "Ingress"),
            ("networking.k8s.io/v1", "NetworkPolicy"), ("autoscaling/v2", "HorizontalPodAutoscaler"), ("v1", "PersistentVolumeClaim"),
            ("v1", "PersistentVolume"), ("v1", "LimitRange"), ("v1", "ResourceQuota")][kind];
        let value: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        let object = json!({"metadata": value, "spec": value, "status": value, "data": value, "ports": value});
        let _ = create(api_version, kind, &object);
        let _ = update(api_version, kind, &object, &value);
        let _ = update_status(api_version, kind, &object, &object);
    }
}
