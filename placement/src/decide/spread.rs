//! Which of the fitting clusters lie within the policy's spread constraints: as many as the maxima allow, those that hold the
//! object first.
//! In: the rule, the clusters that fit. Out: those that stay, why the others do not, which constraints cannot be met. Absent:
//! the search itself (`spread/search.rs`), what becomes of replicas (`shares.rs`).

mod search;

use std::borrow::Cow;
use std::collections::BTreeMap;

use api::Cluster;
use api::placement::UnmetConstraint;
use api::policy::{SpreadConstraint, SpreadField};
use smallvec::{SmallVec, smallvec};

use super::candidate::Candidate;
use super::rule::{Manner, Rule};
use super::shares::{rank, weights_of};
use crate::inputs::Inputs;
use search::{Limit, Place, search};

/// The groups of a cluster in each dimension, by name.
type Named<'a> = SmallVec<[SmallVec<[&'a str; 2]>; 2]>;

/// What the constraints leave.
#[derive(Debug, Default)]
pub(super) struct Selection<'a> {
    /// Sorted as the candidates were.
    pub(super) chosen: Vec<Candidate<'a>>,
    /// Candidates that are not chosen, and why.
    pub(super) out: Vec<(Candidate<'a>, Cow<'static, str>)>,
    /// Constraints that cannot be met; then nothing of the selection counts.
    pub(super) unmet: Vec<UnmetConstraint>,
    /// How it was found.
    pub(super) steps: Vec<String>,
}

/// Selects among the candidates; none where no constraint says anything.
pub(super) fn select<'a>(inputs: &Inputs<'_>, rule: &Rule<'_>, candidates: &[Candidate<'a>]) -> Option<Selection<'a>> {
    let constraints = rule.spread();
    if constraints.is_empty() {
        return None;
    }
    let divided = match rule.how() {
        Manner::Divided(_) | Manner::Available { .. } | Manner::PlannedV1(_) => inputs.object.replicas.is_some(),
        Manner::Duplicated => false,
        Manner::One | Manner::Follows(_) => return None,
    };
    let mut selection = Selection::default();
    let wanted = inputs.object.replicas.filter(|wanted| divided && *wanted > 0);
    // Replicas are whole: fewer of them than groups are in as many groups as there are replicas.
    let most = wanted.map_or(usize::MAX, |wanted| usize::try_from(wanted).unwrap_or(usize::MAX));
    let dimensions: Vec<&SpreadConstraint> = constraints.iter().filter(|one| !is_cluster(one)).collect();
    let clusters = constraints.iter().find(|one| is_cluster(one));
    let mut limit = |constraint: &SpreadConstraint| {
        let count = |number: Option<i64>| number.and_then(|number| usize::try_from(number).ok());
        let (min, max) = (count(constraint.min_groups).unwrap_or(1), count(constraint.max_groups));
        if min > most {
            selection.steps.push(format!(
                "{most} replicas cannot be in {min} groups of {}: {most} are enough.",
                constraint.name()
            ));
        }
        let max = max.filter(|max| *max > 0).unwrap_or(usize::MAX);
        Limit {
            min: min.min(most),
            max,
        }
    };
    let limits: Vec<Limit> = dimensions.iter().map(|one| limit(one)).collect();
    let by_number = clusters.map_or(
        Limit {
            min: 0,
            max: usize::MAX,
        },
        &mut limit,
    );
    let bounded = Limit {
        min: by_number.min,
        max: by_number.max.min(most),
    };

    let weights = weights_of(rule, candidates);
    let mut places: Vec<(Candidate<'a>, Named<'a>)> = Vec::new();
    for (candidate, weight) in candidates.iter().zip(weights) {
        let groups: Named<'a> = dimensions.iter().map(|one| groups_of(one, candidate.cluster)).collect();
        let nowhere = dimensions.iter().zip(&groups).find(|(_, groups)| groups.is_empty());
        if let Some((constraint, _)) = nowhere {
            let message = format!("the policy spreads by {}, and it has none", constraint.name());
            selection.out.push((*candidate, message.into()));
        } else if divided && weight == 0 {
            selection.out.push((*candidate, "the policy gives it no weight".into()));
        } else {
            places.push((*candidate, groups));
        }
    }
    let resource = &inputs.object.resource;
    places.sort_by_cached_key(|(candidate, _)| {
        (
            candidate.held().is_none(),
            std::cmp::Reverse(candidate.held()),
            !candidate.grows,
            rank(candidate.name(), &resource.namespace, &resource.name),
            candidate.name(),
        )
    });
    let numbered = numbered(&places, dimensions.len());
    let found = search(&numbered, &limits, bounded);
    for (constraint, (limit, reached)) in dimensions.iter().zip(limits.iter().zip(&found.reached)) {
        note_unmet(&mut selection.unmet, &constraint.name(), limit.min, *reached);
    }
    let count = found.chosen.iter().filter(|chosen| **chosen).count();
    note_unmet(&mut selection.unmet, "cluster", bounded.min, count);
    let listed: Vec<String> = dimensions
        .iter()
        .zip(&found.reached)
        .map(|(constraint, reached)| format!("{reached} groups of {}", constraint.name()))
        .chain([format!("{count} of {} clusters", candidates.len())])
        .collect();
    selection
        .steps
        .push(format!("The spread constraints reach {}.", listed.join(", ")));
    for ((candidate, _), chosen) in places.into_iter().zip(found.chosen) {
        if chosen {
            selection.chosen.push(candidate);
        } else {
            let message = "the policy's spread constraints leave room for others only";
            selection.out.push((candidate, message.into()));
        }
    }
    selection.chosen.sort_by_key(Candidate::name);
    Some(selection)
}

/// `region: 2 of at least 3 groups`, for each constraint that cannot be met.
pub(super) fn described(unmet: &[UnmetConstraint]) -> String {
    let one = |unmet: &UnmetConstraint| {
        format!(
            "{}: {} of at least {} groups",
            unmet.constraint, unmet.found, unmet.wanted
        )
    };
    unmet.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn note_unmet(unmet: &mut Vec<UnmetConstraint>, constraint: &str, min: usize, reached: usize) {
    if reached < min {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        unmet.push(UnmetConstraint {
            constraint: constraint.to_owned(),
            wanted: number(min),
            found: number(reached),
        });
    }
}

fn is_cluster(constraint: &SpreadConstraint) -> bool {
    constraint.spread_by_field == Some(SpreadField::Cluster)
}

/// The groups that a cluster is in, each once.
fn groups_of<'a>(constraint: &SpreadConstraint, cluster: &'a Cluster) -> SmallVec<[&'a str; 2]> {
    let spec = &cluster.spec;
    let mut groups: SmallVec<[&str; 2]> = match constraint.spread_by_field {
        Some(SpreadField::Cluster) => smallvec![cluster.metadata.name()],
        Some(SpreadField::Region) => spec.region.as_deref().into_iter().collect(),
        Some(SpreadField::Provider) => spec.provider.as_deref().into_iter().collect(),
        Some(SpreadField::Zone) => spec.zones.iter().map(String::as_str).collect(),
        None => {
            let value = cluster.metadata.labels.get(&constraint.spread_by_label);
            value.map(String::as_str).into_iter().collect()
        }
    };
    groups.retain(|group| !group.is_empty());
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// The places with numbers for the names of their groups.
fn numbered<'a>(places: &[(Candidate<'a>, Named<'a>)], dimensions: usize) -> Vec<Place> {
    let mut numbers: Vec<BTreeMap<&'a str, usize>> = vec![BTreeMap::new(); dimensions];
    let rows = places.iter().map(|(candidate, groups)| {
        let groups = numbers.iter_mut().zip(groups).map(|(numbers, groups)| {
            let number = |group: &&'a str| {
                let next = numbers.len();
                *numbers.entry(group).or_insert(next)
            };
            groups.iter().map(number).collect()
        });
        Place {
            groups: groups.collect(),
            held: candidate.held().is_some(),
        }
    });
    rows.collect()
}
