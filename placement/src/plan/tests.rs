//! A plan that was carried out leaves nothing to plan.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn cluster(name: &str) -> Cluster {
    serde_json::from_value(json!({"metadata": {"name": name}, "spec": {"region": name},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]}}))
    .unwrap()
}

fn put(world: &mut World, object: Value) {
    let facts = FederatedObject::from_value(&object).unwrap();
    world.objects.insert(facts.resource.placement_key(), object);
}

fn world(replicas: i64, clusters: &[&str]) -> World {
    let mut world = World {
        clusters: clusters.iter().map(|name| cluster(name)).collect(),
        ..World::default()
    };
    let meta = |name: &str| json!({"name": name, "namespace": "shop"});
    put(
        &mut world,
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}),
    );
    put(
        &mut world,
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta("web"), "spec": {"replicas": replicas,
            "template": {"spec": {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "files"}}]}}}}),
    );
    put(
        &mut world,
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta("files"), "spec": {}}),
    );
    world
}

fn deeds(plans: &[ObjectPlan]) -> Vec<String> {
    let one = |plan: &ObjectPlan| {
        let kind = plan.resource.kind.clone();
        let shown = |at: &ClusterPlan| {
            let text = |share: &Option<String>| share.clone().unwrap_or_default();
            format!(
                "{kind} {} {:?} {}>{}",
                at.cluster,
                at.deed,
                text(&at.before),
                text(&at.after)
            )
        };
        plan.clusters.iter().map(shown).collect::<Vec<_>>()
    };
    plans.iter().filter(|plan| plan.changes()).flat_map(one).collect()
}

#[test]
fn creates_changes_and_deletes() {
    let mut now = world(4, &["a", "b"]);
    now.placements = settle(&now);
    let mut then = now.clone();
    put(
        &mut then,
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"replicas": 6, "template": {"spec": {}}}}),
    );
    assert_eq!(
        deeds(&compare(&now, &then)),
        ["Deployment a Change 2>3", "Deployment b Change 2>3"],
        "the claim stays"
    );
    then.clusters.push(cluster("c"));
    let made = deeds(&compare(&now, &then));
    assert!(made.contains(&"Deployment c Create >2".to_owned()), "{made:?}");
    assert!(made.contains(&"Namespace c Create >".to_owned()), "{made:?}");
    then.clusters[0].metadata.deletion_timestamp = Some("now".into());
    let made = deeds(&compare(&now, &then));
    assert!(
        made.contains(&"PersistentVolumeClaim a Delete >".to_owned()),
        "{made:?}"
    );
    let gone = World {
        objects: BTreeMap::new(),
        ..now.clone()
    };
    assert!(
        compare(&now, &gone)
            .iter()
            .all(|plan| plan.clusters.iter().all(|at| at.deed == Deed::Delete))
    );
}

proptest! {
    #[test]
    fn what_was_carried_out_is_no_plan(
        before in 0_i64..20, after in 0_i64..20, held in 1_usize..4, joined in 0_usize..3,
    ) {
        let names = ["a", "b", "c", "d", "e", "f"];
        let mut now = world(before, &names[..held]);
        now.placements = settle(&now);
        prop_assert!(deeds(&compare(&now, &now)).is_empty(), "nothing is thought, nothing is planned");
        let mut then = world(after, &names[..held + joined]);
        then.placements = now.placements.clone();
        let planned: BTreeMap<PlacementKey, PlacementSpec> =
            compare(&now, &then).into_iter().map(|plan| (plan.resource.placement_key(), plan.placement)).collect();
        prop_assert_eq!(&planned, &settle(&then));
        then.placements = planned;
        let left = deeds(&compare(&then, &then));
        prop_assert!(left.is_empty(), "{:?}", left);
    }
}
