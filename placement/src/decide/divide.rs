//! Divides replicas between clusters by Sainte-Laguë (Webster): each replica in turn goes to the cluster with the largest
//! weight / (2 * already given + 1).
//! In: how many, and one [`Seat`] a cluster. Out: one share a cluster. Properties: one replica more changes one cluster; a
//! lost cluster moves only its own; among equals, clusters keep what was planned for them. Absent: capacity.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

/// One cluster's claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Its weight; none gets nothing.
    pub weight: i64,
    /// The most it may get.
    pub most: i64,
    /// What was planned for it before; among equals, it keeps it.
    pub previous: i64,
    /// Breaks the ties that are left; lower first.
    pub rank: u64,
}

/// The share of each seat, in order. Their sum is `wanted`, or less where no seat may take more.
#[must_use]
pub fn sainte_lague(wanted: i64, seats: &[Seat]) -> Vec<i64> {
    let wanted = wanted.max(0);
    let mut shares = bulk(wanted, seats);
    let mut remaining = wanted.saturating_sub(shares.iter().sum());
    if remaining <= 0 {
        return shares;
    }
    // With a thousand seats looking for the best claim at each replica would be most of a decision.
    let open = seats.iter().zip(&shares).enumerate();
    let open = open.filter(|(_, (seat, given))| seat.weight > 0 && **given < seat.most);
    let mut claims: BinaryHeap<Claim<'_>> = open
        .map(|(index, (seat, given))| Claim {
            seat,
            given: *given,
            index,
        })
        .collect();
    while remaining > 0
        && let Some(mut best) = claims.peek_mut()
    {
        best.given += 1;
        remaining -= 1;
        if let Some(share) = shares.get_mut(best.index) {
            *share = best.given;
        }
        if best.given >= best.seat.most {
            PeekMut::pop(best);
        }
    }
    shares
}

/// What a seat has of the next replica; the greatest gets it.
struct Claim<'a> {
    seat: &'a Seat,
    given: i64,
    index: usize,
}

impl Ord for Claim<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let claim = |seat: &Seat, other_given: i64| i128::from(seat.weight) * (2 * i128::from(other_given) + 1);
        let ahead = |one: &Self| one.seat.previous > one.given;
        claim(self.seat, other.given)
            .cmp(&claim(other.seat, self.given))
            .then_with(|| ahead(self).cmp(&ahead(other)))
            .then_with(|| other.given.cmp(&self.given))
            .then_with(|| other.seat.rank.cmp(&self.seat.rank))
            .then_with(|| self.index.cmp(&other.index))
    }
}

impl PartialOrd for Claim<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Claim<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Claim<'_> {}

/// The same where each seat with a weight gets one before any gets two; the first go by weight, too.
#[must_use]
pub fn one_at_least(wanted: i64, seats: &[Seat]) -> Vec<i64> {
    let mut fixed: Vec<Option<i64>> = vec![None; seats.len()];
    loop {
        let given: i64 = fixed.iter().flatten().sum();
        let open: Vec<Seat> = seats
            .iter()
            .zip(&fixed)
            .map(|(seat, fixed)| Seat {
                weight: if fixed.is_some() { 0 } else { seat.weight },
                ..*seat
            })
            .collect();
        let shares = sainte_lague(wanted.saturating_sub(given), &open);
        let can_give = shares.iter().any(|share| *share > 1);
        let empty = |(fixed, (seat, share)): (&Option<i64>, (&Seat, &i64))| {
            fixed.is_none() && *share == 0 && seat.weight > 0 && seat.most > 0
        };
        let rows = fixed.iter().zip(seats.iter().zip(&shares)).enumerate();
        // One at a time, the weightiest first: the next may find one by itself.
        let next = rows
            .filter(|(_, row)| can_give && empty(*row))
            .max_by_key(|(_, (_, (seat, _)))| (seat.weight, seat.previous, std::cmp::Reverse(seat.rank)));
        let next = next.map(|(index, _)| index);
        match next.and_then(|index| fixed.get_mut(index)) {
            Some(fixed) => *fixed = Some(1),
            None => {
                let rows = fixed.into_iter().zip(shares);
                return rows.map(|(fixed, share)| fixed.unwrap_or(share)).collect();
            }
        }
    }
}

/// The replicas that are beyond doubt: those whose quotient is above one that the whole number is sure to reach. Leaves
/// at most about one a seat for the exact loop, so that two thousand million replicas cost no more than two.
fn bulk(wanted: i64, seats: &[Seat]) -> Vec<i64> {
    let mut shares = vec![0_i64; seats.len()];
    let mut open: Vec<usize> = seats
        .iter()
        .enumerate()
        .filter(|(_, s)| s.weight > 0)
        .map(|(index, _)| index)
        .collect();
    let mut left = wanted;
    loop {
        let weight_of = |index: &usize| seats.get(*index).map_or(0, |seat| i128::from(seat.weight));
        let total: i128 = open.iter().map(weight_of).sum();
        // Rounding gives each open seat at most a half too many: 2 * left - seats is safe from below.
        let safe = 2 * i128::from(left) - i128::try_from(open.len()).unwrap_or(i128::MAX);
        if total == 0 || safe <= 0 {
            return shares;
        }
        let mut full = None;
        for index in &open {
            let (Some(seat), Some(share)) = (seats.get(*index), shares.get_mut(*index)) else {
                continue;
            };
            // Replicas s with weight / (2s - 1) > total / safe, that is (2s - 1) * total < weight * safe.
            let odd = (i128::from(seat.weight) * safe - 1) / total;
            let sure = i64::try_from((odd + 1) / 2).unwrap_or(i64::MAX);
            *share = sure.min(seat.most);
            if sure >= seat.most {
                full = Some(*index);
            }
        }
        // A full seat gives its surplus to the others: count again without it.
        let Some(full) = full else { return shares };
        open.retain(|index| *index != full);
        left -= shares.get(full).copied().unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seats(weights: &[i64], previous: &[i64]) -> Vec<Seat> {
        let at = |index: usize| previous.get(index).copied().unwrap_or_default();
        let seat = |(index, weight): (usize, &i64)| Seat {
            weight: *weight,
            most: i64::MAX,
            previous: at(index),
            rank: index as u64,
        };
        weights.iter().enumerate().map(seat).collect()
    }

    #[test]
    fn known_divisions() {
        let rows: [(&[i64], i64, &[i64]); 12] = [
            (&[1, 1, 1], 10, &[4, 3, 3]),
            (&[1, 1, 1], 1, &[1, 0, 0]),
            (&[1, 1, 1], 0, &[0, 0, 0]),
            (&[2, 1], 4, &[3, 1]),
            (&[2, 1], 5, &[3, 2]),
            (&[2, 1], 9, &[6, 3]),
            (&[3, 2, 1], 7, &[4, 2, 1]),
            (&[5, 1], 2, &[2, 0]),
            (&[5, 1], 3, &[2, 1]),
            (&[7, 2, 1], 6, &[4, 1, 1]),
            (&[10, 6, 2], 5, &[2, 2, 1]),
            (&[0, 1], 5, &[0, 5]),
        ];
        for (weights, wanted, expected) in rows {
            assert_eq!(
                sainte_lague(wanted, &seats(weights, &[])),
                expected,
                "{weights:?} {wanted}"
            );
        }
        assert_eq!(
            sainte_lague(2_000_000_001, &seats(&[1, 1], &[])),
            [1_000_000_001, 1_000_000_000]
        );
        assert!(sainte_lague(5, &[]).is_empty());
    }

    #[test]
    fn among_equals_what_was_planned_stays() {
        assert_eq!(sainte_lague(1, &seats(&[1, 1, 1], &[0, 0, 1])), [0, 0, 1]);
        assert_eq!(sainte_lague(10, &seats(&[1, 1, 1], &[3, 3, 4])), [3, 3, 4]);
        assert_eq!(sainte_lague(11, &seats(&[1, 1, 1], &[3, 3, 4])), [4, 3, 4]);
        assert_eq!(sainte_lague(9, &seats(&[1, 1, 1], &[3, 3, 4])), [3, 3, 3]);
    }

    #[test]
    fn a_held_seat_does_not_grow() {
        let mut held = seats(&[1, 1, 1], &[3, 3, 3]);
        held[0].most = 3;
        assert_eq!(sainte_lague(15, &held), [3, 6, 6]);
        assert_eq!(sainte_lague(6, &held), [2, 2, 2]);
        for seat in &mut held {
            seat.most = 3;
        }
        assert_eq!(sainte_lague(15, &held), [3, 3, 3]);
    }

    fn any_seats() -> impl Strategy<Value = Vec<Seat>> {
        let seat = (0_i64..20, prop_oneof![Just(i64::MAX), 0_i64..30], 0_i64..30);
        prop::collection::vec(seat, 1..8).prop_map(|rows| {
            let build = |(index, (weight, most, previous)): (usize, (i64, i64, i64))| Seat {
                weight,
                most,
                previous,
                rank: index as u64,
            };
            rows.into_iter().enumerate().map(build).collect()
        })
    }

    proptest! {
        #[test]
        fn the_sum_is_what_was_wanted_or_all_are_full(wanted in 0_i64..200, seats in any_seats()) {
            let shares = sainte_lague(wanted, &seats);
            let sum: i64 = shares.iter().sum();
            let full = seats.iter().zip(&shares).all(|(seat, share)| seat.weight == 0 || *share == seat.most);
            prop_assert!(sum == wanted || (sum < wanted && full), "{shares:?}");
            for (seat, share) in seats.iter().zip(&shares) {
                prop_assert!(*share >= 0 && *share <= seat.most && (seat.weight > 0 || *share == 0));
            }
        }

        #[test]
        fn one_more_changes_one_cluster(wanted in 0_i64..200, seats in any_seats()) {
            let before = sainte_lague(wanted, &seats);
            // The next decision starts from what was planned, and clusters that were held still are.
            let next: Vec<Seat> = seats.iter().zip(&before).map(|(seat, share)| Seat { previous: *share, ..*seat }).collect();
            let after = sainte_lague(wanted + 1, &next);
            let changes: Vec<i64> = before.iter().zip(&after).map(|(a, b)| b - a).filter(|d| *d != 0).collect();
            prop_assert!(changes == [1] || changes.is_empty(), "{before:?} {after:?}");
            prop_assert_eq!(sainte_lague(wanted, &next), before.clone());
            if wanted > 0 {
                let fewer = sainte_lague(wanted - 1, &next);
                let changes: Vec<i64> = before.iter().zip(&fewer).map(|(a, b)| b - a).filter(|d| *d != 0).collect();
                prop_assert!(changes == [-1] || changes.is_empty(), "{before:?} {fewer:?}");
            }
        }

        #[test]
        fn a_lost_cluster_moves_only_its_own(wanted in 0_i64..200, seats in any_seats(), lost in 0_usize..8) {
            let before = sainte_lague(wanted, &seats);
            let lost = lost % seats.len();
            let kept = |index: &usize| *index != lost;
            let rest: Vec<Seat> = (0..seats.len()).filter(kept)
                .map(|i| Seat { previous: before[i], ..seats[i] }).collect();
            let after = sainte_lague(wanted, &rest);
            for (index, share) in (0..seats.len()).filter(kept).zip(&after) {
                prop_assert!(*share >= before[index], "{before:?} without {lost}: {after:?}");
            }
        }

        #[test]
        fn one_at_least_where_there_are_enough(wanted in 0_i64..60, seats in any_seats()) {
            let shares = one_at_least(wanted, &seats);
            let plain = sainte_lague(wanted, &seats);
            prop_assert_eq!(shares.iter().sum::<i64>(), plain.iter().sum::<i64>(), "{:?}", shares);
            let empty = seats.iter().zip(&shares).any(|(seat, share)| seat.weight > 0 && seat.most > 0 && *share == 0);
            prop_assert!(!empty || shares.iter().all(|share| *share <= 1), "{:?}", shares);
            prop_assert!(seats.iter().zip(&shares).all(|(seat, share)| *share <= seat.most));
            let next: Vec<Seat> = seats.iter().zip(&shares).map(|(seat, share)| Seat { previous: *share, ..*seat }).collect();
            let more = one_at_least(wanted + 1, &next);
            prop_assert!(shares.iter().zip(&more).all(|(a, b)| a <= b), "{:?} {:?}", shares, more);
        }

        #[test]
        fn the_shortcut_gives_what_the_loop_gives(wanted in 0_i64..120, seats in any_seats()) {
            let mut slow = vec![0_i64; seats.len()];
            for _ in 0..wanted {
                let open = seats.iter().zip(&slow).enumerate().filter(|(_, (s, g))| s.weight > 0 && **g < s.most);
                let Some(next) = open.map(|(index, (seat, given))| Claim { seat, given: *given, index }).max() else { break };
                let next = next.index;
                slow[next] += 1;
            }
            prop_assert_eq!(sainte_lague(wanted, &seats), slow);
        }
    }
}
