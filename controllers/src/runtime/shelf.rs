//! The objects of one kind as last seen.
//! In: changes from a feed, and what our own writes returned. Out: which objects moved, from what to what. Older news than
//! what is known is dropped; a reset is taken whole, because versions may start again with a new store. Absent: meaning.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::watched::{Id, Watched};

/// A change of what is known of one kind.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// It exists so.
    Applied(Arc<Watched>),
    /// It is gone, as it was last.
    Deleted(Arc<Watched>),
    /// All there is.
    Reset(Vec<Arc<Watched>>),
}

/// What became of one object.
#[derive(Clone, Debug)]
pub(crate) struct Moved {
    pub(crate) id: Id,
    pub(crate) old: Option<Arc<Watched>>,
    pub(crate) new: Option<Arc<Watched>>,
}

/// The objects of one kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shelf {
    objects: BTreeMap<Id, Arc<Watched>>,
}

impl Shelf {
    pub(crate) fn get(&self, id: &Id) -> Option<&Arc<Watched>> {
        self.objects.get(id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Id, &Arc<Watched>)> {
        self.objects.iter()
    }

    /// The objects in one namespace.
    pub(crate) fn in_namespace<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = (&'a Id, &'a Arc<Watched>)> {
        let first = Id::new(namespace, "");
        self.objects
            .range(first..)
            .take_while(move |(id, _)| id.namespace == namespace)
    }

    pub(crate) fn take(&mut self, change: Change) -> Vec<Moved> {
        match change {
            Change::Applied(new) => {
                // Of what our own writes returned nobody else holds the tree.
                drop(new.settle());
                let id = new.id();
                if self.objects.get(&id).is_some_and(|old| !follows(old, &new)) {
                    return vec![];
                }
                let old = self.objects.insert(id.clone(), new.clone());
                vec![Moved {
                    id,
                    old,
                    new: Some(new),
                }]
            }
            Change::Deleted(last) => {
                let id = last.id();
                let is_newer = |old: &Arc<Watched>| old.uid() != last.uid() || old.revision() > last.revision();
                if self.objects.get(&id).is_none_or(is_newer) {
                    return vec![];
                }
                let old = self.objects.remove(&id);
                vec![Moved { id, old, new: None }]
            }
            Change::Reset(all) => {
                let mut before = std::mem::take(&mut self.objects);
                let mut moved = Vec::new();
                for new in all {
                    let id = new.id();
                    let old = before.remove(&id);
                    self.objects.insert(id.clone(), new.clone());
                    if old
                        .as_ref()
                        .is_none_or(|old| old.resource_version() != new.resource_version())
                    {
                        moved.push(Moved {
                            id,
                            old,
                            new: Some(new),
                        });
                    }
                }
                moved.extend(before.into_iter().map(|(id, old)| Moved {
                    id,
                    old: Some(old),
                    new: None,
                }));
                moved
            }
        }
    }
}

/// Whether `new` is another and not an older version than `old`.
fn follows(old: &Watched, new: &Watched) -> bool {
    match (old.revision(), new.revision()) {
        (Some(before), Some(after)) => after > before,
        _ => old.resource_version() != new.resource_version(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(name: &str, uid: &str, version: u32) -> Arc<Watched> {
        Arc::new(Watched::new(
            json!({"metadata": {"name": name, "uid": uid, "resourceVersion": version.to_string()}}),
        ))
    }

    fn versions(shelf: &Shelf) -> Vec<String> {
        shelf
            .iter()
            .map(|(id, o)| format!("{id}@{}", o.resource_version()))
            .collect()
    }

    #[test]
    fn older_news_changes_nothing_and_a_reset_is_taken_whole() {
        let mut shelf = Shelf::default();
        assert_eq!(
            shelf
                .take(Change::Reset(vec![object("a", "1", 5), object("b", "2", 9)]))
                .len(),
            2
        );
        assert_eq!(shelf.take(Change::Applied(object("a", "1", 4))).len(), 0);
        assert_eq!(shelf.take(Change::Applied(object("a", "1", 10))).len(), 1);
        assert_eq!(
            shelf.take(Change::Deleted(object("a", "1", 9))).len(),
            0,
            "deletion of an older incarnation"
        );
        assert_eq!(
            shelf.take(Change::Deleted(object("a", "0", 11))).len(),
            0,
            "another uid"
        );
        assert_eq!(versions(&shelf), ["a@10", "b@9"]);
        let moved = shelf.take(Change::Reset(vec![object("a", "1", 2)]));
        assert_eq!(moved.len(), 2, "a went back with its store, b is gone");
        assert_eq!(versions(&shelf), ["a@2"]);
        assert_eq!(shelf.take(Change::Deleted(object("a", "1", 3))).len(), 1);
        assert_eq!(shelf.take(Change::Deleted(object("a", "1", 3))).len(), 0);
    }
}
