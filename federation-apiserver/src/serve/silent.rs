//! Connections that brought no request yet: when there is no room for another, the one that is silent for longest has to go.
//!
//! In: connections as they begin, speak and end. Out: the token that tells a connection to end. Absent: sockets, and how many
//! connections there may be.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

/// All silent connections of a server, oldest first.
#[derive(Debug, Default)]
pub(super) struct Silent(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    connections: BTreeMap<u64, CancellationToken>,
}

impl Silent {
    /// A connection that begins. It counts as silent until it speaks or its place is dropped.
    pub(super) fn enter(self: &Arc<Self>) -> Place {
        let cut = CancellationToken::new();
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = waiting.next;
        waiting.next += 1;
        waiting.connections.insert(number, cut.clone());
        Place {
            all: self.clone(),
            number,
            cut,
        }
    }

    /// Tells the oldest to end; false if none is silent.
    pub(super) fn cut_oldest(&self) -> bool {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = waiting.connections.pop_first();
        oldest.is_some_and(|(_, cut)| {
            cut.cancel();
            true
        })
    }
}

/// The place of one connection.
#[derive(Debug)]
pub(super) struct Place {
    all: Arc<Silent>,
    number: u64,
    cut: CancellationToken,
}

impl Place {
    /// It brought a request: it will not be cut any more.
    pub(super) fn spoke(&self) {
        let mut waiting = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.connections.remove(&self.number);
    }

    /// Over when it has to go.
    pub(super) async fn cut(&self) {
        self.cut.cancelled().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.spoke();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_that_never_spoke_goes() {
        let silent = Arc::new(Silent::default());
        let places: Vec<Place> = (0..4).map(|_| silent.enter()).collect();
        let [first, second, third, fourth] = <[Place; 4]>::try_from(places).unwrap();
        first.spoke();
        drop(second);
        assert!(silent.cut_oldest());
        assert!(third.cut.is_cancelled() && !first.cut.is_cancelled() && !fourth.cut.is_cancelled());
        assert!(silent.cut_oldest() && fourth.cut.is_cancelled());
        assert!(!silent.cut_oldest(), "who spoke stays");
    }
}
