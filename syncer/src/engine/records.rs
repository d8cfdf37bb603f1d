//! What is known of each federated object of this member, found by Placement, by object and by namespace.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use api::manifest::ManifestAction;
use api::{Manifest, PlacementKey};
use tokio::time::Instant;

use super::queue::Rank;
use crate::backoff::Backoff;
use crate::desired::Held;
use crate::kinds::{KindId, ObjectId};
use crate::truth::Trouble;

/// First and longest wait after a failed deed.
const RETRY: Backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(30));
/// First and longest wait between corrections of one object's drift: somebody else may insist.
const DRIFT: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(60));
/// Time without drift after which the next one is corrected at once again.
const DRIFT_CALM: Duration = Duration::from_secs(120);

/// What is known of one federated object.
pub(crate) struct Record {
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) object: ObjectId,
    pub(crate) held: Option<Held>,
    pub(crate) observed_hub_generation: i64,
    pub(crate) trouble: Option<Trouble>,
    /// The manifest's `Absent` or `Release` is done and confirmed.
    pub(crate) gone: bool,
    /// Uid of the copy that the member last said was deleted.
    pub(crate) deleted: Option<String>,
    pub(crate) backoff: Backoff,
    /// No deed before this time.
    pub(crate) not_before: Option<Instant>,
    drift: Backoff,
    drifted_at: Option<Instant>,
}

impl Record {
    fn new(manifest: Arc<Manifest>) -> Self {
        Self {
            object: ObjectId::of(&manifest.spec.resource),
            manifest,
            held: None,
            observed_hub_generation: 0,
            trouble: None,
            gone: false,
            deleted: None,
            backoff: RETRY,
            not_before: None,
            drift: DRIFT,
            drifted_at: None,
        }
    }

    /// Place in the order: what others live in first, what lives in others last; the other way round for removal.
    pub(crate) fn rank(&self) -> Rank {
        let kind = &*self.object.kind.kind;
        let creation = match kind {
            "Namespace" => 0,
            "CustomResourceDefinition" => 1,
            "ServiceAccount" | "ConfigMap" | "Secret" => 2,
            "Service" => 3,
            _ => 4,
        };
        match self.manifest.spec.action {
            ManifestAction::Apply | ManifestAction::Hold => creation,
            ManifestAction::Absent | ManifestAction::Release => 9 - creation,
        }
    }

    /// Whether nothing of it is to be in the member.
    pub(crate) fn is_unwanted(&self) -> bool {
        matches!(
            self.manifest.spec.action,
            ManifestAction::Absent | ManifestAction::Release
        )
    }

    /// A newer manifest. Whatever went wrong with the older one is tried anew.
    fn renew(&mut self, manifest: Arc<Manifest>) {
        let (old, new) = (&self.manifest.spec, &manifest.spec);
        let same = old.action == new.action
            && old.hash == new.hash
            && old.resource == new.resource
            && old.conflict_resolution == new.conflict_resolution
            && self.manifest.metadata.uid == manifest.metadata.uid;
        if !same {
            self.trouble = None;
            self.gone = false;
            self.not_before = None;
            self.backoff.reset();
        }
        if old.resource.uid != new.resource.uid || self.manifest.metadata.uid != manifest.metadata.uid {
            // Generations of another incarnation say nothing of this one.
            self.observed_hub_generation = 0;
        }
        if let Some(held) = self.held.as_mut().filter(|held| held.hash == new.hash) {
            held.hub_generation = new.hub_generation;
        }
        self.manifest = manifest;
    }

    /// When drift may be corrected: at once after a calm time, ever later while it comes back.
    pub(crate) fn drift_allowed(&mut self, now: Instant) -> Instant {
        let calm = self.drifted_at.is_none_or(|at| now.duration_since(at) > DRIFT_CALM);
        self.drifted_at = Some(now);
        if calm {
            self.drift.reset();
            return now;
        }
        now + self.drift.next()
    }
}

/// All records.
#[derive(Default)]
pub(crate) struct Records {
    by_key: BTreeMap<PlacementKey, Record>,
    by_object: HashMap<ObjectId, PlacementKey>,
    by_kind: HashMap<KindId, BTreeSet<PlacementKey>>,
    by_namespace: HashMap<String, BTreeSet<PlacementKey>>,
}

impl Records {
    pub(crate) fn get(&self, key: &PlacementKey) -> Option<&Record> {
        self.by_key.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &PlacementKey) -> Option<&mut Record> {
        self.by_key.get_mut(key)
    }

    /// Who wishes something about an object.
    pub(crate) fn owner(&self, object: &ObjectId) -> Option<&PlacementKey> {
        self.by_object.get(object)
    }

    /// Records of objects of a kind.
    pub(crate) fn of_kind(&self, kind: &KindId) -> Vec<PlacementKey> {
        self.by_kind.get(kind).into_iter().flatten().cloned().collect()
    }

    /// Kinds that some manifest names.
    pub(crate) fn kinds(&self) -> Vec<KindId> {
        self.by_kind.keys().cloned().collect()
    }

    /// Records of objects in a namespace.
    pub(crate) fn in_namespace(&self, namespace: &str) -> Vec<PlacementKey> {
        self.by_namespace
            .get(namespace)
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }

    pub(crate) fn keys(&self) -> Vec<PlacementKey> {
        self.by_key.keys().cloned().collect()
    }

    /// A manifest that is new or changed; whether it says anything new.
    pub(crate) fn put(&mut self, manifest: Manifest) -> bool {
        let key = manifest.key();
        let object = ObjectId::of(&manifest.spec.resource);
        if let Some(record) = self.by_key.get_mut(&key)
            && record.object == object
        {
            let news = record.manifest.spec != manifest.spec || record.manifest.metadata.uid != manifest.metadata.uid;
            if news {
                record.renew(Arc::new(manifest));
            }
            return news;
        }
        self.remove(&key);
        self.by_object.insert(object.clone(), key.clone());
        self.by_kind.entry(object.kind.clone()).or_default().insert(key.clone());
        if !object.namespace.is_empty() {
            self.by_namespace
                .entry(object.namespace.clone())
                .or_default()
                .insert(key.clone());
        }
        self.by_key.insert(key, Record::new(Arc::new(manifest)));
        true
    }

    /// Nobody wishes anything about the object any more.
    pub(crate) fn remove(&mut self, key: &PlacementKey) -> Option<Record> {
        let record = self.by_key.remove(key)?;
        if self.by_object.get(&record.object) == Some(key) {
            self.by_object.remove(&record.object);
        }
        if let Some(keys) = self.by_kind.get_mut(&record.object.kind) {
            keys.remove(key);
        }
        if let Some(keys) = self.by_namespace.get_mut(&record.object.namespace) {
            keys.remove(key);
            if keys.is_empty() {
                self.by_namespace.remove(&record.object.namespace);
            }
        }
        Some(record)
    }

    /// Whether the object is a namespace in which something is to be.
    pub(crate) fn inhabited(&self, object: &ObjectId) -> bool {
        *object == ObjectId::namespace_named(&object.name)
            && self
                .by_namespace
                .get(&object.name)
                .into_iter()
                .flatten()
                .filter_map(|key| self.get(key))
                .any(|record| {
                    matches!(
                        record.manifest.spec.action,
                        ManifestAction::Apply | ManifestAction::Hold
                    )
                })
    }

    /// Whether the namespace of an object is about to be applied, with no outcome yet.
    pub(crate) fn namespace_awaited(&self, object: &ObjectId) -> bool {
        if object.namespace.is_empty() {
            return false;
        }
        let namespace = ObjectId::namespace_named(&object.namespace);
        self.owner(&namespace)
            .and_then(|key| self.get(key))
            .is_some_and(|record| {
                record.manifest.spec.action == ManifestAction::Apply
                    && record.held.is_none()
                    && record.trouble.is_none()
            })
    }
}

#[cfg(test)]
mod tests {
    use api::{ManifestSpec, ObjectRef};

    use super::*;

    fn manifest(kind: &str, namespace: &str, name: &str, action: ManifestAction, hash: &str) -> Manifest {
        let api_version = if kind == "Deployment" { "apps/v1" } else { "v1" };
        let resource = ObjectRef {
            api_version: api_version.into(),
            kind: kind.into(),
            namespace: namespace.into(),
            name: name.into(),
            uid: String::new(),
        };
        let key = resource.placement_key();
        let mut manifest = Manifest {
            spec: ManifestSpec {
                action,
                resource,
                hash: hash.into(),
                ..Default::default()
            },
            ..Default::default()
        };
        manifest.metadata.namespace = Some(key.namespace);
        manifest.metadata.name = Some(key.name);
        manifest
    }

    #[test]
    fn namespaces_are_made_first_and_removed_last() {
        let mut records = Records::default();
        let rank = |records: &Records, m: &Manifest| records.get(&m.key()).unwrap().rank();
        let namespace = manifest("Namespace", "", "shop", ManifestAction::Apply, "h");
        let web = manifest("Deployment", "shop", "web", ManifestAction::Apply, "h");
        records.put(namespace.clone());
        records.put(web.clone());
        assert!(rank(&records, &namespace) < rank(&records, &web));
        assert!(records.namespace_awaited(&ObjectId::of(&web.spec.resource)));
        let (no_namespace, no_web) = (
            manifest("Namespace", "", "shop", ManifestAction::Absent, ""),
            manifest("Deployment", "shop", "web", ManifestAction::Absent, ""),
        );
        records.put(no_namespace.clone());
        records.put(no_web.clone());
        assert!(rank(&records, &no_namespace) > rank(&records, &no_web));
        assert!(!records.namespace_awaited(&ObjectId::of(&web.spec.resource)));
    }

    #[test]
    fn a_namespace_is_inhabited_while_something_is_wanted_in_it() {
        let mut records = Records::default();
        let namespace = ObjectId::namespace_named("shop");
        assert!(!records.inhabited(&namespace));
        records.put(manifest("Deployment", "shop", "web", ManifestAction::Apply, "h"));
        assert!(records.inhabited(&namespace));
        records.put(manifest("Deployment", "shop", "web", ManifestAction::Absent, ""));
        assert!(!records.inhabited(&namespace));
    }

    #[test]
    fn another_incarnation_on_the_hub_has_been_observed_by_nobody() {
        let mut records = Records::default();
        let mut web = manifest("Deployment", "shop", "web", ManifestAction::Apply, "h1");
        records.put(web.clone());
        records.get_mut(&web.key()).unwrap().observed_hub_generation = 7;
        web.spec.hash = "h2".into();
        records.put(web.clone());
        assert_eq!(records.get(&web.key()).unwrap().observed_hub_generation, 7);
        web.spec.resource.uid = "another".into();
        records.put(web.clone());
        assert_eq!(records.get(&web.key()).unwrap().observed_hub_generation, 0);
    }

    #[test]
    fn a_new_manifest_forgives_and_an_equal_one_is_no_news() {
        let mut records = Records::default();
        let web = manifest("Deployment", "shop", "web", ManifestAction::Apply, "h1");
        assert!(records.put(web.clone()));
        assert!(!records.put(web.clone()));
        let record = records.get_mut(&web.key()).unwrap();
        record.trouble = Some(Trouble {
            conflict: true,
            message: String::new(),
        });
        record.gone = true;
        assert!(records.put(manifest("Deployment", "shop", "web", ManifestAction::Apply, "h2")));
        let record = records.get(&web.key()).unwrap();
        assert!(record.trouble.is_none() && !record.gone);
        assert!(records.remove(&web.key()).is_some());
        assert!(records.in_namespace("shop").is_empty() && records.owner(&ObjectId::of(&web.spec.resource)).is_none());
    }

    #[tokio::test]
    async fn drift_that_comes_back_is_corrected_ever_later() {
        let mut records = Records::default();
        let web = manifest("Deployment", "shop", "web", ManifestAction::Apply, "h1");
        records.put(web.clone());
        let record = records.get_mut(&web.key()).unwrap();
        let now = Instant::now();
        assert_eq!(record.drift_allowed(now), now);
        let second = record.drift_allowed(now) - now;
        for _ in 0..6 {
            record.drift_allowed(now);
        }
        assert!(second > Duration::ZERO && record.drift_allowed(now) - now > second * 10);
        assert_eq!(record.drift_allowed(now + DRIFT_CALM * 2), now + DRIFT_CALM * 2);
    }
}
