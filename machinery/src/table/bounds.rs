//! Rows of what bounds and orders workloads: HorizontalPodAutoscaler, PodDisruptionBudget, ResourceQuota, PriorityClass, and of
//! the history that controllers keep.

use serde_json::Value;

use super::{AGE, Column, NAME, Printer, age, integer, list, name, or, text};
use crate::quantity::Quantity;

/// How many metrics a cell names before it counts the rest.
const SHOWN: usize = 2;
const UNKNOWN: &str = "<unknown>";

pub(super) static AUTOSCALER: Printer = Printer {
    columns: &[
        NAME,
        Column::text("Reference", "What is scaled."),
        Column::text("Targets", "What was measured, and what is aimed at."),
        Column::text("MinPods", "Least number of pods."),
        Column::text("MaxPods", "Greatest number of pods."),
        Column::text("Replicas", "Number of pods that there are."),
        AGE,
    ],
    cells: |object, now| {
        let target = |field: &str| text(object, &format!("/spec/scaleTargetRef/{field}")).to_owned();
        let least = match object.pointer("/spec/minReplicas").and_then(Value::as_i64) {
            Some(least) => least.to_string(),
            None => "<unset>".to_owned(),
        };
        vec![
            name(object),
            Value::from(format!("{}/{}", target("kind"), target("name"))),
            Value::from(targets(object)),
            Value::from(least),
            Value::from(integer(object, "/spec/maxReplicas")),
            Value::from(integer(object, "/status/currentReplicas")),
            age(object, now),
        ]
    },
};

fn targets(autoscaler: &Value) -> String {
    let metrics = list(autoscaler, "/spec/metrics");
    if metrics.is_empty() {
        return "<none>".to_owned();
    }
    let measured = list(autoscaler, "/status/currentMetrics");
    let each = metrics
        .iter()
        .enumerate()
        .map(|(place, metric)| target(metric, measured.get(place).unwrap_or(&Value::Null)));
    let all: Vec<String> = each.collect();
    let shown = all.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} + {more} more..."),
    }
}

fn target(metric: &Value, measured: &Value) -> String {
    let source = match text(metric, "/type") {
        "External" => "external",
        "Pods" => "pods",
        "Object" => "object",
        "Resource" => "resource",
        "ContainerResource" => "containerResource",
        _ => return "<unknown type>".to_owned(),
    };
    let wanted = |field: &str| amount(metric, &format!("/{source}/target/{field}"));
    let found = |field: &str| amount(measured, &format!("/{source}/current/{field}")).unwrap_or(UNKNOWN.to_owned());
    let resource = text(metric, &format!("/{source}/name"));
    match (source, wanted("averageValue")) {
        ("resource" | "containerResource", Some(average)) => {
            format!("{resource}: {}/{average}", found("averageValue"))
        }
        ("resource" | "containerResource", None) => {
            let percent = |value: Option<String>, none: &str| value.map_or(none.to_owned(), |value| value + "%");
            let now = amount(measured, &format!("/{source}/current/averageUtilization"));
            let (now, aim) = (percent(now, UNKNOWN), percent(wanted("averageUtilization"), "<auto>"));
            format!("{resource}: {now}/{aim}")
        }
        ("pods", average) => format!("{}/{}", found("averageValue"), average.unwrap_or_default()),
        (_, Some(average)) => format!("{}/{average} (avg)", found("averageValue")),
        (_, None) => format!("{}/{}", found("value"), wanted("value").unwrap_or_default()),
    }
}

/// A quantity or a number as text, where there is one.
fn amount(value: &Value, pointer: &str) -> Option<String> {
    match value.pointer(pointer)? {
        Value::Number(number) => Some(number.to_string()),
        other => Some(Quantity::from_value(other)?.canonical()),
    }
}

pub(super) static DISRUPTION_BUDGET: Printer = Printer {
    columns: &[
        NAME,
        Column::text("Min Available", "Pods that stay available."),
        Column::text("Max Unavailable", "Pods that may be away."),
        Column::integer("Allowed Disruptions", "Pods that may go now."),
        AGE,
    ],
    cells: |object, now| {
        let bound = |field: &str| match object.pointer(&format!("/spec/{field}")) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => "N/A".to_owned(),
        };
        vec![
            name(object),
            Value::from(bound("minAvailable")),
            Value::from(bound("maxUnavailable")),
            Value::from(integer(object, "/status/disruptionsAllowed")),
            age(object, now),
        ]
    },
};

pub(super) static RESOURCE_QUOTA: Printer = Printer {
    columns: &[
        NAME,
        Column::text("Request", "Requests: used and allowed."),
        Column::text("Limit", "Limits: used and allowed."),
        AGE,
    ],
    cells: |object, now| {
        let used = |resource: &str| amount(object.pointer("/status/used").unwrap_or(&Value::Null), &key(resource));
        let hard = object.pointer("/status/hard").and_then(Value::as_object);
        let (mut requests, mut limits) = (Vec::new(), Vec::new());
        for (resource, most) in hard.into_iter().flatten() {
            let most = amount(most, "").unwrap_or_default();
            let said = format!("{resource}: {}/{most}", used(resource).unwrap_or("0".to_owned()));
            if resource.contains("limit") {
                limits.push(said);
            } else {
                requests.push(said);
            }
        }
        vec![
            name(object),
            Value::from(requests.join(", ")),
            Value::from(limits.join(", ")),
            age(object, now),
        ]
    },
};

/// The JSON pointer to an entry of a map.
fn key(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

pub(super) static PRIORITY_CLASS: Printer = Printer {
    columns: &[
        NAME,
        Column::integer("Value", "How much its pods matter."),
        Column::boolean("Global-Default", "Whether it is for pods that name none."),
        AGE,
        Column::text("PreemptionPolicy", "Whether its pods push others out."),
    ],
    cells: |object, now| {
        vec![
            name(object),
            Value::from(integer(object, "/value")),
            Value::from(object.pointer("/globalDefault").and_then(Value::as_bool) == Some(true)),
            age(object, now),
            Value::from(text(object, "/preemptionPolicy")),
        ]
    },
};

pub(super) static CONTROLLER_REVISION: Printer = Printer {
    columns: &[
        NAME,
        Column::text("Controller", "Whose history it is."),
        // The cells are numbers all the same.
        Column::text("Revision", "Its number."),
        AGE,
    ],
    cells: |object, now| {
        let controller = list(object, "/metadata/ownerReferences")
            .iter()
            .find(|owner| owner.pointer("/controller") == Some(&Value::Bool(true)))
            .map(|owner| {
                let (group, _) = text(owner, "/apiVersion").split_once('/').unwrap_or_default();
                let dot = if group.is_empty() { "" } else { "." };
                format!(
                    "{}{dot}{group}/{}",
                    text(owner, "/kind").to_lowercase(),
                    text(owner, "/name")
                )
            });
        vec![
            name(object),
            Value::from(or(&controller.unwrap_or_default(), "<none>")),
            Value::from(integer(object, "/revision")),
            age(object, now),
        ]
    },
};
