//! Keys that are to be looked at: each once, none twice at a time, none before its time.
//! In: dirty keys, and how looking at them went. Out: the next key. A key that is dirtied while it is looked at is looked at
//! again; one that failed waits, longer each time, unless news of it comes; one that was written may be given a pause, so
//! that a storm of news costs few writes. Absent: clocks and chance; both are arguments.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

const BACKOFF_FIRST: Duration = Duration::from_millis(10);
const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// How looking at a key went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// Well; it rests at least so long.
    Rest(Duration),
    /// Well; it is to be looked at again after so long, or when news of it comes.
    Again(Duration),
    /// Badly; it is tried again with backoff.
    Failed,
}

#[derive(Debug)]
pub(crate) struct Queue<K> {
    ready: VecDeque<K>,
    queued: BTreeSet<K>,
    running: BTreeSet<K>,
    /// Dirtied while running.
    dirty: BTreeSet<K>,
    /// When each waiting key is due.
    due: BTreeMap<K, Instant>,
    by_time: BTreeSet<(Instant, K)>,
    /// Before this a key is not looked at, whatever comes.
    pause: BTreeMap<K, Instant>,
    failures: BTreeMap<K, u32>,
}

impl<K: Ord + Clone> Queue<K> {
    pub(crate) fn new() -> Self {
        Self {
            ready: VecDeque::new(),
            queued: BTreeSet::new(),
            running: BTreeSet::new(),
            dirty: BTreeSet::new(),
            due: BTreeMap::new(),
            by_time: BTreeSet::new(),
            pause: BTreeMap::new(),
            failures: BTreeMap::new(),
        }
    }

    /// There is news of the key.
    pub(crate) fn push(&mut self, key: K, now: Instant) {
        if self.running.contains(&key) {
            self.dirty.insert(key);
            return;
        }
        match self.pause.get(&key).copied() {
            Some(until) if until > now => self.wait(key, until),
            _ => {
                self.pause.remove(&key);
                self.unwait(&key);
                if self.queued.insert(key.clone()) {
                    self.ready.push_back(key);
                }
            }
        }
    }

    /// The next key that is due; it counts as running until [`Queue::done`].
    pub(crate) fn pop(&mut self, now: Instant) -> Option<K> {
        while let Some((due, key)) = self.by_time.first().cloned() {
            if due > now {
                break;
            }
            self.unwait(&key);
            self.pause.remove(&key);
            if self.queued.insert(key.clone()) {
                self.ready.push_back(key);
            }
        }
        let key = self.ready.pop_front()?;
        self.queued.remove(&key);
        self.running.insert(key.clone());
        Some(key)
    }

    /// Looking at the key is over. `chance` is in `0.0..1.0` and spreads retries.
    pub(crate) fn done(&mut self, key: K, how: Done, now: Instant, chance: f64) {
        self.running.remove(&key);
        let dirty = self.dirty.remove(&key);
        match how {
            Done::Rest(pause) | Done::Again(pause) => {
                self.failures.remove(&key);
                let rests = matches!(how, Done::Rest(_));
                if rests && !pause.is_zero() {
                    self.pause.insert(key.clone(), now + pause);
                }
                if dirty {
                    self.push(key, now);
                } else if !rests {
                    self.wait(key, now + pause);
                } else if !pause.is_zero() {
                    // Nothing to do; the pause is forgotten by the next push after it ends.
                    self.forget_ended_pauses(now);
                }
            }
            Done::Failed => {
                let failures = self.failures.entry(key.clone()).or_default();
                *failures = failures.saturating_add(1);
                let longest = BACKOFF_FIRST
                    .saturating_mul(1_u32 << (*failures).min(16))
                    .min(BACKOFF_MAX);
                let wait = longest.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0);
                if dirty {
                    self.push(key, now);
                } else {
                    self.wait(key, now + wait);
                }
            }
        }
    }

    /// When the next waiting key is due.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.by_time.first().map(|(due, _)| *due)
    }

    /// Keys that are known: waiting, ready or running.
    pub(crate) fn len(&self) -> usize {
        self.ready.len() + self.due.len() + self.running.len()
    }

    fn wait(&mut self, key: K, due: Instant) {
        if self.queued.contains(&key) {
            return;
        }
        self.unwait(&key);
        self.by_time.insert((due, key.clone()));
        self.due.insert(key, due);
    }

    fn unwait(&mut self, key: &K) {
        if let Some(due) = self.due.remove(key) {
            self.by_time.remove(&(due, key.clone()));
        }
    }

    fn forget_ended_pauses(&mut self, now: Instant) {
        if self.pause.len() > 1024 {
            self.pause.retain(|_, until| *until > now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_key_is_looked_at_once_and_again_if_dirtied_meanwhile() {
        let now = Instant::now();
        let mut queue = Queue::new();
        for key in ["a", "b", "a"] {
            queue.push(key, now);
        }
        assert_eq!(
            (queue.pop(now), queue.pop(now), queue.pop(now)),
            (Some("a"), Some("b"), None)
        );
        queue.push("a", now);
        assert_eq!(queue.pop(now), None, "it is being looked at");
        queue.done("a", Done::Rest(Duration::ZERO), now, 0.0);
        assert_eq!(queue.pop(now), Some("a"));
        queue.done("a", Done::Rest(Duration::ZERO), now, 0.0);
        queue.done("b", Done::Rest(Duration::ZERO), now, 0.0);
        assert_eq!((queue.pop(now), queue.len()), (None, 0));
    }

    #[test]
    fn failures_wait_longer_each_time_unless_news_comes() {
        let mut now = Instant::now();
        let mut queue = Queue::new();
        queue.push("a", now);
        let mut waits = Vec::new();
        for _ in 0..16 {
            assert_eq!(queue.pop(now), Some("a"));
            queue.done("a", Done::Failed, now, 1.0);
            let due = queue.next_due().unwrap();
            assert_eq!(queue.pop(now), None);
            waits.push(due - now);
            now = due;
        }
        assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]), "{waits:?}");
        assert_eq!(waits.last(), Some(&BACKOFF_MAX));
        assert_eq!(queue.pop(now), Some("a"));
        queue.done("a", Done::Failed, now, 0.5);
        queue.push("a", now);
        assert_eq!(queue.pop(now), Some("a"), "news ends the wait");
    }

    #[test]
    fn a_pause_holds_whatever_comes() {
        let now = Instant::now();
        let mut queue = Queue::new();
        queue.push("a", now);
        assert_eq!(queue.pop(now), Some("a"));
        queue.done("a", Done::Rest(200 * MS), now, 0.0);
        assert_eq!((queue.next_due(), queue.len()), (None, 0), "nothing to do");
        queue.push("a", now + 10 * MS);
        queue.push("a", now + 20 * MS);
        assert_eq!(queue.pop(now + 199 * MS), None);
        assert_eq!(queue.next_due(), Some(now + 200 * MS));
        assert_eq!(queue.pop(now + 200 * MS), Some("a"));
        queue.done("a", Done::Again(50 * MS), now + 200 * MS, 0.0);
        assert_eq!(queue.pop(now + 249 * MS), None);
        assert_eq!(queue.pop(now + 250 * MS), Some("a"));
        // Who waits for a time is told of what happens before.
        queue.done("a", Done::Again(50 * MS), now + 250 * MS, 0.0);
        queue.push("a", now + 260 * MS);
        assert_eq!((queue.pop(now + 260 * MS), queue.next_due()), (Some("a"), None));
    }
}
