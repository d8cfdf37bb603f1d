//! What a drain does to decisions, and when.

use api::well_known::DRAIN_SECONDS;
use proptest::prelude::*;

use super::*;

/// What is decided so many seconds after the epoch, and when it may be another decision.
fn decided(
    object: &FederatedObject,
    policies: &[PropagationPolicy],
    all: &[Cluster],
    previous: &str,
    seconds: i64,
) -> (PlacementSpec, Option<i64>) {
    let standing = standing(previous);
    let inputs = Inputs {
        object,
        policies,
        clusters: all,
        previous: standing.as_ref(),
        now: Timestamp::from_second(seconds).unwrap(),
        leaders: &[],
        ailing: &[],
        autoscaler: None,
    };
    (
        decide(&inputs).into_spec(),
        next_expiry(&inputs).map(Timestamp::as_second),
    )
}

#[test]
fn replicas_leave_when_the_names_are_forgotten() {
    let (early, late) = (DRAIN_SECONDS - 1, DRAIN_SECONDS);
    let rows = [
        // kind, replicas, stands; decided before and after the names are forgotten
        ("Deployment", Some(6), "a=3 b=3", "a=3 b=3 |", "b=6 | a:ClusterDrained"),
        (
            "StatefulSet",
            Some(3),
            "a=3",
            "a=3 | b:NotSelected",
            "b=3 | a:ClusterDrained",
        ),
        ("ConfigMap", None, "a b", "a b |", "a b |"),
        // Nothing new comes, at once.
        (
            "Deployment",
            Some(6),
            "",
            "b=6 | a:ClusterDrained",
            "b=6 | a:ClusterDrained",
        ),
        ("ConfigMap", None, "", "b | a:ClusterDrained", "b | a:ClusterDrained"),
        // What grows, grows elsewhere.
        ("Deployment", Some(8), "a=3 b=3", "a=3 b=5 |", "b=8 | a:ClusterDrained"),
    ];
    for (kind, replicas, previous, before, after) in rows {
        let object = object(kind, replicas);
        let at = |seconds| decided(&object, &[], &clusters("a^ b"), previous, seconds);
        assert_eq!(shown(&at(early).0), before, "{kind} {previous}");
        assert_eq!(at(early).1, Some(late), "the time is told before");
        assert_eq!(shown(&at(late).0), after, "{kind} {previous}");
        assert_eq!(at(late).1, None);
    }
    let deployment = object("Deployment", Some(6));
    let (spec, _) = decided(&deployment, &[], &clusters("a^ b"), "a=3 b=3", early);
    assert_eq!(spec.leaving[0].name, "a");
    assert!(
        spec.leaving[0].after.starts_with("1970-01-01T00:00:35"),
        "{:?}",
        spec.leaving
    );
    assert!(
        spec.steps.iter().any(|step| step.starts_with("a is being drained")),
        "{:?}",
        spec.steps
    );
}

#[test]
fn the_taint_says_how_long_and_policies_tolerate_it() {
    let object = object("Deployment", Some(6));
    let mut all = clusters("a^ b");
    all[0].spec.taints[0].value = "100".into();
    let at = |policies: &[PropagationPolicy], all: &[Cluster], seconds| {
        let (spec, expiry) = decided(&object, policies, all, "a=3 b=3", seconds);
        (shown(&spec), expiry)
    };
    let (stays, gone) = ("a=3 b=3 |".to_owned(), "b=6 | a:ClusterDrained".to_owned());
    assert_eq!(at(&[], &all, 99), (stays.clone(), Some(100)));
    assert_eq!(at(&[], &all, 100), (gone.clone(), None));
    let tolerates = |seconds: Option<i64>| {
        [policy(
            json!({"clusterTolerations": [{"key": DRAIN_TAINT, "operator": "Exists", "tolerationSeconds": seconds}]}),
        )]
    };
    assert_eq!(at(&tolerates(Some(200)), &all, 150), (stays.clone(), Some(200)));
    assert_eq!(at(&tolerates(Some(200)), &all, 200), (gone.clone(), None));
    assert_eq!(at(&tolerates(None), &all, 9999).0, stays);
    all[0].spec.taints[0].time_added = None;
    assert_eq!(at(&[], &all, 0), (gone, None), "nobody knows since when");
}

#[test]
fn nowhere_to_go_is_no_departure() {
    let (spec, _) = decided(&object("Deployment", Some(6)), &[], &clusters("a^ b^"), "a=3 b=3", 9999);
    assert_eq!((shown(&spec).as_str(), spec.kept), ("a=3 b=3 |", true));
}

proptest! {
    /// Until the names are forgotten a drain takes nothing away that would stay without it, and no cluster that is drained grows; afterwards nothing is left
    /// there while another one fits.
    #[test]
    fn names_go_before_replicas(
        wanted in 0_i64..60,
        marks in prop::collection::vec(prop::sample::select(vec!["", "^"]), 2..6),
        held in prop::collection::vec(0_i64..20, 6),
        seconds in 0..2 * DRAIN_SECONDS,
    ) {
        prop_assume!(marks.contains(&""));
        let words: Vec<String> = marks.iter().enumerate().map(|(i, mark)| format!("c{i}{mark}")).collect();
        let all = clusters(&words.join(" "));
        let shares: Vec<String> = held.iter().take(marks.len()).enumerate().map(|(i, share)| format!("c{i}={share}")).collect();
        // Scaling down takes from everyone, drained or not.
        let wanted = wanted.max(held.iter().take(marks.len()).sum());
        let (spec, expiry) = decided(&object("Deployment", Some(wanted)), &[], &all, &shares.join(" "), seconds);
        let mut free = all.clone();
        free.iter_mut().for_each(|cluster| cluster.spec.taints.clear());
        let (undrained, _) = decided(&object("Deployment", Some(wanted)), &[], &free, &shares.join(" "), seconds);
        let forgotten = seconds >= DRAIN_SECONDS;
        for (index, mark) in marks.iter().enumerate().filter(|(_, mark)| **mark == "^") {
            let share_in = |spec: &PlacementSpec| {
                let target = spec.clusters.iter().find(|t| t.name == format!("c{index}"));
                target.and_then(|t| t.replicas).unwrap_or(0)
            };
            let (share, else_share) = (share_in(&spec), share_in(&undrained));
            prop_assert!(!forgotten || share == 0, "{mark} {share:?}");
            prop_assert!(forgotten || share >= held[index].min(else_share), "{} not {}", shown(&spec), shown(&undrained));
            prop_assert!(share <= held[index]);
        }
        prop_assert_eq!(expiry.is_some(), !forgotten && marks.contains(&"^"));
    }
}
