//! Which clusters a cluster affinity means, and why it does not mean another.
//! In: an affinity and one cluster. Out: nothing, or which part fails, which says itself as a sentence. Absent: taints and health
//! (`decide/filter.rs`).

use std::fmt;

use api::Cluster;
use api::policy::ClusterAffinity;
use api::selector::{Operator, Requirement};

/// How many names of clusters a sentence holds.
const NAMED: usize = 10;

/// Why an affinity does not match a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch<'a> {
    /// It is excluded by name.
    Excluded,
    /// It is not among those that are named.
    NotNamed(&'a [String]),
    /// Its labels.
    Labels,
    /// One of its fields.
    Field(&'a Requirement),
}

impl fmt::Display for Mismatch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Excluded => f.write_str("the policy excludes it by name"),
            Self::NotNamed(names) => {
                let listed = names.get(..NAMED).unwrap_or(names);
                write!(f, "the policy names only {}", listed.join(", "))?;
                match names.len() - listed.len() {
                    0 => Ok(()),
                    more => write!(f, " and {more} others"),
                }
            }
            Self::Labels => f.write_str("its labels do not match the policy's label selector"),
            Self::Field(wanted) => {
                let values = wanted.values.join(", ");
                write!(
                    f,
                    "its {} does not satisfy {:?} [{values}]",
                    wanted.key, wanted.operator
                )
            }
        }
    }
}

/// Why the affinity does not match the cluster; none where it does. Exclusion is tested first.
#[must_use]
pub fn mismatch<'a>(affinity: &'a ClusterAffinity, cluster: &Cluster) -> Option<Mismatch<'a>> {
    let name = cluster.metadata.name();
    if affinity.exclude_clusters.iter().any(|excluded| excluded == name) {
        return Some(Mismatch::Excluded);
    }
    if !affinity.cluster_names.is_empty() && !affinity.cluster_names.iter().any(|wanted| wanted == name) {
        return Some(Mismatch::NotNamed(&affinity.cluster_names));
    }
    if let Some(selector) = &affinity.label_selector
        && !selector.matches(&cluster.metadata.labels)
    {
        return Some(Mismatch::Labels);
    }
    let fields = affinity
        .field_selector
        .iter()
        .flat_map(|fields| &fields.match_expressions);
    fields
        .map(|wanted| (wanted, field_matches(wanted, cluster)))
        .find_map(|(wanted, matches)| (!matches).then_some(Mismatch::Field(wanted)))
}

/// Zones are many: `In` is any overlap, `NotIn` none. An unknown field matches nothing, so that a typing error places
/// nowhere new instead of everywhere.
fn field_matches(wanted: &Requirement, cluster: &Cluster) -> bool {
    match wanted.key.as_str() {
        "provider" => wanted.matches(cluster.spec.provider.as_ref()),
        "region" => wanted.matches(cluster.spec.region.as_ref()),
        "zone" => {
            let zones = &cluster.spec.zones;
            let overlap = zones.iter().any(|zone| wanted.values.contains(zone));
            match wanted.operator {
                Operator::In => overlap,
                Operator::NotIn => !overlap,
                Operator::Exists => !zones.is_empty(),
                Operator::DoesNotExist => zones.is_empty(),
            }
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use api::policy::FieldSelector;

    use super::*;

    fn cluster() -> Cluster {
        let mut cluster = Cluster::default();
        cluster.metadata.name = Some("eu-1".into());
        cluster.metadata.labels.insert("tier".into(), "gold".into());
        cluster.spec.region = Some("eu-west".into());
        cluster.spec.zones = vec!["a".into(), "b".into()];
        cluster
    }

    fn field(key: &str, operator: Operator, values: &[&str]) -> ClusterAffinity {
        let values = values.iter().map(|v| (*v).to_owned()).collect();
        ClusterAffinity {
            field_selector: Some(FieldSelector {
                match_expressions: vec![Requirement {
                    key: key.into(),
                    operator,
                    values,
                }],
            }),
            ..ClusterAffinity::default()
        }
    }

    #[test]
    fn every_part_must_hold() {
        let named = |names: &[&str], excluded: &[&str]| ClusterAffinity {
            cluster_names: names.iter().map(|v| (*v).to_owned()).collect(),
            exclude_clusters: excluded.iter().map(|v| (*v).to_owned()).collect(),
            ..ClusterAffinity::default()
        };
        let rows = [
            ("empty", ClusterAffinity::default(), true),
            ("named", named(&["us-1", "eu-1"], &[]), true),
            ("not named", named(&["us-1"], &[]), false),
            ("excluded although named", named(&["eu-1"], &["eu-1"]), false),
            ("region in", field("region", Operator::In, &["eu-west"]), true),
            ("region not in", field("region", Operator::NotIn, &["eu-west"]), false),
            ("zone overlap", field("zone", Operator::In, &["b", "c"]), true),
            ("zone no overlap", field("zone", Operator::In, &["c"]), false),
            ("zone not in", field("zone", Operator::NotIn, &["a"]), false),
            ("no provider", field("provider", Operator::Exists, &[]), false),
            ("unknown field", field("continent", Operator::NotIn, &["x"]), false),
        ];
        for (what, affinity, expected) in rows {
            assert_eq!(mismatch(&affinity, &cluster()).is_none(), expected, "{what}");
        }
    }
}
