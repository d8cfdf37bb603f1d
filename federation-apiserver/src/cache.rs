//! The watch cache: every object's final bytes in memory, by kind, with the recent past.
//!
//! In: a store's snapshot, then its commits in order. Out: snapshots, exact-revision lists, watch cursors, and a feed of
//! all kinds for streams. Decided here: when the past is lost (the store compacted it, or was replaced by an older copy)
//! everything is loaded again and watchers are told to list; the cache is never emptied meanwhile. Absent: selectors,
//! HTTP, waiting for slow readers.

mod body;
#[cfg(test)]
mod cases;
mod cursor;
mod history;
mod kind;
#[cfg(test)]
mod model;
mod object;
mod progress;
mod snapshot;
mod views;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use api::Revision;
use tokio::sync::broadcast;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use body::{canonical, splice_revision};
pub use cursor::WatchCursor;
pub use history::{Event, EventType, Expired, HistoryConfig};
pub use kind::KindCache;
pub use object::{CachedObject, ObjectError};
pub use snapshot::{ObjectName, Snapshot};

use crate::store::{Committed, Follow, KindKey, Loaded, Store, StoreError};
use progress::Progress;
pub(crate) use views::ViewId;

/// Batches a feed's subscriber may lag before it must look at everything again.
const FEED_BATCHES_MAX: usize = 1024;
/// Waits between attempts to reach the store again: doubling, with jitter.
const RETRY_MIN: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(5);

/// How a cache is kept.
#[derive(Clone, Copy, Debug)]
pub struct CacheConfig {
    /// Bounds of each kind's history.
    pub history: HistoryConfig,
    /// Whether this cache speaks for the process in metrics. A process with several servers sets it for one of them.
    pub metrics: bool,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self {
            history: HistoryConfig::default(),
            metrics: true,
        }
    }
}

/// What the feed of all kinds carries.
#[derive(Clone, Debug)]
pub enum Batch {
    /// Changes, in revision order; the kind of each is in its object's key. Snapshots of the kinds may be newer.
    Events {
        /// The cache is complete up to here.
        revision: Revision,
        /// The changes.
        events: Arc<[Arc<Event>]>,
    },
    /// The past was lost: everything may have changed up to this revision. Look at the snapshots again.
    Reset {
        /// The revision of the new snapshots.
        revision: Revision,
    },
}

/// The cache of all kinds of one store. Dropping it stops its task.
#[derive(Debug)]
pub struct Cache {
    inner: Arc<Inner>,
    _stop: DropGuard,
}

#[derive(Debug)]
struct Inner {
    config: CacheConfig,
    kinds: RwLock<BTreeMap<KindKey, Arc<KindCache>>>,
    progress: Arc<Progress>,
    feed: broadcast::Sender<Batch>,
}

impl Cache {
    /// Loads a store's objects and follows it from there.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read now. Later losses are retried for as long as the cache lives.
    pub async fn start(store: Arc<dyn Store>, config: CacheConfig) -> Result<Self, StoreError> {
        let loaded = store.load().await?;
        let revision = loaded.revision;
        let follow = store.follow(revision);
        let (feed, _) = broadcast::channel(FEED_BATCHES_MAX);
        let inner = Arc::new(Inner {
            config,
            kinds: RwLock::new(BTreeMap::new()),
            progress: Arc::new(Progress::new(revision)),
            feed,
        });
        inner.reset(loaded);
        let stop = CancellationToken::new();
        tokio::spawn(
            stop.clone()
                .run_until_cancelled_owned(follow_store(inner.clone(), store, follow)),
        );
        Ok(Self {
            inner,
            _stop: stop.drop_guard(),
        })
    }

    /// The cache of a kind; empty for a kind of which there is no object.
    #[must_use]
    pub fn kind(&self, kind: &KindKey) -> Arc<KindCache> {
        self.inner.kind(kind)
    }

    /// The revision up to which everything is applied.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.inner.progress.get()
    }

    /// Waits until a revision is applied; false if the time was over first.
    pub async fn wait_for(&self, revision: Revision, timeout: Duration) -> bool {
        self.inner.progress.wait_for(revision, timeout).await
    }

    /// Every change from now on. A subscriber that gets `Lagged` must look at the snapshots again.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Batch> {
        self.inner.feed.subscribe()
    }
}

impl Inner {
    fn kind(&self, kind: &KindKey) -> Arc<KindCache> {
        if let Some(found) = self.kinds.read().unwrap_or_else(PoisonError::into_inner).get(kind) {
            return found.clone();
        }
        let mut kinds = self.kinds.write().unwrap_or_else(PoisonError::into_inner);
        let Inner {
            config: CacheConfig { history, metrics },
            progress,
            ..
        } = self;
        // Nothing of this kind was committed up to here, or it would be in the map: its history begins now.
        let new = || {
            Arc::new(KindCache::new(
                kind.clone(),
                progress.get(),
                *history,
                progress.clone(),
                *metrics,
            ))
        };
        kinds.entry(kind.clone()).or_insert_with(new).clone()
    }

    fn apply(&self, batch: &[Committed]) {
        let Some(last) = batch.last() else { return };
        let mut by_kind: BTreeMap<&KindKey, Vec<Committed>> = BTreeMap::new();
        for commit in batch {
            by_kind.entry(&commit.key.kind).or_default().push(commit.clone());
        }
        let mut events: Vec<_> = by_kind
            .into_iter()
            .flat_map(|(kind, commits)| self.kind(kind).apply(&commits))
            .collect();
        events.sort_by_key(|event| event.revision);
        // Only now: who waits for this revision reads the snapshots next.
        self.progress.advance(last.revision);
        self.send(Batch::Events {
            revision: last.revision,
            events: events.into(),
        });
    }

    fn reset(&self, loaded: Loaded) {
        let Loaded {
            revision,
            compacted: _,
            epoch: _,
            objects,
        } = loaded;
        let mut by_kind: BTreeMap<KindKey, Vec<Committed>> = self
            .kinds
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .keys()
            .map(|kind| (kind.clone(), vec![]))
            .collect();
        for object in objects {
            by_kind.entry(object.key.kind.clone()).or_default().push(object);
        }
        for (kind, objects) in by_kind {
            self.kind(&kind).reset(revision, &objects);
        }
        self.progress.set(revision);
        self.send(Batch::Reset { revision });
    }

    fn send(&self, batch: Batch) {
        if self.feed.receiver_count() > 0 && self.feed.send(batch).is_err() {
            tracing::trace!("the last subscriber left while a batch was sent");
        }
    }
}

/// Applies commits for as long as the store is open.
async fn follow_store(inner: Arc<Inner>, store: Arc<dyn Store>, mut follow: Follow) {
    let mut wait = RETRY_MIN;
    loop {
        let error = match follow.next().await {
            Ok(batch) => {
                wait = RETRY_MIN;
                inner.apply(&batch);
                continue;
            }
            Err(StoreError::Closed) => return,
            Err(error) if error.needs_load() => match store.load().await {
                Ok(loaded) => {
                    tracing::warn!(revision = %loaded.revision, cause = %error, "watch cache loaded again; watchers list anew");
                    follow = store.follow(loaded.revision);
                    inner.reset(loaded);
                    continue;
                }
                Err(error) => error,
            },
            Err(error) => error,
        };
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            ?wait,
            "watch cache waits for the store"
        );
        tokio::time::sleep(wait.mul_f64(rand::random_range(0.5..1.0))).await;
        wait = (wait * 2).min(RETRY_MAX);
    }
}
