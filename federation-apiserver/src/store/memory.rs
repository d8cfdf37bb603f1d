//! A store in memory: for simulated members, for kinds that need not outlive the process, and for tests.
//!
//! Keeps the whole contract but durability. The log is bounded by count; a follower that is slower than the bound gets
//! [`StoreError::Compacted`] and loads again, as with any store.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::Revision;
use async_trait::async_trait;

use super::feed::Feed;
use super::follow::LogReader;
use super::{
    BODY_BYTES_MAX, Change, Committed, Expect, Follow, Loaded, ObjectKey, Op, Store, StoreError, Write, WriteError,
};

/// Bounds of a [`MemoryStore`].
#[derive(Clone, Copy, Debug)]
pub struct MemoryConfig {
    /// Commits kept for followers; older ones are compacted away.
    pub log_max: usize,
    /// The revision to begin at.
    pub first: Revision,
}

impl MemoryConfig {
    /// For what ends with the process while clients go on: begins above whatever an earlier process gave out, so that a
    /// client of that one is told that its past is gone.
    #[must_use]
    pub fn for_this_process() -> Self {
        let now = u64::try_from(jiff::Timestamp::now().as_microsecond()).unwrap_or_default();
        Self {
            first: Revision::new(now).unwrap_or(Revision::FIRST),
            ..Self::default()
        }
    }
}

impl Default for MemoryConfig {
    fn default() -> Self {
        // Followers are in the same process and lag by a scheduling delay; this is seconds at full speed.
        Self {
            log_max: 4096,
            first: Revision::FIRST,
        }
    }
}

/// A [`Store`] whose truth ends with the process.
#[derive(Debug)]
pub struct MemoryStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: MemoryConfig,
    epoch: Arc<str>,
    state: Mutex<State>,
    feed: Feed,
}

#[derive(Debug)]
struct State {
    revision: Revision,
    compacted: Revision,
    objects: BTreeMap<ObjectKey, Committed>,
    log: VecDeque<Committed>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(MemoryConfig::default())
    }
}

impl MemoryStore {
    /// An empty store at its first revision.
    #[must_use]
    pub fn new(config: MemoryConfig) -> Self {
        let state = State {
            revision: config.first,
            compacted: config.first,
            objects: BTreeMap::new(),
            log: VecDeque::new(),
        };
        let epoch = uuid::Uuid::new_v4().to_string().into();
        let feed = Feed::new(config.first);
        Self {
            inner: Arc::new(Inner {
                config,
                epoch,
                state: Mutex::new(state),
                feed,
            }),
        }
    }
}

impl Drop for MemoryStore {
    fn drop(&mut self) {
        self.inner.feed.close();
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change below is made after the last thing that can fail, so a poisoned lock guards valid state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn commit(&self, write: Write) -> Result<Committed, WriteError> {
        let Write {
            key,
            uid,
            expect,
            // There is no other process.
            based_on: _,
            change,
        } = write;
        let mut state = self.lock();
        let current = state
            .objects
            .get(&key)
            .map(|object| (object.revision, object.created_revision));
        let created = match (expect, current, &change) {
            (Expect::Absent, None, Change::Put(_)) => None,
            (Expect::Revision(expected), Some((at, created)), _) if expected == at => Some(created),
            (Expect::Absent, Some(_), _) => return Err(WriteError::Exists { key }),
            (Expect::Absent | Expect::Revision(_), current, _) => {
                return Err(WriteError::Conflict {
                    key,
                    current: current.map(|(at, _)| at),
                });
            }
        };
        let revision = state.revision.next();
        let (op, body) = match change {
            Change::Put(body) => (if created.is_some() { Op::Updated } else { Op::Created }, body),
            Change::Delete(body) => (Op::Deleted, body),
        };
        let created_revision = created.unwrap_or(revision);
        let commit = Committed {
            key,
            uid,
            op,
            revision,
            created_revision,
            body,
        };
        match op {
            Op::Created | Op::Updated => state.objects.insert(commit.key.clone(), commit.clone()),
            Op::Deleted => state.objects.remove(&commit.key),
        };
        state.revision = revision;
        state.log.push_back(commit.clone());
        while state.log.len() > self.config.log_max
            && let Some(forgotten) = state.log.pop_front()
        {
            state.compacted = forgotten.revision;
        }
        // Under the lock, so that offers arrive in commit order and never leave a gap.
        // Its history ends with the process: nobody asks what made it.
        self.feed.offer(std::slice::from_ref(&commit), 0);
        Ok(commit)
    }
}

#[async_trait]
impl LogReader for Inner {
    async fn log_after(&self, after: Revision, limit: usize) -> Result<Vec<Committed>, StoreError> {
        let state = self.lock();
        if after < state.compacted {
            return Err(StoreError::Compacted {
                after,
                floor: state.compacted,
            });
        }
        if after > state.revision {
            return Err(StoreError::Rewound {
                after,
                current: state.revision,
            });
        }
        let start = state.log.partition_point(|commit| commit.revision <= after);
        Ok(state.log.iter().skip(start).take(limit).cloned().collect())
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn write(&self, write: Write) -> Result<Committed, WriteError> {
        let size = write.change.body().len();
        if size > BODY_BYTES_MAX {
            return Err(WriteError::TooLarge {
                key: write.key,
                size,
                max: BODY_BYTES_MAX,
            });
        }
        self.inner.commit(write)
    }

    async fn load(&self) -> Result<Loaded, StoreError> {
        let state = self.inner.lock();
        Ok(Loaded {
            revision: state.revision,
            compacted: state.compacted,
            epoch: self.inner.epoch.clone(),
            objects: state.objects.values().cloned().collect(),
        })
    }

    fn follow(&self, after: Revision) -> Follow {
        Follow::new(after, &self.inner.feed, self.inner.clone())
    }

    async fn compact(&self, through: Revision) -> Result<Revision, StoreError> {
        let mut state = self.inner.lock();
        let through = through.min(state.revision).max(state.compacted);
        let gone = state.log.partition_point(|commit| commit.revision <= through);
        state.log.drain(..gone);
        state.compacted = through;
        Ok(through)
    }

    async fn health(&self) -> Result<Revision, StoreError> {
        Ok(self.inner.lock().revision)
    }
}
