//! Where a namespace must exist: wherever something in it is placed, or may still be.
//! In: the namespace, the Placements in it, the clusters. Out: a [`Decision`]. It does not shrink before the last row of an
//! object in it is gone from the cluster: a namespace that goes takes its contents along. Absent: policies.

use std::collections::BTreeSet;

use api::{Cluster, Placement, Reason};

use crate::decision::{Decision, Fates};
use crate::inputs::FederatedObject;

/// Decides where the namespace must exist. `inside` is every Placement of an object in it.
pub fn decide<'a>(
    namespace: &FederatedObject,
    inside: impl IntoIterator<Item = &'a Placement>,
    clusters: &[Cluster],
) -> Decision {
    let mut objects = 0_usize;
    let mut chosen: BTreeSet<&str> = BTreeSet::new();
    for placement in inside {
        objects += 1;
        let planned = placement.spec.clusters.iter().map(|target| target.name.as_str());
        let held = placement.status.clusters.iter().map(|row| row.name.as_str());
        chosen.extend(planned.chain(held));
    }
    let mut decision = Decision {
        resource: namespace.resource.clone(),
        generation: namespace.generation,
        fates: Fates::after(None, clusters.len(), false),
        ..Decision::default()
    };
    for name in &chosen {
        decision.fates.choose(name, None);
    }
    let others = clusters
        .iter()
        .filter(|cluster| !chosen.contains(cluster.metadata.name()));
    for cluster in others {
        let (reason, message) = if cluster.metadata.deletion_timestamp.is_some() {
            (Reason::ClusterLeaving, "it is being removed from the federation")
        } else {
            (Reason::NotSelected, "nothing of the namespace is placed there")
        };
        decision
            .fates
            .put_out(cluster.metadata.name(), reason, || message.to_owned());
    }
    let chosen = chosen.len();
    decision.steps.push(format!(
        "{objects} objects of the namespace are placed in {chosen} clusters."
    ));
    decision.reason = "A namespace exists wherever something in it is placed.".to_owned();
    decision
}

#[cfg(test)]
mod tests {
    use api::placement::{PlacedCluster, TargetCluster};

    use super::*;

    fn inside(planned: &[&str], held: &[&str]) -> Placement {
        let mut placement = Placement::default();
        placement.spec.clusters = planned
            .iter()
            .map(|name| TargetCluster {
                name: (*name).into(),
                replicas: None,
                bounds: None,
                ..Default::default()
            })
            .collect();
        placement.status.clusters = held
            .iter()
            .map(|name| PlacedCluster {
                name: (*name).into(),
                ..PlacedCluster::default()
            })
            .collect();
        placement
    }

    #[test]
    fn the_union_of_what_is_inside_and_what_may_still_be() {
        let cluster = |name: &str| {
            let mut cluster = Cluster::default();
            cluster.metadata.name = Some(name.into());
            cluster
        };
        let clusters = [cluster("a"), cluster("b"), cluster("c"), cluster("d")];
        let placements = [inside(&["a"], &["a"]), inside(&["b"], &[]), inside(&[], &["c"])];
        let spec = decide(&FederatedObject::default(), &placements, &clusters).into_spec();
        let chosen: Vec<&str> = spec.clusters.iter().map(|target| target.name.as_str()).collect();
        assert_eq!(chosen, ["a", "b", "c"]);
        assert_eq!(spec.excluded[0].reason, Reason::NotSelected);
        assert!(
            decide(&FederatedObject::default(), [], &clusters)
                .into_spec()
                .clusters
                .is_empty()
        );
    }
}
