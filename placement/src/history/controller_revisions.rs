//! The history of a StatefulSet or DaemonSet: one ControllerRevision a template, numbered in the order in which they were used.

use serde_json::{Value, json};

use super::{Step, annotations, deletion, hash, metadata, name, number, surplus, texts};

/// Label with the hash of what a revision holds.
const HASH: &str = "controller.kubernetes.io/hash";

/// What the history of a StatefulSet or DaemonSet lacks. `owned` are the ControllerRevisions that it controls.
#[must_use]
pub fn controller_revisions(workload: &Value, owned: &[&Value]) -> Vec<Step> {
    let template = workload.pointer("/spec/template").cloned().unwrap_or_default();
    let data = data(&template);
    let mut sorted = owned.to_vec();
    sorted.sort_by_key(|revision| (number(revision, "/revision"), name(revision)));
    let last = sorted
        .last()
        .map(|newest| number(newest, "/revision"))
        .unwrap_or_default();
    let Some(place) = sorted.iter().position(|revision| revision.get("data") == Some(&data)) else {
        let hash = hash(&template);
        let mut labels = texts(&template, "/metadata/labels");
        labels.insert(HASH.to_owned(), json!(hash));
        return vec![Step::Create(json!({
            "apiVersion": "apps/v1",
            "kind": "ControllerRevision",
            "metadata": metadata(workload, &hash, &labels, &annotations(workload)),
            "data": data,
            "revision": last + 1,
        }))];
    };
    let current = sorted.remove(place);
    let mut steps = Vec::new();
    if number(current, "/revision") < last {
        let number = json!({ "revision": last + 1 });
        steps.push(Step::Patch(name(current).to_owned(), number));
    }
    steps.extend(surplus(workload, &sorted).into_iter().map(deletion));
    steps
}

/// The strategic merge patch that brings the template back.
fn data(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(template) = template.as_object_mut() {
        template.insert("$patch".to_owned(), json!("replace"));
    }
    json!({ "spec": { "template": template } })
}
