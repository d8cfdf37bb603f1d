//! One kind's cache: the current snapshot, the history behind it, and whoever waits for the next event.
//!
//! In: commits in revision order, by one writer. Out: snapshots (current or at an exact revision within the history) and
//! watch cursors. Readers of the current snapshot take no lock. A kind may stand alone ([`KindCache::detached`]): virtual
//! kinds that are rendered, not stored, are served by the same machinery.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::Revision;
use arc_swap::ArcSwap;
use imbl::OrdMap;
use tokio::sync::watch;

use super::CachedObject;
use super::cursor::WatchCursor;
use super::history::{Event, EventType, Expired, History, HistoryConfig};
use super::progress::Progress;
use super::snapshot::{ObjectName, Snapshot};
use crate::store::{Committed, KindKey, Op};

/// The watch cache of one kind.
#[derive(Debug)]
pub struct KindCache {
    kind: KindKey,
    current: ArcSwap<Snapshot>,
    history: Mutex<History>,
    /// Serialises writers, so that the history's lock is never held while bytes are made.
    writer: Mutex<()>,
    pub(super) changed: watch::Sender<()>,
    progress: Arc<Progress>,
    counters: Option<Counters>,
}

struct Counters {
    objects: metrics::Gauge,
    events: metrics::Counter,
}

impl std::fmt::Debug for Counters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Counters")
    }
}

impl KindCache {
    /// A cache that no store feeds: its owner calls [`Self::apply`], [`Self::advance`] and [`Self::reset`].
    #[must_use]
    pub fn detached(kind: KindKey, revision: Revision, history: HistoryConfig) -> Arc<Self> {
        Arc::new(Self::new(
            kind,
            revision,
            history,
            Arc::new(Progress::new(revision)),
            false,
        ))
    }

    pub(super) fn new(
        kind: KindKey,
        revision: Revision,
        history: HistoryConfig,
        progress: Arc<Progress>,
        counted: bool,
    ) -> Self {
        let counters = counted.then(|| Counters {
            objects: metrics::gauge!("apiserver_storage_objects", "resource" => kind.resource()),
            events: metrics::counter!("meridian_watch_cache_events_total", "resource" => kind.resource()),
        });
        let (changed, _) = watch::channel(());
        Self {
            kind,
            current: ArcSwap::from_pointee(Snapshot {
                revision,
                objects: OrdMap::new(),
            }),
            history: Mutex::new(History::new(revision, history)),
            writer: Mutex::new(()),
            changed,
            progress,
            counters,
        }
    }

    /// Which kind this is.
    #[must_use]
    pub fn kind(&self) -> &KindKey {
        &self.kind
    }

    /// The revision up to which this kind is known to be complete.
    #[must_use]
    pub fn revision(&self) -> Revision {
        // The order matters: progress moves only after the snapshots it speaks of are in place.
        let seen = self.progress.get();
        seen.max(self.current.load().revision)
    }

    /// The object as of now.
    #[must_use]
    pub fn get(&self, namespace: &str, name: &str) -> Option<Arc<CachedObject>> {
        self.current.load().get(namespace, name).cloned()
    }

    /// All objects as of now, at the revision a list carries.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let seen = self.progress.get();
        let current = self.current.load();
        Snapshot {
            revision: seen.max(current.revision),
            objects: current.objects.clone(),
        }
    }

    /// All objects at exactly a revision, by undoing what came after it. A revision that is not reached yet gives the
    /// current objects; wait for it first.
    ///
    /// # Errors
    /// [`Expired`] if the history no longer goes back so far.
    pub fn snapshot_at(&self, revision: Revision) -> Result<Snapshot, Expired> {
        let (undo, current) = {
            let history = self.lock();
            (history.back_to(revision)?, self.current.load_full())
        };
        let mut objects = current.objects.clone();
        for event in undo {
            let name = name_of(&event.object);
            match &event.previous {
                Some(previous) => objects.insert(name, previous.clone()),
                None => objects.remove(&name),
            };
        }
        Ok(Snapshot { revision, objects })
    }

    /// A cursor over the events after a revision. A revision in the future waits for events after it.
    ///
    /// # Errors
    /// [`Expired`] if events after the revision are gone.
    pub fn watch(self: &Arc<Self>, from: Revision) -> Result<WatchCursor, Expired> {
        let generation = {
            let history = self.lock();
            history.after(from)?;
            history.generation
        };
        Ok(WatchCursor::new(self.clone(), from, generation))
    }

    /// Takes commits of this kind, in revision order. Commits that share a revision must come in one call. What happened
    /// is told by what was here: a deletion of what is not here is nothing. Returns the events.
    pub fn apply(&self, commits: &[Committed]) -> Vec<Arc<Event>> {
        let _writing = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.current.load_full();
        let mut objects = current.objects.clone();
        let mut revision = current.revision;
        let mut events = Vec::with_capacity(commits.len());
        for commit in commits {
            let name = ObjectName {
                namespace: commit.key.namespace.clone(),
                name: commit.key.name.clone(),
            };
            let previous = objects.get(&name).cloned();
            let object = match CachedObject::of(commit, previous.as_deref()) {
                Ok(object) => Arc::new(object),
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "an object is left as it was");
                    continue;
                }
            };
            let name = previous.as_deref().map_or(name, name_of);
            let event_type = match (commit.op, &previous) {
                (Op::Deleted, None) => continue,
                (Op::Deleted, Some(_)) => {
                    objects.remove(&name);
                    EventType::Deleted
                }
                (Op::Created | Op::Updated, None) => {
                    objects.insert(name, object.clone());
                    EventType::Added
                }
                (Op::Created | Op::Updated, Some(_)) => {
                    objects.insert(name, object.clone());
                    EventType::Modified
                }
            };
            revision = revision.max(commit.revision);
            events.push(Arc::new(Event {
                revision: commit.revision,
                event_type,
                object,
                previous,
            }));
        }
        self.publish(Snapshot { revision, objects }, &events);
        events
    }

    fn publish(&self, snapshot: Snapshot, events: &[Arc<Event>]) {
        if let Some(counters) = &self.counters {
            counters.objects.set(snapshot.len() as f64);
            counters.events.increment(events.len() as u64);
        }
        if events.is_empty() {
            return;
        }
        {
            // Both under one lock: an exact-revision list sees a snapshot and the history that led to it.
            let mut history = self.lock();
            for event in events {
                history.push(event.clone());
            }
            self.current.store(Arc::new(snapshot));
        }
        self.changed.send_replace(());
    }

    /// Replaces everything by objects loaded at a revision, because the commits in between are not known. The history
    /// begins here and running cursors end with [`Expired`].
    pub fn reset(&self, revision: Revision, loaded: &[Committed]) {
        let _writing = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.current.load_full();
        let mut objects = OrdMap::new();
        for commit in loaded {
            let held = current.get(&commit.key.namespace, &commit.key.name);
            let object = match held {
                Some(held) if held.revision == commit.revision && held.uid == commit.uid => held.clone(),
                Some(_) | None => match CachedObject::of(commit, held.map(|held| &**held)) {
                    Ok(object) => Arc::new(object),
                    Err(error) => {
                        tracing::error!(error = &error as &dyn std::error::Error, "an object is left out");
                        continue;
                    }
                },
            };
            objects.insert(name_of(&object), object);
        }
        if let Some(counters) = &self.counters {
            counters.objects.set(objects.len() as f64);
        }
        {
            let mut history = self.lock();
            history.reset(revision);
            self.current.store(Arc::new(Snapshot { revision, objects }));
        }
        self.changed.send_replace(());
    }

    /// Says that nothing happened to this kind up to a revision. Only for a detached kind: a [`super::Cache`] moves its
    /// kinds itself.
    pub fn advance(&self, revision: Revision) {
        self.progress.advance(revision);
    }

    /// How far the whole store is seen; read before the kind to pair the two.
    pub(super) fn progress(&self) -> Revision {
        self.progress.get()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, History> {
        // The history is changed by pushes that cannot panic half-way.
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn name_of(object: &CachedObject) -> ObjectName {
    ObjectName {
        namespace: object.key.namespace.clone(),
        name: object.key.name.clone(),
    }
}
