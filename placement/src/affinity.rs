//! Which clusters a cluster affinity means, and why it does not mean another.
//! In: an affinity and one cluster. Out: nothing, or the sentence that says which part fails. Absent: taints and health
//! (`decide/filter.rs`).

use api::Cluster;
use api::policy::ClusterAffinity;
use api::selector::{Operator, Requirement};

/// Why the affinity does not match the cluster; none where it does. Exclusion is tested first.
#[must_use]
pub fn mismatch(affinity: &ClusterAffinity, cluster: &Cluster) -> Option<String> {
    let name = cluster.metadata.name();
    if affinity.exclude_clusters.iter().any(|excluded| excluded == name) {
        return Some("the policy excludes it by name".to_owned());
    }
    if !affinity.cluster_names.is_empty() && !affinity.cluster_names.iter().any(|wanted| wanted == name) {
        return Some(format!("the policy names only {}", affinity.cluster_names.join(", ")));
    }
    if let Some(selector) = &affinity.label_selector
        && !selector.matches(&cluster.metadata.labels)
    {
        return Some("its labels do not match the policy's label selector".to_owned());
    }
    affinity
        .field_selector
        .iter()
        .flat_map(|fields| &fields.match_expressions)
        .find_map(|wanted| {
            (!field_matches(wanted, cluster)).then(|| {
                format!(
                    "its {} does not satisfy {:?} [{}]",
                    wanted.key,
                    wanted.operator,
                    wanted.values.join(", ")
                )
            })
        })
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
