//! Room that was given away and is not taken yet: pods take a moment to be bound, and until then their room looks free.
//! In: what was assumed when replicas were last divided, the room that is seen now, the time. Out: the room that counts. An assumption
//! ends when the room shows that the pods are there, or after a while: others may have left meanwhile.

use std::collections::BTreeMap;

use api::PlacementSpec;
use api::placement::AssumedRoom;
use jiff::{SignedDuration, Timestamp};

/// How long pods may take to get their place, in seconds.
const BELIEVED_SECONDS: i64 = 60;

/// The room that counts, of what is seen.
pub(super) fn counts(seen: i64, assumed: Option<&AssumedRoom>) -> i64 {
    match assumed {
        Some(assumed) if seen > assumed.seen => assumed.left.saturating_add(seen - assumed.seen),
        Some(assumed) if seen > assumed.left => assumed.left,
        Some(_) | None => seen,
    }
}

/// What was assumed and still is, by cluster.
pub(super) struct Assumed<'a>(BTreeMap<&'a str, &'a AssumedRoom>);

impl<'a> Assumed<'a> {
    pub(super) fn since(previous: Option<&'a PlacementSpec>, now: Timestamp) -> Self {
        let all = previous.into_iter().flat_map(|previous| &previous.assumed_room);
        let lasts = all.filter(|assumed| until(assumed).is_some_and(|until| until > now));
        Self(lasts.map(|assumed| (assumed.cluster.as_str(), assumed)).collect())
    }

    /// What is still assumed of a cluster.
    pub(super) fn of(&self, cluster: &str, seen: Option<i64>) -> Option<&'a AssumedRoom> {
        let assumed = self.0.get(cluster)?;
        seen.is_some_and(|seen| seen > assumed.left).then_some(assumed)
    }
}

/// What is assumed once `added` more are to come.
pub(super) fn after(
    cluster: &str,
    seen: i64,
    before: Option<&AssumedRoom>,
    added: i64,
    now: Timestamp,
) -> Option<AssumedRoom> {
    if added <= 0 {
        return before.cloned();
    }
    let end = now.checked_add(SignedDuration::from_secs(BELIEVED_SECONDS));
    Some(AssumedRoom {
        cluster: cluster.to_owned(),
        seen,
        left: counts(seen, before).saturating_sub(added).max(0),
        until: end.unwrap_or(Timestamp::MAX).to_string(),
    })
}

/// When an assumption ends by itself; only where replicas wait for room does that matter.
pub(in crate::decide) fn next_end(previous: Option<&PlacementSpec>, now: Timestamp) -> Option<Timestamp> {
    let previous = previous.filter(|previous| previous.unplaced_replicas > 0)?;
    let ends = previous.assumed_room.iter().filter_map(until);
    ends.filter(|end| *end > now).min()
}

fn until(assumed: &AssumedRoom) -> Option<Timestamp> {
    assumed.until.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_that_was_given_away_counts_no_more() {
        let four_of_six = after("eu", 6, None, 4, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!((four_of_six.seen, four_of_six.left), (6, 2));
        // Seen later, and what counts: pods come one after the other; others come; others leave.
        for (seen, counted) in [(6, 2), (4, 2), (2, 2), (1, 1), (0, 0), (8, 4)] {
            assert_eq!(counts(seen, Some(&four_of_six)), counted, "{seen}");
        }
        let more = after("eu", 6, Some(&four_of_six), 1, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!((more.seen, more.left), (6, 1));
    }

    #[test]
    fn an_assumption_ends_when_it_came_true_or_after_a_while() {
        let assumed = after("eu", 6, None, 4, Timestamp::UNIX_EPOCH);
        let spec = PlacementSpec {
            unplaced_replicas: 1,
            assumed_room: assumed.into_iter().collect(),
            ..PlacementSpec::default()
        };
        let at = |second| Timestamp::from_second(second).unwrap();
        let of = |cluster, seen, now| Assumed::since(Some(&spec), now).of(cluster, Some(seen)).is_some();
        assert!(of("eu", 6, at(59)));
        assert!(!of("eu", 2, at(1)));
        assert!(!of("eu", 6, at(60)));
        assert!(!of("us", 6, at(1)));
        assert_eq!(next_end(Some(&spec), at(1)), Some(at(60)));
        assert_eq!(next_end(Some(&spec), at(60)), None);
    }
}
