//! A watcher's place in the history of a kind. There is no queue for a watcher: it reads the shared ring at its own pace
//! and ends with [`Expired`] when the ring has moved past it.

use std::sync::Arc;

use api::Revision;
use tokio::sync::watch;

use super::KindCache;
use super::history::{Event, Expired};

/// A cursor into the history. Made by [`KindCache::watch`].
#[derive(Debug)]
pub struct WatchCursor {
    kind: Arc<KindCache>,
    after: Revision,
    generation: u64,
    changed: watch::Receiver<()>,
}

impl WatchCursor {
    pub(super) fn new(kind: Arc<KindCache>, after: Revision, generation: u64) -> Self {
        let changed = kind.changed.subscribe();
        Self {
            kind,
            after,
            generation,
            changed,
        }
    }

    /// Waits for the next events: at least one, in revision order. Cancel-safe.
    ///
    /// # Errors
    /// [`Expired`] once this cursor has fallen out of the history; it then stays so.
    pub async fn next(&mut self) -> Result<Vec<Arc<Event>>, Expired> {
        loop {
            // Before the look, so that an event between the look and the wait ends the wait.
            self.changed.mark_unchanged();
            let events = self.ready()?;
            if !events.is_empty() {
                return Ok(events);
            }
            if self.changed.changed().await.is_err() {
                // The sender lives in `self.kind`, which this cursor holds.
                return Err(Expired {
                    revision: self.after,
                    floor: self.after,
                });
            }
        }
    }

    /// The events that are there now; empty if there are none.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub fn ready(&mut self) -> Result<Vec<Arc<Event>>, Expired> {
        let events = {
            let history = self.kind.lock();
            if history.generation != self.generation {
                return Err(Expired {
                    revision: self.after,
                    floor: history.last(),
                });
            }
            history.after(self.after)?
        };
        if let Some(last) = events.last() {
            self.after = last.revision;
        }
        Ok(events)
    }

    /// The revision up to which the returned events are complete: what a bookmark may carry.
    #[must_use]
    pub fn progress(&self) -> Revision {
        // Read first: an event that comes later is newer than this.
        let seen = self.kind.progress();
        let history = self.kind.lock();
        if history.generation == self.generation && history.last() <= self.after {
            seen.max(self.after)
        } else {
            self.after
        }
    }
}
