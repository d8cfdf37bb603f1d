//! Which clusters get a new version together, and in which order. In: what the policy says, where the object is to be. Out: waves, none of
//! them empty; every cluster is in one.

use std::collections::{BTreeMap, BTreeSet};

use api::policy::SpreadField;
use api::rollout::Rollout;
use api::{Cluster, PlacementSpec};

use crate::affinity;

/// The wave of the clusters that no other means. No wave of a policy is called so: names of those have no blanks.
const REST: &str = "the rest";

/// Clusters that get a new version together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wave<'a> {
    pub(super) name: String,
    pub(super) soak_seconds: i64,
    pub(super) clusters: BTreeSet<&'a str>,
}

/// The waves, in order.
pub(super) fn of<'a>(rule: &Rollout, spec: &PlacementSpec, clusters: &'a [Cluster]) -> Vec<Wave<'a>> {
    let targets: BTreeSet<&str> = spec.clusters.iter().map(|target| target.name.as_str()).collect();
    let soak = rule.soak_seconds.unwrap_or_default();
    let mut waves: Vec<Wave<'a>> = rule
        .waves
        .iter()
        .map(|wave| Wave {
            name: wave.name.clone(),
            soak_seconds: wave.soak_seconds.unwrap_or(soak),
            clusters: BTreeSet::new(),
        })
        .collect();
    let mut others: BTreeMap<String, BTreeSet<&'a str>> = BTreeMap::new();
    for cluster in clusters.iter().filter(|one| targets.contains(one.metadata.name())) {
        let name = cluster.metadata.name();
        let mut named = rule.waves.iter().zip(&mut waves);
        match named.find(|(wave, _)| affinity::mismatch(&wave.clusters, cluster).is_none()) {
            Some((_, wave)) => wave.clusters.insert(name),
            None => others.entry(other(rule.each, cluster)).or_default().insert(name),
        };
    }
    waves.extend(others.into_iter().map(|(name, clusters)| Wave {
        name,
        soak_seconds: soak,
        clusters,
    }));
    waves.retain(|wave| !wave.clusters.is_empty());
    waves
}

/// The wave of a cluster that no wave of the policy means.
fn other(each: Option<SpreadField>, cluster: &Cluster) -> String {
    let spec = &cluster.spec;
    let Some(each) = each else {
        return REST.to_owned();
    };
    let value = match each {
        SpreadField::Cluster => Some(cluster.metadata.name()),
        SpreadField::Region => spec.region.as_deref(),
        SpreadField::Zone => spec.zones.first().map(String::as_str),
        SpreadField::Provider => spec.provider.as_deref(),
    };
    match value.filter(|value| !value.is_empty()) {
        Some(value) => format!("{} {value}", each.as_str()),
        None => REST.to_owned(),
    }
}
