//! Takes from an object what belongs to the hub or is allocated by each cluster for itself.
//! In: the object as the hub stores it. Out: what a user would have written. Absent: what a user did write stays, whole:
//! labels, annotations and every field that no rule below names.

use api::well_known::REBALANCE_ANNOTATION;
use serde_json::{Map, Value};

/// Metadata that names the object; all else in metadata but labels and annotations is the server's.
const KEPT_METADATA: [&str; 4] = ["name", "namespace", "labels", "annotations"];

/// Annotations that tools and controllers of the hub keep for themselves.
const HUB_ANNOTATIONS: [&str; 7] = [
    REBALANCE_ANNOTATION,
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/revision",
    "deprecated.daemonset.template.generation",
    "pv.kubernetes.io/bind-completed",
    "pv.kubernetes.io/bound-by-controller",
    "volume.kubernetes.io/selected-node",
];

/// Labels that tie the pods of a Job to the uid it has in one cluster, and to its name.
const JOB_LABELS: [&str; 4] = [
    "batch.kubernetes.io/controller-uid",
    "controller-uid",
    "batch.kubernetes.io/job-name",
    "job-name",
];

/// The object as a user would have written it; none where the value is not an object with metadata.
pub(super) fn strip(object: &Value) -> Option<Map<String, Value>> {
    let mut stripped = object.as_object()?.clone();
    stripped.remove("status");
    let metadata = stripped.get_mut("metadata")?.as_object_mut()?;
    metadata.retain(|key, _| KEPT_METADATA.contains(&key.as_str()));
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.retain(|key, _| !HUB_ANNOTATIONS.contains(&key.as_str()));
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
    let kind = stripped
        .get("kind")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    match kind.as_str() {
        "Service" => strip_service(&mut stripped),
        "Job" => strip_job(&mut stripped),
        // `spec.finalizers` is the server's, and nothing else is in a Namespace's spec.
        "Namespace" => {
            stripped.remove("spec");
        }
        _ => {}
    }
    strip_template(&mut stripped);
    Some(stripped)
}

/// Addresses and ports that each cluster allocates for itself.
fn strip_service(service: &mut Map<String, Value>) {
    let Some(spec) = service.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    if spec.get("clusterIP").and_then(Value::as_str) != Some("None") {
        spec.remove("clusterIP");
        spec.remove("clusterIPs");
    }
    spec.remove("ipFamilies");
    spec.remove("healthCheckNodePort");
    // The default of the hub may not be possible in a member with other families.
    if spec.get("ipFamilyPolicy").and_then(Value::as_str) == Some("SingleStack") {
        spec.remove("ipFamilyPolicy");
    }
    for port in spec
        .get_mut("ports")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if let Some(port) = port.as_object_mut() {
            port.remove("nodePort");
        }
    }
}

/// The selector and labels by which a Job knows its pods, unless the user chose them.
fn strip_job(job: &mut Map<String, Value>) {
    let Some(spec) = job.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    if spec.get("manualSelector").and_then(Value::as_bool) == Some(true) {
        return;
    }
    spec.remove("selector");
    if let Some(template) = spec.get_mut("template") {
        strip_job_labels(template);
    }
    let mut whole = Value::Object(std::mem::take(job));
    strip_job_labels(&mut whole);
    if let Value::Object(map) = whole {
        *job = map;
    }
}

fn strip_job_labels(object: &mut Value) {
    let labels = object.pointer_mut("/metadata/labels").and_then(Value::as_object_mut);
    if let Some(labels) = labels {
        labels.retain(|key, _| !JOB_LABELS.contains(&key.as_str()));
    }
}

/// `creationTimestamp: null`, which Go clients write into pod templates and no schema allows to be applied.
fn strip_template(object: &mut Map<String, Value>) {
    let template = object.get_mut("spec").and_then(|spec| spec.get_mut("template"));
    if let Some(metadata) = template
        .and_then(|t| t.get_mut("metadata"))
        .and_then(Value::as_object_mut)
        && metadata.get("creationTimestamp").is_some_and(Value::is_null)
    {
        metadata.remove("creationTimestamp");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_job_leaves_its_uid_behind() {
        let labels = json!({"app": "a", "controller-uid": "u", "batch.kubernetes.io/controller-uid": "u", "job-name": "j",
            "batch.kubernetes.io/job-name": "j"});
        let job = |manual: bool| {
            let object = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j", "labels": labels, "uid": "u"}, "spec": {
                "manualSelector": manual, "selector": {"matchLabels": {"app": "a"}}, "template": {"metadata": {"labels": labels}}}});
            Value::Object(strip(&object).unwrap())
        };
        let made = job(false);
        assert!(made.pointer("/spec/selector").is_none());
        for pointer in ["/metadata/labels", "/spec/template/metadata/labels"] {
            assert_eq!(made.pointer(pointer), Some(&json!({"app": "a"})), "{pointer}");
        }
        let chosen = job(true);
        assert_eq!(chosen.pointer("/spec/template/metadata/labels"), Some(&labels));
        assert!(chosen.pointer("/spec/selector").is_some());
    }
}
