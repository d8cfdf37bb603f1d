//! The fate of every cluster: those that hold the object, and why the others do not.
//! In: one fate a cluster, each once. Out: targets, and the excluded as a Placement lists them: all of them where they are few,
//! else the first of each reason and how many more there are, because a thousand sentences an object are read by nobody and would
//! be most of what the hub stores. What an object leaves is always listed. Absent: how fates are found (`decide`).

use std::collections::{BTreeMap, BTreeSet};

use api::placement::{ExcludedCluster, ExcludedMore, TargetCluster};
use api::{PlacementSpec, Reason};

/// How many clusters are listed a reason.
const LISTED: usize = 20;

/// The fate of every cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fates {
    chosen: Vec<TargetCluster>,
    out: BTreeMap<Reason, Out>,
    /// What held the object before.
    held: BTreeSet<String>,
    listed: usize,
}

/// Clusters that are out for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Out {
    /// Listed whatever happens.
    pinned: BTreeMap<String, String>,
    /// The first by name.
    first: BTreeMap<String, String>,
    count: usize,
}

impl Default for Fates {
    fn default() -> Self {
        Self {
            chosen: vec![],
            out: BTreeMap::new(),
            held: BTreeSet::new(),
            listed: LISTED,
        }
    }
}

impl Fates {
    /// No fates yet, of clusters some of which hold the object. `in_full` lists every one that is out.
    #[must_use]
    pub fn after(previous: Option<&PlacementSpec>, clusters: usize, in_full: bool) -> Self {
        let held = previous
            .map(|previous| previous.clusters.as_slice())
            .unwrap_or_default();
        let all_listed = in_full || clusters <= LISTED;
        Self {
            // Only where not all are listed does it matter who held it.
            held: if all_listed {
                BTreeSet::new()
            } else {
                held.iter().map(|target| target.name.clone()).collect()
            },
            listed: if all_listed { usize::MAX } else { LISTED },
            ..Self::default()
        }
    }

    /// The cluster holds the object.
    pub fn choose(&mut self, cluster: &str, replicas: Option<i64>) {
        self.chosen.push(TargetCluster {
            name: cluster.to_owned(),
            replicas,
            ..TargetCluster::default()
        });
    }

    /// The cluster does not hold it. The sentence is made only where it is listed.
    pub fn put_out(&mut self, cluster: &str, reason: Reason, message: impl FnOnce() -> String) {
        let out = self.out.entry(reason).or_default();
        out.count += 1;
        // What comes of these is told by who looks at the members' reports.
        let stays = matches!(
            reason,
            Reason::ClusterFailed | Reason::ClusterDrained | Reason::ClusterLeaving
        );
        if stays || self.held.contains(cluster) {
            out.pinned.insert(cluster.to_owned(), message());
        } else if out.first.len() < self.listed {
            out.first.insert(cluster.to_owned(), message());
        } else if out
            .first
            .last_key_value()
            .is_some_and(|(last, _)| cluster < last.as_str())
        {
            out.first.pop_last();
            out.first.insert(cluster.to_owned(), message());
        }
    }

    /// The cluster is out for that reason no more.
    pub fn take_back(&mut self, cluster: &str, reason: Reason) {
        if let Some(out) = self.out.get_mut(&reason) {
            out.pinned.remove(cluster);
            out.first.remove(cluster);
            out.count = out.count.saturating_sub(1);
        }
    }

    /// The clusters that hold it.
    #[must_use]
    pub fn chosen(&self) -> &[TargetCluster] {
        &self.chosen
    }

    /// How many are out, by reason.
    pub fn counts(&self) -> impl Iterator<Item = (Reason, usize)> {
        self.out.iter().map(|(reason, out)| (*reason, out.count))
    }

    /// Nobody has a fate any more.
    pub fn clear(&mut self) {
        self.chosen.clear();
        self.out.clear();
    }

    /// As a Placement carries them.
    pub(super) fn into_lists(mut self) -> (Vec<TargetCluster>, Vec<ExcludedCluster>, Vec<ExcludedMore>) {
        self.chosen.sort_by(|a, b| a.name.cmp(&b.name));
        let mut excluded = Vec::new();
        let mut more = Vec::new();
        for (reason, out) in self.out {
            let listed = out.pinned.len() + out.first.len();
            let rows = out.pinned.into_iter().chain(out.first);
            excluded.extend(rows.map(|(name, message)| ExcludedCluster { name, reason, message }));
            if let Ok(clusters @ 1..) = i64::try_from(out.count.saturating_sub(listed)) {
                more.push(ExcludedMore { reason, clusters });
            }
        }
        excluded.sort_by(|a, b| a.name.cmp(&b.name));
        (self.chosen, excluded, more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_that_are_out_are_counted() {
        let previous = PlacementSpec {
            clusters: vec![TargetCluster {
                name: "c-0900".into(),
                ..TargetCluster::default()
            }],
            ..PlacementSpec::default()
        };
        let all = |in_full, backwards| {
            let mut fates = Fates::after(Some(&previous), 1_000, in_full);
            for index in 0..1_000 {
                let index = if backwards { 999 - index } else { index };
                let name = format!("c-{index:04}");
                let reason = match index {
                    100..200 => Reason::ClusterFailed,
                    _ => Reason::AffinityMismatch,
                };
                fates.put_out(&name, reason, || "so it is".to_owned());
            }
            fates.into_lists()
        };
        let (chosen, excluded, more) = all(false, false);
        assert!(chosen.is_empty());
        assert_eq!(excluded.len(), LISTED + 1 + 100);
        assert_eq!((more.len(), more[0].clusters), (1, 900 - 21));
        assert!(
            excluded.iter().any(|out| out.name == "c-0900"),
            "what it leaves is listed"
        );
        assert_eq!(excluded[0].name, "c-0000");
        assert_eq!(all(false, true), (chosen, excluded, more), "order does not matter");
        let (_, excluded, more) = all(true, false);
        assert_eq!((excluded.len(), more.len()), (1_000, 0));
    }
}
