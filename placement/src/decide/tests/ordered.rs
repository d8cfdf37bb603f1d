//! Ordered affinities: falling back, staying, going back.

use super::*;

fn ordered(more: Value) -> PropagationPolicy {
    let region = |name: &str| {
        json!({"affinityName": name, "fieldSelector": {"matchExpressions": [
        {"key": "region", "operator": "In", "values": [name]}]}})
    };
    let mut placement = json!({"clusterAffinities": [region("eu"), region("us"), region("ap")]});
    for (key, value) in more.as_object().unwrap() {
        placement[key] = value.clone();
    }
    policy(placement)
}

/// Decides at a second of the epoch, over what was decided before.
fn at(second: i64, policy: &PropagationPolicy, all: &str, previous: Option<&PlacementSpec>) -> PlacementSpec {
    decided(second, &object("Deployment", Some(4)), policy, all, previous)
}

fn decided(
    second: i64,
    object: &FederatedObject,
    policy: &PropagationPolicy,
    all: &str,
    previous: Option<&PlacementSpec>,
) -> PlacementSpec {
    let inputs = Inputs {
        object,
        policies: std::slice::from_ref(policy),
        clusters: &clusters(all),
        previous,
        now: Timestamp::from_second(second).unwrap(),
        leaders: &[],
        ailing: &[],
        autoscaler: None,
    };
    decide(&inputs).into_spec()
}

fn used(spec: &PlacementSpec) -> (&str, &str) {
    let affinity = spec.affinity.as_ref().unwrap();
    (&affinity.name, &affinity.returning_to)
}

#[test]
fn falls_back_at_once_and_goes_back_after_a_while() {
    let policy = ordered(json!({"clusterAffinityReturnSeconds": 60}));
    let first = at(0, &policy, "ap-1 eu-1 us-1", None);
    assert_eq!(shown(&first), "eu-1=4 | ap-1:AffinityMismatch us-1:AffinityMismatch");
    assert_eq!(used(&first), ("eu", ""));
    // Not Ready is no failure: it stays.
    assert_eq!(at(1, &policy, "ap-1 eu-1! us-1", Some(&first)).clusters, first.clusters);

    let fallen = at(2, &policy, "ap-1 eu-1* us-1", Some(&first));
    assert_eq!(
        (shown(&fallen).split(' ').next().unwrap(), used(&fallen)),
        ("us-1=4", ("us", ""))
    );
    // Without a first choice it is the next; what is away is not waited for.
    assert_eq!(used(&at(3, &policy, "ap-1 eu-1* us-1*", Some(&fallen))), ("ap", ""));

    let back = at(10, &policy, "ap-1 eu-1 us-1", Some(&fallen));
    assert_eq!((back.clusters.len(), used(&back)), (1, ("us", "eu")));
    assert_eq!(back.affinity.as_ref().unwrap().returning_after, "1970-01-01T00:01:10Z");
    assert_eq!(back.clusters, fallen.clusters);
    assert_eq!(
        at(40, &policy, "ap-1 eu-1 us-1", Some(&back)),
        back,
        "waiting changes not a word"
    );
    // It fails meanwhile: the time counts anew.
    let flaps = at(50, &policy, "ap-1 eu-1* us-1", Some(&back));
    assert_eq!(used(&flaps), ("us", ""));
    let again = at(55, &policy, "ap-1 eu-1 us-1", Some(&flaps));
    assert_eq!(again.affinity.as_ref().unwrap().returning_after, "1970-01-01T00:01:55Z");
    let home = at(115, &policy, "ap-1 eu-1 us-1", Some(&again));
    assert_eq!((home.clusters.clone(), used(&home)), (first.clusters, ("eu", "")));
}

#[test]
fn a_group_that_cannot_be_spread_does_not_fit() {
    let policy = ordered(json!({"spreadConstraints": [{"spreadByField": "cluster", "minGroups": 2}]}));
    assert_eq!(used(&at(0, &policy, "eu-1 us-1 us-2", None)), ("us", ""));
    let nowhere = at(0, &policy, "eu-1 us-1", None);
    assert_eq!((used(&nowhere), nowhere.clusters.len()), (("eu", ""), 0));
    assert_eq!(nowhere.unmet_constraints.len(), 1);
}

#[test]
fn no_group_that_fits_keeps_what_stands() {
    let policy = ordered(json!({}));
    let first = at(0, &policy, "eu-1", None);
    let kept = at(1, &policy, "eu-1*", Some(&first));
    assert_eq!((kept.clusters.clone(), kept.kept), (first.clusters, true));
}

#[test]
fn copies_that_are_whole_fall_back_too() {
    let policy = ordered(json!({}));
    let config = object("ConfigMap", None);
    let first = decided(0, &config, &policy, "eu-1 eu-2 us-1", None);
    assert_eq!(first.clusters.len(), 2);
    let fallen = decided(1, &config, &policy, "eu-1* eu-2* us-1", Some(&first));
    assert_eq!(
        fallen.clusters.iter().map(|at| at.name.as_str()).collect::<Vec<_>>(),
        ["us-1"]
    );
}
