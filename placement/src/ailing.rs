//! A workload that stays unwell in one cluster while it is well in others: its replicas go elsewhere.
//!
//! In: what the policy says, the decision that stands, what the members report, the time. Out: the clusters that the workload is kept out
//! of, until when, and when to look again. It needs no memory but the Placement. What is wrong in most clusters at once is the workload's
//! own, and nothing moves: a version that cannot start would otherwise go round the world. Absent: clusters that fail as a whole
//! ([`crate::failure`]), and the order of the move ([`crate::moves`]).

use api::placement::{AilingCluster, PlacedCluster};
use api::policy::ApplicationFailover;
use api::{PlacementSpec, PlacementStatus, RolloutPhase, RolloutState};
use jiff::{SignedDuration, Timestamp};

/// Seconds for which a workload may be unwell in a cluster, where the policy does not say.
const TOLERATION_SECONDS: i64 = 300;
/// The shortest for which it is kept out: shorter, it would come back before its copy is gone.
const RETURN_SECONDS_MIN: i64 = 60;
/// Seconds for which it is kept out of the cluster then, where the policy does not say.
const RETURN_SECONDS: i64 = 3_600;

/// What is found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The clusters that the workload is kept out of, sorted by name.
    pub ailing: Vec<AilingCluster>,
    /// When something else may be found though nothing is reported.
    pub look: Option<Timestamp>,
}

/// Which clusters the workload is kept out of. `edit` says which edit of the object it is: another one is another chance everywhere.
#[must_use]
pub fn find(
    rule: &ApplicationFailover,
    standing: &PlacementSpec,
    status: &PlacementStatus,
    edit: &str,
    now: Timestamp,
) -> Found {
    let tolerated = rule
        .decision_conditions
        .toleration_seconds
        .unwrap_or(TOLERATION_SECONDS);
    let lasts = rule.return_seconds.unwrap_or(RETURN_SECONDS).max(RETURN_SECONDS_MIN);
    let mut found = Found::default();
    let still = |one: &&AilingCluster| one.edit == edit && until(one).is_some_and(|until| until > now);
    found.ailing.extend(standing.ailing.iter().filter(still).cloned());
    found.look = found.ailing.iter().filter_map(until).min();

    // A version that is being rolled out is judged by its rollout: a canary that is unwell must not be left for the next wave.
    let rolls = |rollout: &RolloutState| !matches!(rollout.phase, RolloutPhase::Done | RolloutPhase::RolledBack);
    if standing.rollout.as_ref().is_some_and(rolls) {
        return found;
    }
    let holds = |row: &&PlacedCluster| {
        let is = |target: &&api::placement::TargetCluster| target.name == row.name && target.replicas != Some(0);
        standing.clusters.iter().any(|target| is(&target))
    };
    let rows: Vec<&PlacedCluster> = status.clusters.iter().filter(holds).collect();
    let unwell: Vec<&PlacedCluster> = rows.iter().copied().filter(|row| row.ready == Some(false)).collect();
    // What is said of another edit or another version says nothing of this one.
    let of_now = |row: &PlacedCluster| {
        let rollout = standing.rollout.as_ref();
        row.observed_hub_generation >= standing.resource_generation
            && rollout.is_none_or(|rollout| row.template == rollout.version_of(&row.name))
    };
    // One of one, or of two, may be the cluster's fault; more than half of several is not.
    if rows.len() > 1 && unwell.len() * 2 > rows.len() {
        return found;
    }
    for row in unwell.into_iter().filter(|row| of_now(row)) {
        let Some(end) = after(&row.unready_since, tolerated) else {
            continue;
        };
        if end > now {
            found.look = found.look.into_iter().chain([end]).min();
        } else if !found.ailing.iter().any(|one| one.name == row.name)
            && let Ok(until) = Timestamp::from_second(now.as_second().saturating_add(lasts.max(0)))
        {
            found.ailing.push(AilingCluster {
                name: row.name.clone(),
                until: until.to_string(),
                edit: edit.to_owned(),
            });
            found.look = found.look.into_iter().chain([until]).min();
        }
    }
    found.ailing.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn until(one: &AilingCluster) -> Option<Timestamp> {
    one.until.parse().ok()
}

fn after(since: &str, seconds: i64) -> Option<Timestamp> {
    let since: Timestamp = since.parse().ok()?;
    since.checked_add(SignedDuration::from_secs(seconds.max(0))).ok()
}

#[cfg(test)]
mod tests {
    use api::placement::TargetCluster;
    use serde_json::json;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// `a:well b:0` is well in one, unwell since second 0 in the other.
    fn world(text: &str) -> (PlacementSpec, PlacementStatus) {
        let (mut spec, mut status) = (PlacementSpec::default(), PlacementStatus::default());
        for (name, state) in text.split_whitespace().filter_map(|word| word.split_once(':')) {
            spec.clusters.push(TargetCluster {
                name: name.to_owned(),
                replicas: Some(2),
                ..TargetCluster::default()
            });
            let since = state.parse::<i64>().map(|second| at(second).to_string());
            status.clusters.push(PlacedCluster {
                name: name.to_owned(),
                ready: Some(since.is_err()),
                unready_since: since.unwrap_or_default(),
                ..PlacedCluster::default()
            });
        }
        (spec, status)
    }

    fn names(found: &Found) -> Vec<&str> {
        found.ailing.iter().map(|one| one.name.as_str()).collect()
    }

    #[test]
    fn who_is_unwell_for_long_is_left_and_tried_again_later() {
        let rule: ApplicationFailover =
            serde_json::from_value(json!({"decisionConditions": {"tolerationSeconds": 60}, "returnSeconds": 600}))
                .unwrap();
        let (mut spec, status) = world("a:well b:0 c:well");
        let early = find(&rule, &spec, &status, "1", at(59));
        assert_eq!((names(&early), early.look), (vec![], Some(at(60))));
        let found = find(&rule, &spec, &status, "1", at(60));
        assert_eq!((names(&found), found.look), (vec!["b"], Some(at(660))));
        // It is not there any more: it stays out for its time, or until the object is edited.
        spec.ailing = found.ailing;
        let (_, left) = world("a:well c:well");
        assert_eq!(names(&find(&rule, &spec, &left, "1", at(659))), ["b"]);
        assert!(find(&rule, &spec, &left, "1", at(660)).ailing.is_empty());
        assert!(find(&rule, &spec, &left, "2", at(100)).ailing.is_empty());
    }

    #[test]
    fn a_version_under_way_is_its_rollouts() {
        let (mut spec, status) = world("a:well b:0 c:well");
        let rule = ApplicationFailover::default();
        let phase = |phase| RolloutState {
            phase,
            ..RolloutState::default()
        };
        spec.rollout = Some(phase(RolloutPhase::Progressing));
        assert!(find(&rule, &spec, &status, "1", at(1_000)).ailing.is_empty());
        spec.rollout = Some(phase(RolloutPhase::Done));
        assert_eq!(names(&find(&rule, &spec, &status, "1", at(1_000))), ["b"]);
    }

    #[test]
    fn what_is_wrong_in_most_is_the_workloads_own() {
        let rule = ApplicationFailover::default();
        for (text, moved) in [
            ("a:0 b:0 c:well", vec![]),
            ("a:0 b:0", vec![]),
            ("a:0 b:well", vec!["a"]),
            ("a:0", vec!["a"]),
            ("a:0 b:0 c:well d:well", vec!["a", "b"]),
        ] {
            let (spec, status) = world(text);
            assert_eq!(names(&find(&rule, &spec, &status, "1", at(1_000))), moved, "{text}");
        }
    }
}
