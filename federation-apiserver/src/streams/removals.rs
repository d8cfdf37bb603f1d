//! What goes from one member, held back where it is too much at once.
//!
//! In: each object that is to go and each that is not, time, what the Cluster says. Out: whether to remove, to wait a little for
//! what else is to go, or to hold it back. A namespace that is deleted takes its objects along one by one: what is new waits for
//! [`GATHER`], and what went within [`LATELY`] counts. Once stopped, nothing goes until somebody confirmed it or nothing is left to go:
//! a share of what remains must not go every few minutes. Absent: reading objects, clocks.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use api::PlacementKey;
use placement::removals::RemovalGuard;
use tokio::time::Instant;

/// Time from the first word that something is to go until it may: what goes with it is known by then.
const GATHER: Duration = Duration::from_secs(1);
/// What went in this time counts with what is to go.
const LATELY: Duration = Duration::from_secs(300);

/// What is to be done about an object that is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// The member is to remove it.
    Remove,
    /// Nothing yet: it is not known what else is to go.
    Wait,
    /// The member keeps it until somebody confirms.
    Hold,
}

/// What goes from one member.
#[derive(Debug)]
pub(super) struct Removals {
    guard: RemovalGuard,
    /// Since when they are to go, of those that may not yet.
    pending: BTreeMap<PlacementKey, Instant>,
    /// Those that the member was told to remove and did not confirm yet.
    told: BTreeSet<PlacementKey>,
    /// When those went that it confirmed.
    gone: VecDeque<Instant>,
    /// Too much was to go.
    stopped: bool,
}

impl Removals {
    pub(super) fn new(guard: RemovalGuard) -> Self {
        Self {
            guard,
            pending: BTreeMap::new(),
            told: BTreeSet::new(),
            gone: VecDeque::new(),
            stopped: false,
        }
    }

    /// A time so long ago that what was known then waits no longer.
    pub(super) fn long_ago(&self, now: Instant) -> Instant {
        now.checked_sub(GATHER).unwrap_or(now)
    }

    /// An object is to go, which is known `since` then. `held_before`: it was held back when the hub last heard of it, before a restart perhaps.
    pub(super) fn going(&mut self, key: &PlacementKey, held_before: bool, since: Instant) {
        if !self.told.contains(key) && !self.pending.contains_key(key) {
            self.pending.insert(key.clone(), since);
            self.stopped |= held_before;
        }
    }

    /// An object is not to go, or it moves and asks nobody.
    pub(super) fn staying(&mut self, key: &PlacementKey) {
        self.pending.remove(key);
        self.told.remove(key);
    }

    /// The member has an object no longer.
    pub(super) fn gone(&mut self, key: &PlacementKey, now: Instant) {
        self.pending.remove(key);
        if self.told.remove(key) {
            self.gone.push_back(now);
        }
    }

    /// Whether what is to go may, of a member that holds so many objects, what is to go among them. Out: those of which the word is
    /// another than before.
    pub(super) fn judge(&mut self, held: usize, confirmed: bool, now: Instant) -> BTreeSet<PlacementKey> {
        while self.gone.front().is_some_and(|at| now.duration_since(*at) > LATELY) {
            self.gone.pop_front();
        }
        let before = self.stopped;
        if confirmed || self.pending.is_empty() {
            self.stopped = false;
        } else {
            let lately = self.gone.len();
            let going = self.pending.len() + self.told.len() + lately;
            self.stopped |= self.guard.stops(held + lately, going);
        }
        let mut other = BTreeSet::new();
        if self.stopped {
            if !before {
                other.extend(self.pending.keys().cloned());
            }
            return other;
        }
        // Where too few are held for any number to be too many, nobody needs to wait.
        let at_once = confirmed || !self.guard.stops(held, held);
        let ripe = |since: &Instant| at_once || now.duration_since(*since) >= GATHER;
        for key in self.pending.extract_if(.., |_, since| ripe(since)).map(|(key, _)| key) {
            self.told.insert(key.clone());
            other.insert(key);
        }
        other
    }

    /// What is to be done about an object that is to go.
    pub(super) fn word(&self, key: &PlacementKey) -> Word {
        match (self.told.contains(key), self.stopped) {
            (true, _) => Word::Remove,
            (false, true) => Word::Hold,
            (false, false) => Word::Wait,
        }
    }

    /// When to judge again, though nothing is heard.
    pub(super) fn due(&self) -> Option<Instant> {
        let first = self.pending.values().min().filter(|_| !self.stopped)?;
        Some(*first + GATHER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> PlacementKey {
        PlacementKey {
            namespace: "shop".to_owned(),
            name: format!("configmap-{number:03}"),
        }
    }

    fn removals() -> Removals {
        Removals::new(RemovalGuard {
            share_percent: 30,
            at_least: 10,
        })
    }

    fn words(removals: &Removals, numbers: std::ops::Range<usize>) -> BTreeSet<String> {
        numbers
            .map(|number| format!("{:?}", removals.word(&key(number))))
            .collect()
    }

    #[tokio::test]
    async fn a_few_go_after_a_moment() {
        let (mut removals, now) = (removals(), Instant::now());
        removals.going(&key(1), false, now);
        assert!(removals.judge(100, false, now).is_empty());
        assert_eq!(removals.word(&key(1)), Word::Wait);
        assert_eq!(removals.due(), Some(now + GATHER));
        assert_eq!(removals.judge(100, false, now + GATHER), BTreeSet::from([key(1)]));
        assert_eq!(removals.word(&key(1)), Word::Remove);
        assert_eq!(removals.due(), None);
    }

    #[tokio::test]
    async fn of_a_member_with_little_nothing_waits() {
        let (mut removals, now) = (removals(), Instant::now());
        removals.going(&key(1), false, now);
        assert_eq!(removals.judge(9, false, now), BTreeSet::from([key(1)]));
    }

    #[tokio::test]
    async fn too_much_at_once_is_held_until_confirmed() {
        let (mut removals, now) = (removals(), Instant::now());
        (0..40).for_each(|number| removals.going(&key(number), false, now));
        assert_eq!(
            removals.judge(100, false, now).len(),
            40,
            "all are told that they are held"
        );
        assert_eq!(words(&removals, 0..40), BTreeSet::from(["Hold".to_owned()]));
        assert!(
            removals.judge(100, false, now + LATELY * 2).is_empty(),
            "time alone confirms nothing"
        );
        // All but a few come back: what is left was to go with the others.
        (5..40).for_each(|number| removals.staying(&key(number)));
        assert!(removals.judge(100, false, now + LATELY * 2).is_empty());
        assert_eq!(words(&removals, 0..5), BTreeSet::from(["Hold".to_owned()]));
        assert_eq!(removals.judge(100, true, now + LATELY * 2).len(), 5);
        assert_eq!(words(&removals, 0..5), BTreeSet::from(["Remove".to_owned()]));
    }

    #[tokio::test]
    async fn one_by_one_is_no_way_around() {
        let (mut removals, mut now) = (removals(), Instant::now());
        let mut went = 0;
        for number in 0..100 {
            removals.going(&key(number), false, now);
            removals.judge(100 - went, false, now + GATHER);
            if removals.word(&key(number)) == Word::Remove {
                removals.gone(&key(number), now + GATHER);
                went += 1;
            }
            now += GATHER;
        }
        assert_eq!(went, 30, "the share, and not one more");
    }

    #[tokio::test]
    async fn what_was_held_before_a_restart_is_held_after_it() {
        let (mut removals, now) = (removals(), Instant::now());
        (0..3).for_each(|number| removals.going(&key(number), true, now));
        removals.judge(100, false, now);
        assert_eq!(words(&removals, 0..3), BTreeSet::from(["Hold".to_owned()]));
        (0..3).for_each(|number| removals.staying(&key(number)));
        removals.judge(100, false, now);
        removals.going(&key(9), false, now);
        removals.judge(100, false, now + GATHER);
        assert_eq!(removals.word(&key(9)), Word::Remove, "it is over once nothing is held");
    }
}
