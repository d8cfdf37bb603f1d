//! Who owns whom, by uid.
//! In: news of every kind. Out: the uids that a change concerns. Absent: deciding what goes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::FOREGROUND;
use crate::runtime::feed::News;
use crate::runtime::kind::Kind;
use crate::runtime::shelf::{Moved, Shelf};
use crate::runtime::watched::Watched;

/// One owner of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) uid: String,
    blocks: bool,
}

/// An object in the graph.
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) watched: Arc<Watched>,
    pub(super) owners: Vec<Owner>,
}

impl Node {
    /// Whether a foreground deletion of the owner waits for it.
    pub(super) fn blocks(&self, owner: &str) -> bool {
        self.owners.iter().any(|other| other.uid == owner && other.blocks)
    }
}

/// Only owners and dependents are remembered beyond what the feeds share.
#[derive(Default)]
pub(super) struct Graph {
    shelves: BTreeMap<Kind, Shelf>,
    nodes: BTreeMap<String, Node>,
    dependents: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    pub(super) fn take(&mut self, news: News) -> Vec<String> {
        let News { kind, change, .. } = news;
        let moved = self.shelves.entry(kind.clone()).or_default().take(change);
        moved
            .into_iter()
            .flat_map(|moved| self.move_one(&kind, moved))
            .collect()
    }

    pub(super) fn node(&self, uid: &str) -> Option<&Node> {
        self.nodes.get(uid)
    }

    pub(super) fn dependents(&self, uid: &str) -> impl Iterator<Item = &Node> {
        self.dependents
            .get(uid)
            .into_iter()
            .flatten()
            .filter_map(|uid| self.nodes.get(uid))
    }

    /// The watched kind of an owner; none where such objects are not seen here.
    pub(super) fn kind_of(&self, owner: &Owner) -> Option<Kind> {
        let group = |api_version: &str| api_version.split_once('/').map(|(group, _)| group.to_owned());
        self.shelves
            .keys()
            .find(|kind| kind.kind == owner.kind && group(&kind.api_version) == group(&owner.api_version))
            .cloned()
    }

    /// Whether an owner that is being deleted in the foreground waits for the object, and no other owner keeps it.
    pub(super) fn waits_for(&self, node: &Node) -> bool {
        let going = |owner: &Owner| {
            self.nodes.get(&owner.uid).is_some_and(|owner| {
                owner.watched.is_deleting() && owner.watched.finalizers().any(|name| name == FOREGROUND)
            })
        };
        let alive = |owner: &Owner| {
            self.nodes
                .get(&owner.uid)
                .is_some_and(|owner| !owner.watched.is_deleting())
        };
        node.owners.iter().any(going) && !node.owners.iter().any(alive)
    }

    fn move_one(&mut self, kind: &Kind, moved: Moved) -> Vec<String> {
        let mut concerned = Vec::new();
        // Another incarnation under the same name is another object.
        let replaced = moved
            .old
            .filter(|old| moved.new.as_ref().is_none_or(|new| new.uid() != old.uid()));
        if let Some(old) = replaced {
            let uid = old.uid().to_owned();
            concerned.extend(self.dependents.get(&uid).into_iter().flatten().cloned());
            if let Some(gone) = self.nodes.remove(&uid) {
                concerned.extend(gone.owners.iter().map(|owner| owner.uid.clone()));
                self.unlink(&uid, &gone.owners);
            }
        }
        if let Some(new) = moved.new {
            let uid = new.uid().to_owned();
            let owners = owners(&new);
            let was_going = self.nodes.get(&uid).is_some_and(|node| node.watched.is_deleting());
            if new.is_deleting() && !was_going {
                concerned.extend(self.dependents.get(&uid).into_iter().flatten().cloned());
            }
            let before = self.nodes.get(&uid).map(|node| node.owners.clone()).unwrap_or_default();
            if before != owners {
                concerned.extend(before.iter().map(|owner| owner.uid.clone()));
                self.unlink(&uid, &before);
                for owner in &owners {
                    self.dependents
                        .entry(owner.uid.clone())
                        .or_default()
                        .insert(uid.clone());
                }
            }
            if !owners.is_empty() || new.is_deleting() {
                concerned.push(uid.clone());
            }
            self.nodes.insert(
                uid,
                Node {
                    kind: kind.clone(),
                    watched: new,
                    owners,
                },
            );
        }
        concerned
    }

    fn unlink(&mut self, uid: &str, owners: &[Owner]) {
        for owner in owners {
            if let Some(dependents) = self.dependents.get_mut(&owner.uid) {
                dependents.remove(uid);
                if dependents.is_empty() {
                    self.dependents.remove(&owner.uid);
                }
            }
        }
    }
}

fn owners(watched: &Watched) -> Vec<Owner> {
    let value = watched.value();
    let list = value.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|entry| {
            let text = |key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
            Some(Owner {
                api_version: text("apiVersion")?,
                kind: text("kind")?,
                name: text("name")?,
                uid: text("uid")?,
                blocks: entry
                    .get("blockOwnerDeletion")
                    .and_then(Value::as_bool)
                    .unwrap_or_default(),
            })
        })
        .collect()
}
