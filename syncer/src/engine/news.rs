//! News taken in: what the hub wishes, what the member holds. Each piece marks the objects that it concerns as dirty.
//! Absent: what is then done about them (`settle`).

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use api::manifest::ManifestAction;
use api::{Manifest, PlacementKey};
use tokio::time::Instant;

use super::Engine;
use super::session::KindState;
use crate::input::{EndpointNews, KindNews};
use crate::kinds::{self, KindId, ObjectId};
use crate::live::Live;

impl Engine {
    pub(super) fn manifests_listed(&mut self, manifests: Vec<Manifest>) {
        let listed: HashSet<PlacementKey> = manifests.iter().map(Manifest::key).collect();
        for key in self.records.keys().into_iter().filter(|key| !listed.contains(key)) {
            self.manifest_gone(&key);
        }
        for manifest in manifests {
            self.manifest_changed(manifest);
        }
    }

    pub(super) fn manifest_changed(&mut self, manifest: Manifest) {
        let key = manifest.key();
        let kind = KindId::of(&manifest.spec.resource);
        let action = manifest.spec.action;
        let before = self.records.get(&key).map(|record| record.manifest.spec.action);
        if self.records.put(manifest) {
            if before.is_some_and(|before| before != action) {
                // An answer to the last wish; the same words may be the answer to this one, and are then to be said again.
                self.outbox.forget(&key);
            }
            self.observe_kind(&kind);
            self.enqueue(&key);
            self.enqueue_leaving_namespace(&key.namespace);
        }
    }

    /// What is wished about a namespace's contents may be what its own removal waits for.
    fn enqueue_leaving_namespace(&mut self, name: &str) {
        let owner = self.records.owner(&ObjectId::namespace_named(name)).cloned();
        if let Some(key) = owner
            && self
                .records
                .get(&key)
                .is_some_and(|record| record.manifest.spec.action == ManifestAction::Absent && !record.gone)
        {
            self.enqueue(&key);
        }
    }

    /// Nobody wishes anything any more. Whatever the member holds stays: only an explicit `Absent` removes.
    pub(super) fn manifest_gone(&mut self, key: &PlacementKey) {
        let Some(record) = self.records.remove(key) else { return };
        self.outbox.forget(key);
        self.enqueue_leaving_namespace(&key.namespace);
        let held = self
            .objects
            .get(&record.object)
            .is_some_and(|live| live.belongs_to(&key.to_string()));
        if held && !record.gone {
            tracing::warn!(cluster = %self.cluster, placement = %key, object = %record.manifest.spec.resource,
                "the hub says nothing of an object any more that the member still holds; it is left as it is");
        }
    }

    pub(super) fn kind_news(&mut self, kind: &KindId, news: KindNews) {
        match news {
            KindNews::Listed(listed) => {
                let there: HashSet<ObjectId> = listed.iter().map(|live| live.id.clone()).collect();
                let missing: Vec<ObjectId> = self
                    .objects
                    .keys()
                    .filter(|id| id.kind == *kind && !there.contains(id))
                    .cloned()
                    .collect();
                for id in missing {
                    self.object_gone(&id, None);
                }
                for live in listed {
                    self.object_seen(live);
                }
                self.set_kind(kind, KindState::Listed);
                for key in self.records.of_kind(kind) {
                    self.enqueue(&key);
                }
            }
            KindNews::Changed(live) => self.object_seen(live),
            KindNews::Gone { id, uid } => self.object_gone(&id, Some(&uid)),
            KindNews::Unserved { message, absent } => {
                self.set_kind(kind, KindState::Unserved { message, absent });
                for key in self.records.of_kind(kind) {
                    self.enqueue(&key);
                }
            }
        }
    }

    fn set_kind(&mut self, kind: &KindId, state: KindState) {
        if let Some(session) = &mut self.session {
            session.kinds.insert(kind.clone(), state);
        }
    }

    pub(super) fn object_seen(&mut self, live: Live) {
        let news = self.objects.get(&live.id).is_none_or(|known| {
            !live.is_older_than(known) && (live.uid != known.uid || live.resource_version != known.resource_version)
        });
        if let Ok(version) = live.resource_version.parse() {
            self.newest.fetch_max(version, Ordering::Relaxed);
        }
        if news {
            let id = live.id.clone();
            if kinds::is_definition(&id.kind) {
                self.definitions.send_replace(());
            }
            let uid = live.uid.clone();
            self.objects.insert(id.clone(), live);
            if let Some(key) = self.records.owner(&id).cloned() {
                // It is there after all, whoever said otherwise.
                let again = self
                    .records
                    .get_mut(&key)
                    .filter(|record| record.deleted.as_ref() == Some(&uid));
                again.into_iter().for_each(|record| record.deleted = None);
                self.enqueue(&key);
            }
        }
    }

    fn object_gone(&mut self, id: &ObjectId, uid: Option<&str>) {
        // News of an older incarnation, or one that was written again meanwhile.
        if uid.is_some_and(|uid| self.objects.get(id).is_some_and(|live| live.uid != uid)) {
            return;
        }
        self.objects.remove(id);
        let Some(key) = self.records.owner(id).cloned() else {
            return;
        };
        if let Some(record) = self.records.get_mut(&key) {
            let held = record.held.take().is_some();
            if let Some(uid) = uid {
                record.deleted = Some(uid.to_owned());
            }
            match record.manifest.spec.action {
                // What deletion waited for.
                ManifestAction::Absent => record.not_before = None,
                ManifestAction::Apply if held && uid.is_some() => {
                    // Somebody who deletes it again and again is not outrun.
                    let now = Instant::now();
                    let at = record.drift_allowed(now);
                    if at > now {
                        record.not_before = Some(at);
                        self.queue.push_at(at, key.clone());
                    }
                }
                ManifestAction::Apply | ManifestAction::Hold | ManifestAction::Release => {}
            }
        }
        self.enqueue(&key);
    }

    pub(super) fn endpoint_news(&mut self, news: EndpointNews) {
        let first = !self.endpoints.is_listed();
        let mut keys: Vec<PlacementKey> = self
            .endpoints
            .take(news)
            .iter()
            .filter_map(|id| self.records.owner(id).cloned())
            .collect();
        if first {
            keys.extend(self.records.of_kind(&KindId::new("v1", "Service")));
        }
        for key in keys {
            self.report(&key);
        }
    }
}
