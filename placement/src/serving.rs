//! Whether a cluster is *serving*: does its data path answer.
//! In: what the DNS servers say of each address of the cluster. Out: the `Serving` condition. One address that may be
//! answered is proof that the data path works; addresses of which none may is not proof that it is dead for every client,
//! but it is what the names act on. No addresses say nothing. Absent: whether its API can be used ([`crate::health`]).

use api::resolution::Candidate;
use api::well_known::CONDITION_SERVING;
use api::{Condition, ConditionStatus};

/// Reason of a data path that is dead by the word of probes, not only of what the cluster reports.
pub const PROBES_FAIL: &str = "ProbesFail";

/// Judges a cluster by the candidates of all names. None means: the same as was judged before.
#[must_use]
pub fn verdict<'a>(
    cluster: &str,
    candidates: impl Iterator<Item = &'a Candidate>,
    previous: Option<&Condition>,
) -> Option<Condition> {
    let mut serving = 0_usize;
    let mut silent = 0_usize;
    let mut example = "";
    let mut all_fail = true;
    for candidate in candidates.filter(|candidate| candidate.cluster == cluster) {
        all_fail &= candidate.probes_fail;
        if candidate.serving {
            serving += 1;
        } else {
            silent += 1;
            example = &candidate.reason;
        }
    }
    let (status, reason, message) = match (serving, silent) {
        (0, 0) => (
            ConditionStatus::Unknown,
            "NoAddresses",
            "no name has an address there yet".to_owned(),
        ),
        (0, _) => (
            ConditionStatus::False,
            if all_fail { PROBES_FAIL } else { "NotServing" },
            format!("none of its addresses is answered: {example}"),
        ),
        (_, 0) => (
            ConditionStatus::True,
            "Serving",
            "all of its addresses are answered".to_owned(),
        ),
        (_, _) => (
            ConditionStatus::True,
            "Serving",
            "some of its addresses are answered".to_owned(),
        ),
    };
    let judged = Condition {
        type_: CONDITION_SERVING.to_owned(),
        status,
        reason: reason.to_owned(),
        message,
        last_transition_time: None,
        observed_generation: None,
    };
    previous
        .is_none_or(|previous| !previous.says_the_same(&judged))
        .then_some(judged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &str, wanted: ConditionStatus) {
        let candidates: Vec<Candidate> = words
            .split_whitespace()
            .map(|word| {
                let (cluster, state) = word.split_once('=').unwrap();
                Candidate {
                    cluster: cluster.to_owned(),
                    serving: state == "up",
                    ..Candidate::default()
                }
            })
            .collect();
        let judged = verdict("us-1", candidates.iter(), None).unwrap();
        assert_eq!(judged.status, wanted, "{words}");
        assert_eq!(
            verdict("us-1", candidates.iter(), Some(&judged)),
            None,
            "{words}: judged twice"
        );
    }

    #[test]
    fn probes_are_another_witness_than_reports() {
        let reason = |words: &str| {
            let candidates: Vec<Candidate> = words
                .split_whitespace()
                .map(|word| Candidate {
                    cluster: "us-1".to_owned(),
                    probes_fail: word == "dead",
                    ..Candidate::default()
                })
                .collect();
            verdict("us-1", candidates.iter(), None).unwrap().reason
        };
        assert_eq!(reason("dead dead"), PROBES_FAIL);
        assert_eq!(reason("dead empty"), "NotServing", "one address answers its probes");
    }

    #[test]
    fn one_answered_address_is_proof() {
        check("", ConditionStatus::Unknown);
        check("eu-1=down", ConditionStatus::Unknown);
        check("us-1=up eu-1=down", ConditionStatus::True);
        check("us-1=up us-1=down", ConditionStatus::True);
        check("us-1=down us-1=down eu-1=up", ConditionStatus::False);
    }
}
