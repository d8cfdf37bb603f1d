//! Whether a cluster has *failed*: nobody can use its API and its data path is dead, for some time. That, and nothing less, moves
//! replicas away from it.
//!
//! In: for each cluster how long both observers have agreed that it is dead, or how long its API has answered again. Out: the
//! `Failed` condition of each. An API alone that is away, or silent probes alone, are no failure: a network cut between the hub and
//! a member looks like the first, a broken load balancer like the second. Where more clusters seem to fail at once than are
//! left, it is probably us, and nobody is believed. A cluster that came back waits before it is given work again.
//! Absent: clocks; the observers (`health`, `serving`); what is moved (`decide`).

use api::well_known::CONDITION_FAILED;
use api::{Condition, ConditionStatus};

/// Time for which both observers must agree.
pub const FAILED_AFTER_MS: i64 = 4_000;
/// Time for which the API of a failed cluster must answer before it is given work again: slower than the departure.
pub const RETURN_AFTER_MS: i64 = 60_000;

/// Time for which a cluster that one observer alone calls dead counts among those that seem to fail.
pub const DOUBT_COUNTS_MS: i64 = 10_000;

/// What is known of one cluster.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sight<'a> {
    /// Milliseconds for which its API has not answered and probes of all its addresses have failed; none where it is not so.
    pub dead_ms: Option<i64>,
    /// Milliseconds for which one observer at least has called it dead; none where none does.
    pub doubt_ms: Option<i64>,
    /// Milliseconds for which its API has answered; none where it does not.
    pub well_ms: Option<i64>,
    /// What was judged before.
    pub previous: Option<&'a Condition>,
}

impl Sight<'_> {
    fn has_failed(&self) -> bool {
        self.previous
            .is_some_and(|previous| previous.status == ConditionStatus::True)
    }

    fn seems_to_fail(&self) -> bool {
        self.dead_ms.is_some_and(|dead| dead >= FAILED_AFTER_MS)
    }
}

/// Judges all clusters of a federation together. None means: the same as was judged before, or never anything to say.
#[must_use]
pub fn verdicts(sights: &[Sight<'_>]) -> Vec<Option<Condition>> {
    // Who has only begun to seem dead counts too: what befalls all is not noticed of all in the same second.
    let failing = sights
        .iter()
        .filter(|sight| {
            sight.dead_ms.is_some()
                || sight.doubt_ms.is_some_and(|doubt| doubt < DOUBT_COUNTS_MS)
                || (sight.has_failed() && sight.well_ms.is_none())
        })
        .count();
    let believed = failing * 2 <= sights.len();
    sights
        .iter()
        .map(|sight| {
            let judged = judge(sight, believed, failing, sights.len())?;
            sight
                .previous
                .is_none_or(|previous| !previous.says_the_same(&judged))
                .then_some(judged)
        })
        .collect()
}

fn judge(sight: &Sight<'_>, believed: bool, failing: usize, all: usize) -> Option<Condition> {
    let judged = |status, reason: &str, message: String| {
        Some(Condition {
            type_: CONDITION_FAILED.to_owned(),
            status,
            reason: reason.to_owned(),
            message,
            last_transition_time: None,
            observed_generation: None,
        })
    };
    match (sight.has_failed(), sight.well_ms) {
        (true, None) => judged(
            ConditionStatus::True,
            "Dead",
            "its API does not answer and probes of all its addresses failed; its replicas run elsewhere".to_owned(),
        ),
        (true, Some(well)) if well < RETURN_AFTER_MS => judged(
            ConditionStatus::True,
            "Returning",
            format!(
                "its API answers again; it is given work when that has held for {} seconds",
                RETURN_AFTER_MS / 1000
            ),
        ),
        (true, Some(_)) => judged(
            ConditionStatus::False,
            "Returned",
            "it failed, came back, and is given work again".to_owned(),
        ),
        (false, _) if sight.seems_to_fail() && believed => judged(
            ConditionStatus::True,
            "Dead",
            "its API does not answer and probes of all its addresses failed; its replicas run elsewhere".to_owned(),
        ),
        (false, _) if sight.seems_to_fail() => judged(
            ConditionStatus::Unknown,
            "TooManyAtOnce",
            format!(
                "{failing} of {all} clusters seem dead at once, which is more than half: it may be this hub that is cut off, so nothing is moved"
            ),
        ),
        // What was in doubt and answers again, or is heard of again, is in doubt no more.
        (false, _) => sight.previous.and_then(|previous| {
            (previous.status == ConditionStatus::Unknown)
                .then(|| judged(ConditionStatus::False, "Alive", "it is heard of again".to_owned()))
                .flatten()
        }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn condition(status: ConditionStatus) -> Condition {
        Condition {
            type_: CONDITION_FAILED.to_owned(),
            status,
            reason: String::new(),
            message: String::new(),
            last_transition_time: None,
            observed_generation: None,
        }
    }

    /// `dead`, `dying`, `well`, `quiet`; a `!` in front: it was judged failed before.
    fn said(words: &str) -> String {
        let failed = condition(ConditionStatus::True);
        let sights: Vec<Sight<'_>> = words
            .split_whitespace()
            .map(|word| {
                let previous = word.starts_with('!').then_some(&failed);
                let (dead_ms, well_ms) = match word.trim_start_matches('!') {
                    "dead" => (Some(FAILED_AFTER_MS), None),
                    "dying" => (Some(FAILED_AFTER_MS - 1), None),
                    "well" => (None, Some(RETURN_AFTER_MS)),
                    "back" => (None, Some(10)),
                    _ => (None, None),
                };
                Sight {
                    dead_ms,
                    doubt_ms: match word.trim_start_matches('!') {
                        "doubted" => Some(DOUBT_COUNTS_MS - 1),
                        "mute" => Some(DOUBT_COUNTS_MS),
                        _ => dead_ms,
                    },
                    well_ms,
                    previous,
                }
            })
            .collect();
        let words: Vec<String> = verdicts(&sights)
            .into_iter()
            .map(|verdict| verdict.map_or("-".to_owned(), |verdict| verdict.reason))
            .collect();
        words.join(" ")
    }

    #[test]
    fn both_observers_and_time_make_a_failure() {
        assert_eq!(said("dead well well"), "Dead - -");
        assert_eq!(said("dying well well"), "- - -");
        assert_eq!(said("quiet well well"), "- - -");
        assert_eq!(said("!dead well well"), "Dead - -");
        assert_eq!(said("!quiet well well"), "Dead - -", "silence is no return");
        assert_eq!(said("!back well well"), "Returning - -");
        assert_eq!(said("!well well well"), "Returned - -");
    }

    #[test]
    fn more_than_half_are_not_believed() {
        assert_eq!(said("dead dead well"), "TooManyAtOnce TooManyAtOnce -");
        assert_eq!(
            said("!dead dead well"),
            "Dead TooManyAtOnce -",
            "what was moved stays moved"
        );
        assert_eq!(said("dead dead well well"), "Dead Dead - -");
        assert_eq!(said("dead"), "TooManyAtOnce");
        assert_eq!(said("dead well"), "Dead -");
    }

    #[test]
    fn what_befalls_all_is_not_noticed_at_once() {
        assert_eq!(said("dead dying well"), "TooManyAtOnce - -");
        assert_eq!(
            said("dead doubted well"),
            "TooManyAtOnce - -",
            "the other may be about to"
        );
        assert_eq!(
            said("dead mute well"),
            "Dead - -",
            "its API alone has been away for a while"
        );
    }

    #[test]
    fn doubt_ends() {
        let doubted = condition(ConditionStatus::Unknown);
        let sight = Sight {
            well_ms: Some(1),
            previous: Some(&doubted),
            ..Sight::default()
        };
        let judged = verdicts(&[sight]).remove(0).unwrap();
        assert_eq!(
            (judged.status, judged.reason.as_str()),
            (ConditionStatus::False, "Alive")
        );
    }

    proptest! {
        /// However they fail, some cluster that has not failed is left, unless all failed one after the other before.
        #[test]
        fn never_all_at_once(count in 1_usize..12, dead in prop::collection::vec(any::<bool>(), 12)) {
            let sights: Vec<Sight<'_>> = dead
                .iter()
                .take(count)
                .map(|dead| Sight { dead_ms: dead.then_some(FAILED_AFTER_MS), well_ms: (!dead).then_some(0), ..Sight::default() })
                .collect();
            let failed = verdicts(&sights)
                .iter()
                .flatten()
                .filter(|verdict| verdict.status == ConditionStatus::True)
                .count();
            prop_assert!(failed * 2 <= count);
        }
    }
}
