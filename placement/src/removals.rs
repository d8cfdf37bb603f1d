//! How much may go from one member before somebody has to say that it is meant.
//!
//! In: how many objects a member holds and how many of them are to go, and what its Cluster says. Out: whether they wait. Absent: what
//! is counted over which time, and holding anything back (the manifest streams of the API server do).

use api::well_known::REMOVALS_CONFIRMED_ANNOTATION;
use api::{Cluster, PlacementSpec, Reason};
use jiff::Timestamp;

/// The share of a member's objects that may go at once, and how many may in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemovalGuard {
    /// In hundredths of what the member holds; 100 lets everything go.
    pub share_percent: u8,
    /// Fewer than this many are never too many.
    pub at_least: usize,
}

impl Default for RemovalGuard {
    fn default() -> Self {
        Self {
            share_percent: 30,
            // What one team has in one namespace goes as in any cluster.
            at_least: 50,
        }
    }
}

impl RemovalGuard {
    /// Whether `going` objects of the `held` ones that a member has, those among them, are too many.
    #[must_use]
    pub fn stops(&self, held: usize, going: usize) -> bool {
        self.share_percent < 100
            && going >= self.at_least.max(1)
            && going.saturating_mul(100) > held.saturating_mul(usize::from(self.share_percent))
    }
}

/// Until when an operator lets things go from a cluster however many they are; none where nobody does.
#[must_use]
pub fn confirmed_until(cluster: &Cluster) -> Option<Timestamp> {
    let said = cluster.metadata.annotations.get(REMOVALS_CONFIRMED_ANNOTATION)?;
    said.trim().parse().ok()
}

/// Whether nothing is to be counted of a cluster now: it leaves, which was confirmed as such, or somebody confirmed the rest.
#[must_use]
pub fn is_confirmed(cluster: &Cluster, now: Timestamp) -> bool {
    cluster.metadata.deletion_timestamp.is_some() || confirmed_until(cluster).is_some_and(|until| now < until)
}

/// Whether an object leaves a cluster for a reason that asks nobody: the cluster failed and it runs elsewhere, or an operator
/// drains or removes that very cluster. Two copies of what must run once would be worse than one removal too many.
#[must_use]
pub fn is_move(spec: &PlacementSpec, cluster: &Cluster) -> bool {
    let asked = |reason| {
        matches!(
            reason,
            Reason::ClusterFailed | Reason::ClusterDrained | Reason::ClusterLeaving
        )
    };
    let named = spec.excluded.iter().find(|out| out.name == cluster.metadata.name());
    let moves = match named {
        Some(out) => asked(out.reason),
        // One of those that are counted and not named.
        None => {
            let gone = cluster.failed().is_some() || cluster.drained().is_some();
            gone && spec.excluded_more.iter().any(|more| asked(more.reason))
        }
    };
    moves && !spec.deleted
}

#[cfg(test)]
mod tests {
    use api::Taint;
    use api::cluster::TaintEffect;
    use api::placement::{ExcludedCluster, ExcludedMore};
    use api::well_known::DRAIN_TAINT;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn few_may_always_go_and_a_share_of_many() {
        let guard = RemovalGuard::default();
        // held, going | stopped
        for (held, going, stopped) in [
            (49, 49, false),
            (50, 50, true),
            (166, 49, false),
            (166, 50, true),
            (167, 50, false),
            (1000, 300, false),
            (1000, 301, true),
            (0, 0, false),
        ] {
            assert_eq!(guard.stops(held, going), stopped, "{held} {going}");
        }
        let open = RemovalGuard {
            share_percent: 100,
            at_least: 0,
        };
        assert!(!open.stops(50, 50));
        let strict = RemovalGuard {
            share_percent: 0,
            at_least: 0,
        };
        assert!(strict.stops(50, 1) && !strict.stops(50, 0));
    }

    #[test]
    fn a_confirmation_is_for_a_time() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut cluster = Cluster::default();
        assert!(!is_confirmed(&cluster, at("2026-11-28T10:00:00Z")));
        let mut say = |text: &str| {
            cluster
                .metadata
                .annotations
                .insert(REMOVALS_CONFIRMED_ANNOTATION.to_owned(), text.to_owned());
            [
                is_confirmed(&cluster, at("2026-11-28T10:00:00Z")),
                is_confirmed(&cluster, at("2026-11-28T10:10:00Z")),
            ]
        };
        assert_eq!(say("2026-11-28T10:05:00Z"), [true, false]);
        assert_eq!(say("yes"), [false, false], "nonsense confirms nothing");
        cluster.metadata.deletion_timestamp = Some("2026-11-28T09:00:00Z".to_owned());
        assert!(is_confirmed(&cluster, at("2026-11-28T10:00:00Z")), "it leaves");
    }

    #[test]
    fn moves_ask_nobody() {
        let mut spec = PlacementSpec {
            excluded: [("us-1", Reason::ClusterFailed), ("eu-1", Reason::AffinityMismatch)]
                .map(|(name, reason)| ExcludedCluster {
                    name: name.to_owned(),
                    reason,
                    message: String::new(),
                })
                .to_vec(),
            ..PlacementSpec::default()
        };
        let cluster = |name: &str, drained: bool| {
            let mut cluster = Cluster::default();
            cluster.metadata.name = Some(name.to_owned());
            if drained {
                cluster.spec.taints.push(Taint {
                    key: DRAIN_TAINT.to_owned(),
                    effect: TaintEffect::NoExecute,
                    value: String::new(),
                    time_added: None,
                });
            }
            cluster
        };
        let moves = |spec: &PlacementSpec, name: &str, drained: bool| is_move(spec, &cluster(name, drained));
        assert!(moves(&spec, "us-1", false) && !moves(&spec, "eu-1", true) && !moves(&spec, "ap-1", true));
        spec.excluded_more = vec![ExcludedMore {
            reason: Reason::ClusterDrained,
            clusters: 3,
        }];
        assert!(
            moves(&spec, "ap-1", true),
            "one of those that are counted and not named"
        );
        assert!(!moves(&spec, "ap-1", false) && !moves(&spec, "eu-1", true));
        spec.deleted = true;
        assert!(!moves(&spec, "us-1", false), "what was deleted did not move");
    }

    proptest! {
        /// What is stopped stays so when more is to go, and when less is held.
        #[test]
        fn more_is_never_less(share_percent in 0_u8..=100, at_least in 0_usize..20, held in 0_usize..500, going in 0_usize..500) {
            let guard = RemovalGuard { share_percent, at_least };
            if guard.stops(held, going) {
                prop_assert!(guard.stops(held, going + 1));
                prop_assert!(guard.stops(held.saturating_sub(1), going));
            }
        }
    }
}
