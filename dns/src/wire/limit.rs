//! Response rate limiting: answers alike to one network are bounded, so that forged queries make no flood of this server's
//! answers at their victim. What is over the bound is dropped, or now and then answered empty with TC, so that a real client
//! behind the network comes back over TCP.
//!
//! In: who asked, what the answer is about, the time. Out: a [`Verdict`]. A fixed table of atomics, without locks: networks that
//! share a slot by their hash take it from each other, which errs on the side of answering. Absent: clocks, sockets.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};

use ipnet::IpNet;

/// Slots of the table: 512 KiB.
const SLOTS: usize = 1 << 16;
/// Time stands in slots in sixteenths of a millisecond, modulo 2^44 (34 years).
const UNITS_PER_MILLI: u64 = 16;
const TIME_BITS: u32 = 44;
const TIME_MASK: u64 = (1 << TIME_BITS) - 1;
/// How much of a second's answers may come at once.
const BURST_MILLIS: u64 = 1000;
/// Networks that are one client: what one customer has, in either family.
const CLIENT_V4: u32 = 24;
const CLIENT_V6: u32 = 56;

/// How answers are limited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Answers alike that one network gets in a second.
    pub per_second: u32,
    /// One in so many of those above it is answered empty with TC; 0 for none.
    pub slip: u32,
    /// Networks that are never limited.
    pub exempt: Vec<IpNet>,
    /// Only counted, not limited.
    pub dry_run: bool,
}

/// What an answer is about; answers about the same are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About<'a> {
    /// A name that is there.
    Name(&'a [u8]),
    /// Names that are not there, of a zone: those of a flood are all different.
    Missing(&'a [u8]),
    /// An error of this code.
    Error(u16),
}

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// It is sent.
    #[default]
    Send,
    /// It would be limited, were limits more than tried.
    Tried,
    /// It is sent empty, with TC.
    Truncate,
    /// It is not sent.
    Drop,
}

/// The limits at work.
#[derive(Debug)]
pub struct Limiter {
    limit: RateLimit,
    slots: Box<[AtomicU64]>,
    hasher: RandomState,
    /// Units that one answer takes.
    cost: u64,
}

impl Limiter {
    /// Limits that have seen nothing; none where the rate is 0, which is no limit.
    #[must_use]
    pub fn new(limit: RateLimit) -> Option<Self> {
        let cost = (1000 * UNITS_PER_MILLI).checked_div(u64::from(limit.per_second))?;
        Some(Self {
            limit,
            slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
            cost: cost.max(1),
        })
    }

    /// Counts an answer and says what becomes of it. `millis` is the time, `entropy` decides who slips through.
    pub(super) fn judge(&self, source: IpAddr, about: About<'_>, millis: u64, entropy: u32) -> Verdict {
        let source = source.to_canonical();
        if self.limit.exempt.iter().any(|network| network.contains(&source)) || self.take(source, about, millis) {
            Verdict::Send
        } else if self.limit.dry_run {
            Verdict::Tried
        } else if entropy.checked_rem(self.limit.slip) == Some(0) {
            Verdict::Truncate
        } else {
            Verdict::Drop
        }
    }

    /// Takes one answer from the bucket; false where it is empty. A slot holds the time at which its bucket is full again (the
    /// generic cell rate algorithm), beside a tag of whose it is.
    fn take(&self, source: IpAddr, about: About<'_>, millis: u64) -> bool {
        let hash = self.hasher.hash_one(match about {
            About::Name(name) => (network(source), 0_u16, name),
            About::Missing(zone) => (network(source), 1, zone),
            About::Error(code) => (network(source), 2 + code, &[][..]),
        });
        // Truncation is meant: any bits of the hash do.
        let Some(slot) = self.slots.get((hash & (SLOTS as u64 - 1)) as usize) else {
            return true;
        };
        let tag = hash >> TIME_BITS;
        let now = millis.wrapping_mul(UNITS_PER_MILLI) & TIME_MASK;
        let mut before = slot.load(Ordering::Relaxed);
        loop {
            let full_at = if before >> TIME_BITS == tag {
                before & TIME_MASK
            } else {
                now
            };
            // What lies more than a burst ahead is behind, or from before time wrapped.
            let ahead = full_at.wrapping_sub(now) & TIME_MASK;
            let ahead = if ahead > 2 * BURST_MILLIS * UNITS_PER_MILLI {
                0
            } else {
                ahead
            };
            if ahead + self.cost > BURST_MILLIS * UNITS_PER_MILLI {
                return false;
            }
            let after = tag << TIME_BITS | (now.wrapping_add(ahead + self.cost) & TIME_MASK);
            match slot.compare_exchange_weak(before, after, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(changed) => before = changed,
            }
        }
    }
}

/// The client's network, as the upper bits of its address.
fn network(source: IpAddr) -> u64 {
    match source {
        IpAddr::V4(address) => u64::from(u32::from(address) >> (32 - CLIENT_V4)),
        IpAddr::V6(address) => upper(address) >> (64 - CLIENT_V6) | 1 << 63,
    }
}

fn upper(address: Ipv6Addr) -> u64 {
    // Truncation is meant: the network part is the upper half.
    (u128::from(address) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limiter(per_second: u32, slip: u32, dry_run: bool) -> Limiter {
        let exempt = vec!["127.0.0.0/8".parse().unwrap()];
        Limiter::new(RateLimit {
            per_second,
            slip,
            exempt,
            dry_run,
        })
        .unwrap()
    }

    fn sent(limiter: &Limiter, source: &str, about: About<'_>, millis: u64, times: u32) -> u32 {
        let source = source.parse().unwrap();
        (0..times)
            .map(|_| u32::from(limiter.judge(source, about, millis, 1) == Verdict::Send))
            .sum()
    }

    #[test]
    fn alike_answers_to_one_network_are_bounded() {
        let limiter = limiter(10, 0, false);
        let (name, other) = (About::Name(b"a"), About::Name(b"b"));
        assert_eq!(sent(&limiter, "192.0.2.1", name, 5000, 50), 10);
        assert_eq!(sent(&limiter, "192.0.2.200", name, 5000, 50), 0, "the same network");
        assert_eq!(sent(&limiter, "192.0.3.1", name, 5000, 50), 10, "another network");
        assert_eq!(sent(&limiter, "192.0.2.1", other, 5000, 50), 10, "another name");
        assert_eq!(sent(&limiter, "192.0.2.1", About::Missing(b"a"), 5000, 50), 10);
        assert_eq!(sent(&limiter, "192.0.2.1", name, 5500, 50), 5, "half a second later");
        assert_eq!(sent(&limiter, "192.0.2.1", name, 60_000, 50), 10, "long after");
        assert_eq!(sent(&limiter, "::ffff:192.0.2.1", name, 60_000, 50), 0);
        assert_eq!(sent(&limiter, "127.0.0.9", name, 5000, 50), 50, "exempt");
        assert_eq!(sent(&limiter, "2001:db8:0:12::1", name, 5000, 50), 10);
        assert_eq!(sent(&limiter, "2001:db8:0:ff::1", name, 5000, 50), 0, "the same /56");
        assert_eq!(sent(&limiter, "2001:db8:0:100::1", name, 5000, 50), 10);
    }

    #[test]
    fn some_slip_through_and_a_trial_limits_nobody() {
        let verdicts = |limiter: &Limiter| -> Vec<Verdict> {
            let source = "192.0.2.1".parse().unwrap();
            (0..4)
                .map(|entropy| limiter.judge(source, About::Error(5), 1, entropy))
                .collect()
        };
        use Verdict::{Drop, Send, Tried, Truncate};
        assert_eq!(verdicts(&limiter(1, 2, false)), [Send, Drop, Truncate, Drop]);
        assert_eq!(verdicts(&limiter(1, 1, false)), [Send, Truncate, Truncate, Truncate]);
        assert_eq!(verdicts(&limiter(1, 0, false)), [Send, Drop, Drop, Drop]);
        assert_eq!(verdicts(&limiter(1, 2, true)), [Send, Tried, Tried, Tried]);
        let none = RateLimit {
            per_second: 0,
            slip: 2,
            exempt: vec![],
            dry_run: false,
        };
        assert!(Limiter::new(none).is_none());
    }

    proptest! {
        /// Whatever the pace: never more than a burst and what time gave, never fewer than asked for while within it.
        #[test]
        fn the_rate_holds(per_second in 1_u32..200, gaps in prop::collection::vec(0_u64..400, 1..200)) {
            let limiter = limiter(per_second, 0, false);
            let mut millis = 1_700_000_000_000;
            let mut passed = 0_u64;
            for gap in &gaps {
                millis += gap;
                passed += u64::from(sent(&limiter, "198.51.100.1", About::Name(b"x"), millis, 1));
            }
            let elapsed: u64 = gaps.iter().skip(1).sum();
            prop_assert!(passed <= u64::from(per_second) + elapsed * u64::from(per_second) / 1000 + 1 + elapsed / 1000);
            if gaps.len() as u64 <= u64::from(per_second) {
                prop_assert_eq!(passed, gaps.len() as u64);
            }
        }
    }
}
