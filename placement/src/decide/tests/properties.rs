//! What must hold of every decision.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn decisions_are_whole_deterministic_and_settle(
        wanted in 0_i64..60,
        marks in prop::collection::vec(prop::sample::select(vec!["", "", "", "!", "?", "-", "#", "~", "^"]), 1..6),
        held in prop::collection::vec(prop::option::of(0_i64..20), 6),
    ) {
        let all: Vec<String> = marks.iter().enumerate().map(|(index, mark)| format!("c{index}{mark}")).collect();
        let all = all.join(" ");
        let previous: Vec<String> = held.iter().take(marks.len()).enumerate()
            .filter_map(|(index, held)| held.map(|held| format!("c{index}={held}"))).collect();
        let object = object("Deployment", Some(wanted));
        let spec = run(&object, &[], &all, &previous.join(" "));
        prop_assert_eq!(spec.clusters.len() + spec.excluded.len(), marks.len(), "every cluster has one fate");
        let placed: i64 = spec.clusters.iter().filter_map(|target| target.replicas).sum();
        prop_assert_eq!(placed + spec.unplaced_replicas, wanted, "{}", shown(&spec));

        let mut reversed = clusters(&all);
        reversed.reverse();
        let standing = standing(&previous.join(" "));
        let again = decide(&Inputs { object: &object, policies: &[], clusters: &reversed, previous: standing.as_ref(), now: Timestamp::UNIX_EPOCH, leaders: &[], ailing: &[], autoscaler: None });
        prop_assert_eq!(&again.into_spec(), &spec, "the order of clusters does not matter");

        let settled = decide(&Inputs { object: &object, policies: &[], clusters: &reversed, previous: Some(&spec), now: Timestamp::UNIX_EPOCH, leaders: &[], ailing: &[], autoscaler: None }).into_spec();
        prop_assert_eq!(&settled.clusters, &spec.clusters, "deciding again moves nothing");
        let third = decide(&Inputs { object: &object, policies: &[], clusters: &reversed, previous: Some(&settled), now: Timestamp::UNIX_EPOCH, leaders: &[], ailing: &[], autoscaler: None });
        prop_assert_eq!(&third.into_spec(), &settled, "and then not a word changes");
    }
}
