//! What single kinds do to their objects before defaults: the server's half of their meaning.

use machinery::status::Status;
use serde_json::{Value, json};

use super::identity::metadata_mut;
use super::{Draft, Engine, Intent};

/// Label of every namespace with its own name, so that selectors can name it.
const NAMESPACE_NAME_LABEL: &str = "kubernetes.io/metadata.name";
/// Finalizer that the namespace controller removes once a namespace is empty.
const NAMESPACE_FINALIZER: &str = "kubernetes";

/// Prepares a new object.
pub(super) fn new_object(_: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    match (intent.kind.group, intent.kind.kind) {
        ("", "Namespace") => {
            name_label(draft)?;
            if let Some(object) = draft.value.as_object_mut() {
                object.insert("spec".to_owned(), json!({ "finalizers": [NAMESPACE_FINALIZER] }));
                object.insert("status".to_owned(), json!({ "phase": "Active" }));
            }
        }
        ("", "Pod") => {
            if let Some(object) = draft.value.as_object_mut() {
                object.insert(
                    "status".to_owned(),
                    json!({ "phase": "Pending", "qosClass": "BestEffort" }),
                );
            }
        }
        ("", "Secret") => machinery::default::fold_string_data(&mut draft.value),
        _ => {}
    }
    Ok(())
}

/// Prepares a changed object.
pub(super) fn changed_object(_: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    match (intent.kind.group, intent.kind.kind) {
        ("", "Namespace") => name_label(draft)?,
        ("", "Secret") => machinery::default::fold_string_data(&mut draft.value),
        _ => {}
    }
    Ok(())
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
