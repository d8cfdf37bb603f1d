//! Deletions that take others along, refused at once where they would take too much from a member: of a namespace, and of a
//! definition with all its objects. What is deleted one by one is held back later ([`super::removals`]).
//!
//! In: the object that is to be deleted, who is named where. Out: why not, and how to do it all the same. Absent: HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::well_known::SYSTEM_NAMESPACE;
use api::{Cluster, ObjectRef, Placement, PlacementKey};
use jiff::Timestamp;
use placement::removals;

use super::Streams;
use super::render::{clusters_key, placements_key, typed};
use crate::cache::CachedObject;
use crate::kinds::Kind;

/// Clusters that a refusal names.
const NAMED: usize = 5;

/// What goes along with an object.
enum Along {
    /// Everything in a namespace.
    Namespace(String),
    /// Every object of a custom kind.
    Kind(String),
}

impl Along {
    fn has(&self, key: &PlacementKey) -> bool {
        match self {
            Self::Namespace(namespace) => key.namespace == *namespace,
            Self::Kind(prefix) => key.name.starts_with(prefix),
        }
    }
}

impl Streams {
    /// Why an object may not be deleted now; none where nothing goes along, or not too much of any member.
    pub(crate) fn refuses_deletion(&self, kind: &Kind, object: &CachedObject, now: Timestamp) -> Option<String> {
        let value = object.value();
        if value.pointer("/metadata/deletionTimestamp").is_some() {
            return None;
        }
        let text = |pointer: &str| value.pointer(pointer).and_then(serde_json::Value::as_str);
        let along = if kind.is_namespace() {
            Along::Namespace(object.key.name.to_string())
        } else if kind.kind == "CustomResourceDefinition" {
            // As Placements of custom kinds are called.
            let (kind, group) = (text("/spec/names/kind")?, text("/spec/group")?);
            Along::Kind(format!("{}.{group}-", kind.to_lowercase()))
        } else {
            return None;
        };
        let own = ObjectRef {
            api_version: kind.api_version(),
            kind: kind.kind.clone(),
            namespace: String::new(),
            name: object.key.name.to_string(),
            uid: String::new(),
        };
        let own = own.placement_key();
        debug_assert_eq!(own.namespace, SYSTEM_NAMESPACE);
        let mut going: BTreeMap<Arc<str>, usize> = BTreeMap::new();
        for (key, clusters) in self.router().named(|key| along.has(key) || *key == own) {
            if !self.stays(&key) {
                clusters
                    .iter()
                    .for_each(|cluster| *going.entry(cluster.clone()).or_default() += 1);
            }
        }
        let too_much: Vec<(Arc<str>, usize, usize)> = going
            .into_iter()
            .map(|(cluster, going)| (self.router().count(&cluster), cluster, going))
            .filter(|(held, cluster, going)| self.guard.stops(*held, *going) && !self.is_confirmed(cluster, now))
            .map(|(held, cluster, going)| (cluster, going, held))
            .collect();
        (!too_much.is_empty()).then(|| sentence(&too_much))
    }

    /// Whether the members keep their copies of an object when it is deleted.
    fn stays(&self, key: &PlacementKey) -> bool {
        let placement = self.cache.kind(&placements_key()).get(&key.namespace, &key.name);
        let placement = placement.and_then(|object| typed::<Placement>(&object));
        placement.is_some_and(|placement| placement.spec.preserve_resources_on_deletion == Some(true))
    }

    fn is_confirmed(&self, cluster: &str, now: Timestamp) -> bool {
        let cluster = self.cache.kind(&clusters_key()).get("", cluster);
        // Of a cluster that is gone nothing is removed.
        let cluster = cluster.and_then(|object| typed::<Cluster>(&object));
        cluster.is_none_or(|cluster| removals::is_confirmed(&cluster, now))
    }
}

/// Clusters with what would go and what they hold, as a sentence with the next step.
fn sentence(too_much: &[(Arc<str>, usize, usize)]) -> String {
    let said =
        |(cluster, going, held): &(Arc<str>, usize, usize)| format!("{going} of the {held} objects in {cluster}");
    let mut list: Vec<String> = too_much.iter().take(NAMED).map(said).collect();
    let mut names: Vec<&str> = too_much.iter().map(|(cluster, ..)| &**cluster).collect();
    if let Some(more) = too_much.len().checked_sub(NAMED).filter(|more| *more > 0) {
        list.push(format!("too many in {more} more clusters"));
        names = vec!["--all"];
    }
    format!(
        "it would remove {}, which is more than may go at once unasked; next: meridian confirm-removals {}, and delete it \
         again",
        list.join(", "),
        names.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusal_says_what_would_go_and_how() {
        let of = |names: &[&str]| {
            let rows: Vec<_> = names.iter().map(|name| (Arc::from(*name), 12, 20)).collect();
            sentence(&rows)
        };
        let two = of(&["eu-1", "us-1"]);
        assert!(
            two.contains("12 of the 20 objects in eu-1, 12 of the 20 objects in us-1,"),
            "{two}"
        );
        assert!(two.contains("meridian confirm-removals eu-1 us-1,"), "{two}");
        let many = of(&["a", "b", "c", "d", "e", "f", "g"]);
        assert!(
            many.contains("too many in 2 more clusters") && many.contains("confirm-removals --all"),
            "{many}"
        );
    }
}
