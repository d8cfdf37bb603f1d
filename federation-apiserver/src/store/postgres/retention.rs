//! How long the log is kept, and the task that keeps it so. Every process runs one; whoever comes first does the work.
//!
//! Rows are deleted in small steps, not dropped by partition: nothing has to be created ahead of commits, and no step
//! needs a lock that readers feel.

use std::sync::Arc;
use std::time::Duration;

use api::Revision;

use super::log::Log;

const EVERY: Duration = Duration::from_secs(30);

/// What of the log is kept: all that is young, but no more than a number, and never less than another.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Commits younger than this are kept.
    pub age: Duration,
    /// The last commits that are kept however old they are, so that a quiet federation can always be followed.
    pub revisions_min: u64,
    /// Commits kept at most, however young they are.
    pub revisions_max: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            age: Duration::from_secs(600),
            revisions_min: 1000,
            revisions_max: 500_000,
        }
    }
}

impl Retention {
    /// The last revision that may go. `young` is the first that is too young.
    pub(super) fn floor(self, head: Revision, young: Option<Revision>) -> Option<Revision> {
        let old = young.map_or(head.get(), |young| young.get().saturating_sub(1));
        let kept_min = head.get().saturating_sub(self.revisions_min);
        let kept_max = head.get().saturating_sub(self.revisions_max.max(self.revisions_min));
        Revision::new(old.min(kept_min).max(kept_max))
    }
}

/// Compacts from time to time until cancelled.
pub(super) async fn run(log: Arc<Log>, retention: Retention) {
    loop {
        // Jitter, so that several processes take turns instead of queueing for the lock.
        tokio::time::sleep(EVERY.mul_f64(rand::random_range(0.75..1.25))).await;
        let compacted = match log.old_end(retention).await {
            Ok(None) => continue,
            Ok(Some(floor)) => log.compact(floor).await,
            Err(error) => Err(error),
        };
        match compacted {
            Ok(floor) => tracing::debug!(%floor, "log compacted"),
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "the log was not compacted"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floors() {
        let retention = Retention {
            age: Duration::from_secs(600),
            revisions_min: 10,
            revisions_max: 100,
        };
        let floor = |head, young: Option<u64>| {
            retention
                .floor(Revision::new(head).unwrap(), young.and_then(Revision::new))
                .map_or(0, Revision::get)
        };
        // head, first young revision | floor
        for (head, young, expected) in [
            (5, None, 0),          // fewer than the minimum
            (50, None, 40),        // all old: the minimum stays
            (50, Some(31), 30),    // the young stay
            (50, Some(49), 40),    // the minimum outweighs age
            (500, Some(300), 400), // the maximum outweighs youth
            (500, Some(1), 400),
        ] {
            assert_eq!(floor(head, young), expected, "{head} {young:?}");
        }
    }
}
