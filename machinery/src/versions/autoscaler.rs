//! HorizontalPodAutoscalers: `autoscaling/v1` knows one share of CPU, `autoscaling/v2` any metrics.
//!
//! What version 1 has no field for stands in four annotations, in the spelling of version 1, as kube-apiserver writes them.

use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const CURRENT_METRICS: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";
const CPU: &str = "cpu";
/// The one metric that version 1 has a field for.
const SHARE: &str = "targetCPUUtilizationPercentage";

/// The fields of one source of metrics, by its name in a metric.
const SOURCES: &[(&str, &[Spelling])] = &[
    (
        "object",
        &[
            Spelling::same("describedObject", "target"),
            Spelling::metric("metricName", "selector"),
            Spelling::target("value", "targetValue"),
            Spelling::target("averageValue", "averageValue"),
        ],
    ),
    (
        "pods",
        &[
            Spelling::metric("metricName", "selector"),
            Spelling::target("averageValue", "targetAverageValue"),
        ],
    ),
    (
        "resource",
        &[
            Spelling::same("name", "name"),
            Spelling::target("averageUtilization", "targetAverageUtilization"),
            Spelling::target("averageValue", "targetAverageValue"),
        ],
    ),
    (
        "containerResource",
        &[
            Spelling::same("name", "name"),
            Spelling::same("container", "container"),
            Spelling::target("averageUtilization", "targetAverageUtilization"),
            Spelling::target("averageValue", "targetAverageValue"),
        ],
    ),
    (
        "external",
        &[
            Spelling::metric("metricName", "metricSelector"),
            Spelling::target("value", "targetValue"),
            Spelling::target("averageValue", "targetAverageValue"),
        ],
    ),
];

/// How one part of a source is spelled in version 2 and in version 1.
#[derive(Clone, Copy)]
enum Spelling {
    /// A field, under another name.
    Same(&'static str, &'static str),
    /// `metric.name` and `metric.selector`.
    Metric(&'static str, &'static str),
    /// A field of `target`, or of `current` in what was measured.
    Target(&'static str, &'static str),
}

impl Spelling {
    const fn same(new: &'static str, old: &'static str) -> Self {
        Self::Same(new, old)
    }

    const fn metric(name: &'static str, selector: &'static str) -> Self {
        Self::Metric(name, selector)
    }

    const fn target(new: &'static str, old: &'static str) -> Self {
        Self::Target(new, old)
    }
}

/// Whether a metric is aimed at or was measured: the two are spelled a little apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tense {
    Wanted,
    Measured,
}

impl Tense {
    /// Where version 2 keeps the figures.
    fn figures(self) -> &'static str {
        match self {
            Self::Wanted => "target",
            Self::Measured => "current",
        }
    }

    /// What version 1 calls a figure: `targetValue` becomes `currentValue`.
    fn name(self, old: &str) -> String {
        match (self, old.strip_prefix("target")) {
            (Self::Measured, Some(rest)) => format!("current{rest}"),
            // Of objects version 1 has one figure without prefix, in both tenses.
            _ => old.to_owned(),
        }
    }
}

/// How the fields of a source are spelled in the other version.
type Respell = fn(&[Spelling], &Object, Tense) -> Object;

/// A metric in the spelling of the other version; what is no known source stays as it is.
fn respelled(metric: &Value, tense: Tense, respell: Respell) -> Value {
    let Some(metric) = metric.as_object() else {
        return metric.clone();
    };
    let field = |(key, value): (&String, &Value)| {
        let known = SOURCES.iter().find(|(source, _)| source == key);
        let value = match (known, value.as_object()) {
            (Some((_, spellings)), Some(fields)) => Value::Object(respell(spellings, fields, tense)),
            _ => value.clone(),
        };
        (key.clone(), value)
    };
    Value::Object(metric.iter().map(field).collect())
}

/// A source of version 2 in the spelling of version 1.
fn source_to_v1(spellings: &[Spelling], fields: &Object, tense: Tense) -> Object {
    let mut old = Object::new();
    let within = |outer: &str, inner: &str| fields.get(outer).and_then(|value| value.get(inner)).cloned();
    for spelling in spellings {
        let pairs = match *spelling {
            Spelling::Same(new, name) => vec![(name.to_owned(), fields.get(new).cloned())],
            Spelling::Metric(name, selector) => vec![
                (name.to_owned(), within("metric", "name")),
                (selector.to_owned(), within("metric", "selector")),
            ],
            Spelling::Target(new, name) => vec![(tense.name(name), within(tense.figures(), new))],
        };
        old.extend(pairs.into_iter().filter_map(|(name, value)| Some((name, value?))));
    }
    old
}

/// A source of version 1 in the spelling of version 2.
fn source_to_v2(spellings: &[Spelling], fields: &Object, tense: Tense) -> Object {
    let mut new = Object::new();
    let mut figures = Object::new();
    let mut metric = Object::new();
    for spelling in spellings {
        match *spelling {
            Spelling::Same(name, old) => {
                if let Some(value) = fields.get(old) {
                    new.insert(name.to_owned(), value.clone());
                }
            }
            Spelling::Metric(name, selector) => {
                for (key, old) in [("name", name), ("selector", selector)] {
                    if let Some(value) = fields.get(old) {
                        metric.insert(key.to_owned(), value.clone());
                    }
                }
            }
            Spelling::Target(name, old) => {
                if let Some(value) = fields.get(&tense.name(old)) {
                    figures.insert(name.to_owned(), value.clone());
                }
            }
        }
    }
    if !metric.is_empty() {
        new.insert("metric".to_owned(), Value::Object(metric));
    }
    if tense == Tense::Wanted {
        let kind = if figures.contains_key("averageUtilization") {
            "Utilization"
        } else if figures.contains_key("averageValue") {
            "AverageValue"
        } else {
            "Value"
        };
        figures.insert("type".to_owned(), Value::from(kind));
    }
    new.insert(tense.figures().to_owned(), Value::Object(figures));
    new
}

/// The share of CPU that a metric is about; none where it is about anything else.
fn cpu_share(metric: &Value, tense: Tense) -> Option<&Value> {
    let is = |pointer: &str, text: &str| metric.pointer(pointer).and_then(Value::as_str) == Some(text);
    if !is("/type", "Resource") || !is("/resource/name", CPU) {
        return None;
    }
    let share = metric
        .get("resource")?
        .get(tense.figures())?
        .get("averageUtilization")?;
    (!share.is_null()).then_some(share)
}

fn annotations(object: &mut Object) -> Option<&mut Object> {
    object.get_mut("metadata")?.get_mut("annotations")?.as_object_mut()
}

/// Takes an annotation that holds JSON; one that cannot be read says nothing.
fn take(object: &mut Object, name: &str) -> Option<Value> {
    let text = annotations(object)?.remove(name)?;
    serde_json::from_str(text.as_str()?).ok()
}

fn annotate(object: &mut Object, name: &str, value: &Value) {
    let metadata = object.entry("metadata").or_insert_with(|| json!({}));
    let Some(metadata) = metadata.as_object_mut() else {
        return;
    };
    let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
    if annotations.is_null() {
        *annotations = json!({});
    }
    if let Some(annotations) = annotations.as_object_mut() {
        annotations.insert(name.to_owned(), Value::from(value.to_string()));
    }
}

/// Removes what only this module writes; a client's own text there would be taken for ours.
fn drop_annotations(object: &mut Object) {
    let Some(annotations) = annotations(object) else { return };
    for name in [METRICS, CURRENT_METRICS, CONDITIONS, BEHAVIOR] {
        annotations.remove(name);
    }
    let is_empty = annotations.is_empty();
    if let (true, Some(metadata)) = (is_empty, object.get_mut("metadata").and_then(Value::as_object_mut)) {
        metadata.remove("annotations");
    }
}

fn part<'a>(object: &'a mut Object, name: &str) -> Option<&'a mut Object> {
    object.get_mut(name)?.as_object_mut()
}

fn list(value: Option<Value>) -> Vec<Value> {
    match value {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

pub(super) fn to_v2(object: &mut Object) {
    let metrics = list(take(object, METRICS));
    let measured = list(take(object, CURRENT_METRICS));
    let conditions = take(object, CONDITIONS);
    let behavior = take(object, BEHAVIOR);
    drop_annotations(object);
    if let Some(spec) = part(object, "spec") {
        let mut all: Vec<Value> = metrics
            .iter()
            .map(|metric| respelled(metric, Tense::Wanted, source_to_v2))
            .collect();
        if let Some(share) = spec.remove(SHARE).filter(|share| !share.is_null()) {
            all.push(json!({"type": "Resource", "resource": {"name": CPU,
                "target": {"type": "Utilization", "averageUtilization": share}}}));
        }
        if !all.is_empty() {
            spec.insert("metrics".to_owned(), Value::Array(all));
        }
        if let Some(behavior) = behavior {
            spec.insert("behavior".to_owned(), behavior);
        }
    }
    let told = !measured.is_empty() || conditions.is_some();
    if told && !object.contains_key("status") {
        object.insert("status".to_owned(), json!({}));
    }
    if let Some(status) = part(object, "status") {
        let share = status
            .remove("currentCPUUtilizationPercentage")
            .filter(|share| !share.is_null());
        let mut all: Vec<Value> = measured
            .iter()
            .map(|metric| respelled(metric, Tense::Measured, source_to_v2))
            .collect();
        // The annotation has the same figure with its value beside it.
        if let (true, Some(share)) = (all.is_empty(), share) {
            all.push(json!({"type": "Resource", "resource": {"name": CPU, "current": {"averageUtilization": share}}}));
        }
        if !all.is_empty() {
            status.insert("currentMetrics".to_owned(), Value::Array(all));
        }
        if let Some(conditions) = conditions {
            status.insert("conditions".to_owned(), conditions);
        }
    }
}

pub(super) fn from_v2(object: &mut Object) {
    drop_annotations(object);
    let mut told = Vec::new();
    if let Some(spec) = part(object, "spec") {
        let metrics = list(spec.remove("metrics"));
        let mut others = Vec::new();
        for metric in &metrics {
            match cpu_share(metric, Tense::Wanted) {
                Some(share) if !spec.contains_key(SHARE) => {
                    spec.insert(SHARE.to_owned(), share.clone());
                }
                // kube-apiserver drops a second one; here it is kept beside the others.
                Some(_) | None => others.push(respelled(metric, Tense::Wanted, source_to_v1)),
            }
        }
        if !others.is_empty() {
            told.push((METRICS, Value::Array(others)));
        }
        if let Some(behavior) = spec.remove("behavior").filter(|behavior| !behavior.is_null()) {
            told.push((BEHAVIOR, behavior));
        }
    }
    if let Some(status) = part(object, "status") {
        let measured = list(status.remove("currentMetrics"));
        let mut shares = measured.iter().filter_map(|metric| cpu_share(metric, Tense::Measured));
        if let Some(share) = shares.next() {
            status.insert("currentCPUUtilizationPercentage".to_owned(), share.clone());
        }
        if !measured.is_empty() {
            let measured = measured
                .iter()
                .map(|metric| respelled(metric, Tense::Measured, source_to_v1));
            told.push((CURRENT_METRICS, measured.collect()));
        }
        let conditions = list(status.remove("conditions"));
        if !conditions.is_empty() {
            told.push((CONDITIONS, Value::Array(conditions)));
        }
    }
    for (name, value) in told {
        annotate(object, name, &value);
    }
}

/// What a typed server writes of every autoscaler.
pub(super) fn complete(object: &mut Object) {
    if let Some(status) = part(object, "status") {
        status.entry("currentReplicas").or_insert(Value::from(0));
        status.entry("desiredReplicas").or_insert(Value::from(0));
    }
}
