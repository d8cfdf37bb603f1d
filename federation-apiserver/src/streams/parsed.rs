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

/// By uid, each with the revision of its version.
type Kept = HashMap<Arc<str>, (Revision, Arc<Placement>)>;

/// The latest Placements that were read.
#[derive(Debug, Default)]
pub(super) struct Parsed(Mutex<Kept>);

impl Parsed {
    /// A Placement as a value; none where it cannot be read.
    pub(super) fn of(&self, object: &CachedObject) -> Option<Arc<Placement>> {
        let find = |kept: &Kept| {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cache::canonical;
    use crate::store::{Committed, ObjectKey, Op};
    use crate::streams::render::placements_key;

    fn version(revision: u64, reason: &str) -> CachedObject {
        let value = json!({"metadata": {"name": "p", "namespace": "n", "uid": "u"}, "spec": {"reason": reason}});
        let revision = Revision::new(revision).unwrap();
        let commit = Committed {
            key: ObjectKey::new(&placements_key(), "n", "p"),
            uid: "u".into(),
            op: Op::Updated,
            revision,
            created_revision: Revision::FIRST,
            body: canonical(&value),
        };
        CachedObject::of(&commit, None).unwrap()
    }

    #[test]
    fn a_version_is_read_once_and_an_older_one_replaces_none() {
        let parsed = Parsed::default();
        let first = parsed.of(&version(2, "new")).unwrap();
        assert!(Arc::ptr_eq(&first, &parsed.of(&version(2, "new")).unwrap()));
        assert_eq!(parsed.of(&version(1, "old")).unwrap().spec.reason, "old");
        assert!(
            Arc::ptr_eq(&first, &parsed.of(&version(2, "new")).unwrap()),
            "the newer one is still kept"
        );
        assert_eq!(parsed.of(&version(3, "newest")).unwrap().spec.reason, "newest");
    }
}
