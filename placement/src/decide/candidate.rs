//! The clusters that fit one object, with what was planned for each. Absent: why the others do not (`filter.rs`).

use api::placement::TargetCluster;
use api::{Cluster, ConditionStatus, PlacementSpec};

use super::filter::{self, Verdict, Why};
use super::rule::Rule;
use crate::inputs::Inputs;

/// A cluster that fits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<'a> {
    pub(super) cluster: &'a Cluster,
    /// What was planned for it; none where it does not hold the object.
    target: Option<&'a TargetCluster>,
    /// It may get more than it has.
    pub(super) grows: bool,
}

impl<'a> Candidate<'a> {
    pub(super) fn name(&self) -> &'a str {
        self.cluster.metadata.name()
    }

    /// Its API answers.
    pub(super) fn is_reachable(&self) -> bool {
        self.cluster.manageable() == ConditionStatus::True
    }

    /// The replicas that were planned for it; none where it does not hold the object.
    pub(super) fn held(&self) -> Option<i64> {
        self.target.map(|target| target.replicas.unwrap_or_default())
    }

    /// The same less what stays there only until a move is done.
    pub(super) fn aimed(&self) -> Option<i64> {
        let target = self.target?;
        Some(
            target
                .replicas
                .unwrap_or_default()
                .saturating_sub(target.leaving_replicas),
        )
    }
}

/// What was planned, looked up by cluster. Decisions are sorted by name, and clusters are mostly asked for in that order; whatever
/// else somebody wrote is looked through.
pub(super) struct Standing<'a> {
    targets: &'a [TargetCluster],
    sorted: bool,
    next: usize,
}

impl<'a> Standing<'a> {
    pub(super) fn of(previous: Option<&'a PlacementSpec>) -> Self {
        let targets = previous
            .map(|previous| previous.clusters.as_slice())
            .unwrap_or_default();
        Self {
            targets,
            sorted: targets.is_sorted_by(|a, b| a.name < b.name),
            next: 0,
        }
    }

    /// What was planned for a cluster; none where it did not hold the object.
    pub(super) fn find(&mut self, cluster: &str) -> Option<&'a TargetCluster> {
        if !self.sorted {
            return self.targets.iter().find(|target| target.name == cluster);
        }
        let before = |at: usize| {
            self.targets
                .get(at)
                .is_some_and(|target| target.name.as_str() < cluster)
        };
        let here = !before(self.next) && self.next.checked_sub(1).is_none_or(before);
        if !here {
            self.next = self.targets.partition_point(|target| target.name.as_str() < cluster);
        }
        let found = self.targets.get(self.next).filter(|target| target.name == cluster);
        self.next += usize::from(found.is_some());
        found
    }
}

/// The clusters that fit, sorted by name; the others are told.
pub(super) fn fitting<'a>(
    inputs: &Inputs<'a>,
    rule: &Rule<'a>,
    mut out: impl FnMut(&'a Cluster, Why<'a>),
) -> Vec<Candidate<'a>> {
    let mut candidates = Vec::new();
    let mut standing = Standing::of(inputs.previous);
    for cluster in inputs.clusters {
        let target = standing.find(cluster.metadata.name());
        match filter::judge(inputs, rule, cluster, target.is_some()) {
            Verdict::Fits => candidates.push(Candidate {
                cluster,
                target,
                grows: filter::may_grow(rule, cluster, inputs.now),
            }),
            Verdict::Out(why) => out(cluster, why),
        }
    }
    candidates.sort_by_key(Candidate::name);
    candidates
}

/// The clusters of these names, whether or not they fit, sorted by name.
pub(super) fn named<'a>(inputs: &Inputs<'a>, rule: &Rule<'a>, is_wanted: impl Fn(&str) -> bool) -> Vec<Candidate<'a>> {
    let mut standing = Standing::of(inputs.previous);
    let wanted = inputs.clusters.iter().filter(|one| is_wanted(one.metadata.name()));
    let mut found: Vec<Candidate<'a>> = wanted
        .map(|cluster| Candidate {
            cluster,
            target: standing.find(cluster.metadata.name()),
            grows: filter::may_grow(rule, cluster, inputs.now),
        })
        .collect();
    found.sort_by_key(Candidate::name);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_planned_is_found_in_any_order() {
        let spec = |names: &[&str]| PlacementSpec {
            clusters: names
                .iter()
                .map(|name| TargetCluster {
                    name: (*name).to_owned(),
                    ..TargetCluster::default()
                })
                .collect(),
            ..PlacementSpec::default()
        };
        for names in [&["b", "d", "e"][..], &["e", "b", "d"], &[]] {
            let spec = spec(names);
            for asked in ["abcdef", "fedcba", "bbdaec", "eeb"] {
                let mut standing = Standing::of(Some(&spec));
                for cluster in asked.chars().map(String::from) {
                    let found = standing.find(&cluster).map(|target| target.name.clone());
                    let expected = names.contains(&cluster.as_str()).then(|| cluster.clone());
                    assert_eq!(found, expected, "{cluster} of {asked} in {names:?}");
                }
            }
        }
    }
}
