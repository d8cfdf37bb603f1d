//! One reader of the hub's changes for all clusters' streams: each change is looked at once, and told to the clusters that it
//! concerns. With a thousand clusters nearly every change is nobody's business but a few's.
//!
//! In: the feed of the watch cache. Out: what is dirty in each cluster's [`Mailbox`]; there it is kept once, so a stream that is slow
//! costs memory for its Placements at most. Absent: rendering (`render`), what a stream tells (`manifests`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use api::{OverridePolicy, PlacementKey, Revision};
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::audience::Audience;
use super::parsed::Parsed;
use super::relevance::{self, Concern, Names};
use super::render::{self, clusters_key, is_override, placement_of, placements_key};
use crate::cache::{Batch, Cache, Event, EventType};
use crate::kinds::Catalog;

/// What is dirty for one cluster.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    dirty: Mutex<Dirty>,
    news: Notify,
}

/// What a stream is to look at.
#[derive(Debug, Default)]
pub(super) struct Dirty {
    /// These Placements, each with the newest revision of the hub that made it so. What they tell is told in the order of
    /// revisions: a stream that breaks between two goes on elsewhere without missing one.
    pub(super) keys: BTreeMap<PlacementKey, Revision>,
    /// Everything, and the cluster and the overrides too, by this revision.
    pub(super) everything: Option<Revision>,
}

impl Mailbox {
    /// What became dirty; waits until something did.
    pub(super) async fn take(&self) -> Dirty {
        loop {
            let news = self.news.notified();
            let taken = std::mem::take(&mut *self.lock());
            if taken.everything.is_some() || !taken.keys.is_empty() {
                return taken;
            }
            news.await;
        }
    }

    fn put(&self, revision: Revision, key: Option<&PlacementKey>) {
        let mut dirty = self.lock();
        match key {
            Some(key) => match dirty.keys.get_mut(key) {
                Some(known) => *known = revision.max(*known),
                None => drop(dirty.keys.insert(key.clone(), revision)),
            },
            None => dirty.everything = dirty.everything.max(Some(revision)),
        }
        drop(dirty);
        self.news.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Dirty> {
        // Every change of it is of one field.
        self.dirty.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells streams what concerns them, for as long as it lives.
pub(super) struct Router {
    state: Arc<Mutex<State>>,
    /// Placements, read once for all streams.
    pub(super) parsed: Arc<Parsed>,
}

struct State {
    cache: Arc<Cache>,
    catalog: Arc<Catalog>,
    audience: Audience,
    overrides: Arc<[OverridePolicy]>,
    mailboxes: BTreeMap<String, Weak<Mailbox>>,
}

impl Router {
    /// Reads what there is, and follows the hub from there until shutdown.
    pub(super) fn start(cache: &Arc<Cache>, catalog: &Arc<Catalog>, shutdown: &CancellationToken) -> Self {
        // Subscribed before the first look, so that nothing falls between the two.
        let mut feed = cache.subscribe();
        let mut kinds = catalog.subscribe();
        let mut state = State {
            cache: cache.clone(),
            catalog: catalog.clone(),
            audience: Audience::default(),
            overrides: Arc::default(),
            mailboxes: BTreeMap::new(),
        };
        state.look_at_all();
        let state = Arc::new(Mutex::new(state));
        // Ends with the last stream's owner, too.
        let weak = Arc::downgrade(&state);
        tokio::spawn(shutdown.clone().run_until_cancelled_owned(async move {
            loop {
                let received = tokio::select! {
                    received = feed.recv() => Some(received),
                    // Objects of a kind that was not known may be here already.
                    changed = kinds.changed() => match changed {
                        Ok(()) => None,
                        Err(_) => return,
                    },
                };
                let Some(state) = weak.upgrade() else { return };
                let mut state = lock(&state);
                match received {
                    Some(Ok(Batch::Events { revision, events })) => state.events(revision, &events),
                    Some(Ok(Batch::Reset { revision })) => state.everything(revision),
                    Some(Err(RecvError::Lagged(missed))) => {
                        tracing::info!(missed, "manifests of all clusters are rendered again from scratch");
                        let revision = state.cache.revision();
                        state.everything(revision);
                    }
                    Some(Err(RecvError::Closed)) => return,
                    None => {
                        let revision = state.cache.revision();
                        state.everything(revision);
                    }
                }
            }
        }));
        Self {
            state,
            parsed: Arc::default(),
        }
    }

    /// A mailbox of a cluster, in place of any it had.
    pub(super) fn subscribe(&self, cluster: &str) -> Arc<Mailbox> {
        let mailbox = Arc::new(Mailbox::default());
        let mut state = lock(&self.state);
        state.mailboxes.retain(|_, mailbox| mailbox.strong_count() > 0);
        state.mailboxes.insert(cluster.to_owned(), Arc::downgrade(&mailbox));
        mailbox
    }

    /// The Placements that name a cluster, in order.
    pub(super) fn placements(&self, cluster: &str) -> Vec<PlacementKey> {
        let state = lock(&self.state);
        state.audience.placements(cluster).map(|key| (**key).clone()).collect()
    }

    /// Placements of which it is so, each with the clusters that it names.
    pub(super) fn named(&self, is: impl Fn(&PlacementKey) -> bool) -> Vec<(PlacementKey, Box<[Arc<str>]>)> {
        lock(&self.state).audience.named(is)
    }

    /// The clusters that are named in a namespace.
    pub(super) fn in_namespace(&self, namespace: &str) -> BTreeSet<Arc<str>> {
        lock(&self.state).audience.in_namespace(namespace)
    }

    /// How many Placements name a cluster.
    pub(super) fn count(&self, cluster: &str) -> usize {
        lock(&self.state).audience.placements(cluster).count()
    }

    /// The override policies as they were last read.
    pub(super) fn overrides(&self) -> Arc<[OverridePolicy]> {
        lock(&self.state).overrides.clone()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // A panic inside would leave an index that the next look at everything makes whole.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// Reads Placements and overrides from the cache.
    fn look_at_all(&mut self) {
        let mut audience = Audience::default();
        for object in self.cache.kind(&placements_key()).snapshot().iter() {
            if let Some(names) = Names::read(&object.bytes) {
                audience.put(&render::key_of(object), names.all());
            }
        }
        self.audience = audience;
        self.overrides = render::overrides(&self.cache);
    }

    /// Everything may have changed, for everybody.
    fn everything(&mut self, revision: Revision) {
        self.look_at_all();
        self.tell_all(revision);
    }

    fn tell_all(&self, revision: Revision) {
        for mailbox in self.mailboxes.values().filter_map(Weak::upgrade) {
            mailbox.put(revision, None);
        }
    }

    fn tell(&self, cluster: &str, revision: Revision, key: Option<&PlacementKey>) {
        if let Some(mailbox) = self.mailboxes.get(cluster).and_then(Weak::upgrade) {
            mailbox.put(revision, key);
        }
    }

    fn events(&mut self, revision: Revision, events: &[Arc<Event>]) {
        let mut overridden = false;
        for event in events {
            let kind = &event.object.key.kind;
            if *kind == placements_key() {
                self.placement(revision, event);
            } else if *kind == clusters_key() {
                if relevance::of_cluster(event) {
                    self.tell(&event.object.key.name, revision, None);
                }
            } else if is_override(kind) {
                overridden = true;
            } else if let Some(key) = placement_of(&self.catalog, &event.object) {
                let concerned = self.audience.of(&key);
                if !concerned.is_empty() && relevance::of_object(event) {
                    for cluster in concerned {
                        self.tell(cluster, revision, Some(&key));
                    }
                }
            }
        }
        if overridden {
            self.overrides = render::overrides(&self.cache);
            self.tell_all(revision);
        }
    }

    fn placement(&mut self, revision: Revision, event: &Event) {
        let key = render::key_of(&event.object);
        let names = match event.event_type {
            EventType::Deleted => Some(Names::default()),
            EventType::Added | EventType::Modified => Names::read(&event.object.bytes),
        };
        let Some(names) = names else {
            tracing::error!(placement = %key, "the clusters of a Placement cannot be read; what was told stays");
            return;
        };
        let all = self.audience.put(&key, names.all());
        match relevance::of_placement(event) {
            Concern::Named => all.iter().for_each(|cluster| self.tell(cluster, revision, Some(&key))),
            Concern::Rows(rows) => rows.iter().for_each(|cluster| self.tell(cluster, revision, Some(&key))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_mailbox_keeps_each_key_once() {
        let key = |name: &str| PlacementKey {
            namespace: "shop".to_owned(),
            name: name.to_owned(),
        };
        let at = |number| Revision::new(number).unwrap();
        let mailbox = Mailbox::default();
        for (revision, name) in [(3, "web"), (4, "db"), (7, "web")] {
            mailbox.put(at(revision), Some(&key(name)));
        }
        let Dirty { keys, everything } = mailbox.take().await;
        assert_eq!(keys, BTreeMap::from([(key("db"), at(4)), (key("web"), at(7))]));
        assert_eq!(everything, None);
        mailbox.put(at(8), None);
        assert_eq!(mailbox.take().await.everything, Some(at(8)));
        let none = futures::future::FutureExt::now_or_never(mailbox.take());
        assert!(none.is_none(), "nothing is told twice");
    }
}
