//! Placements as values, read once for all streams that render them at about the same time: one that names a thousand clusters has
//! a quarter of a megabyte, and a change of it is rendered a thousand times.
//!
//! In: objects of the cache. Out: the same as values, the latest ones kept. Absent: whether they matter.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use api::{Placement, Revision};

use super::render::typed;
use crate::cache::CachedObject;

/// Placements that are kept: more than change within a moment.
const KEPT_MAX: usize = 256;

/// The latest Placements that were read.
#[derive(Debug, Default)]
pub(super) struct Parsed(Mutex<HashMap<Arc<str>, Read>>);

/// A Placement as it read at a revision.
type Read = (Revision, Arc<Placement>);

impl Parsed {
    /// A Placement as a value; none where it cannot be read.
    pub(super) fn of(&self, object: &CachedObject) -> Option<Arc<Placement>> {
        let find = |kept: &HashMap<Arc<str>, (Revision, Arc<Placement>)>| {
            let (revision, placement) = kept.get(&object.uid)?;
            (*revision == object.revision).then(|| placement.clone())
        };
        if let Some(found) = find(&self.0.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Some(found);
        }
        let placement = Arc::new(typed::<Placement>(object)?);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        // One that is older than what is kept is a reader's who is late.
        if kept
            .get(&object.uid)
            .is_none_or(|(revision, _)| *revision < object.revision)
        {
            kept.insert(object.uid.clone(), (object.revision, placement.clone()));
        }
        Some(placement)
    }
}
