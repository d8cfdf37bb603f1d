//! Divides the bounds of an autoscaler between clusters, in proportion to what its target has there.
//! In: bounds, one [`Seat`] a cluster with a weight. Out: bounds a cluster, in order. Properties: each may run at least one
//! replica, and none fewer than its fewest; the sums are kept where there are as many replicas as clusters.

use api::placement::ReplicaBounds;

use super::divide::{Seat, sainte_lague};

/// The share of each seat. An autoscaler that may go to none may do so in each cluster.
#[must_use]
pub(super) fn divide(bounds: ReplicaBounds, seats: &[Seat]) -> Vec<ReplicaBounds> {
    let fewest = bounds.min_replicas.clamp(0, 1);
    let mins = at_least(bounds.min_replicas, seats, &vec![fewest; seats.len()]);
    let floors: Vec<i64> = mins.iter().map(|min| (*min).max(1)).collect();
    let maxes = at_least(bounds.max_replicas, seats, &floors);
    mins.into_iter()
        .zip(maxes)
        .map(|(min_replicas, max_replicas)| ReplicaBounds {
            min_replicas,
            max_replicas,
        })
        .collect()
}

/// Sainte-Laguë with a floor a seat: who would get less gets the floor, and the others divide what is left.
fn at_least(wanted: i64, seats: &[Seat], floors: &[i64]) -> Vec<i64> {
    let mut given: Vec<Option<i64>> = vec![None; seats.len()];
    loop {
        let fixed: i64 = given.iter().flatten().sum();
        let open: Vec<Seat> = seats
            .iter()
            .zip(&given)
            .map(|(seat, given)| Seat {
                weight: if given.is_some() { 0 } else { seat.weight.max(1) },
                ..*seat
            })
            .collect();
        let shares = sainte_lague(wanted.saturating_sub(fixed), &open);
        let mut settled = true;
        for ((given, share), floor) in given.iter_mut().zip(&shares).zip(floors) {
            if given.is_none() && share < floor {
                *given = Some(*floor);
                settled = false;
            }
        }
        if settled {
            let whole = given.into_iter().zip(shares);
            return whole.map(|(given, share)| given.unwrap_or(share)).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seats(weights: &[i64]) -> Vec<Seat> {
        let seat = |(rank, weight): (u64, &i64)| Seat {
            weight: *weight,
            most: i64::MAX,
            previous: 0,
            rank,
        };
        (0..).zip(weights).map(seat).collect()
    }

    fn divided(min_replicas: i64, max_replicas: i64, weights: &[i64]) -> Vec<(i64, i64)> {
        let bounds = ReplicaBounds {
            min_replicas,
            max_replicas,
        };
        let shares = divide(bounds, &seats(weights));
        shares
            .iter()
            .map(|share| (share.min_replicas, share.max_replicas))
            .collect()
    }

    #[test]
    fn in_proportion_and_at_least_one() {
        assert_eq!(divided(3, 30, &[3, 3, 3]), [(1, 10), (1, 10), (1, 10)]);
        assert_eq!(divided(6, 30, &[4, 2]), [(4, 20), (2, 10)]);
        assert_eq!(divided(1, 10, &[5, 1]), [(1, 8), (1, 2)]);
        assert_eq!(divided(2, 2, &[1, 1, 1]), [(1, 1), (1, 1), (1, 1)]);
        assert_eq!(divided(0, 4, &[1, 1]), [(0, 2), (0, 2)]);
        assert_eq!(divided(2, 7, &[7]), [(2, 7)]);
        assert_eq!(divided(10, 10, &[9, 1]), [(9, 9), (1, 1)]);
    }

    proptest! {
        #[test]
        fn every_share_is_an_autoscaler(
            min in 0_i64..40, more in 0_i64..60, weights in prop::collection::vec(1_i64..20, 1..7),
        ) {
            let max = (min + more).max(1);
            let shares = divided(min, max, &weights);
            let clusters = i64::try_from(weights.len()).unwrap();
            for (least, most) in &shares {
                prop_assert!(*most >= 1 && most >= least && *least >= min.min(1), "{:?}", shares);
            }
            let mins: i64 = shares.iter().map(|(min, _)| min).sum();
            let maxes: i64 = shares.iter().map(|(_, max)| max).sum();
            prop_assert_eq!(mins, if min == 0 { 0 } else { min.max(clusters) });
            prop_assert_eq!(maxes, max.max(clusters).max(mins));
            for ((a, left), (b, right)) in weights.iter().zip(&shares).zip(weights.iter().zip(&shares).skip(1)) {
                prop_assert!(a <= b || left.1 >= right.1, "who has more may run more: {:?} of {:?}", shares, weights);
            }
        }
    }
}
