//! Dirty objects in the order in which they are settled, and those that wait for a time. Each object stands in line once.

use std::collections::{BTreeMap, BTreeSet};

use api::PlacementKey;
use tokio::time::Instant;

/// Place in the order of kinds; lower goes first.
pub(crate) type Rank = u8;

/// Dirty objects.
#[derive(Default)]
pub(crate) struct Queue {
    ready: BTreeSet<(Rank, PlacementKey)>,
    due: BTreeMap<(Instant, PlacementKey), ()>,
}

impl Queue {
    /// In line now.
    pub(crate) fn push(&mut self, rank: Rank, key: PlacementKey) {
        self.ready.insert((rank, key));
    }

    /// In line at a time.
    pub(crate) fn push_at(&mut self, at: Instant, key: PlacementKey) {
        self.due.insert((at, key), ());
    }

    /// The next in line.
    pub(crate) fn pop(&mut self) -> Option<PlacementKey> {
        self.ready.pop_first().map(|(_, key)| key)
    }

    /// When the first of the waiting is due.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.due.keys().next().map(|(at, _)| *at)
    }

    /// Those whose time has come.
    pub(crate) fn take_due(&mut self, now: Instant) -> Vec<PlacementKey> {
        let mut due = Vec::new();
        while let Some(entry) = self.due.first_entry() {
            if entry.key().0 > now {
                break;
            }
            due.push(entry.remove_entry().0.1);
        }
        due
    }

    /// How many are in line.
    pub(crate) fn len(&self) -> usize {
        self.ready.len()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn lower_ranks_first_and_each_once() {
        let key = |name: &str| PlacementKey {
            namespace: "n".into(),
            name: name.into(),
        };
        let mut queue = Queue::default();
        queue.push(4, key("deployment-a"));
        queue.push(0, key("namespace-n"));
        queue.push(4, key("deployment-a"));
        let order: Vec<String> = std::iter::from_fn(|| queue.pop()).map(|k| k.name).collect();
        assert_eq!(order, ["namespace-n", "deployment-a"]);
    }

    #[tokio::test]
    async fn the_waiting_come_when_they_are_due() {
        let key = |name: &str| PlacementKey {
            namespace: "n".into(),
            name: name.into(),
        };
        let mut queue = Queue::default();
        let now = Instant::now();
        queue.push_at(now + Duration::from_secs(2), key("later"));
        queue.push_at(now + Duration::from_secs(1), key("soon"));
        assert!(queue.take_due(now).is_empty());
        assert_eq!(queue.take_due(now + Duration::from_secs(1)), [key("soon")]);
        assert_eq!(queue.next_due(), Some(now + Duration::from_secs(2)));
    }
}
