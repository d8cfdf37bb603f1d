//! Where watches of many members go on: a list of them is at a place in each member's history, and its one resourceVersion is
//! a number that stands for all these places.
//!
//! A number that is not known (any more) is answered as one that is too old is, so the client lists anew: that is also what
//! happens where another process of the hub gave it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use api::Revision;

/// Lists that are remembered.
const REMEMBERED: usize = 512;
/// Numbers from here on are ours: no store gets so far.
const FIRST: u64 = 1 << 62;

/// A place in the history of the hub and of each member.
#[derive(Debug)]
pub(crate) struct Position {
    /// The hub's.
    pub(super) hub: Revision,
    /// The members' resourceVersions, by cluster.
    pub(super) members: BTreeMap<String, String>,
}

/// The places that numbers were given out for.
#[derive(Debug, Default)]
pub(crate) struct Positions(Mutex<VecDeque<(u64, Arc<Position>)>>);

impl Positions {
    /// A number for a place.
    pub(super) fn keep(&self, position: Position) -> u64 {
        // At random, so that numbers of different processes, and of one before and after a restart, are not taken for each other.
        let number = rand::random_range(FIRST..u64::try_from(i64::MAX).unwrap_or(u64::MAX));
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= REMEMBERED {
            kept.pop_front();
        }
        kept.push_back((number, Arc::new(position)));
        number
    }

    /// The place of a number.
    pub(super) fn find(&self, number: u64) -> Option<Arc<Position>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().rev().find(|(of, _)| *of == number);
        found.map(|(_, position)| position.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten() {
        let positions = Positions::default();
        let keep = |number: u64| {
            positions.keep(Position {
                hub: Revision::new(number).unwrap(),
                members: BTreeMap::new(),
            })
        };
        let first = keep(1);
        assert!(first >= FIRST && Revision::new(first).is_some());
        assert_eq!(positions.find(first).unwrap().hub.get(), 1);
        let mut last = first;
        for number in 0..REMEMBERED as u64 {
            last = keep(number + 2);
        }
        assert!(positions.find(first).is_none());
        assert_eq!(positions.find(last).unwrap().hub.get(), REMEMBERED as u64 + 1);
    }
}
