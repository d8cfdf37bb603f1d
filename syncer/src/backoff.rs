//! How long to wait before the next try: doubling, capped, with jitter so that many clusters do not retry in step.
//! In: failures. Out: durations. Absent: clocks and sleeping.

use std::time::Duration;

/// Delays that double from `first` to `cap`.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    cap: Duration,
    attempts: u32,
}

impl Backoff {
    /// Starts with `first`; never waits longer than `cap`.
    pub(crate) const fn new(first: Duration, cap: Duration) -> Self {
        Self {
            first,
            cap,
            attempts: 0,
        }
    }

    /// The delay after one more failure: between half and the whole of the doubled delay.
    pub(crate) fn next(&mut self) -> Duration {
        let full = self.first.saturating_mul(1_u32 << self.attempts.min(16)).min(self.cap);
        self.attempts = self.attempts.saturating_add(1);
        full.mul_f64(rand::random_range(0.5..=1.0))
    }

    /// Failures since the last success.
    pub(crate) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// All is well again.
    pub(crate) fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_within_its_bounds() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
        for full in [100_u64, 200, 400, 800, 1600, 2000, 2000] {
            let delay = backoff.next();
            assert!(
                delay <= Duration::from_millis(full) && delay >= Duration::from_millis(full / 2),
                "{delay:?} of {full}"
            );
        }
        backoff.reset();
        assert!(backoff.next() <= Duration::from_millis(100));
    }
}
