//! Writes status. Chooses nothing.
//! In: one [`Desired`]. Out: the objects as the hub has them now. The Placement's status is bound to the version it was folded
//! from; the object's is a merge patch of our fields, because users and their tools write the same object at the same time.

use std::sync::Arc;
use std::time::Duration;

use api::{ObjectRef, PlacementStatus};
use kube::api::PropagationPolicy;
use serde_json::{Map, Value, json};

use crate::runtime::drive::Outcome;
use crate::runtime::hub::{Deletion, Hub, HubError};
use crate::runtime::kind::{Kind, PLACEMENT, REPORT};
use crate::runtime::queue::Done;
use crate::runtime::recorder::{Mood, Recorder};
use crate::runtime::watched::{Id, Watched};

/// Status to write.
pub(super) struct Desired {
    pub(super) standing: Arc<Watched>,
    pub(super) before: PlacementStatus,
    /// The Placement's, where it differs.
    pub(super) status: Option<PlacementStatus>,
    pub(super) resource: ObjectRef,
    /// The hub object's, where it differs.
    pub(super) object: Option<(Kind, Arc<Watched>, Value)>,
    /// Clusters whose rows go because they seem to be gone: make sure first.
    pub(super) vanished: Vec<(Kind, Id)>,
    /// Reports that have done their work.
    pub(super) spent: Vec<Arc<Watched>>,
}

pub(super) async fn apply(hub: Hub, recorder: Recorder, desired: Desired, pause: Duration) -> Outcome {
    let Desired {
        standing,
        before,
        status,
        resource,
        object,
        vanished,
        spent,
    } = desired;
    match hub.all_gone(&vanished).await {
        Ok(true) => {}
        Ok(false) => {
            let again = Ok(Done::Again(Duration::from_secs(1)));
            return Outcome {
                learned: vec![],
                result: again,
            };
        }
        Err(error) => {
            return Outcome::failed(error);
        }
    }
    let placement = async {
        match &status {
            Some(status) => write_placement(&hub, &standing, status).await.map(Some),
            None => Ok(None),
        }
    };
    let object_write = async {
        match &object {
            Some((kind, object, status)) => write_object(&hub, kind, object, status).await.map(Some),
            None => Ok(None),
        }
    };
    let (placement, object_written) = futures::join!(placement, object_write);

    let mut learned = Vec::new();
    let mut failed = None;
    match placement {
        Ok(Some(written)) => {
            learned.push((PLACEMENT, written));
            if let Some(status) = &status {
                note_errors(&recorder, &resource, &before, status);
            }
        }
        Ok(None) => {}
        Err(error) => failed = Some(error),
    }
    match object_written {
        Ok(Some(written)) => {
            if let Some((kind, ..)) = object {
                learned.push((kind, written));
            }
        }
        Ok(None) => {}
        // It went meanwhile: nobody is left to read its status.
        Err(error) if error.is_not_found() => {}
        Err(error) => failed = failed.or(Some(error)),
    }
    // Only once the row is gone for good: a crash in between leaves the report to be read again.
    if failed.is_none() {
        for report in spent {
            let what = Deletion {
                uid: report.uid(),
                resource_version: Some(report.resource_version()),
                propagation: PropagationPolicy::Background,
            };
            if let Err(error) = hub.delete(&REPORT, &report.id(), what).await {
                tracing::debug!(error = %error.chain(), "a report that was replaced meanwhile stays");
            }
        }
    }
    Outcome {
        learned,
        result: failed.map_or(Ok(Done::Rest(pause)), Err),
    }
}

async fn write_placement(hub: &Hub, standing: &Watched, status: &PlacementStatus) -> Result<Arc<Watched>, HubError> {
    let mut object = (*standing.value()).clone();
    if let Value::Object(map) = &mut object {
        map.insert("status".to_owned(), json!(status));
    }
    hub.replace_part(&PLACEMENT, &standing.id(), "status", &object).await
}

async fn write_object(hub: &Hub, kind: &Kind, object: &Watched, status: &Value) -> Result<Arc<Watched>, HubError> {
    let mut patch: Map<String, Value> = status.as_object().cloned().unwrap_or_default();
    let value = object.value();
    for field in value
        .get("status")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::keys)
    {
        patch.entry(field.clone()).or_insert(Value::Null);
    }
    if let Some(before) = value.pointer("/status/loadBalancer").and_then(Value::as_object)
        && let Some(balancer) = patch.get_mut("loadBalancer").and_then(Value::as_object_mut)
    {
        for field in before.keys() {
            balancer.entry(field.clone()).or_insert(Value::Null);
        }
    }
    let patch = json!({"metadata": {"uid": object.uid()}, "status": patch});
    hub.merge(kind, &object.id(), Some("status"), &patch).await
}

/// What a member refuses is an operator's business, on the object it refuses.
fn note_errors(recorder: &Recorder, resource: &ObjectRef, before: &PlacementStatus, after: &PlacementStatus) {
    for row in &after.clusters {
        let old = before.clusters.iter().find(|old| old.name == row.name);
        let said = old.map(|old| old.error.as_str()).unwrap_or_default();
        if !row.error.is_empty() && row.error != said {
            let message = format!("cluster {}: {}", row.name, row.error);
            recorder.note(resource.clone(), Mood::Warning, "ApplyFailed", message);
        } else if row.applied && !said.is_empty() {
            let message = format!("cluster {}: applied again", row.name);
            recorder.note(resource.clone(), Mood::Normal, "Applied", message);
        }
    }
}
