//! How long an object rests between two status writes: a roll-out that one looks at is told at once, a load of many objects
//! costs few writes of each.
//! In: keys, the time. Out: pauses. Absent: clocks; writes.

use std::collections::BTreeMap;
use std::time::Duration;

use api::PlacementKey;
use tokio::time::Instant;

/// Writes of one object within a second that follow each other quickly.
const BURST: u32 = 8;
const PAUSE_IN_BURST: Duration = Duration::from_millis(20);
/// After that, at most five a second.
const PAUSE: Duration = Duration::from_millis(200);
/// Under load, at most two a second, and the first one waits for what the members say.
const PAUSE_UNDER_LOAD: Duration = Duration::from_millis(500);
/// Writes a second, of all objects, from which on there is load.
const LOAD: u32 = 50;
const WINDOW: Duration = Duration::from_secs(1);

/// Counts in windows of a second.
#[derive(Clone, Copy, Debug)]
struct Count {
    began: Instant,
    now: u32,
    before: u32,
}

impl Count {
    fn new(now: Instant) -> Self {
        Self {
            began: now,
            now: 0,
            before: 0,
        }
    }

    fn turn(&mut self, now: Instant) {
        let age = now.duration_since(self.began);
        if age > WINDOW {
            self.before = if age > WINDOW * 2 { 0 } else { self.now };
            self.now = 0;
            self.began = now;
        }
    }

    fn add(&mut self, now: Instant) -> u32 {
        self.turn(now);
        self.now = self.now.saturating_add(1);
        self.now
    }
}

/// The pace of all objects.
#[derive(Debug)]
pub(super) struct Pace {
    all: Count,
    objects: BTreeMap<PlacementKey, Count>,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            all: Count::new(now),
            objects: BTreeMap::new(),
        }
    }

    fn is_loaded(&mut self, now: Instant) -> bool {
        self.all.turn(now);
        self.all.now.max(self.all.before) >= LOAD
    }

    /// How long an object of which no member said anything yet waits with its first write; asked once an object.
    pub(super) fn before_first(&mut self, key: &PlacementKey, now: Instant) -> Option<Duration> {
        if self.objects.contains_key(key) || !self.is_loaded(now) {
            return None;
        }
        self.objects.insert(key.clone(), Count::new(now));
        Some(PAUSE_UNDER_LOAD)
    }

    /// How long an object rests after the write that is about to be made.
    pub(super) fn after_write(&mut self, key: &PlacementKey, now: Instant) -> Duration {
        self.all.add(now);
        let writes = self
            .objects
            .entry(key.clone())
            .or_insert_with(|| Count::new(now))
            .add(now);
        if self.is_loaded(now) {
            PAUSE_UNDER_LOAD
        } else if writes <= BURST {
            PAUSE_IN_BURST
        } else {
            PAUSE
        }
    }

    pub(super) fn forget(&mut self, key: &PlacementKey) {
        self.objects.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> PlacementKey {
        PlacementKey {
            namespace: "shop".into(),
            name: name.into(),
        }
    }

    #[test]
    fn a_roll_out_is_told_at_once_and_then_slower() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        assert_eq!(pace.before_first(&key("web"), now), None);
        for _ in 0..BURST {
            assert_eq!(pace.after_write(&key("web"), now), PAUSE_IN_BURST);
        }
        assert_eq!(pace.after_write(&key("web"), now), PAUSE);
        assert_eq!(pace.after_write(&key("db"), now), PAUSE_IN_BURST);
        let later = now + WINDOW * 3;
        assert_eq!(pace.after_write(&key("web"), later), PAUSE_IN_BURST);
    }

    #[test]
    fn a_load_of_many_objects_costs_few_writes_of_each() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        for number in 0..LOAD {
            pace.after_write(&key(&format!("bulk-{number}")), now);
        }
        assert_eq!(pace.after_write(&key("bulk-0"), now), PAUSE_UNDER_LOAD);
        assert_eq!(pace.before_first(&key("new"), now), Some(PAUSE_UNDER_LOAD));
        assert_eq!(pace.before_first(&key("new"), now), None, "asked once");
        let soon = now + WINDOW + Duration::from_millis(1);
        assert_eq!(pace.before_first(&key("newer"), soon), Some(PAUSE_UNDER_LOAD));
        let calm = soon + WINDOW * 3;
        assert_eq!(pace.before_first(&key("newest"), calm), None);
    }
}
