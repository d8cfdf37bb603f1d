//! All objects of a kind at one revision: immutable, ordered by namespace and name, sharing structure with its
//! neighbours in time. Cloning one is as cheap as a pointer.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::ops::Bound;
use std::sync::Arc;

use api::Revision;
use imbl::OrdMap;

use super::CachedObject;

/// Namespace and name of an object of a known kind; orders by both.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    /// Namespace; empty for cluster-scoped kinds.
    pub namespace: Arc<str>,
    /// Name.
    pub name: Arc<str>,
}

/// Lets maps be asked with borrowed text, without allocating a key for each question.
trait Named {
    fn parts(&self) -> (&str, &str);
}

impl Named for ObjectName {
    fn parts(&self) -> (&str, &str) {
        (&self.namespace, &self.name)
    }
}

impl Named for (&str, &str) {
    fn parts(&self) -> (&str, &str) {
        *self
    }
}

impl<'a> Borrow<dyn Named + 'a> for ObjectName {
    fn borrow(&self) -> &(dyn Named + 'a) {
        self
    }
}

impl PartialEq for dyn Named + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for dyn Named + '_ {}

impl PartialOrd for dyn Named + '_ {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for dyn Named + '_ {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}

/// The objects of a kind at a revision.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The revision a list of this snapshot carries.
    pub revision: Revision,
    /// The objects.
    pub objects: OrdMap<ObjectName, Arc<CachedObject>>,
}

impl Snapshot {
    /// An object by name; the namespace is empty for cluster-scoped kinds.
    #[must_use]
    pub fn get(&self, namespace: &str, name: &str) -> Option<&Arc<CachedObject>> {
        self.objects.get(&(namespace, name) as &dyn Named)
    }

    /// All objects, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<CachedObject>> {
        self.objects.values()
    }

    /// The objects of one namespace, in order.
    pub fn in_namespace<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a Arc<CachedObject>> {
        self.range(Bound::Included((namespace, "")))
            .take_while(move |object| &*object.key.namespace == namespace)
    }

    /// The objects that come after a namespace and name, in order: where a page continues.
    pub fn after<'a>(&'a self, namespace: &'a str, name: &'a str) -> impl Iterator<Item = &'a Arc<CachedObject>> {
        self.range(Bound::Excluded((namespace, name)))
    }

    fn range<'a>(&'a self, start: Bound<(&'a str, &'a str)>) -> impl Iterator<Item = &'a Arc<CachedObject>> {
        let start = start.as_ref().map(|name| name as &dyn Named);
        self.objects
            .range::<_, dyn Named>((start, Bound::Unbounded))
            .map(|(_, object)| object)
    }

    /// How many objects there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }
}
