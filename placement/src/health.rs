//! Whether a cluster is *manageable*: can its API be reached and used.
//! In: the last heartbeat, how old it is, how long the member has been out of reach. Out: the `Ready` condition. One late
//! heartbeat or one failed check changes nothing; silence makes it Unknown, a member that answers badly makes it False.
//! Absent: the data path (*serving*), which DNS judges for itself; and any consequence: a cluster that is not Ready keeps
//! what it has.

use api::well_known::CONDITION_READY;
use api::{Condition, ConditionStatus, HeartbeatSpec};

/// Silence after which nobody knows how the cluster is.
pub const SILENCE_MAX_MS: i64 = 4_000;
/// Time out of reach after which the cluster is not Ready.
pub const UNREACHABLE_MAX_MS: i64 = 3_000;

/// What is known of a cluster's pulse.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pulse<'a> {
    /// The last heartbeat, if one was ever heard since this hub listens.
    pub heartbeat: Option<&'a HeartbeatSpec>,
    /// Milliseconds since it was heard, or since this hub listens.
    pub silent_ms: i64,
    /// Milliseconds for which heartbeats have said that the member is out of reach; 0 where the last one says otherwise.
    pub unreachable_ms: i64,
    /// The identity the member must have, `Cluster.spec.id`.
    pub expected_id: Option<&'a str>,
}

/// Judges a cluster. None means: too early to change what was judged before.
#[must_use]
pub fn verdict(pulse: &Pulse<'_>, previous: Option<&Condition>) -> Option<Condition> {
    let ready = |status, reason: &str, message: String| {
        let judged = Condition {
            type_: CONDITION_READY.to_owned(),
            status,
            reason: reason.to_owned(),
            message,
            last_transition_time: None,
            observed_generation: None,
        };
        previous
            .is_none_or(|previous| !previous.says_the_same(&judged))
            .then_some(judged)
    };
    let first = previous.is_none();
    if pulse.silent_ms >= SILENCE_MAX_MS {
        let message = "its syncer has not been heard of for over four seconds; what runs there is left alone";
        return ready(ConditionStatus::Unknown, "SyncerSilent", message.to_owned());
    }
    let Some(heartbeat) = pulse.heartbeat else {
        let message = "its syncer was not heard of yet";
        return first
            .then(|| ready(ConditionStatus::Unknown, "NeverHeard", message.to_owned()))
            .flatten();
    };
    if let Some(expected) = pulse.expected_id
        && !heartbeat.cluster_id.is_empty()
        && heartbeat.cluster_id != expected
    {
        let message = format!(
            "another cluster answers at its address: kube-system has the uid {}, expected {expected}; join it again if that is meant",
            heartbeat.cluster_id
        );
        return ready(ConditionStatus::False, "OtherCluster", message);
    }
    if heartbeat.reachable {
        return ready(ConditionStatus::True, "Reachable", "its API answers".to_owned());
    }
    if pulse.unreachable_ms < UNREACHABLE_MAX_MS && !first {
        return None;
    }
    let why = if heartbeat.message.is_empty() {
        "no answer"
    } else {
        &heartbeat.message
    };
    ready(
        ConditionStatus::False,
        "Unreachable",
        format!("its API does not answer: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(status: ConditionStatus, reason: &str) -> Condition {
        Condition {
            type_: CONDITION_READY.into(),
            status,
            reason: reason.into(),
            message: String::new(),
            last_transition_time: None,
            observed_generation: None,
        }
    }

    #[test]
    fn verdicts() {
        use ConditionStatus::{False, True, Unknown};
        let good = HeartbeatSpec {
            reachable: true,
            cluster_id: "id".into(),
            ..HeartbeatSpec::default()
        };
        let bad = HeartbeatSpec {
            reachable: false,
            message: "refused".into(),
            ..HeartbeatSpec::default()
        };
        let alien = HeartbeatSpec {
            reachable: true,
            cluster_id: "other".into(),
            ..HeartbeatSpec::default()
        };
        let was_ready = condition(True, "Reachable");
        type Row<'a> = (
            &'a str,
            Option<&'a HeartbeatSpec>,
            i64,
            i64,
            Option<&'a Condition>,
            Option<(ConditionStatus, &'a str)>,
        );
        let rows: [Row<'_>; 9] = [
            ("never heard, new", None, 0, 0, None, Some((Unknown, "NeverHeard"))),
            ("hub restarted, still listening", None, 3_999, 0, Some(&was_ready), None),
            (
                "hub restarted, silence",
                None,
                4_000,
                0,
                Some(&was_ready),
                Some((Unknown, "SyncerSilent")),
            ),
            ("answers", Some(&good), 10, 0, None, Some((True, "Reachable"))),
            ("one failed check", Some(&bad), 10, 1_000, Some(&was_ready), None),
            (
                "three seconds of them",
                Some(&bad),
                10,
                3_000,
                Some(&was_ready),
                Some((False, "Unreachable")),
            ),
            (
                "fails from the start",
                Some(&bad),
                10,
                0,
                None,
                Some((False, "Unreachable")),
            ),
            (
                "silence wins over old news",
                Some(&good),
                5_000,
                0,
                Some(&was_ready),
                Some((Unknown, "SyncerSilent")),
            ),
            (
                "another cluster",
                Some(&alien),
                10,
                0,
                Some(&was_ready),
                Some((False, "OtherCluster")),
            ),
        ];
        for (what, heartbeat, silent_ms, unreachable_ms, previous, expected) in rows {
            let pulse = Pulse {
                heartbeat,
                silent_ms,
                unreachable_ms,
                expected_id: Some("id"),
            };
            let judged = verdict(&pulse, previous).map(|c| (c.status, c.reason));
            assert_eq!(
                judged,
                expected.map(|(status, reason)| (status, reason.to_owned())),
                "{what}"
            );
        }
        let pulse = Pulse {
            heartbeat: Some(&good),
            ..Pulse::default()
        };
        let stands = verdict(&pulse, None).unwrap();
        assert_eq!(verdict(&pulse, Some(&stands)), None, "no news is not written again");
    }
}
