//! What should become of one Placement. In: the index. Out: one [`Desired`], or nothing to do. Sync and total; it reads no
//! clock and asks nobody. Two rules of order live here, because a crash between two writes must not lose a copy in a member:
//! a cluster leaves the decision only after its row stands in the status, and a Placement goes only after the last row went.

use std::sync::Arc;

use ::placement::decide::namespace;
use ::placement::{Inputs, decide, decision};
use api::{PlacementKey, PlacementSpec};

use super::index::{Index, Standing, Subject};
use crate::runtime::kind::Kind;
use crate::runtime::watched::{Id, Watched};

/// What is to be done.
pub(super) enum Desired {
    /// A first decision.
    Create {
        key: PlacementKey,
        about: Arc<Watched>,
        spec: Box<PlacementSpec>,
    },
    /// Another decision.
    Update {
        standing: Arc<Watched>,
        about: Arc<Watched>,
        before: Box<PlacementSpec>,
        spec: Box<PlacementSpec>,
        /// Clusters that are dropped because they seem to be gone: make sure first.
        vanished: Vec<String>,
    },
    /// The object seems to be gone from the hub: make sure, then tell the members.
    Retire {
        standing: Arc<Watched>,
        object: Option<(Kind, Id)>,
        uid: String,
        spec: Box<PlacementSpec>,
    },
    /// Every member confirmed: the Placement may go.
    Remove {
        standing: Arc<Watched>,
        /// Clusters that cannot confirm any more because they seem to be gone: make sure first.
        vanished: Vec<String>,
    },
}

/// What should become of the Placement; none where nothing is to be done now.
pub(super) fn desired(index: &Index, key: &PlacementKey) -> Option<Desired> {
    let standing = index.placements.get(key);
    let subject = index.subjects.get(key).filter(|subject| subject.federated);
    match (subject, standing) {
        (Some(subject), standing) => place(index, key, subject, standing),
        (None, Some(standing)) => retire(index, key, standing),
        (None, None) => None,
    }
}

fn place(index: &Index, key: &PlacementKey, subject: &Subject, standing: Option<&Standing>) -> Option<Desired> {
    if standing.is_some_and(|standing| standing.watched.is_deleting()) {
        return None;
    }
    let before = standing.map(|standing| &standing.placement.spec);
    let spec = if subject.kind.kind == "Namespace" {
        let inside = index.inside(&subject.facts.resource.name);
        namespace::decide(&subject.facts, inside, &index.clusters).into_spec()
    } else {
        let previous = before.filter(|before| !before.deleted);
        let policies = index.policies_of(&subject.facts.resource.namespace);
        decide(&Inputs {
            object: &subject.facts,
            policies,
            clusters: &index.clusters,
            previous,
        })
        .into_spec()
    };
    let spec = Box::new(spec);
    let about = subject.watched.clone();
    let Some(standing) = standing else {
        // A namespace in which nothing is placed needs no Placement yet.
        let empty_namespace = spec.clusters.is_empty() && subject.kind.kind == "Namespace";
        return (!empty_namespace).then(|| Desired::Create {
            key: key.clone(),
            about,
            spec,
        });
    };
    if standing.placement.spec == *spec || !rows_stand(index, standing, &spec) {
        return None;
    }
    let before = Box::new(standing.placement.spec.clone());
    let dropped = before.clusters.iter().map(|target| &target.name);
    let dropped = dropped.filter(|name| !spec.clusters.iter().any(|target| target.name == **name));
    let vanished = dropped.filter(|name| index.cluster(name).is_none()).cloned().collect();
    Some(Desired::Update {
        standing: standing.watched.clone(),
        about,
        before,
        spec,
        vanished,
    })
}

fn retire(index: &Index, key: &PlacementKey, standing: &Standing) -> Option<Desired> {
    let placement = &standing.placement;
    if standing.watched.is_deleting() {
        return None;
    }
    if placement.spec.deleted {
        let rows = placement
            .status
            .clusters
            .iter()
            .any(|row| index.cluster(&row.name).is_some());
        let vanished = placement.status.clusters.iter().map(|row| row.name.clone()).collect();
        return (!rows).then(|| Desired::Remove {
            standing: standing.watched.clone(),
            vanished,
        });
    }
    let spec = Box::new(decision::deleted(&placement.spec));
    if !rows_stand(index, standing, &spec) {
        return None;
    }
    // An object that is there but no longer federated was taken back by a label: that is proof enough.
    let seen = index.subjects.get(key);
    let object = match seen {
        Some(_) => None,
        None => {
            let resource = &placement.spec.resource;
            let kind = Kind {
                api_version: resource.api_version.clone().into(),
                kind: resource.kind.clone().into(),
                plural: plural(resource)?.into(),
            };
            Some((kind, Id::new(&resource.namespace, &resource.name)))
        }
    };
    Some(Desired::Retire {
        standing: standing.watched.clone(),
        object,
        uid: placement.spec.resource.uid.clone(),
        spec,
    })
}

fn plural(resource: &api::ObjectRef) -> Option<&'static str> {
    ::placement::federated_kinds::KINDS
        .iter()
        .find(|row| row.api_version == resource.api_version && row.kind == resource.kind)
        .map(|row| row.plural)
}

/// Whether every cluster that is to leave the decision has its row in the status, which is what makes its copy go. Clusters
/// that no longer exist get no rows.
fn rows_stand(index: &Index, standing: &Standing, spec: &PlacementSpec) -> bool {
    let rows = &standing.placement.status.clusters;
    standing.placement.spec.clusters.iter().all(|target| {
        let stays = spec.clusters.iter().any(|other| other.name == target.name);
        stays || rows.iter().any(|row| row.name == target.name) || index.cluster(&target.name).is_none()
    })
}
