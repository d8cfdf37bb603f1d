//! The one ordered path by which commits reach followers, whoever wrote them.
//!
//! In: batches from this store's own committer and batches read back from the log, in any interleaving. Out: each commit
//! once, contiguous. A batch that is not contiguous is refused: its sender's log reader will bring it in order. Absent:
//! a queue that grows; a follower that falls behind the channel reads the log instead.

use std::sync::{Arc, Mutex, PoisonError};

use api::Revision;
use tokio::sync::broadcast;

use super::Committed;

/// Batches a follower may lag before it reads the log instead. Bodies are shared, and freed once every follower has them.
const BATCHES_QUEUED_MAX: usize = 256;

/// Orders commits and hands them to followers.
#[derive(Debug)]
pub(super) struct Feed {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    head: Revision,
    /// The transaction that made the head; none where the head was not read as a commit.
    batch: Option<i64>,
    /// None once closed, which ends every follower.
    followers: Option<broadcast::Sender<Arc<[Committed]>>>,
}

/// The last commit that followers have been given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) revision: Revision,
    /// The transaction that made it.
    pub(super) batch: i64,
}

/// What became of an offered batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offered {
    /// Followers have everything up to the end of the batch.
    Taken,
    /// Commits between the head and the batch are missing; they must come from the log first.
    Gap,
}

impl Feed {
    pub(super) fn new(head: Revision) -> Self {
        let (followers, _) = broadcast::channel(BATCHES_QUEUED_MAX);
        Self {
            state: Mutex::new(State {
                head,
                batch: None,
                followers: Some(followers),
            }),
        }
    }

    /// The last revision that followers have been given.
    pub(super) fn head(&self) -> Revision {
        self.lock().head
    }

    /// The last commit that followers have been given, where it was read as one.
    pub(super) fn seen(&self) -> Option<Seen> {
        let state = self.lock();
        let revision = state.head;
        state.batch.map(|batch| Seen { revision, batch })
    }

    /// Offers commits in revision order; those already known are skipped. `made_by` is the transaction of the last one.
    pub(super) fn offer(&self, batch: &[Committed], made_by: i64) -> Offered {
        let mut state = self.lock();
        let known = batch.partition_point(|commit| commit.revision <= state.head);
        let Some(fresh) = batch.get(known..) else {
            return Offered::Taken;
        };
        let (Some(first), Some(last)) = (fresh.first(), fresh.last()) else {
            return Offered::Taken;
        };
        if first.revision != state.head.next() {
            return Offered::Gap;
        }
        state.head = last.revision;
        state.batch = Some(made_by);
        if let Some(followers) = &state.followers
            && followers.receiver_count() > 0
            && followers.send(fresh.into()).is_err()
        {
            tracing::trace!(head = %state.head, "the last follower left while commits were handed out");
        }
        Offered::Taken
    }

    /// Moves the head to where the store is, because the commits between can no longer be read one by one. An empty
    /// batch sends followers to the log, which tells them why.
    pub(super) fn skip_to(&self, head: Revision) {
        let mut state = self.lock();
        state.head = head;
        state.batch = None;
        if let Some(followers) = &state.followers
            && followers.receiver_count() > 0
            && followers.send(Arc::from([])).is_err()
        {
            tracing::trace!(%head, "the last follower left while the feed skipped");
        }
    }

    /// A receiver of all batches from now on; none once closed.
    pub(super) fn subscribe(&self) -> Option<broadcast::Receiver<Arc<[Committed]>>> {
        self.lock().followers.as_ref().map(broadcast::Sender::subscribe)
    }

    /// Ends every follower.
    pub(super) fn close(&self) {
        self.lock().followers = None;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // The state is two plain values, valid at every point: a panic elsewhere cannot have torn it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
