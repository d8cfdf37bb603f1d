//! Waiting for a condition, never for a time.

use std::time::{Duration, Instant};

/// Looks until the condition holds; panics with what it saw last, so that a failed test says what was there.
///
/// # Panics
/// When the time is over.
pub fn eventually<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        match look() {
            Ok(value) => return value,
            Err(seen) => {
                assert!(
                    Instant::now() < deadline,
                    "waited {patience:?} for {what}; last seen: {seen}"
                );
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
}
