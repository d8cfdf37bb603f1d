//! Divisions by room, in whole decisions.

use proptest::prelude::*;

use super::*;

/// `eu-1:8` has room for 8 pods, `eu-1` is not known to have any.
fn members(text: &str) -> Vec<Cluster> {
    let plain: Vec<&str> = text
        .split_whitespace()
        .map(|word| word.split(':').next().unwrap())
        .collect();
    let mut all = clusters(&plain.join(" "));
    for (cluster, word) in all.iter_mut().zip(text.split_whitespace()) {
        if let Some((_, room)) = word.split_once(':') {
            cluster.status.capacity = Some(
                serde_json::from_value(json!({"groups": [{"nodes": 1, "allocatable": {}, "requested": {},
                    "free": [{"nodes": 1, "resources": {"cpu": room, "pods": "110"}}]}]}))
                .unwrap(),
            );
        }
    }
    all
}

fn web(replicas: i64, rebalance: &str) -> FederatedObject {
    let container = json!({"name": "a", "resources": {"requests": {"cpu": "1"}}});
    let mut object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"replicas": replicas, "template": {"spec": {"containers": [container]}}}});
    if !rebalance.is_empty() {
        object["metadata"]["annotations"] = json!({api::well_known::REBALANCE_ANNOTATION: rebalance});
    }
    FederatedObject::from_value(&object).unwrap()
}

fn dynamic() -> Value {
    json!({"replicaScheduling": {"replicaDivisionPreference": "Weighted",
        "weightPreference": {"dynamicWeight": "AvailableReplicas"}}})
}

fn aggregated() -> Value {
    json!({"replicaScheduling": {"replicaDivisionPreference": "Aggregated"}})
}

fn decided(object: &FederatedObject, placement: &Value, all: &str, previous: Option<&PlacementSpec>) -> PlacementSpec {
    decide(&Inputs {
        object,
        policies: &[policy(placement.clone())],
        clusters: &members(all),
        previous,
        now: Timestamp::UNIX_EPOCH,
        leaders: &[],
        ailing: &[],
        autoscaler: None,
    })
    .into_spec()
}

#[test]
fn by_what_is_available() {
    let rows = [
        ("in proportion", dynamic(), "eu:20 us:10", "", "eu=6 us=3 |", 0),
        (
            "unknown is not none",
            dynamic(),
            "eu us:0",
            "",
            "eu=9 | us:NoReplicas",
            0,
        ),
        ("none known", dynamic(), "ap eu us", "", "ap=3 eu=3 us=3 |", 0),
        ("shortage", dynamic(), "ap:0 eu:2 us:3", "", "eu=2 us=3 | ap:NoRoom", 4),
        (
            "not Ready grows no more",
            dynamic(),
            "eu! us:30",
            "eu=3 us=3",
            "eu=3 us=6 |",
            0,
        ),
        (
            "tainted",
            dynamic(),
            "eu#:30 us:30",
            "eu=3 us=6",
            "us=9 | eu:UntoleratedTaint",
            0,
        ),
        ("together", aggregated(), "eu:20 us:10", "", "eu=9 | us:NotSelected", 0),
        (
            "in few",
            aggregated(),
            "ap:1 eu:5 us:6",
            "",
            "eu=4 us=5 | ap:NotSelected",
            0,
        ),
        (
            "nobody knows: in one",
            aggregated(),
            "eu us",
            "us=4",
            "us=9 | eu:NotSelected",
            0,
        ),
    ];
    for (what, placement, all, held, expected, unplaced) in rows {
        let spec = decided(&web(9, ""), &placement, all, standing(held).as_ref());
        assert_eq!(
            (shown(&spec).as_str(), spec.unplaced_replicas),
            (expected, unplaced),
            "{what}"
        );
    }
}

#[test]
fn room_alone_moves_nothing_and_changes_not_a_word() {
    let first = decided(&web(9, ""), &dynamic(), "eu:20 us:10", None);
    assert!(first.divided.contains("eu=6 (room for 20 more)"), "{}", first.divided);
    assert!(first.steps.contains(&first.divided));
    for later in ["eu:0 us:40", "eu:14 us:7", "eu us"] {
        assert_eq!(decided(&web(9, ""), &dynamic(), later, Some(&first)), first, "{later}");
    }
    let more = decided(&web(12, ""), &dynamic(), "eu:0 us:40", Some(&first));
    assert_eq!(shown(&more), "eu=6 us=6 |");
    let asked = decided(&web(9, "now"), &dynamic(), "eu:0 us:9", Some(&first));
    assert_eq!(
        (shown(&asked).as_str(), asked.rebalanced.as_str()),
        ("eu=3 us=6 |", "now")
    );
    assert!(asked.divided.contains("divided anew, as asked,"), "{}", asked.divided);
    assert_eq!(
        decided(&web(9, "now"), &dynamic(), "eu:50 us:0", Some(&asked)),
        asked,
        "once a request"
    );
}

#[test]
fn a_shortage_is_made_good_once_there_is_room() {
    let short = decided(&web(9, ""), &dynamic(), "eu:2 us:3", None);
    assert_eq!(
        short.reason,
        "PropagationPolicy shop/p places it in 2 clusters (replicas divided by room); 4 replicas fit nowhere."
    );
    let same = decided(&web(9, ""), &dynamic(), "eu:0 us:0", Some(&short));
    assert_eq!(same.clusters, short.clusters);
    assert_eq!(same.unplaced_replicas, 4);
    let room = decided(&web(9, ""), &dynamic(), "eu:0 us:8", Some(&short));
    assert_eq!((shown(&room).as_str(), room.unplaced_replicas), ("eu=2 us=7 |", 0));
}

#[test]
fn what_does_not_fit_into_the_first_group_overflows() {
    let mut placement = dynamic();
    placement["clusterAffinities"] = json!([
        {"affinityName": "own", "clusterNames": ["eu"]}, {"affinityName": "rented", "clusterNames": ["us", "ap"]}]);
    let spec = decided(&web(9, ""), &placement, "ap:0 eu:4 us:20", None);
    assert_eq!(shown(&spec), "eu=4 us=5 | ap:AffinityMismatch");
    assert_eq!(spec.affinity.as_ref().unwrap().name, "own");
    assert_eq!(decided(&web(9, ""), &placement, "ap:0 eu:40 us:20", Some(&spec)), spec);
    assert_eq!(
        shown(&decided(&web(6, ""), &placement, "ap:0 eu:40 us:20", Some(&spec)))
            .split(" |")
            .next(),
        Some("eu=4 us=2")
    );
    let home = decided(&web(9, "home"), &placement, "ap:0 eu:40 us:20", Some(&spec));
    assert_eq!(shown(&home).split(" |").next(), Some("eu=9"));
}

#[test]
fn a_move_under_way_is_not_divided_again() {
    let first = decided(&web(8, ""), &dynamic(), "eu:8 us:8", None);
    let mut moving = decided(&web(8, "now"), &dynamic(), "eu:0 us:12", Some(&first));
    assert_eq!(shown(&moving), "eu=2 us=6 |");
    let aim = moving.clusters.clone();
    crate::moves::pace(&mut moving, &first, &api::PlacementStatus::default(), |_| false);
    assert_eq!(shown(&moving), "eu=2 us=6 |", "none is ready: nobody holds it up");
    let ready = serde_json::from_value(json!({"clusters": [
        {"name": "eu", "status": {"readyReplicas": 4}}, {"name": "us", "status": {"readyReplicas": 4}}]}))
    .unwrap();
    crate::moves::pace(&mut moving, &first, &ready, |_| false);
    assert_eq!(shown(&moving), "eu=4 us=6 |");
    let then = decided(&web(8, "now"), &dynamic(), "eu:0 us:12", Some(&moving));
    assert_eq!(then.clusters, aim);
}

#[test]
fn room_is_found_within_spread_constraints() {
    let mut placement = aggregated();
    placement["spreadConstraints"] = json!([{"spreadByField": "cluster", "minGroups": 2, "maxGroups": 2}]);
    let spec = decided(&web(9, ""), &placement, "ap:9 eu:9 us:9", None);
    assert_eq!(spec.clusters.len(), 2);
    let sum: i64 = spec.clusters.iter().filter_map(|at| at.replicas).sum();
    assert_eq!((sum, spec.unplaced_replicas), (9, 0));
}

proptest! {
    #[test]
    fn whole_decisions_by_room(
        rooms in prop::collection::vec(prop::option::weighted(0.8, 0_i64..9), 1..6), wanted in 0_i64..30,
        few in any::<bool>(), other in prop::collection::vec(0_i64..9, 6), lost in 0_usize..6,
    ) {
        let all = |rooms: &[Option<i64>]| rooms.iter().enumerate()
            .map(|(index, room)| room.map_or(format!("c{index}"), |room| format!("c{index}:{room}"))).collect::<Vec<_>>().join(" ");
        let placement = if few { aggregated() } else { dynamic() };
        let spec = decided(&web(wanted, ""), &placement, &all(&rooms), None);
        let placed: i64 = spec.clusters.iter().filter_map(|at| at.replicas).sum();
        prop_assert_eq!(placed + spec.unplaced_replicas, wanted);
        prop_assert_eq!(spec.clusters.len() + spec.excluded.len(), rooms.len());
        for at in &spec.clusters {
            let index: usize = at.name[1..].parse().unwrap();
            prop_assert!(rooms[index].is_none_or(|room| at.replicas <= Some(room)), "{}", shown(&spec));
        }
        let again = decided(&web(wanted, ""), &placement, &all(&rooms), Some(&spec));
        if spec.unplaced_replicas == 0 {
            prop_assert_eq!(&again, &spec);
            let moved: Vec<Option<i64>> = rooms.iter().zip(&other).map(|(_, room)| Some(*room)).collect();
            prop_assert_eq!(&decided(&web(wanted, ""), &placement, &all(&moved), Some(&spec)), &spec);
        }
        let more = decided(&web(wanted + 3, ""), &placement, &all(&rooms), Some(&spec));
        for at in &spec.clusters {
            prop_assert!(share_of(Some(&more), &at.name).unwrap_or_default() >= at.replicas.unwrap_or_default(), "scaling up shrinks nobody");
        }
        let lost = lost % rooms.len();
        let name = format!("c{lost}");
        let rest: Vec<String> = all(&rooms).split(' ').enumerate().filter(|(index, _)| *index != lost).map(|(_, word)| word.to_owned()).collect();
        let without = decided(&web(wanted, ""), &placement, &rest.join(" "), Some(&spec));
        if !rest.is_empty() && spec.unplaced_replicas == 0 {
            for at in spec.clusters.iter().filter(|at| at.name != name) {
                prop_assert!(share_of(Some(&without), &at.name) >= at.replicas, "{} without {name}: {}", shown(&spec), shown(&without));
            }
        }
    }
}
