//! Divides replicas by what the clusters have room for, and moves as few as it can: what runs stays, more go where there is
//! room, fewer leave in proportion, a lost cluster's replicas go elsewhere. Nothing moves because room does.
//! In: how many, and tiers of clusters, the later ones only for what does not fit into the earlier. Out: a share each. Absent: what
//! room is ([`crate::room`]), who may be divided (`filter.rs`).

use super::super::divide::{Seat, one_at_least, sainte_lague};

/// One cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Berth {
    /// What was planned for it.
    pub(super) held: i64,
    /// How many more fit; none where that is not known.
    pub(super) room: Option<i64>,
    /// It may get more.
    pub(super) grows: bool,
    /// How much of it is overflow: 0 for the clusters that are wanted.
    pub(super) tier: usize,
    /// Breaks ties; lower first.
    pub(super) rank: u64,
}

/// How replicas are put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Style {
    /// In few clusters instead of in proportion to their room.
    pub(super) aggregated: bool,
    /// What was planned does not bind: somebody asked for a new division.
    pub(super) afresh: bool,
    /// Each cluster of the first tier gets one at least, where there are enough.
    pub(super) spread: bool,
}

impl Berth {
    /// How many more it may get; `most` where that is not known, which is not none.
    fn more(&self, most: i64) -> i64 {
        if self.grows {
            self.room.unwrap_or(most).max(0)
        } else {
            0
        }
    }
}

/// The share of each berth, in order. Their sum is `wanted`, or less where nothing more fits.
pub(super) fn divide(wanted: i64, berths: &[Berth], style: Style) -> Vec<i64> {
    let wanted = wanted.max(0);
    let held: Vec<i64> = berths.iter().map(|berth| berth.held.max(0)).collect();
    let assigned = held.iter().fold(0, |sum: i64, held| sum.saturating_add(*held));
    if style.afresh {
        // The room that it takes itself is free to it.
        let whole = berths.iter().zip(&held).map(|(berth, held)| Berth {
            room: berth.room.map(|room| room.saturating_add(*held)),
            grows: true,
            ..*berth
        });
        // One that may not grow may keep what it has.
        let whole: Vec<Berth> = whole
            .zip(berths.iter().zip(&held))
            .map(|(whole, (berth, held))| Berth {
                room: if berth.grows { whole.room } else { Some(*held) },
                ..whole
            })
            .collect();
        return grown(wanted, &vec![0; berths.len()], &whole, style);
    }
    if assigned > wanted {
        return shrunk(wanted, &held, berths, style);
    }
    grown(wanted, &held, berths, style)
}

/// What lacks is added tier by tier.
fn grown(wanted: i64, held: &[i64], berths: &[Berth], style: Style) -> Vec<i64> {
    let mut shares = held.to_vec();
    let known = berths.iter().filter_map(|berth| berth.room).max().unwrap_or_default();
    let unknown = known.max(wanted);
    let tiers = berths.iter().map(|berth| berth.tier).max().unwrap_or_default();
    for tier in 0..=tiers {
        let lacks = wanted.saturating_sub(shares.iter().sum());
        if lacks <= 0 {
            break;
        }
        let more: Vec<i64> = berths
            .iter()
            .map(|berth| if berth.tier == tier { berth.more(unknown) } else { 0 })
            .collect();
        let open = if style.aggregated {
            fewest(lacks, &shares, &more, berths, style.spread && tier == 0)
        } else {
            more
        };
        let seats = seats(&open, &open, berths);
        let empty = shares
            .iter()
            .zip(berths)
            .any(|(share, berth)| *share == 0 && berth.tier == tier);
        let added = if style.spread && tier == 0 && empty {
            ones_first(lacks, &shares, &seats)
        } else {
            sainte_lague(lacks, &seats)
        };
        for (share, added) in shares.iter_mut().zip(added) {
            *share += added;
        }
    }
    shares
}

/// Clusters that have none yet get one before the rest is divided.
fn ones_first(lacks: i64, shares: &[i64], seats: &[Seat]) -> Vec<i64> {
    let firsts: Vec<Seat> = seats
        .iter()
        .zip(shares)
        .map(|(seat, share)| Seat {
            most: if *share == 0 { seat.most.min(1) } else { 0 },
            ..*seat
        })
        .collect();
    let ones = one_at_least(lacks, &firsts);
    let rest: Vec<Seat> = seats
        .iter()
        .zip(&ones)
        .map(|(seat, one)| Seat {
            most: seat.most - one,
            ..*seat
        })
        .collect();
    let rest = sainte_lague(lacks.saturating_sub(ones.iter().sum()), &rest);
    ones.iter().zip(rest).map(|(one, rest)| one + rest).collect()
}

/// Of each berth what is open to the fewest clusters that can take what lacks: those that hold some first, then the roomiest.
fn fewest(lacks: i64, shares: &[i64], more: &[i64], berths: &[Berth], all: bool) -> Vec<i64> {
    let mut order: Vec<usize> = (0..more.len()).filter(|index| more.get(*index) > Some(&0)).collect();
    let at = |values: &[i64], index: usize| values.get(index).copied().unwrap_or_default();
    order.sort_by_key(|index| {
        (
            at(shares, *index) == 0,
            std::cmp::Reverse(at(more, *index)),
            std::cmp::Reverse(berths.get(*index).map_or(0, |berth| berth.held)),
            berths.get(*index).map(|berth| berth.rank),
        )
    });
    let mut open = vec![0; more.len()];
    let mut found = 0_i64;
    for index in order {
        if found >= lacks && !all {
            break;
        }
        found = found.saturating_add(at(more, index));
        if let Some(open) = open.get_mut(index) {
            *open = at(more, index);
        }
    }
    open
}

/// Overflow leaves first, from the last tier; the rest in proportion to what runs, or from the smallest where they are to be few.
fn shrunk(wanted: i64, held: &[i64], berths: &[Berth], style: Style) -> Vec<i64> {
    let mut shares = held.to_vec();
    let mut surplus = shares.iter().fold(0, |sum: i64, share| sum.saturating_add(*share)) - wanted;
    let tiers = berths.iter().map(|berth| berth.tier).max().unwrap_or_default();
    for tier in (0..=tiers).rev() {
        let here: Vec<i64> = shares
            .iter()
            .zip(berths)
            .map(|(share, berth)| if berth.tier == tier { *share } else { 0 })
            .collect();
        let sum = here.iter().fold(0, |sum: i64, share| sum.saturating_add(*share));
        let stays = sum.saturating_sub(surplus).max(0);
        surplus -= sum - stays;
        let left = if style.aggregated {
            largest(stays, &here, berths)
        } else if style.spread && tier == 0 {
            one_at_least(stays, &seats(&here, &here, berths))
        } else {
            sainte_lague(stays, &seats(&here, &here, berths))
        };
        for (share, (left, berth)) in shares.iter_mut().zip(left.into_iter().zip(berths)) {
            if berth.tier == tier {
                *share = left;
            }
        }
    }
    shares
}

/// What stays, in the clusters that have most: the small ones empty first.
fn largest(stays: i64, here: &[i64], berths: &[Berth]) -> Vec<i64> {
    let mut order: Vec<usize> = (0..here.len()).collect();
    order.sort_by_key(|index| {
        (
            std::cmp::Reverse(here.get(*index).copied()),
            berths.get(*index).map(|berth| berth.rank),
        )
    });
    let mut left = vec![0; here.len()];
    let mut rest = stays;
    for index in order {
        let share = here.get(index).copied().unwrap_or_default().min(rest);
        rest -= share;
        if let Some(left) = left.get_mut(index) {
            *left = share;
        }
    }
    left
}

fn seats(weights: &[i64], most: &[i64], berths: &[Berth]) -> Vec<Seat> {
    let rows = weights.iter().zip(most).zip(berths);
    rows.map(|((weight, most), berth)| Seat {
        weight: *weight,
        most: *most,
        previous: berth.held,
        rank: berth.rank,
    })
    .collect()
}

#[cfg(test)]
mod tests;
