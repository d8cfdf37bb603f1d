//! What single kinds do to their objects before defaults: the server's half of their meaning.

use machinery::status::Status;
use serde_json::{Map, Value, json};

use super::identity::{meta, metadata_mut, seconds};
use super::{Draft, Engine, Intent, Part, certificates};
use crate::kinds::certificates::GROUP;

/// Label of every namespace with its own name, so that selectors can name it.
const NAMESPACE_NAME_LABEL: &str = "kubernetes.io/metadata.name";
/// Finalizer that the namespace controller removes once a namespace is empty.
const NAMESPACE_FINALIZER: &str = "kubernetes";

/// Counts the templates that a DaemonSet had.
pub(super) const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";
/// Labels of a Job's pods, in their newer and older spelling.
const JOB_UID_LABELS: [&str; 2] = ["batch.kubernetes.io/controller-uid", "controller-uid"];
const JOB_NAME_LABELS: [&str; 2] = ["batch.kubernetes.io/job-name", "job-name"];

/// Prepares a new object.
pub(super) fn new_object(_: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    match (intent.kind.group.as_str(), intent.kind.kind.as_str()) {
        ("", "Namespace") => {
            name_label(draft)?;
            if let Some(object) = draft.value.as_object_mut() {
                object.insert("spec".to_owned(), json!({ "finalizers": [NAMESPACE_FINALIZER] }));
                object.insert("status".to_owned(), json!({ "phase": "Active" }));
            }
        }
        ("", "Pod") => {
            if let Some(object) = draft.value.as_object_mut() {
                object.insert("status".to_owned(), json!({ "phase": "Pending" }));
            }
        }
        ("", "Secret") => machinery::default::fold_string_data(&mut draft.value),
        (GROUP, _) => certificates::name_requester(intent, draft),
        ("apps", "DaemonSet") => {
            let annotations = texts(metadata_mut(&mut draft.value)?, "annotations");
            if let Some(annotations) = annotations {
                annotations
                    .entry(TEMPLATE_GENERATION)
                    .or_insert_with(|| Value::from("1"));
            }
        }
        ("batch", "Job") => choose_own_pods(draft),
        ("", "PersistentVolume") => {
            let since = seconds(draft.now);
            if let Some(object) = draft.value.as_object_mut() {
                object.insert(
                    "status".to_owned(),
                    json!({ "phase": "Pending", "lastPhaseTransitionTime": since }),
                );
            }
        }
        _ => {}
    }
    Ok(())
}

/// A new Pod's quality of service, once everybody has had a say about its resources.
pub(super) fn quality(_: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    if (intent.kind.group.as_str(), intent.kind.kind.as_str()) == ("", "Pod") {
        let quality = machinery::admission::resources::quality_of_service(&draft.value);
        if let Some(status) = draft.value.get_mut("status").and_then(Value::as_object_mut) {
            status.insert("qosClass".to_owned(), Value::from(quality));
        }
    }
    Ok(())
}

/// Prepares a changed object.
pub(super) fn changed_object(_: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    match (intent.kind.group.as_str(), intent.kind.kind.as_str()) {
        ("", "Namespace") => name_label(draft)?,
        ("", "Secret") => machinery::default::fold_string_data(&mut draft.value),
        ("apiextensions.k8s.io", "CustomResourceDefinition") if intent.part == Part::Object => {
            remember_storage_version(&mut draft.value);
        }
        _ => {}
    }
    Ok(())
}

/// From now on there may be objects in the version in which they are stored.
fn remember_storage_version(crd: &mut Value) {
    let versions = crd.pointer("/spec/versions").and_then(Value::as_array);
    let storage = versions
        .into_iter()
        .flatten()
        .find(|version| version.get("storage") == Some(&Value::Bool(true)))
        .and_then(|version| version.get("name").cloned());
    let stored = crd.pointer_mut("/status/storedVersions").and_then(Value::as_array_mut);
    if let (Some(name), Some(stored)) = (storage, stored)
        && !stored.contains(&name)
    {
        stored.push(name);
    }
}

fn name_label(draft: &mut Draft) -> Result<(), Status> {
    let metadata = metadata_mut(&mut draft.value)?;
    let name = metadata.get("name").cloned().unwrap_or_default();
    let labels = metadata.entry("labels").or_insert_with(|| json!({}));
    if labels.is_null() {
        *labels = json!({});
    }
    if let Value::Object(labels) = labels {
        labels.insert(NAMESPACE_NAME_LABEL.to_owned(), name);
    }
    Ok(())
}

/// The map of texts under a key, made where it is missing; none where something else stands there.
fn texts<'a>(object: &'a mut Map<String, Value>, key: &str) -> Option<&'a mut Map<String, Value>> {
    let map = object.entry(key).or_insert(Value::Null);
    if map.is_null() {
        *map = json!({});
    }
    map.as_object_mut()
}

/// Takes out of a new Job what [`new_object`] put in: it belongs to nobody.
pub(super) fn forget_own_pods(intent: &Intent, job: &mut Value) {
    if (intent.kind.group.as_str(), intent.kind.kind.as_str()) != ("batch", "Job")
        || job.pointer("/spec/manualSelector").and_then(Value::as_bool) == Some(true)
    {
        return;
    }
    for pointer in ["/spec/template/metadata", "/metadata"] {
        let Some(metadata) = job.pointer_mut(pointer).and_then(Value::as_object_mut) else {
            continue;
        };
        if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
            labels.retain(|key, _| !JOB_UID_LABELS.iter().chain(&JOB_NAME_LABELS).any(|own| own == key));
            if labels.is_empty() {
                metadata.remove("labels");
            }
        }
    }
    if let Some(spec) = job.get_mut("spec").and_then(Value::as_object_mut) {
        spec.remove("selector");
    }
}

/// A Job that does not choose its pods itself knows them by its uid.
fn choose_own_pods(draft: &mut Draft) {
    let (name, uid) = (
        meta(&draft.value, "name").to_owned(),
        meta(&draft.value, "uid").to_owned(),
    );
    let Some(spec) = draft.value.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    if spec.get("manualSelector").and_then(Value::as_bool) == Some(true) {
        return;
    }
    let labels = texts(spec, "template")
        .and_then(|template| texts(template, "metadata"))
        .and_then(|metadata| texts(metadata, "labels"));
    if let Some(labels) = labels {
        for (keys, value) in [(JOB_UID_LABELS, &uid), (JOB_NAME_LABELS, &name)] {
            labels.extend(keys.map(|key| (key.to_owned(), Value::from(value.as_str()))));
        }
    }
    if let Some(labels) = texts(spec, "selector").and_then(|selector| texts(selector, "matchLabels")) {
        labels.insert(JOB_UID_LABELS[0].to_owned(), Value::from(uid));
    }
}
