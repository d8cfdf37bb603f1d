//! The recent events of a kind: one ring for all watchers, bounded by count and bytes.
//!
//! In: events in revision order. Out: the events after a revision, or the news that they are gone. Nobody waits for a
//! slow reader: when the ring is full the oldest event goes, and who needed it must list again. Absent: locks, waiting.

use std::collections::VecDeque;
use std::sync::Arc;

use api::Revision;

use super::CachedObject;

/// Events a cursor takes at once.
const BATCH_MAX: usize = 256;

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    /// It came to be.
    Added,
    /// It has a new version.
    Modified,
    /// It is gone.
    Deleted,
}

impl EventType {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }
}

/// One change of one object. Shared by all who see it; its bytes are the object's bytes, encoded once.
#[derive(Debug)]
pub struct Event {
    /// The commit.
    pub revision: Revision,
    /// What happened.
    pub event_type: EventType,
    /// The object after the change; for a deletion the last state, at the deletion's revision.
    pub object: Arc<CachedObject>,
    /// The object before the change; none if it came to be.
    pub previous: Option<Arc<CachedObject>>,
}

/// The revision asked for is no longer, or not yet, in the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("revision {revision} is too old, the history begins at {floor}; list again")]
pub struct Expired {
    /// The revision that was asked for.
    pub revision: Revision,
    /// The oldest revision that can be asked for.
    pub floor: Revision,
}

/// Bounds of a kind's history; whichever is reached first holds.
#[derive(Clone, Copy, Debug)]
pub struct HistoryConfig {
    /// Events kept.
    pub events_max: usize,
    /// Bytes of the objects in kept events.
    pub bytes_max: usize,
}

impl Default for HistoryConfig {
    fn default() -> Self {
        Self {
            events_max: 8192,
            bytes_max: 32 << 20,
        }
    }
}

#[derive(Debug)]
pub(super) struct History {
    /// Changes when the past was replaced, so that no cursor goes on across the break.
    pub(super) generation: u64,
    /// Every event after this revision is here.
    floor: Revision,
    events: VecDeque<Arc<Event>>,
    bytes: usize,
    config: HistoryConfig,
}

impl History {
    pub(super) fn new(floor: Revision, config: HistoryConfig) -> Self {
        Self {
            generation: 0,
            floor,
            events: VecDeque::new(),
            bytes: 0,
            config,
        }
    }

    /// Forgets everything; cursors of the generation before end.
    pub(super) fn reset(&mut self, floor: Revision) {
        self.generation += 1;
        self.floor = floor;
        self.events = VecDeque::new();
        self.bytes = 0;
    }

    pub(super) fn push(&mut self, event: Arc<Event>) {
        self.bytes += event.object.bytes.len();
        self.events.push_back(event);
        let HistoryConfig { events_max, bytes_max } = self.config;
        while (self.events.len() > events_max || self.bytes > bytes_max)
            && let Some(gone) = self.events.pop_front()
        {
            self.bytes -= gone.object.bytes.len();
            self.floor = gone.revision;
        }
    }

    /// The revision of the last event, or the floor.
    pub(super) fn last(&self) -> Revision {
        self.events.back().map_or(self.floor, |event| event.revision)
    }

    fn check(&self, revision: Revision) -> Result<(), Expired> {
        if revision < self.floor {
            Err(Expired {
                revision,
                floor: self.floor,
            })
        } else {
            Ok(())
        }
    }

    /// The next events after a revision; never splits events of one revision. Empty if there are none yet.
    pub(super) fn after(&self, revision: Revision) -> Result<Vec<Arc<Event>>, Expired> {
        self.check(revision)?;
        let start = self.events.partition_point(|event| event.revision <= revision);
        let mut taken: Vec<Arc<Event>> = Vec::new();
        for event in self.events.range(start..) {
            if taken.len() >= BATCH_MAX && taken.last().is_some_and(|last| last.revision != event.revision) {
                break;
            }
            taken.push(event.clone());
        }
        Ok(taken)
    }

    /// All events after a revision, newest first: what to undo to get there.
    pub(super) fn back_to(&self, revision: Revision) -> Result<Vec<Arc<Event>>, Expired> {
        self.check(revision)?;
        Ok(self
            .events
            .iter()
            .rev()
            .take_while(|event| event.revision > revision)
            .cloned()
            .collect())
    }
}
