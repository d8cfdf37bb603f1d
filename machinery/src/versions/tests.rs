//! Both ways, for both kinds; nothing is lost on the way there and back.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn stored(api_version: &str, kind: &str, mut object: Value) -> Value {
    second(api_version, kind).unwrap().to_stored(&mut object);
    object
}

fn shown(api_version: &str, kind: &str, mut object: Value) -> Value {
    second(api_version, kind).unwrap().from_stored(&mut object);
    object
}

const V1: &str = "autoscaling/v1";
const HPA: &str = "HorizontalPodAutoscaler";

#[test]
fn only_second_versions_are_second() {
    assert!(second("events.k8s.io/v1", "Event").is_some());
    assert!(second("v1", "Event").is_none());
    assert!(second("autoscaling/v2", HPA).is_none());
}

#[test]
fn an_event_in_other_words() {
    let new = json!({"apiVersion": "events.k8s.io/v1", "kind": "Event", "regarding": {"kind": "Pod"}, "note": "n",
        "reportingController": "c", "deprecatedCount": 3, "reason": "R"});
    let core = stored("events.k8s.io/v1", "Event", new);
    assert_eq!(
        core,
        json!({"apiVersion": "v1", "kind": "Event", "involvedObject": {"kind": "Pod"}, "message": "n",
            "reportingComponent": "c", "count": 3, "reason": "R"})
    );
    let back = shown("events.k8s.io/v1", "Event", core);
    assert_eq!(back["note"], "n");
    assert_eq!(back["deprecatedSource"], json!({}));
    assert_eq!(back["eventTime"], Value::Null);
}

#[test]
fn a_share_of_cpu_has_a_field_and_the_rest_annotations() {
    let v2 = json!({"apiVersion": "autoscaling/v2", "kind": HPA, "metadata": {"name": "a"},
        "spec": {"maxReplicas": 5, "metrics": [
            {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}},
            {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}},
            {"type": "Object", "object": {"describedObject": {"kind": "Ingress", "name": "i"},
                "metric": {"name": "rps"}, "target": {"type": "Value", "value": "2k"}}}],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}}},
        "status": {"currentReplicas": 1, "desiredReplicas": 2,
            "conditions": [{"type": "AbleToScale", "status": "True"}],
            "currentMetrics": [{"type": "Resource", "resource": {"name": "cpu",
                "current": {"averageUtilization": 10, "averageValue": "5m"}}}]}});
    let v1 = shown(V1, HPA, v2.clone());
    assert_eq!(
        v1["spec"],
        json!({"maxReplicas": 5, "targetCPUUtilizationPercentage": 60})
    );
    assert_eq!(
        v1["status"],
        json!({"currentReplicas": 1, "desiredReplicas": 2, "currentCPUUtilizationPercentage": 10})
    );
    let annotation = |name: &str| -> Value {
        let text = v1["metadata"]["annotations"][format!("autoscaling.alpha.kubernetes.io/{name}")].as_str();
        serde_json::from_str(text.unwrap()).unwrap()
    };
    assert_eq!(
        annotation("metrics"),
        json!([{"type": "Resource", "resource": {"name": "memory", "targetAverageValue": "1Gi"}},
            {"type": "Object", "object": {"target": {"kind": "Ingress", "name": "i"}, "metricName": "rps",
                "targetValue": "2k"}}])
    );
    assert_eq!(
        annotation("current-metrics"),
        json!([{"type": "Resource", "resource": {"name": "cpu", "currentAverageUtilization": 10,
            "currentAverageValue": "5m"}}])
    );
    let mut back = stored(V1, HPA, v1);
    // The share of CPU comes last, as in kube-apiserver.
    back["spec"]["metrics"].as_array_mut().unwrap().rotate_right(1);
    assert_eq!(back, v2);
}

#[test]
fn broken_annotations_say_nothing() {
    let v1 = json!({"kind": HPA, "metadata": {"annotations": {"autoscaling.alpha.kubernetes.io/metrics": "{"}},
        "spec": {"maxReplicas": 2, "targetCPUUtilizationPercentage": 50}});
    let v2 = stored(V1, HPA, v1);
    assert_eq!(v2["spec"]["metrics"].as_array().unwrap().len(), 1);
    assert_eq!(v2["metadata"], json!({}));
}

fn quantity() -> impl Strategy<Value = Value> {
    (1..500_u32).prop_map(|number| Value::from(format!("{number}m")))
}

fn wanted() -> impl Strategy<Value = Value> {
    prop_oneof![
        (1..100_u32).prop_map(|share| json!({"type": "Utilization", "averageUtilization": share})),
        quantity().prop_map(|value| json!({"type": "AverageValue", "averageValue": value})),
    ]
}

fn value_or_average() -> impl Strategy<Value = Value> {
    prop_oneof![
        quantity().prop_map(|value| json!({"type": "Value", "value": value})),
        quantity().prop_map(|value| json!({"type": "AverageValue", "averageValue": value})),
    ]
}

fn metric() -> impl Strategy<Value = Value> {
    let selector = json!({"matchLabels": {"a": "b"}});
    let named = json!({"name": "m", "selector": selector});
    let outside = named.clone();
    let of_object = named.clone();
    prop_oneof![
        (prop_oneof![Just("memory"), Just("cpu")], wanted())
            .prop_map(|(name, target)| json!({"type": "Resource", "resource": {"name": name, "target": target}})),
        wanted().prop_map(|target| json!({"type": "ContainerResource",
            "containerResource": {"name": "cpu", "container": "c", "target": target}})),
        quantity().prop_map(move |value| json!({"type": "Pods",
            "pods": {"metric": named, "target": {"type": "AverageValue", "averageValue": value}}})),
        value_or_average()
            .prop_map(move |target| json!({"type": "External", "external": {"metric": outside, "target": target}})),
        value_or_average().prop_map(move |target| json!({"type": "Object", "object": {"metric": of_object,
            "describedObject": {"kind": "Service", "name": "s"}, "target": target}})),
    ]
}

proptest! {
    #[test]
    fn nothing_is_lost(metrics in prop::collection::vec(metric(), 1..6), behaves in any::<bool>(), noted in any::<bool>()) {
        let mut v2 = json!({"apiVersion": "autoscaling/v2", "kind": HPA, "metadata": {"name": "a"},
            "spec": {"maxReplicas": 5, "minReplicas": 1, "metrics": metrics},
            "status": {"currentReplicas": 0, "desiredReplicas": 0}});
        if behaves {
            v2["spec"]["behavior"] = json!({"scaleUp": {"selectPolicy": "Max"}});
        }
        if noted {
            v2["metadata"]["annotations"] = json!({"mine": "x"});
        }
        let mut back = stored(V1, HPA, shown(V1, HPA, v2.clone()));
        let sorted = |object: &mut Value| {
            let metrics = object["spec"]["metrics"].as_array_mut().unwrap();
            metrics.sort_by_key(Value::to_string);
        };
        sorted(&mut back);
        sorted(&mut v2);
        prop_assert_eq!(&back["spec"], &v2["spec"]);
        prop_assert_eq!(&back["status"], &v2["status"]);
        // An empty map of annotations is none.
        let annotations = |object: &Value| object["metadata"]["annotations"].as_object().cloned().unwrap_or_default();
        prop_assert_eq!(annotations(&back), annotations(&v2));
    }

    #[test]
    fn any_object_is_taken(name in "[a-z]{0,3}", text in ".{0,20}") {
        for object in [json!({"spec": name, "status": []}), json!({"metadata": {"annotations": null}, "spec": {"metrics": text}}),
            json!({"metadata": {"annotations": {"autoscaling.alpha.kubernetes.io/metrics": text}}, "spec": {}})] {
            stored(V1, HPA, object.clone());
            shown(V1, HPA, object.clone());
            stored("events.k8s.io/v1", "Event", object);
        }
    }
}
