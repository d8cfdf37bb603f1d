//! Keeps the histories of workloads on the hub: ReplicaSets of Deployments, ControllerRevisions of StatefulSets and DaemonSets.
//! In: the workloads and what they own of these kinds. Out: what is missing, or counts otherwise. Absent: what a history is
//! (`placement::history`); deletion with the workload, which is the garbage collector's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ::placement::history::{Step, controller_revisions, replica_sets};
use kube::api::PropagationPolicy;
use serde_json::Value;

use crate::runtime::drive::{Outcome, Reconcile, Work};
use crate::runtime::feed::News;
use crate::runtime::hub::{Deletion, Hub, HubError};
use crate::runtime::kind::{self, Kind};
use crate::runtime::queue::Done;
use crate::runtime::shelf::Shelf;
use crate::runtime::watched::{Id, Watched};

/// Pause after writes for one workload: counts that change many times a second are written less often.
const PAUSE: Duration = Duration::from_millis(200);

/// The kinds that have a history.
static WORKLOADS: [Kind; 3] = [kind::DEPLOYMENT, kind::STATEFUL_SET, kind::DAEMON_SET];
/// The kinds that are one.
static REVISIONS: [Kind; 2] = [kind::REPLICA_SET, kind::CONTROLLER_REVISION];

/// What a workload's history lacks, of the workload and what it owns.
type Look = fn(&Value, &[&Value]) -> Vec<Step>;

/// The kinds it watches.
pub(crate) fn kinds() -> Vec<Kind> {
    [&WORKLOADS[..], &REVISIONS[..]].concat()
}

/// The history controller.
pub(crate) struct History {
    hub: Hub,
    objects: BTreeMap<Kind, Shelf>,
    /// What each workload owns, by its uid.
    owned: BTreeMap<String, BTreeSet<(Kind, Id)>>,
}

impl History {
    pub(crate) fn new(hub: Hub) -> Self {
        Self {
            hub,
            objects: BTreeMap::new(),
            owned: BTreeMap::new(),
        }
    }

    fn take_revision(&mut self, kind: &Kind, old: Option<&Watched>, new: Option<&Watched>) -> Vec<(Kind, Id)> {
        let mut dirty = Vec::new();
        if let Some((_, uid, id)) = old.and_then(owner)
            && let Some(owned) = self.owned.get_mut(&uid)
        {
            owned.remove(&(kind.clone(), id));
            if owned.is_empty() {
                self.owned.remove(&uid);
            }
        }
        for watched in [old, new].into_iter().flatten() {
            dirty.extend(owner(watched).map(|(workload, ..)| workload));
        }
        if let Some((_, uid, id)) = new.and_then(owner) {
            self.owned.entry(uid).or_default().insert((kind.clone(), id));
        }
        dirty
    }
}

/// The workload that controls a revision, its uid, and the revision's own place.
fn owner(revision: &Watched) -> Option<((Kind, Id), String, Id)> {
    let value = revision.value();
    let owners = value.pointer("/metadata/ownerReferences").and_then(Value::as_array)?;
    let owner = owners
        .iter()
        .find(|owner| owner.get("controller").and_then(Value::as_bool) == Some(true))?;
    let text = |key: &str| owner.get(key).and_then(Value::as_str).unwrap_or_default();
    let kind = WORKLOADS.iter().find(|kind| kind.kind == text("kind"))?;
    let id = revision.id();
    let workload = Id::new(&id.namespace, text("name"));
    Some(((kind.clone(), workload), text("uid").to_owned(), id))
}

impl Reconcile for History {
    type Key = (Kind, Id);
    const NAME: &'static str = "history";

    fn observe(&mut self, news: News) -> Vec<(Kind, Id)> {
        let kind = news.kind;
        let moved = self.objects.entry(kind.clone()).or_default().take(news.change);
        let mut dirty = Vec::new();
        for moved in moved {
            if REVISIONS.contains(&kind) {
                dirty.extend(self.take_revision(&kind, moved.old.as_deref(), moved.new.as_deref()));
            } else {
                dirty.push((kind.clone(), moved.id));
            }
        }
        dirty
    }

    fn look(&mut self, (kind, id): &(Kind, Id)) -> Option<Work> {
        let workload = self.objects.get(kind)?.get(id)?;
        if workload.is_deleting() {
            return None;
        }
        let (revisions, history): (Kind, Look) = if *kind == kind::DEPLOYMENT {
            (kind::REPLICA_SET, replica_sets)
        } else {
            (kind::CONTROLLER_REVISION, controller_revisions)
        };
        let owned = self.owned.get(workload.uid()).into_iter().flatten();
        let owned: Vec<Arc<Value>> = owned
            .filter(|(kind, _)| *kind == revisions)
            .filter_map(|(kind, id)| self.objects.get(kind)?.get(id))
            .filter(|revision| !revision.is_deleting())
            .map(|revision| revision.value())
            .collect();
        let owned: Vec<&Value> = owned.iter().map(|revision| &**revision).collect();
        let steps = history(&workload.value(), &owned);
        if steps.is_empty() {
            return None;
        }
        let (hub, namespace) = (self.hub.clone(), id.namespace.clone());
        Some(Box::pin(write(hub, revisions, namespace, steps)))
    }
}

/// Takes the steps one after the other, as far as they go.
async fn write(hub: Hub, kind: Kind, namespace: String, steps: Vec<Step>) -> Outcome {
    let mut learned = Vec::new();
    for step in steps {
        match take(&hub, &kind, &namespace, step).await {
            Ok(object) => learned.extend(object.map(|object| (kind.clone(), object))),
            // Somebody else was faster, or the object went: news will tell.
            Err(error) if error.is_conflict() || error.is_not_found() => break,
            Err(error) => {
                return Outcome {
                    learned,
                    result: Err(error),
                };
            }
        }
    }
    Outcome {
        learned,
        result: Ok(Done::Rest(PAUSE)),
    }
}

async fn take(
    hub: &Hub,
    kind: &Kind,
    namespace: &str,
    step: Step,
) -> Result<Option<std::sync::Arc<Watched>>, HubError> {
    match step {
        Step::Create(object) => {
            let name = object.pointer("/metadata/name").and_then(Value::as_str);
            let id = Id::new(namespace, name.unwrap_or_default());
            hub.create(kind, &id, &object).await.map(Some)
        }
        Step::Patch(name, patch) => hub
            .merge(kind, &Id::new(namespace, &name), None, &patch)
            .await
            .map(Some),
        Step::PatchStatus(name, patch) => {
            let id = Id::new(namespace, &name);
            hub.merge(kind, &id, Some("status"), &patch).await.map(Some)
        }
        Step::Delete(name, uid) => {
            let what = Deletion {
                uid: &uid,
                resource_version: None,
                propagation: PropagationPolicy::Background,
            };
            hub.delete(kind, &Id::new(namespace, &name), what).await.map(|()| None)
        }
    }
}
