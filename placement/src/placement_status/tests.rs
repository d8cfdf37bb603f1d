//! Rows come, change and go as the clusters say.

use api::placement::TargetCluster;
use serde_json::json;

use super::*;

fn spec(chosen: &[&str]) -> PlacementSpec {
    let clusters = chosen
        .iter()
        .map(|name| TargetCluster {
            name: (*name).into(),
            replicas: None,
            bounds: None,
            ..Default::default()
        })
        .collect();
    PlacementSpec {
        clusters,
        ..PlacementSpec::default()
    }
}

fn report(state: ReportState, message: &str) -> ReportSpec {
    ReportSpec {
        state,
        message: message.into(),
        status: json!({"replicas": 1}),
        ready: Some(true),
        ..ReportSpec::default()
    }
}

fn next(
    previous: &PlacementStatus,
    chosen: &[&str],
    reports: &[(&str, ReportSpec)],
    exist: &[&str],
) -> PlacementStatus {
    let reports = reports
        .iter()
        .map(|(name, report)| ((*name).to_owned(), report.clone()))
        .collect();
    let clusters = exist.iter().map(|name| (*name).to_owned()).collect();
    placement_status(
        previous,
        &spec(chosen),
        Some(1),
        &Observed {
            reports: &reports,
            clusters: &clusters,
        },
        "now",
    )
}

fn rows(status: &PlacementStatus) -> Vec<(&str, bool, &str)> {
    status
        .clusters
        .iter()
        .map(|row| (row.name.as_str(), row.applied, row.error.as_str()))
        .collect()
}

fn says<'a>(status: &'a PlacementStatus, type_: &str) -> (ConditionStatus, &'a str) {
    let condition = status.conditions.iter().find(|c| c.type_ == type_).unwrap();
    (condition.status, condition.reason.as_str())
}

#[test]
fn a_row_stands_as_soon_as_its_cluster_is_chosen_and_until_it_is_confirmed_gone() {
    let all = ["a", "b"];
    let chosen = next(&PlacementStatus::default(), &["a", "b"], &[], &all);
    assert_eq!(rows(&chosen), [("a", false, ""), ("b", false, "")]);
    assert_eq!(says(&chosen, "Applied"), (ConditionStatus::False, "Applying"));

    let applied = next(
        &chosen,
        &all,
        &[
            ("a", report(ReportState::Applied, "")),
            ("b", report(ReportState::Applied, "")),
        ],
        &all,
    );
    assert_eq!(says(&applied, "Applied"), (ConditionStatus::True, "Applied"));
    assert_eq!(says(&applied, "Healthy"), (ConditionStatus::True, "Healthy"));

    let silent = next(&applied, &all, &[], &all);
    assert_eq!(silent, applied, "no word changes nothing");

    let dropped = next(&applied, &["a"], &[("b", report(ReportState::Applied, ""))], &all);
    assert_eq!(rows(&dropped).len(), 2, "the copy may still be there");
    assert_eq!(says(&dropped, "Applied"), (ConditionStatus::False, "Removing"));

    let gone = next(&dropped, &["a"], &[("b", report(ReportState::Absent, ""))], &all);
    assert_eq!(rows(&gone), [("a", true, "")]);

    let left = next(&dropped, &["a"], &[], &["a"]);
    assert_eq!(rows(&left), [("a", true, "")], "a cluster that left cannot confirm");
}

#[test]
fn failures_are_named_and_keep_the_last_truth() {
    let all = ["a"];
    let applied = next(
        &PlacementStatus::default(),
        &all,
        &[("a", report(ReportState::Applied, ""))],
        &all,
    );
    let failed = next(&applied, &all, &[("a", report(ReportState::Failed, "forbidden"))], &all);
    assert_eq!(rows(&failed), [("a", false, "forbidden")]);
    assert_eq!(failed.clusters[0].status, json!({"replicas": 1}));
    assert_eq!(says(&failed, "Applied"), (ConditionStatus::False, "ApplyFailed"));
    let conflict = next(&applied, &all, &[("a", report(ReportState::Conflict, ""))], &all);
    assert!(rows(&conflict)[0].2.contains("in the way"));
    let lost = next(&applied, &all, &[("a", report(ReportState::Absent, ""))], &all);
    assert_eq!(
        rows(&lost),
        [("a", false, "")],
        "gone from where it should be: to be applied again"
    );
    assert!(lost.clusters[0].status.is_null());
}

#[test]
fn nothing_is_healthy_over_an_empty_set() {
    let none = next(&PlacementStatus::default(), &[], &[], &["a"]);
    assert_eq!(says(&none, "Healthy"), (ConditionStatus::Unknown, "NotPlaced"));
    assert_eq!(says(&none, "Scheduled"), (ConditionStatus::False, "NoClusterFits"));
}

#[test]
fn the_word_that_a_copy_is_gone_does_not_speak_of_the_next_one() {
    let rows = |names: &[&str]| PlacementStatus {
        clusters: names
            .iter()
            .map(|name| PlacedCluster {
                name: (*name).to_owned(),
                ..PlacedCluster::default()
            })
            .collect(),
        ..PlacementStatus::default()
    };
    let chosen = |names: &[&str]| PlacementSpec {
        clusters: names
            .iter()
            .map(|name| TargetCluster {
                name: (*name).to_owned(),
                ..TargetCluster::default()
            })
            .collect(),
        ..PlacementSpec::default()
    };
    let said = |state| ReportSpec {
        cluster: "a".to_owned(),
        state,
        ..ReportSpec::default()
    };
    let absent = said(ReportState::Absent);
    assert!(is_spent(&absent, &chosen(&["b"]), &rows(&["b"])), "its row went");
    assert!(
        is_spent(&absent, &chosen(&["a"]), &rows(&["a"])),
        "chosen again before its row went"
    );
    assert!(
        !is_spent(&absent, &chosen(&["b"]), &rows(&["a"])),
        "its row is still to go"
    );
    assert!(!is_spent(&said(ReportState::Applied), &chosen(&["a"]), &rows(&["a"])));
}

#[test]
fn what_is_suspended_is_told_and_not_called_a_failure() {
    let suspended = PlacementSpec {
        suspension: Some(api::policy::Suspension {
            dispatching: Some(true),
            dispatching_on_clusters: None,
        }),
        policy: "PropagationPolicy shop/p".to_owned(),
        ..spec(&["a"])
    };
    let reports = [(
        "a".to_owned(),
        report(ReportState::Suspended, "suspended by PropagationPolicy shop/p"),
    )]
    .into();
    let clusters = ["a".to_owned()].into();
    let observed = Observed {
        reports: &reports,
        clusters: &clusters,
    };
    let status = placement_status(&PlacementStatus::default(), &suspended, Some(1), &observed, "now");
    assert_eq!(says(&status, "Applied"), (ConditionStatus::False, "Suspended"));
    assert_eq!(rows(&status), [("a", false, "suspended by PropagationPolicy shop/p")]);
    assert_eq!(
        status.clusters[0].status,
        json!({"replicas": 1}),
        "what is there is told"
    );
}
