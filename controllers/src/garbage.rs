//! Deletes what its owners left behind.
//! In: every kind that can be watched. Out: deletes of objects all of whose owners are gone; the two finalizers by which a user
//! chooses the order (`foregroundDeletion`: dependents first; `orphan`: dependents stay). An owner counts as gone only when
//! the hub says so when asked for it: not having seen it is no proof. Absent: members; they have their own collector.

mod graph;

use std::sync::Arc;
use std::time::Duration;

use ::placement::federated_kinds::is_custom_group;
use api::well_known::GROUP;
use kube::api::PropagationPolicy;
use serde_json::{Value, json};

use crate::runtime::discovery::Served;
use crate::runtime::drive::{Outcome, Reconcile, Work};
use crate::runtime::feed::News;
use crate::runtime::hub::{Deletion, Hub, HubError};
use crate::runtime::kind::Kind;
use crate::runtime::watched::{Id, Watched};
use graph::{Graph, Node, Owner};

pub(crate) const FOREGROUND: &str = "foregroundDeletion";
pub(crate) const ORPHAN: &str = "orphan";

/// Kinds that own nothing and belong to nobody: memory and records.
const LEFT_OUT: [&str; 4] = ["Report", "Heartbeat", "Resolution", "Manifest"];
const RECORDS: [&str; 1] = ["Event"];

/// The kinds it watches, of those that are served.
pub(crate) fn kinds(served: &[Served]) -> Vec<Kind> {
    let concerns = |served: &&Served| {
        let ours = served.kind.api_version.starts_with(GROUP);
        let group = served.kind.api_version.split_once('/').map_or("", |(group, _)| group);
        served.can("list")
            && served.can("watch")
            && served.can("delete")
            // Custom kinds come and go; they are followed as they do.
            && !is_custom_group(group)
            && !(ours && LEFT_OUT.contains(&served.kind.kind.as_ref()))
            && !RECORDS.contains(&served.kind.kind.as_ref())
    };
    served
        .iter()
        .filter(concerns)
        .map(|served| served.kind.clone())
        .collect()
}

/// The garbage collector.
pub(crate) struct Garbage {
    hub: Hub,
    graph: Graph,
}

impl Garbage {
    pub(crate) fn new(hub: Hub) -> Self {
        Self {
            hub,
            graph: Graph::default(),
        }
    }
}

impl Reconcile for Garbage {
    type Key = String;
    const NAME: &'static str = "garbage";

    fn observe(&mut self, news: News) -> Vec<String> {
        self.graph.take(news)
    }

    fn look(&mut self, uid: &String) -> Option<Work> {
        let node = self.graph.node(uid)?;
        if node.watched.is_deleting() {
            return self.look_at_deleting(node);
        }
        if node.owners.is_empty() {
            return None;
        }
        let unseen: Vec<(Kind, Owner)> = node
            .owners
            .iter()
            .filter(|owner| self.graph.node(&owner.uid).is_none())
            .filter_map(|owner| Some((self.graph.kind_of(owner)?, owner.clone())))
            .collect();
        // One owner that is seen, or of a kind that is not watched here, keeps it.
        if unseen.len() < node.owners.len() {
            let waits = self.graph.waits_for(node);
            return waits.then(|| self.delete(node, PropagationPolicy::Foreground));
        }
        let (hub, kind, watched) = (self.hub.clone(), node.kind.clone(), node.watched.clone());
        Some(Box::pin(async move { collect(hub, kind, watched, unseen).await }))
    }
}

impl Garbage {
    fn delete(&self, node: &Node, propagation: PropagationPolicy) -> Work {
        let (hub, kind, watched) = (self.hub.clone(), node.kind.clone(), node.watched.clone());
        Box::pin(async move { finished(delete(&hub, &kind, &watched, propagation).await) })
    }

    fn look_at_deleting(&self, node: &Node) -> Option<Work> {
        let has = |name: &str| node.watched.finalizers().any(|finalizer| finalizer == name);
        let (hub, kind, watched) = (self.hub.clone(), node.kind.clone(), node.watched.clone());
        if has(ORPHAN) {
            let dependents: Vec<(Kind, Arc<Watched>)> = self
                .graph
                .dependents(watched.uid())
                .map(|n| (n.kind.clone(), n.watched.clone()))
                .collect();
            return Some(Box::pin(async move {
                for (kind, dependent) in dependents {
                    if let Err(error) = disown(&hub, &kind, &dependent, watched.uid()).await {
                        return finished(Err(error));
                    }
                }
                finished(release(&hub, &kind, &watched, ORPHAN).await)
            }));
        }
        if has(FOREGROUND) {
            let blocked = self
                .graph
                .dependents(watched.uid())
                .any(|dependent| dependent.blocks(watched.uid()));
            if !blocked {
                return Some(Box::pin(async move {
                    finished(release(&hub, &kind, &watched, FOREGROUND).await)
                }));
            }
        }
        None
    }
}

fn finished(result: Result<(), HubError>) -> Outcome {
    match result {
        Ok(()) => Outcome::rest(Duration::ZERO),
        Err(error) if error.is_not_found() => Outcome::rest(Duration::ZERO),
        Err(error) => Outcome::failed(error),
    }
}

/// Deletes an object none of whose owners is seen, once the hub confirmed of each that it is gone.
async fn collect(hub: Hub, kind: Kind, watched: Arc<Watched>, owners: Vec<(Kind, Owner)>) -> Outcome {
    for (owner_kind, owner) in owners {
        match lives(&hub, &owner_kind, &owner, &watched.id().namespace).await {
            Ok(false) => {}
            Ok(true) => {
                return Outcome::again(Duration::from_secs(30));
            }
            Err(error) => {
                return Outcome::failed(error);
            }
        }
    }
    finished(delete(&hub, &kind, &watched, PropagationPolicy::Background).await)
}

/// Whether the hub has the owner: in the dependent's namespace, or in none. Its kind is served in one of the two places only;
/// where it is served in neither, nothing is known.
async fn lives(hub: &Hub, kind: &Kind, owner: &Owner, namespace: &str) -> Result<bool, HubError> {
    let mut places = vec![Id::new(namespace, &owner.name)];
    if !namespace.is_empty() {
        places.push(Id::new("", &owner.name));
    }
    let (mut told, mut refused) = (false, None);
    for place in places {
        match hub.get(kind, &place).await {
            Ok(Some(found)) if found.uid() == owner.uid => return Ok(true),
            Ok(_) => told = true,
            Err(error) if error.is_not_found() => refused = Some(error),
            Err(error) => return Err(error),
        }
    }
    match refused {
        Some(error) if !told => Err(error),
        _ => Ok(false),
    }
}

async fn delete(hub: &Hub, kind: &Kind, watched: &Watched, propagation: PropagationPolicy) -> Result<(), HubError> {
    let what = Deletion {
        uid: watched.uid(),
        resource_version: None,
        propagation,
    };
    hub.delete(kind, &watched.id(), what).await
}

/// Takes one finalizer off.
async fn release(hub: &Hub, kind: &Kind, watched: &Watched, finalizer: &str) -> Result<(), HubError> {
    let rest: Vec<&str> = watched.finalizers().filter(|name| *name != finalizer).collect();
    let patch = json!({"metadata": {"finalizers": rest, "resourceVersion": watched.resource_version()}});
    hub.merge(kind, &watched.id(), None, &patch).await.map(drop)
}

/// Takes one owner off.
async fn disown(hub: &Hub, kind: &Kind, dependent: &Watched, owner: &str) -> Result<(), HubError> {
    let value = dependent.value();
    let owners = value.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let others = |entry: &&Value| entry.get("uid").and_then(Value::as_str) != Some(owner);
    let rest: Vec<&Value> = owners.into_iter().flatten().filter(others).collect();
    let patch = json!({"metadata": {"ownerReferences": rest, "resourceVersion": dependent.resource_version()}});
    match hub.merge(kind, &dependent.id(), None, &patch).await {
        Err(error) if error.is_not_found() => Ok(()),
        done => done.map(drop),
    }
}
