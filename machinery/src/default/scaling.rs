//! HorizontalPodAutoscalers and PodDisruptionBudgets.

use serde_json::{Value, json};

use super::place::{Object, absent, existing, text, within};

/// Share of requested CPU that is aimed at where nothing is said.
const CPU_UTILIZATION: i64 = 80;

pub(super) fn autoscaler(object: &mut Object) {
    within(object, "spec", |spec| {
        absent(spec, "minReplicas", 1);
        let no_metrics = spec
            .get("metrics")
            .is_none_or(|metrics| metrics.as_array().is_some_and(Vec::is_empty) || metrics.is_null());
        if no_metrics {
            spec.insert(
                "metrics".to_owned(),
                json!([{"type": "Resource", "resource": {"name": "cpu",
                    "target": {"type": "Utilization", "averageUtilization": CPU_UTILIZATION}}}]),
            );
        }
        if let Some(behavior) = existing(spec, "behavior") {
            let pods = |value: i64| json!({"type": "Pods", "value": value, "periodSeconds": 15});
            let percent = json!({"type": "Percent", "value": 100, "periodSeconds": 15});
            rules(behavior, "scaleUp", Some(0), vec![pods(4), percent.clone()]);
            rules(behavior, "scaleDown", None, vec![percent]);
        }
    });
    within(object, "status", |status| {
        // Written even where nothing was measured yet.
        status.entry("currentMetrics").or_insert(Value::Null);
        absent(status, "desiredReplicas", 0);
    });
}

/// Where one direction is told, so is the other. How long the past counts before a scale-down is the controller's to say.
fn rules(behavior: &mut Object, direction: &str, window: Option<i64>, policies: Vec<Value>) {
    within(behavior, direction, |rules| {
        text(rules, "selectPolicy", "Max");
        if let Some(window) = window {
            absent(rules, "stabilizationWindowSeconds", window);
        }
        absent(rules, "policies", policies);
    });
}

pub(super) fn disruption_budget(object: &mut Object) {
    within(object, "status", |status| {
        for count in ["currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods"] {
            absent(status, count, 0);
        }
    });
}
