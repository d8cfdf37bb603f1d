//! What the placement controller knows, by scope, and which keys a change makes dirty.
//! In: news. Out: dirty keys. An object that cannot be read as what it should be is logged, and its last good version stays.

mod clusters;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ::placement::decide::matching;
use ::placement::selectors::Asked;
use ::placement::{Autoscaler, FederatedObject, Inputs, Ties, federated_kinds, selectors};
use api::well_known::SYSTEM_NAMESPACE;
use api::{Cluster, ObjectRef, Placement, PlacementKey, PlacementSpec, PropagationPolicy};
use jiff::Timestamp;
use machinery::expression::selecting::Selecting;
use serde::de::DeserializeOwned;

use crate::runtime::feed::News;
use crate::runtime::kind::{self, Kind};
use crate::runtime::shelf::{Moved, Shelf};
use crate::runtime::watched::{Id, Watched};

/// What the placement controller looks at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// One Placement, whether or not it exists yet.
    Placement(PlacementKey),
    /// A cluster that is being removed.
    Leaving(String),
}

/// A hub object that may be federated.
pub(super) struct Subject {
    pub(super) kind: Kind,
    pub(super) watched: Arc<Watched>,
    pub(super) facts: FederatedObject,
    pub(super) federated: bool,
}

/// A Placement as it stands.
pub(super) struct Standing {
    pub(super) watched: Arc<Watched>,
    pub(super) placement: Placement,
}

/// What the placement controller knows.
#[derive(Default)]
pub(super) struct Index {
    shelves: BTreeMap<Kind, Shelf>,
    pub(super) subjects: BTreeMap<PlacementKey, Subject>,
    pub(super) placements: BTreeMap<PlacementKey, Standing>,
    /// Sorted by name.
    pub(super) clusters: Vec<Cluster>,
    /// Who goes where others are.
    ties: Ties,
    policies: BTreeMap<(String, String), PropagationPolicy>,
    /// The expressions of their selectors: apiVersion and kind, and what is asked.
    expressions: BTreeSet<(String, String, String)>,
    selecting: Selecting,
    /// For each namespace with policies of its own, those and the cluster-scoped ones; the latter alone under "".
    scopes: BTreeMap<String, Vec<PropagationPolicy>>,
    /// How many Placements name each cluster, in their decision or in their status.
    named: BTreeMap<String, usize>,
}

impl Index {
    pub(super) fn take(&mut self, news: News) -> Vec<Key> {
        let News { kind, change, .. } = news;
        let moved = self.shelves.entry(kind.clone()).or_default().take(change);
        if moved.is_empty() {
            return vec![];
        }
        if kind == kind::CLUSTER {
            self.take_clusters(moved)
        } else if kind == kind::POLICY || kind == kind::CLUSTER_POLICY {
            self.take_policies(moved)
        } else if kind == kind::PLACEMENT {
            moved.into_iter().flat_map(|moved| self.take_placement(moved)).collect()
        } else {
            moved
                .into_iter()
                .flat_map(|moved| self.take_subject(&kind, moved))
                .collect()
        }
    }

    pub(super) fn policies_of(&self, namespace: &str) -> &[PropagationPolicy] {
        let scope = self.scopes.get(namespace).or_else(|| self.scopes.get(""));
        scope.map(Vec::as_slice).unwrap_or_default()
    }

    /// The policies of a namespace and those of all.
    pub(super) fn seen_policies(&self, namespace: &str) -> BTreeSet<Seen> {
        let shelves = [kind::POLICY, kind::CLUSTER_POLICY];
        let seen = shelves
            .iter()
            .filter_map(|kind| self.shelves.get(kind))
            .flat_map(Shelf::iter);
        seen.filter(|(id, _)| id.namespace.is_empty() || id.namespace == namespace)
            .map(|(_, policy)| Seen::of(policy))
            .collect()
    }

    /// Whether the policy of that label, as decisions name it, was seen.
    pub(super) fn knows_policy(&self, label: &str) -> bool {
        self.policies.values().any(|policy| matching::label(policy) == label)
    }

    pub(super) fn cluster(&self, name: &str) -> Option<&Cluster> {
        let at = self
            .clusters
            .binary_search_by(|cluster| cluster.metadata.name().cmp(name));
        self.clusters.get(at.ok()?)
    }

    /// The Cluster object as the hub has it.
    pub(super) fn cluster_object(&self, name: &str) -> Option<&Arc<Watched>> {
        self.shelves.get(&kind::CLUSTER)?.get(&Id::new("", name))
    }

    /// The plural of a kind of which news came.
    pub(super) fn plural(&self, resource: &ObjectRef) -> Option<&str> {
        let mut kinds = self.shelves.keys();
        let kind = kinds.find(|kind| kind.api_version == resource.api_version && kind.kind == resource.kind)?;
        Some(&kind.plural)
    }

    pub(super) fn is_named(&self, cluster: &str) -> bool {
        self.named.get(cluster).is_some_and(|count| *count > 0)
    }

    /// The decisions that stand of what an object follows.
    pub(super) fn leaders(&self, facts: &FederatedObject) -> Vec<&PlacementSpec> {
        let leaders = self.ties.leaders(facts);
        let standing = leaders.iter().filter_map(|key| self.placements.get(key));
        standing.map(|standing| &standing.placement.spec).collect()
    }

    /// The autoscaler of an object.
    pub(super) fn autoscaler(&self, key: &PlacementKey) -> Option<&Autoscaler> {
        self.ties.autoscaler(key)
    }

    /// The Placements of objects in a namespace.
    pub(super) fn inside(&self, namespace: &str) -> impl Iterator<Item = &Placement> {
        let from = PlacementKey {
            namespace: namespace.to_owned(),
            name: String::new(),
        };
        let wanted = namespace.to_owned();
        self.placements
            .range(from..)
            .take_while(move |(key, _)| key.namespace == wanted)
            .map(|(_, standing)| &standing.placement)
    }

    fn take_subject(&mut self, kind: &Kind, moved: Moved) -> Vec<Key> {
        let reference = |id: &Id| ObjectRef {
            api_version: kind.api_version.to_string(),
            kind: kind.kind.to_string(),
            namespace: id.namespace.clone(),
            name: id.name.clone(),
            uid: String::new(),
        };
        let key = reference(&moved.id).placement_key();
        let mut dirty = BTreeSet::from([key.clone()]);
        match moved.new {
            Some(watched) => {
                let Some(facts) = self.facts(&watched) else {
                    return vec![];
                };
                let federated = federated_kinds::is_federated(&watched.value());
                let before = self.subjects.get(&key);
                // Status writes are most of the news and never change a decision.
                let same = before.is_some_and(|before| before.facts == facts && before.federated == federated);
                if !same {
                    dirty.extend(self.tie(&key, Some(&facts).filter(|_| federated)));
                }
                self.subjects.insert(
                    key.clone(),
                    Subject {
                        kind: kind.clone(),
                        watched,
                        facts,
                        federated,
                    },
                );
                if same {
                    return vec![];
                }
            }
            None => {
                dirty.extend(self.tie(&key, None));
                self.subjects.remove(&key);
            }
        }
        dirty.into_iter().map(Key::Placement).collect()
    }

    fn facts(&self, watched: &Watched) -> Option<FederatedObject> {
        let object = watched.value();
        let facts = FederatedObject::from_value(&object)?.edited(&object);
        let asked = self.expressions.iter().map(|(api_version, kind, expression)| Asked {
            api_version,
            kind,
            expression,
        });
        let holds = |expression: &str, object: &serde_json::Value| self.selecting.holds(expression, object);
        Some(facts.satisfying(asked, &object, &holds))
    }

    /// Looks at the expressions of selectors as they are now, and judges the objects by them again where they changed.
    fn take_expressions(&mut self) {
        let selectors = self
            .policies
            .values()
            .map(|policy| policy.spec.resource_selectors.as_slice());
        let owned = |asked: Asked<'_>| {
            let Asked {
                api_version,
                kind,
                expression,
            } = asked;
            (api_version.to_owned(), kind.to_owned(), expression.to_owned())
        };
        let now: BTreeSet<_> = selectors.flat_map(selectors::expressions).map(owned).collect();
        if now == self.expressions {
            return;
        }
        self.expressions = now;
        let judged: Vec<(PlacementKey, FederatedObject)> = self
            .subjects
            .iter()
            .filter_map(|(key, subject)| Some((key.clone(), self.facts(&subject.watched)?)))
            .collect();
        for (key, facts) in judged {
            if let Some(subject) = self.subjects.get_mut(&key) {
                subject.facts = facts;
            }
        }
    }

    /// Takes the ties of an object as they are now; none once it is gone or stays on the hub. Out: those to whom it matters.
    fn tie(&mut self, key: &PlacementKey, now: Option<&FederatedObject>) -> BTreeSet<PlacementKey> {
        let before = self.subjects.get(key).filter(|before| before.federated);
        let before = before.map(|before| before.facts.clone());
        let same = |of: fn(&FederatedObject) -> bool| before.iter().chain(now).any(of);
        // Most objects follow nothing and are followed by nothing but what scales them, which looks at their Placement.
        let tied = |facts: &FederatedObject| {
            facts.target.is_some()
                || !facts.mounts.is_empty()
                || !facts.needs.is_empty()
                || facts.resource.kind == CLAIM
        };
        if !same(tied) {
            return BTreeSet::new();
        }
        let mut concerned = BTreeSet::new();
        let targets = before.iter().chain(now).filter_map(|facts| facts.target.as_ref());
        concerned.extend(targets.map(ObjectRef::placement_key));
        if let Some(before) = &before {
            concerned.extend(self.ties.followers(key, before));
            self.ties.untie(key, before);
        }
        if let Some(now) = now {
            self.ties.tie(key, now);
            concerned.extend(self.ties.followers(key, now));
        }
        concerned
    }

    fn take_placement(&mut self, moved: Moved) -> Vec<Key> {
        let key = PlacementKey {
            namespace: moved.id.namespace.clone(),
            name: moved.id.name.clone(),
        };
        let before = self
            .placements
            .get(&key)
            .map(|standing| clusters_of(&standing.placement))
            .unwrap_or_default();
        let led = self
            .placements
            .get(&key)
            .map(|standing| whereabouts(&standing.placement));
        match moved.new {
            Some(watched) => match read::<Placement>(&watched) {
                Some(placement) => {
                    self.placements.insert(key.clone(), Standing { watched, placement });
                }
                None => return vec![],
            },
            None => {
                self.placements.remove(&key);
            }
        }
        let after = self
            .placements
            .get(&key)
            .map(|standing| clusters_of(&standing.placement))
            .unwrap_or_default();
        let mut dirty = vec![Key::Placement(key.clone())];
        if led
            != self
                .placements
                .get(&key)
                .map(|standing| whereabouts(&standing.placement))
            && let Some(subject) = self.subjects.get(&key)
        {
            let followers = self.ties.followers(&key, &subject.facts);
            dirty.extend(followers.into_iter().map(Key::Placement));
        }
        if before != after || !self.placements.contains_key(&key) {
            if key.namespace != SYSTEM_NAMESPACE {
                dirty.push(Key::Placement(namespace_key(&key.namespace)));
            }
            for gone in before.difference(&after) {
                if let Some(count) = self.named.get_mut(gone) {
                    *count = count.saturating_sub(1);
                    if *count == 0 && self.cluster(gone).is_some_and(clusters::is_leaving) {
                        dirty.push(Key::Leaving(gone.clone()));
                    }
                }
            }
            for come in after.difference(&before) {
                *self.named.entry(come.clone()).or_default() += 1;
            }
        }
        dirty
    }

    fn take_policies(&mut self, moved: Vec<Moved>) -> Vec<Key> {
        let mut namespaces = BTreeSet::new();
        for Moved { id, new, .. } in moved {
            namespaces.insert(id.namespace.clone());
            let at = (id.namespace, id.name);
            match new {
                Some(watched) => {
                    if let Some(policy) = read::<PropagationPolicy>(&watched) {
                        self.policies.insert(at, policy);
                    }
                }
                None => {
                    self.policies.remove(&at);
                }
            }
        }
        self.take_expressions();
        let all: Vec<PropagationPolicy> = self
            .policies
            .values()
            .filter(|p| p.metadata.namespace().is_empty())
            .cloned()
            .collect();
        self.scopes.clear();
        for policy in self
            .policies
            .values()
            .filter(|policy| !policy.metadata.namespace().is_empty())
        {
            let namespace = policy.metadata.namespace().to_owned();
            self.scopes
                .entry(namespace)
                .or_insert_with(|| all.clone())
                .push(policy.clone());
        }
        self.scopes.insert(String::new(), all);
        let everywhere = namespaces.contains("");
        let concerned = |key: &&PlacementKey| everywhere || namespaces.contains(&key.namespace);
        self.subjects
            .keys()
            .filter(concerned)
            .cloned()
            .map(Key::Placement)
            .collect()
    }

    /// All that the decision for an object looks at.
    pub(super) fn inputs<'a>(
        &'a self,
        key: &PlacementKey,
        subject: &'a Subject,
        leaders: &'a [&'a PlacementSpec],
        now: Timestamp,
    ) -> Inputs<'a> {
        let standing = self.placements.get(key).map(|standing| &standing.placement.spec);
        Inputs {
            object: &subject.facts,
            policies: self.policies_of(&subject.facts.resource.namespace),
            clusters: &self.clusters,
            previous: standing.filter(|standing| !standing.deleted),
            now,
            leaders,
            ailing: &[],
            autoscaler: self.autoscaler(key),
        }
    }
}

const CLAIM: &str = "PersistentVolumeClaim";

/// One version of one object that was seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seen {
    uid: String,
    version: String,
}

impl Seen {
    pub(super) fn of(object: &Watched) -> Self {
        Self {
            uid: object.uid().to_owned(),
            version: object.resource_version().to_owned(),
        }
    }
}

/// What followers look at in a decision.
fn whereabouts(placement: &Placement) -> impl PartialEq + use<> {
    let spec = &placement.spec;
    let along = (
        spec.propagate_deps,
        spec.conflict_resolution,
        spec.preserve_resources_on_deletion,
    );
    (spec.clusters.clone(), spec.left_to_members.clone(), along, spec.deleted)
}

/// The Placement of a namespace.
pub(super) fn namespace_key(namespace: &str) -> PlacementKey {
    let reference = ObjectRef {
        api_version: "v1".to_owned(),
        kind: "Namespace".to_owned(),
        name: namespace.to_owned(),
        ..ObjectRef::default()
    };
    reference.placement_key()
}

/// The clusters that a Placement names, in its decision or in its rows.
pub(super) fn clusters_of(placement: &Placement) -> BTreeSet<String> {
    let planned = placement.spec.clusters.iter().map(|target| target.name.clone());
    planned
        .chain(placement.status.clusters.iter().map(|row| row.name.clone()))
        .collect()
}

fn read<T: DeserializeOwned>(watched: &Watched) -> Option<T> {
    match watched.read() {
        Ok(read) => Some(read),
        Err(error) => {
            tracing::warn!(object = %watched.id(), %error, "cannot be read; its last good version stays");
            None
        }
    }
}
