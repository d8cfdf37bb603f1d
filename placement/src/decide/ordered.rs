//! Which of a policy's ordered affinities is in use: the first whose clusters fit. A later one at once when it does not, an earlier
//! one again after it has fitted for a while.
//! In: the rule, what stands, the time. Out: the rule with one affinity, and what the Placement says of it. It needs no memory but
//! the Placement. Absent: what fits (`filter.rs`, `spread.rs`).

use api::placement::AffinityInUse;
use jiff::Timestamp;

use super::candidate::fitting;
use super::rule::Rule;
use super::spread;
use crate::decision::Decision;
use crate::inputs::Inputs;

/// The rule with the affinity that is in use; the same where the policy has no ordered ones. Where none fits the one that was in
/// use counts: what stands is judged by it.
pub(super) fn in_use<'a>(inputs: &Inputs<'a>, rule: Rule<'a>, decision: &mut Decision) -> Rule<'a> {
    if rule.terms().is_empty() {
        return rule;
    }
    let before = inputs.previous.and_then(|previous| previous.affinity.as_ref());
    let before_at = before.and_then(|before| rule.terms().iter().position(|term| term.affinity_name == before.name));
    let first = (0..rule.terms().len()).find(|term| fits(inputs, &rule.with_term(*term)));
    let name = |term: usize| rule.terms().get(term).map_or("", |term| term.affinity_name.as_str());
    let (term, step, returns) = match (before_at, first) {
        (Some(used), Some(first)) if first < used && fits(inputs, &rule.with_term(used)) => {
            let after = before
                .filter(|before| before.returning_to == name(first))
                .and_then(|before| before.returning_after.parse::<Timestamp>().ok())
                .unwrap_or_else(|| after_seconds(inputs.now, rule.return_seconds()));
            if after <= inputs.now {
                let step = format!("Group {} fits again for long enough: it is gone back to.", name(first));
                (first, step, None)
            } else {
                let step = format!(
                    "Group {} is in use; {} fits again and is gone back to at {after}, if it still does.",
                    name(used),
                    name(first)
                );
                (used, step, Some((name(first).to_owned(), after.to_string())))
            }
        }
        (_, Some(first)) => {
            let passed = (0..first).map(name).collect::<Vec<_>>().join(", ");
            let step = if passed.is_empty() {
                format!("Group {} is the first, and fits.", name(first))
            } else {
                format!("Group {} is the first that fits; not {passed}.", name(first))
            };
            (first, step, None)
        }
        (used, None) => {
            let used = used.unwrap_or_default();
            let step = format!("No group fits; what stands is judged by {}.", name(used));
            (used, step, None)
        }
    };
    decision.steps.push(step);
    let (returning_to, returning_after) = returns.unwrap_or_default();
    decision.affinity = Some(AffinityInUse {
        name: name(term).to_owned(),
        returning_to,
        returning_after,
    });
    rule.with_term(term)
}

/// When an earlier affinity is gone back to.
pub(super) fn next_return(inputs: &Inputs<'_>) -> Option<Timestamp> {
    let affinity = inputs.previous?.affinity.as_ref()?;
    let after: Timestamp = affinity.returning_after.parse().ok()?;
    (after > inputs.now).then_some(after)
}

fn fits<'a>(inputs: &Inputs<'a>, rule: &Rule<'a>) -> bool {
    let candidates = fitting(inputs, rule, |_, _| {});
    let spread = || spread::select(inputs, rule, &candidates).is_none_or(|selection| selection.unmet.is_empty());
    !candidates.is_empty() && spread()
}

/// Whole seconds, never too few.
fn after_seconds(now: Timestamp, seconds: i64) -> Timestamp {
    let whole = i64::from(now.subsec_nanosecond() > 0);
    let at = now.as_second().saturating_add(seconds).saturating_add(whole);
    Timestamp::from_second(at).unwrap_or(Timestamp::MAX)
}
