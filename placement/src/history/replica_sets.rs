//! A Deployment's history: one ReplicaSet a template. The current one counts the updated replicas of all members together, the
//! one before it those that are not updated yet; the others have none.

use serde_json::{Map, Value, json};

use super::{Step, annotations, deletion, hash, metadata, name, number, surplus, text, texts};

/// Annotation of a ReplicaSet with the number of its revision.
pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
/// Annotation with the revisions that it was before.
const REVISION_HISTORY: &str = "deployment.kubernetes.io/revision-history";
/// Label that tells the pods of one template from those of another.
const TEMPLATE_HASH: &str = "pod-template-hash";

/// What a Deployment's history lacks. `owned` are the ReplicaSets that it controls.
#[must_use]
pub fn replica_sets(deployment: &Value, owned: &[&Value]) -> Vec<Step> {
    let template = deployment.pointer("/spec/template").cloned().unwrap_or_default();
    let mut sorted = owned.to_vec();
    sorted.sort_by_key(|set| (revision(set), name(set)));
    let last = sorted.last().map(|set| revision(set)).unwrap_or_default();
    let Some(place) = sorted.iter().position(|set| same_template(set, &template)) else {
        // The members do not roll out what is paused.
        let paused = deployment.pointer("/spec/paused").and_then(Value::as_bool) == Some(true);
        return match paused {
            true => Vec::new(),
            false => vec![Step::Create(replica_set(deployment, &template, last + 1))],
        };
    };
    let current = sorted.remove(place);
    let mut steps: Vec<Step> = described(deployment, current, last).into_iter().collect();
    if number(deployment, "/status/observedGeneration") >= number(deployment, "/metadata/generation") {
        let counts = Counts::of(deployment);
        steps.extend(counted(current, &counts.current, number(deployment, "/spec/replicas")));
        if let Some((previous, rest)) = sorted.split_last() {
            steps.extend(counted(previous, &counts.previous, counts.previous.replicas));
            for set in rest {
                steps.extend(counted(set, &Count::default(), 0));
            }
        }
    }
    let idle = |set: &&Value| number(set, "/status/replicas") == 0;
    steps.extend(surplus(deployment, &sorted).into_iter().filter(idle).map(deletion));
    steps
}

fn revision(set: &Value) -> i64 {
    let annotations = set.pointer("/metadata/annotations");
    let text = annotations.and_then(|all| all.get(REVISION)).and_then(Value::as_str);
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// Whether a ReplicaSet has this template, but for the label by which its pods are told from others'.
fn same_template(set: &Value, template: &Value) -> bool {
    let mut own = set.pointer("/spec/template").cloned().unwrap_or_default();
    if let Some(labels) = own.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(TEMPLATE_HASH);
    }
    own == *template
}

fn replica_set(deployment: &Value, template: &Value, revision: i64) -> Value {
    let hash = hash(template);
    let mut template = template.clone();
    let mut labels = texts(&template, "/metadata/labels");
    labels.insert(TEMPLATE_HASH.to_owned(), json!(hash));
    if let Some(template) = template.as_object_mut() {
        let metadata = template.entry("metadata").or_insert_with(|| json!({}));
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.insert("labels".to_owned(), Value::Object(labels.clone()));
        }
    }
    let mut selector = deployment.pointer("/spec/selector").cloned().unwrap_or_default();
    if let Some(selector) = selector.as_object_mut() {
        let chosen = selector.entry("matchLabels").or_insert_with(|| json!({}));
        if let Some(chosen) = chosen.as_object_mut() {
            chosen.insert(TEMPLATE_HASH.to_owned(), json!(hash));
        }
    }
    let mut annotations = annotations(deployment);
    annotations.insert(REVISION.to_owned(), json!(revision.to_string()));
    json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": metadata(deployment, &hash, &labels, &annotations),
        "spec": {
            "replicas": number(deployment, "/spec/replicas"),
            "minReadySeconds": number(deployment, "/spec/minReadySeconds"),
            "selector": selector,
            "template": template,
        },
    })
}

/// The current revision is the highest one, and tells why it was made.
fn described(deployment: &Value, current: &Value, last: i64) -> Option<Step> {
    let before = texts(current, "/metadata/annotations");
    let mut after = before.clone();
    after.extend(annotations(deployment));
    let own = revision(current);
    if own < last || own == 0 {
        let earlier = text(
            current,
            "/metadata/annotations/deployment.kubernetes.io~1revision-history",
        );
        let earlier = match (earlier, own) {
            (earlier, 0) => earlier.to_owned(),
            ("", own) => own.to_string(),
            (earlier, own) => format!("{earlier},{own}"),
        };
        if !earlier.is_empty() {
            after.insert(REVISION_HISTORY.to_owned(), json!(earlier));
        }
        after.insert(REVISION.to_owned(), json!((last + 1).to_string()));
    }
    (after != before).then(|| {
        Step::Patch(
            name(current).to_owned(),
            json!({ "metadata": { "annotations": after } }),
        )
    })
}

/// The pods of one template in all members together.
#[derive(Default)]
struct Count {
    replicas: i64,
    ready: i64,
    available: i64,
}

struct Counts {
    current: Count,
    previous: Count,
}

impl Counts {
    /// The members tell how many pods are updated, and how many are ready, but not how many are both: as many as there must be.
    fn of(deployment: &Value) -> Self {
        let count = |field: &str| number(deployment, &format!("/status/{field}"));
        let (all, updated) = (count("replicas"), count("updatedReplicas"));
        let old = (all - updated).max(0);
        let surely = |of_all: i64| (of_all - old).clamp(0, updated.max(0));
        let (ready, available) = (count("readyReplicas"), count("availableReplicas"));
        let current = Count {
            replicas: updated,
            ready: surely(ready),
            available: surely(available),
        };
        let previous = Count {
            replicas: old,
            ready: (ready - current.ready).clamp(0, old),
            available: (available - current.available).clamp(0, old),
        };
        Self { current, previous }
    }
}

/// Brings size and status of a ReplicaSet to these counts.
fn counted(set: &Value, count: &Count, wanted: i64) -> Vec<Step> {
    let mut steps = Vec::new();
    if number(set, "/spec/replicas") != wanted {
        let size = json!({ "spec": { "replicas": wanted } });
        steps.push(Step::Patch(name(set).to_owned(), size));
    }
    let mut changes = Map::new();
    for (field, value) in [
        ("replicas", count.replicas),
        ("fullyLabeledReplicas", count.replicas),
        ("readyReplicas", count.ready),
        ("availableReplicas", count.available),
    ] {
        if number(set, &format!("/status/{field}")) != value {
            changes.insert(field.to_owned(), json!(value));
        }
    }
    if !changes.is_empty() {
        // The size written just now is one generation more.
        let generation = number(set, "/metadata/generation") + i64::from(!steps.is_empty());
        changes.insert("observedGeneration".to_owned(), json!(generation));
        steps.push(Step::PatchStatus(name(set).to_owned(), json!({ "status": changes })));
    }
    steps
}
