//! Autoscalers go with their targets and claims with what mounts them; what a member runs is never taken away by the plan.

use api::placement::{LeftToMembers, ReplicaBounds};
use proptest::prelude::*;

use super::*;
use crate::ties::Autoscaler;

fn scaler(min_replicas: i64, max_replicas: i64) -> (FederatedObject, Autoscaler) {
    let value = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"minReplicas": min_replicas, "maxReplicas": max_replicas,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}});
    let facts = FederatedObject::from_value(&value).unwrap();
    let bounds = facts.bounds.unwrap();
    let name = "web".to_owned();
    (facts, Autoscaler { name, bounds })
}

fn claim() -> FederatedObject {
    FederatedObject::from_value(&json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "files", "namespace": "shop"}}))
    .unwrap()
}

fn follow(
    object: &FederatedObject,
    all: &str,
    previous: Option<&PlacementSpec>,
    leaders: &[&PlacementSpec],
    policies: &[PropagationPolicy],
) -> PlacementSpec {
    decide(&Inputs {
        object,
        policies,
        clusters: &clusters(all),
        previous,
        now: Timestamp::UNIX_EPOCH,
        leaders,
        ailing: &[],
        autoscaler: None,
    })
    .into_spec()
}

fn target(
    wanted: i64,
    all: &str,
    previous: Option<&PlacementSpec>,
    autoscaler: Option<&Autoscaler>,
    policies: &[PropagationPolicy],
) -> PlacementSpec {
    decide(&Inputs {
        object: &object("Deployment", Some(wanted)),
        policies,
        clusters: &clusters(all),
        previous,
        now: Timestamp::UNIX_EPOCH,
        leaders: &[],
        ailing: &[],
        autoscaler,
    })
    .into_spec()
}

/// `a=1-10 b | c:Reason`.
fn bounded(spec: &PlacementSpec) -> String {
    let chosen: Vec<String> = spec
        .clusters
        .iter()
        .map(|at| {
            let bounds = at.bounds.map(|b| format!("={}-{}", b.min_replicas, b.max_replicas));
            at.name.clone() + &bounds.unwrap_or_default()
        })
        .collect();
    let out: Vec<String> = spec
        .excluded
        .iter()
        .map(|e| format!("{}:{}", e.name, e.reason))
        .collect();
    format!("{} | {}", chosen.join(" "), out.join(" ")).trim().to_owned()
}

#[test]
fn bounds_are_divided_as_the_target_is() {
    let duplicated = policy(json!({"replicaScheduling": {"replicaSchedulingType": "Duplicated"}}));
    let weighted = policy(json!({"replicaScheduling": {"weightPreference": {"staticWeightList": [
        {"targetCluster": {"clusterNames": ["a"]}, "weight": 2}, {"targetCluster": {"clusterNames": ["b"]}, "weight": 1}]}}}));
    let rows = [
        ("evenly", 9, "a b c", (3, 30), vec![], "a=1-10 b=1-10 c=1-10 |"),
        ("by weight", 9, "a b", (3, 30), vec![weighted], "a=2-20 b=1-10 |"),
        (
            "whole where the target is whole",
            4,
            "a b",
            (2, 8),
            vec![duplicated],
            "a b |",
        ),
        (
            "the fewest decide where it runs",
            1,
            "a b c",
            (3, 6),
            vec![],
            "a=1-2 b=1-2 c=1-2 |",
        ),
        ("alone", 1, "a", (1, 5), vec![], "a |"),
        (
            "not where the target has none",
            2,
            "a~ b c",
            (2, 6),
            vec![],
            "b=1-3 c=1-3 | a:NothingToFollow",
        ),
    ];
    for (what, wanted, all, (min, max), policies, expected) in rows {
        let (facts, autoscaler) = scaler(min, max);
        let leader = target(wanted, all, None, Some(&autoscaler), &policies);
        let spec = follow(&facts, all, None, &[&leader], &[]);
        assert_eq!(bounded(&spec), expected, "{what}: {leader:?}");
    }
}

#[test]
fn an_autoscaler_without_a_target_waits_or_stays() {
    let (facts, autoscaler) = scaler(2, 8);
    let nowhere = follow(&facts, "a b", None, &[], &[]);
    assert_eq!(bounded(&nowhere), "| a:NothingToFollow b:NothingToFollow");
    assert!(nowhere.reason.contains("waits"), "{}", nowhere.reason);
    let leader = target(4, "a b", None, Some(&autoscaler), &[]);
    let standing = follow(&facts, "a b", None, &[&leader], &[]);
    let stopped = target(0, "a b", Some(&leader), Some(&autoscaler), &[]);
    assert_eq!(stopped.left_to_members, None, "a stopped workload is the hub's");
    let deleted = PlacementSpec {
        deleted: true,
        ..leader.clone()
    };
    for leaders in [vec![], vec![&stopped], vec![&deleted]] {
        let spec = follow(&facts, "a b", Some(&standing), &leaders, &[]);
        assert_eq!((bounded(&spec).as_str(), spec.kept), ("a=1-4 b=1-4 |", true));
    }
    let leaving = follow(&facts, "a b-", Some(&standing), &[], &[]);
    assert_eq!(bounded(&leaving), "a=1-4 | b:ClusterLeaving");
}

#[test]
fn replicas_stay_the_members_when_the_autoscaler_goes() {
    let (_, autoscaler) = scaler(3, 9);
    let left = |spec: &PlacementSpec| spec.left_to_members.clone();
    let with = target(1, "a b c", None, Some(&autoscaler), &[]);
    assert_eq!(shown(&with), "a=1 b=1 c=1 |");
    let expected = LeftToMembers {
        autoscaler: "web".into(),
        hub_replicas: 1,
        planned: 3,
    };
    assert_eq!(left(&with), Some(expected));
    let without = target(1, "a b c", Some(&with), None, &[]);
    assert_eq!(shown(&without), "a=1 b=1 c=1 |", "nothing shrinks");
    assert_eq!(
        left(&without).map(|left| (left.autoscaler, left.planned)),
        Some((String::new(), 3))
    );
    let scaled = target(2, "a b c", Some(&without), None, &[]);
    assert_eq!(left(&scaled), None, "a new number is the hub's word");
    assert_eq!(scaled.clusters.len(), 2);
    let mut asked = object("Deployment", Some(6));
    asked
        .labels
        .insert(api::well_known::RETAIN_REPLICAS_LABEL.into(), "true".into());
    assert_eq!(left(&run(&asked, &[], "a b", "")).map(|left| left.planned), Some(6));
}

#[test]
fn claims_are_where_they_are_mounted_and_stay() {
    let at = |text: &str| standing(text).unwrap();
    let (db, web) = (at("a=2 b=1"), at("c=1"));
    type Row<'a> = (
        &'a str,
        &'a str,
        Option<&'a PlacementSpec>,
        Vec<&'a PlacementSpec>,
        &'a str,
        bool,
    );
    let rows: [Row<'_>; 6] = [
        (
            "nobody mounts it",
            "a b",
            None,
            vec![],
            "| a:NothingToFollow b:NothingToFollow",
            false,
        ),
        (
            "the union",
            "a b c d",
            None,
            vec![&db, &web],
            "a b c | d:NothingToFollow",
            false,
        ),
        ("not ready, but mounted there", "a b!", None, vec![&db], "a b |", false),
        (
            "it stays where it was",
            "a b c",
            Some(&web),
            vec![&db],
            "a b c |",
            false,
        ),
        (
            "leaving",
            "a b c-",
            Some(&web),
            vec![&db],
            "a b | c:ClusterLeaving",
            false,
        ),
        ("no clusters listed", "", Some(&db), vec![], "a b |", true),
    ];
    for (what, all, previous, leaders, expected, kept) in rows {
        let spec = follow(&claim(), all, previous, &leaders, &[]);
        assert_eq!((bounded(&spec).as_str(), spec.kept), (expected, kept), "{what}");
    }
    let chosen: PropagationPolicy =
        serde_json::from_value(json!({"metadata": {"name": "p", "namespace": "shop"}, "spec": {
        "resourceSelectors": [{"apiVersion": "v1", "kind": "PersistentVolumeClaim"}],
        "placement": {"clusterAffinity": {"clusterNames": ["b"]}}}}))
        .unwrap();
    let spec = follow(&claim(), "a b", None, &[], &[chosen]);
    assert_eq!(bounded(&spec), "b | a:AffinityMismatch", "a policy says where it is");
}

proptest! {
    #[test]
    fn a_target_and_its_autoscaler_agree(
        wanted in 0_i64..40, min in 0_i64..12, more in 0_i64..30,
        marks in prop::collection::vec(prop::sample::select(vec!["", "", "", "!", "?", "-", "#", "~"]), 1..6),
    ) {
        let all: Vec<String> = marks.iter().enumerate().map(|(index, mark)| format!("c{index}{mark}")).collect();
        let all = all.join(" ");
        let (facts, autoscaler) = scaler(min, (min + more).max(1));
        let leader = target(wanted, &all, None, Some(&autoscaler), &[]);
        let spec = follow(&facts, &all, None, &[&leader], &[]);
        prop_assert_eq!(spec.clusters.len() + spec.excluded.len(), marks.len(), "every cluster has one fate");
        let runs: Vec<&str> = leader.clusters.iter().filter(|at| at.replicas > Some(0)).map(|at| at.name.as_str()).collect();
        let scaled: Vec<&str> = spec.clusters.iter().map(|at| at.name.as_str()).collect();
        prop_assert_eq!(&scaled, &runs);
        if scaled.len() > 1 {
            let bounds: Vec<ReplicaBounds> = spec.clusters.iter().filter_map(|at| at.bounds).collect();
            let most: i64 = bounds.iter().map(|b| b.max_replicas).sum();
            prop_assert_eq!(most, autoscaler.bounds.max_replicas.max(i64::try_from(scaled.len()).unwrap()));
        }
        let again = target(wanted, &all, Some(&leader), Some(&autoscaler), &[]);
        prop_assert_eq!(&again.clusters, &leader.clusters, "deciding again moves nothing");
        prop_assert_eq!(follow(&facts, &all, Some(&spec), &[&again], &[]).clusters, spec.clusters);
        let gone = target(wanted, &all, Some(&leader), None, &[]);
        prop_assert_eq!(gone.clusters, leader.clusters, "the autoscaler went: nothing shrinks");
    }

    #[test]
    fn a_claim_never_leaves_by_itself(
        before in prop::collection::btree_set(0_usize..5, 0..5), mounted in prop::collection::btree_set(0_usize..5, 0..5),
    ) {
        let words = |of: &std::collections::BTreeSet<usize>| of.iter().map(|index| format!("c{index}")).collect::<Vec<_>>().join(" ");
        let (previous, leader) = (standing(&words(&before)), standing(&words(&mounted)).unwrap_or_default());
        let spec = follow(&claim(), "c0 c1 c2 c3 c4", previous.as_ref(), &[&leader], &[]);
        let union = before.union(&mounted).copied().collect();
        let chosen: Vec<&str> = spec.clusters.iter().map(|at| at.name.as_str()).collect();
        prop_assert_eq!(chosen.join(" "), words(&union));
    }
}
