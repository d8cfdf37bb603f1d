//! What other versions of a kind made of one object: bytes that somebody had to be asked for, kept for as long as the object.
//!
//! In: bytes under the name of who made them. Out: the same, or nothing. An object that nobody reads in another version has none.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

/// Views of one object that are kept; the oldest goes first. More than a kind has versions in practice.
const VIEWS_MAX: usize = 8;

/// Names who made a view: one version of one state of a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ViewId(u64);

impl ViewId {
    /// A name that nothing else has in this process.
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The views of one object.
#[derive(Debug, Default)]
pub(crate) struct Views(Mutex<Vec<(ViewId, Bytes)>>);

impl Views {
    /// What somebody made of the object.
    pub(crate) fn get(&self, id: ViewId) -> Option<Bytes> {
        let views = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        views.iter().find(|(of, _)| *of == id).map(|(_, bytes)| bytes.clone())
    }

    /// Keeps what somebody made of the object.
    pub(crate) fn put(&self, id: ViewId, bytes: Bytes) {
        let mut views = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        views.retain(|(of, _)| *of != id);
        if views.len() >= VIEWS_MAX {
            views.remove(0);
        }
        views.push((id, bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_view_goes_first() {
        let views = Views::default();
        let ids: Vec<ViewId> = (0..=VIEWS_MAX).map(|_| ViewId::next()).collect();
        for (number, id) in ids.iter().enumerate() {
            views.put(*id, Bytes::from(number.to_string()));
        }
        assert_eq!(views.get(ids[0]), None);
        assert_eq!(views.get(ids[1]).as_deref(), Some(&b"1"[..]));
        views.put(ids[1], Bytes::from_static(b"new"));
        assert_eq!(views.get(ids[1]).as_deref(), Some(&b"new"[..]));
    }
}
