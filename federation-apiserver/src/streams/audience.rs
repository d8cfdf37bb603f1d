//! Which clusters a Placement speaks of, and which Placements speak of a cluster: so that a change is told to those whom it
//! concerns, and a cluster's manifests are found without looking at everybody's.
//!
//! In: the clusters that a Placement names, in its decision and in its status. Out: names and keys. Absent: reading objects.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::PlacementKey;

/// Who is spoken of where.
#[derive(Debug, Default)]
pub(super) struct Audience {
    named: BTreeMap<Arc<PlacementKey>, Box<[Arc<str>]>>,
    by_cluster: BTreeMap<Arc<str>, BTreeSet<Arc<PlacementKey>>>,
}

impl Audience {
    /// The clusters that a Placement names.
    pub(super) fn of(&self, key: &PlacementKey) -> &[Arc<str>] {
        self.named.get(key).map(AsRef::as_ref).unwrap_or_default()
    }

    /// The Placements that name a cluster, in order.
    pub(super) fn placements(&self, cluster: &str) -> impl Iterator<Item = &Arc<PlacementKey>> {
        self.by_cluster.get(cluster).into_iter().flatten()
    }

    /// Placements of which it is so, each with the clusters that it names.
    pub(super) fn named(&self, is: impl Fn(&PlacementKey) -> bool) -> Vec<(PlacementKey, Box<[Arc<str>]>)> {
        let found = self.named.iter().filter(|(key, _)| is(key));
        found.map(|(key, names)| ((**key).clone(), names.clone())).collect()
    }

    /// The clusters that are named in a namespace.
    pub(super) fn in_namespace(&self, namespace: &str) -> BTreeSet<Arc<str>> {
        let first = PlacementKey {
            namespace: namespace.to_owned(),
            name: String::new(),
        };
        let inside = self
            .named
            .range(first..)
            .take_while(|(key, _)| key.namespace == namespace);
        inside.flat_map(|(_, names)| names.iter().cloned()).collect()
    }

    /// A Placement names these clusters now. Out: those that it named before or names now.
    pub(super) fn put<'a>(
        &mut self,
        key: &PlacementKey,
        clusters: impl IntoIterator<Item = &'a str>,
    ) -> BTreeSet<Arc<str>> {
        let now: BTreeSet<&str> = clusters.into_iter().collect();
        let before = self
            .named
            .get_key_value(key)
            .map(|(key, names)| (key.clone(), names.clone()));
        let (shared, names) = before.unwrap_or_else(|| (Arc::new(key.clone()), Box::default()));
        let mut concerned: BTreeSet<Arc<str>> = names.iter().cloned().collect();
        for gone in names.iter().filter(|name| !now.contains(&***name)) {
            if let Some(keys) = self.by_cluster.get_mut(gone) {
                keys.remove(key);
                if keys.is_empty() {
                    self.by_cluster.remove(gone);
                }
            }
        }
        let mut kept = Vec::with_capacity(now.len());
        for name in now {
            let name = self.interned(name);
            if !concerned.contains(&name) {
                self.by_cluster.entry(name.clone()).or_default().insert(shared.clone());
                concerned.insert(name.clone());
            }
            kept.push(name);
        }
        if kept.is_empty() {
            self.named.remove(key);
        } else {
            self.named.insert(shared, kept.into());
        }
        concerned
    }

    /// One text a name, whoever names it.
    fn interned(&self, name: &str) -> Arc<str> {
        let known = self.by_cluster.get_key_value(name);
        known.map_or_else(|| Arc::from(name), |(name, _)| name.clone())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(name: &str) -> PlacementKey {
        PlacementKey {
            namespace: "shop".to_owned(),
            name: name.to_owned(),
        }
    }

    fn names(found: impl IntoIterator<Item = Arc<str>>) -> Vec<String> {
        found.into_iter().map(|name| name.to_string()).collect()
    }

    #[test]
    fn whom_a_change_concerns() {
        let mut audience = Audience::default();
        assert_eq!(names(audience.put(&key("web"), ["eu-1", "us-1"])), ["eu-1", "us-1"]);
        let moved = audience.put(&key("web"), ["us-1", "ap-1"]);
        assert_eq!(names(moved), ["ap-1", "eu-1", "us-1"], "who had it, and who has it");
        assert_eq!(names(audience.of(&key("web")).to_vec()), ["ap-1", "us-1"]);
        assert_eq!(audience.placements("eu-1").count(), 0);
        assert_eq!(names(audience.in_namespace("shop")), ["ap-1", "us-1"]);
        assert!(audience.in_namespace("sho").is_empty() && audience.in_namespace("shops").is_empty());
        assert_eq!(names(audience.put(&key("web"), [])), ["ap-1", "us-1"]);
        assert!(
            audience.named.is_empty() && audience.by_cluster.is_empty(),
            "nothing is left behind"
        );
    }

    proptest! {
        /// Both directions say the same, whatever came before.
        #[test]
        fn both_sides_agree(steps in prop::collection::vec((0_u8..4, prop::collection::btree_set(0_u8..5, 0..5)), 0..24)) {
            let mut audience = Audience::default();
            let mut model: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for (placement, clusters) in steps {
                let clusters: Vec<String> = clusters.iter().map(|number| format!("c-{number}")).collect();
                let name = format!("p-{placement}");
                audience.put(&key(&name), clusters.iter().map(String::as_str));
                model.insert(name, clusters);
            }
            for (name, clusters) in &model {
                prop_assert_eq!(&names(audience.of(&key(name)).to_vec()), clusters);
            }
            for number in 0..5 {
                let cluster = format!("c-{number}");
                let told: Vec<String> = audience.placements(&cluster).map(|key| key.name.clone()).collect();
                let should: Vec<String> =
                    model.iter().filter(|(_, list)| list.contains(&cluster)).map(|(name, _)| name.clone()).collect();
                prop_assert_eq!(told, should);
            }
        }
    }
}
