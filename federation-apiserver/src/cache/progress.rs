//! How far a cache has applied its store's commits, and waiting for it.

use std::time::Duration;

use api::Revision;
use tokio::sync::watch;

/// A revision that only grows, but for a reload from an older store.
#[derive(Debug)]
pub(super) struct Progress(watch::Sender<Revision>);

impl Progress {
    pub(super) fn new(revision: Revision) -> Self {
        Self(watch::channel(revision).0)
    }

    pub(super) fn get(&self) -> Revision {
        *self.0.borrow()
    }

    pub(super) fn advance(&self, revision: Revision) {
        self.0.send_if_modified(|current| {
            let newer = revision > *current;
            if newer {
                *current = revision;
            }
            newer
        });
    }

    pub(super) fn set(&self, revision: Revision) {
        self.0.send_replace(revision);
    }

    /// Whether the revision was reached before the time was over.
    pub(super) async fn wait_for(&self, revision: Revision, timeout: Duration) -> bool {
        let mut seen = self.0.subscribe();
        let reached = seen.wait_for(|current| *current >= revision);
        matches!(tokio::time::timeout(timeout, reached).await, Ok(Ok(_)))
    }
}
