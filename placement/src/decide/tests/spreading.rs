//! Spread constraints: what they choose, what they keep, what they say when they cannot be met.

use proptest::prelude::*;

use super::*;

fn spread(constraints: Value) -> PropagationPolicy {
    policy(json!({"spreadConstraints": constraints, "replicaScheduling": {"replicaSchedulingType": "Divided"}}))
}

fn by(field: &str, min: i64, max: i64) -> Value {
    json!({"spreadByField": field, "minGroups": min, "maxGroups": max})
}

#[test]
fn by_region_and_by_cluster() {
    let two_regions = spread(json!([by("region", 2, 2), by("cluster", 2, 3)]));
    let rows = [
        (
            "largest groups first",
            "ap-1 eu-1 eu-2 us-1 us-2",
            "eu-1=3 us-1=3",
            "eu-1=2 eu-2=2 us-1=2 | ap-1:SpreadConstraint us-2:SpreadConstraint",
        ),
        (
            "what is placed stays",
            "ap-1 eu-1 eu-2 us-1 us-2",
            "ap-1=3 us-2=3",
            "ap-1=2 us-1=2 us-2=2 | eu-1:SpreadConstraint eu-2:SpreadConstraint",
        ),
        (
            "a lost group is replaced",
            "ap-1 eu-1 eu-2# us-1 us-2",
            "eu-2=3 us-2=3",
            "eu-1=2 us-1=2 us-2=2 | ap-1:SpreadConstraint eu-2:UntoleratedTaint",
        ),
        (
            "one group only: what stands stays",
            "eu-1 eu-2 us-1#",
            "eu-1=3 us-1=3",
            "eu-1=6 | eu-2:SpreadConstraint us-1:UntoleratedTaint",
        ),
        (
            "nothing placed yet",
            "eu-1 eu-2 us-1#",
            "",
            "| eu-1:SpreadConstraint eu-2:SpreadConstraint us-1:UntoleratedTaint",
        ),
    ];
    for (what, all, held, expected) in rows {
        let spec = run(
            &object("Deployment", Some(6)),
            std::slice::from_ref(&two_regions),
            all,
            held,
        );
        assert_eq!(shown(&spec), expected, "{what}");
    }
}

#[test]
fn what_cannot_be_met_is_named() {
    let three = spread(json!([by("region", 3, 0), by("cluster", 1, 0)]));
    let spec = run(
        &object("Deployment", Some(6)),
        std::slice::from_ref(&three),
        "eu-1 eu-2 us-1",
        "eu-1=6",
    );
    assert_eq!(shown(&spec), "eu-1=6 | eu-2:SpreadConstraint us-1:SpreadConstraint");
    assert!(spec.kept);
    let unmet = &spec.unmet_constraints;
    assert_eq!(unmet.len(), 1);
    assert_eq!(
        (unmet[0].constraint.as_str(), unmet[0].wanted, unmet[0].found),
        ("region", 3, 2)
    );
    assert_eq!(
        spec.reason,
        "The spread constraints cannot be met (region: 2 of at least 3 groups); what stands stays."
    );
    let fresh = run(&object("Deployment", Some(6)), &[three], "eu-1 eu-2 us-1", "");
    assert_eq!(
        (fresh.clusters.len(), fresh.unplaced_replicas, fresh.kept),
        (0, 6, false)
    );
    assert!(fresh.reason.ends_with("nothing is placed."), "{}", fresh.reason);
}

#[test]
fn few_replicas_are_in_as_many_groups_as_there_are_replicas() {
    let three = spread(json!([by("region", 3, 0)]));
    let placed = |replicas, held| {
        let spec = run(
            &object("Deployment", Some(replicas)),
            std::slice::from_ref(&three),
            "ap-1 eu-1 eu-2 us-1",
            held,
        );
        let regions = spec
            .clusters
            .iter()
            .map(|at| at.name.split('-').next().unwrap().to_owned());
        (
            spec.clusters.len(),
            regions.collect::<std::collections::BTreeSet<_>>().len(),
            spec.unplaced_replicas,
        )
    };
    assert_eq!(placed(2, ""), (2, 2, 0));
    assert_eq!(placed(3, ""), (3, 3, 0));
    assert_eq!(placed(3, "eu-1=2 eu-2=2"), (3, 3, 0));
    assert_eq!(placed(8, ""), (4, 3, 0));
}

#[test]
fn by_label_and_by_zone_and_duplicated() {
    let config = object("ConfigMap", None);
    let labelled = policy(json!({"spreadConstraints": [{"spreadByLabel": "name", "maxGroups": 2}]}));
    let spec = run(&config, &[labelled], "a b c", "b");
    assert_eq!(spec.clusters.len(), 2);
    assert!(spec.clusters.iter().any(|at| at.name == "b"));
    // Nobody says in which zones these are.
    let zoned = policy(json!({"spreadConstraints": [{"spreadByField": "zone", "minGroups": 2}]}));
    let spec = run(&config, &[zoned], "a b c", "");
    assert_eq!(
        shown(&spec),
        "| a:SpreadConstraint b:SpreadConstraint c:SpreadConstraint"
    );
    assert_eq!(spec.unmet_constraints[0].found, 0);
    // One cluster cannot be spread, and a StatefulSet's default is one.
    let mut set = object("StatefulSet", Some(3));
    set.resource.kind = "StatefulSet".into();
    let mut one = policy(json!({"spreadConstraints": [by("region", 2, 0)]}));
    one.spec.resource_selectors[0].kind = "StatefulSet".into();
    assert_eq!(run(&set, &[one], "eu-1 us-1", "us-1=3").clusters.len(), 1);
}

#[test]
fn weights_count_among_what_is_spread() {
    let weighted = policy(json!({"spreadConstraints": [by("region", 2, 0)], "replicaScheduling": {
        "replicaDivisionPreference": "Weighted", "weightPreference": {"staticWeightList": [
            {"targetCluster": {"clusterNames": ["eu-1"]}, "weight": 9}, {"targetCluster": {"clusterNames": ["us-1"]}, "weight": 1}]}}}));
    let spec = run(&object("Deployment", Some(4)), &[weighted], "ap-1 eu-1 us-1", "");
    assert_eq!(
        shown(&spec),
        "eu-1=3 us-1=1 | ap-1:SpreadConstraint",
        "each group has one at least"
    );
}

fn places() -> impl Strategy<Value = String> {
    let place = (
        prop::sample::select(vec!["ap", "eu", "us"]),
        prop::sample::select(vec!["", "", "", "", "!", "#"]),
    );
    prop::collection::vec(place, 2..8).prop_map(|rows| {
        let words = rows
            .iter()
            .enumerate()
            .map(|(index, (region, mark))| format!("{region}-{index}{mark}"));
        words.collect::<Vec<_>>().join(" ")
    })
}

proptest! {
    #[test]
    fn spread_decisions_are_minimal_and_settle(
        all in places(), wanted in 1_i64..20, regions in (1_i64..4, 0_i64..4), count in (1_i64..4, 0_i64..5),
    ) {
        let max = |(min, max): (i64, i64)| if max == 0 { 0 } else { min.max(max) };
        let policies = [spread(json!([by("region", regions.0, max(regions)), by("cluster", count.0, max(count))]))];
        let web = object("Deployment", Some(wanted));
        let spec = run(&web, &policies, &all, "");
        let placed: i64 = spec.clusters.iter().filter_map(|at| at.replicas).sum();
        prop_assert_eq!(placed + spec.unplaced_replicas, wanted);
        prop_assert_eq!(spec.unplaced_replicas > 0, spec.clusters.is_empty());
        prop_assert!(spec.clusters.iter().all(|at| at.replicas > Some(0)), "{}", shown(&spec));
        let held: Vec<String> = spec.clusters.iter().map(|at| format!("{}={}", at.name, at.replicas.unwrap())).collect();
        let held = held.join(" ");
        let again = run(&web, &policies, &all, &held);
        prop_assert_eq!(&again.clusters, &spec.clusters);
        // An unused cluster that goes changes nothing.
        for word in all.split_whitespace() {
            let name = word.trim_end_matches(['!', '#']);
            if held.is_empty() || spec.clusters.iter().any(|at| at.name == name) {
                continue;
            }
            let rest: Vec<&str> = all.split_whitespace().filter(|other| *other != word).collect();
            prop_assert_eq!(&run(&web, &policies, &rest.join(" "), &held).clusters, &spec.clusters);
        }
        // Scaling up shrinks nobody.
        if !held.is_empty() {
            let more = run(&object("Deployment", Some(wanted + 1)), &policies, &all, &held);
            for at in &spec.clusters {
                prop_assert!(share_of(Some(&more), &at.name) >= at.replicas, "{} then {}", shown(&spec), shown(&more));
            }
        }
    }
}
