//! Series of latencies and their quantiles.

use std::time::Duration;

/// Latencies of one run, and how long all of it took.
#[derive(Debug)]
pub(crate) struct Series {
    sorted: Vec<Duration>,
    wall: Duration,
}

impl Series {
    /// A series of at least one latency.
    pub(crate) fn new(mut latencies: Vec<Duration>, wall: Duration) -> Self {
        latencies.sort_unstable();
        Self {
            sorted: latencies,
            wall,
        }
    }

    /// Latency below which a share (0 to 1) of all lie, in milliseconds.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let last = self.sorted.len().saturating_sub(1);
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an index below a few thousand"
        )]
        let index = ((last as f64) * share).round() as usize;
        self.sorted
            .get(index)
            .map_or(0.0, |latency| latency.as_secs_f64() * 1000.0)
    }

    /// How many a second.
    pub(crate) fn rate(&self) -> f64 {
        f64::from(u32::try_from(self.sorted.len()).unwrap_or(u32::MAX)) / self.wall.as_secs_f64()
    }
}
