//! A follower's cursor: the log first, then the feed, then the log again whenever the feed was missed.
//!
//! In: a revision. Out: every commit after it, in order, without gaps. Cancel-safe: a dropped [`Follow::next`] loses
//! nothing, because the cursor moves only when a batch is returned. Absent: retries; the caller decides how to wait.

use std::sync::Arc;

use api::Revision;
use async_trait::async_trait;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::feed::Feed;
use super::{Committed, StoreError};

/// Commits read from the log at once.
const LOG_PAGE: usize = 256;

/// Reads the log of a store by cursor.
#[async_trait]
pub(super) trait LogReader: Send + Sync + 'static {
    /// Up to `limit` commits after a revision; empty only if the revision is the last one.
    async fn log_after(&self, after: Revision, limit: usize) -> Result<Vec<Committed>, StoreError>;
}

/// An endless, ordered, gap-free sequence of commits. Made by [`super::Store::follow`].
pub struct Follow {
    after: Revision,
    reading_log: bool,
    feed: Option<broadcast::Receiver<Arc<[Committed]>>>,
    log: Arc<dyn LogReader>,
}

impl std::fmt::Debug for Follow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follow")
            .field("after", &self.after)
            .field("reading_log", &self.reading_log)
            .finish()
    }
}

impl Follow {
    /// Subscribes before the log is read, so that nothing falls between the two.
    pub(super) fn new(after: Revision, feed: &Feed, log: Arc<dyn LogReader>) -> Self {
        Self {
            after,
            reading_log: true,
            feed: feed.subscribe(),
            log,
        }
    }

    /// The last revision that was returned.
    #[must_use]
    pub fn after(&self) -> Revision {
        self.after
    }

    /// Waits for the next commits: at least one, in order.
    ///
    /// # Errors
    /// [`StoreError::Compacted`] or [`StoreError::Rewound`]: load again. [`StoreError::Unavailable`]: call again later,
    /// the cursor has not moved. [`StoreError::Closed`]: the store is gone.
    pub async fn next(&mut self) -> Result<Vec<Committed>, StoreError> {
        loop {
            let Some(feed) = &mut self.feed else {
                return Err(StoreError::Closed);
            };
            let batch = if self.reading_log {
                let page = self.log.log_after(self.after, LOG_PAGE).await?;
                if page.is_empty() {
                    self.reading_log = false;
                    continue;
                }
                page
            } else {
                match feed.recv().await {
                    // The feed's way to say that it could not go on commit by commit.
                    Ok(batch) if batch.is_empty() => {
                        self.reading_log = true;
                        continue;
                    }
                    Ok(batch) => {
                        let known = batch.partition_point(|commit| commit.revision <= self.after);
                        batch.get(known..).unwrap_or_default().to_vec()
                    }
                    Err(RecvError::Lagged(_)) => {
                        self.reading_log = true;
                        continue;
                    }
                    Err(RecvError::Closed) => return Err(StoreError::Closed),
                }
            };
            let (Some(first), Some(last)) = (batch.first(), batch.last()) else {
                continue;
            };
            if first.revision != self.after.next() {
                // The log below tells whether commits were missed or compacted away.
                self.reading_log = true;
                continue;
            }
            self.after = last.revision;
            return Ok(batch);
        }
    }
}
