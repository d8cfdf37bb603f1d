//! Which waiting writes go into the next transaction. Pure: no clock, no connection.
//!
//! A batch is in order of arrival, has one write a key (the second write of a key must see the first one's result), and is
//! bounded by count and bytes. What does not fit is held, in order, for the next batch.

use std::collections::{HashSet, VecDeque};

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::store::{Committed, ObjectKey, Write, WriteError};

/// Bytes of one transaction's bodies, but for a single larger write.
const BATCH_BYTES_MAX: usize = 16 << 20;

/// A write and who waits for it.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) write: Write,
    pub(super) answer: oneshot::Sender<Result<Committed, WriteError>>,
    /// After this it is no longer retried.
    pub(super) deadline: Instant,
}

impl Pending {
    pub(super) fn answer(self, result: Result<Committed, WriteError>) {
        if self.answer.send(result).is_err() {
            tracing::trace!(key = %self.write.key, "the writer left before the answer");
        }
    }
}

/// Takes the next batch: first what was held, then what `more` has ready.
pub(super) fn next(
    held: &mut VecDeque<Pending>,
    max: usize,
    mut more: impl FnMut() -> Option<Pending>,
) -> Vec<Pending> {
    let mut batch: Vec<Pending> = Vec::new();
    let mut keys: HashSet<ObjectKey> = HashSet::new();
    let mut bytes = 0;
    let mut waiting = std::mem::take(held);
    // Looks at no more than this, so that many writes of one key cannot pile up in `held`.
    for _ in 0..max * 2 {
        if batch.len() >= max || bytes >= BATCH_BYTES_MAX {
            break;
        }
        let Some(pending) = waiting.pop_front().or_else(&mut more) else {
            break;
        };
        let size = pending.write.change.body().len();
        let fits = batch.is_empty() || bytes + size <= BATCH_BYTES_MAX;
        // A key that is held back counts as taken, or a later write of it would overtake.
        if keys.insert(pending.write.key.clone()) && fits {
            bytes += size;
            batch.push(pending);
        } else {
            held.push_back(pending);
        }
    }
    held.append(&mut waiting);
    batch
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::store::{Change, Expect, KindKey};

    fn pending(name: &str, body: usize) -> Pending {
        let key = ObjectKey::new(&KindKey::new("", "configmaps"), "", name);
        let change = Change::Put(Bytes::from(vec![b' '; body]));
        let write = Write {
            key,
            uid: "".into(),
            expect: Expect::Absent,
            based_on: None,
            change,
        };
        Pending {
            write,
            answer: oneshot::channel().0,
            deadline: Instant::now(),
        }
    }

    fn shape(batch: &[Pending]) -> String {
        batch
            .iter()
            .map(|p| format!("{}{}", p.write.key.name, p.write.change.body().len()))
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn a_key_is_in_a_batch_once_and_order_is_kept() {
        let mut arriving: VecDeque<_> = [("a", 1), ("b", 1), ("a", 2), ("c", 1), ("a", 3)]
            .map(|(name, size)| pending(name, size))
            .into();
        let mut held = VecDeque::new();
        let mut batches = vec![];
        loop {
            let batch = next(&mut held, 8, || arriving.pop_front());
            if batch.is_empty() {
                break;
            }
            batches.push(shape(&batch));
        }
        assert_eq!(batches, ["a1 b1 c1", "a2", "a3"]);
    }

    #[test]
    fn bytes_are_bounded_but_a_large_write_goes_alone() {
        let half = BATCH_BYTES_MAX / 2 + 1;
        let mut arriving: VecDeque<_> = [pending("a", half), pending("b", half), pending("c", 1)].into();
        let mut held = VecDeque::new();
        let first = next(&mut held, 8, || arriving.pop_front());
        assert_eq!(first.iter().map(|p| &*p.write.key.name).collect::<Vec<_>>(), ["a", "c"]);
        let second = next(&mut held, 8, || arriving.pop_front());
        assert_eq!(second.len(), 1);
        assert!(held.is_empty());
    }

    proptest! {
        #[test]
        fn every_write_goes_out_once_and_in_order_of_its_key(names in proptest::collection::vec(0_u8..6, 0..200), max in 1_usize..9) {
            let mut arriving: VecDeque<_> = names.iter().enumerate().map(|(at, name)| pending(&name.to_string(), at)).collect();
            let mut held = VecDeque::new();
            let mut out: Vec<(String, usize)> = vec![];
            loop {
                let batch = next(&mut held, max, || arriving.pop_front());
                if batch.is_empty() { break; }
                prop_assert!(batch.len() <= max);
                prop_assert!(held.len() <= max * 2, "{}", held.len());
                let keys: HashSet<_> = batch.iter().map(|p| p.write.key.clone()).collect();
                prop_assert_eq!(keys.len(), batch.len());
                out.extend(batch.iter().map(|p| (p.write.key.name.to_string(), p.write.change.body().len())));
            }
            prop_assert_eq!(out.len(), names.len());
            for name in 0..6_u8 {
                let order: Vec<_> = out.iter().filter(|(n, _)| *n == name.to_string()).map(|(_, at)| *at).collect();
                prop_assert!(order.is_sorted());
            }
        }
    }
}
