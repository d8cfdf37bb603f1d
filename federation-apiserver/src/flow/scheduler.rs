//! Who gets the next seat of a level. Pure: a value that is told of arrivals and ends, and tells who begins.
//!
//! Each flow is dealt a few of the queues by its hash (shuffle sharding), and each request joins the shortest of these: a flow that
//! floods its own queues leaves most others at least one of theirs. Queues take turns by start-time fair queuing: each has a virtual
//! time at which its next request begins, which moves on by the seats and the time that its requests took; the lowest is next. A
//! request too wide for the free seats holds the others back until it fits, so that narrow ones do not starve it.

use std::collections::VecDeque;

/// What a request is taken to cost before it ended, in microseconds a seat.
const ESTIMATE: u64 = 5_000;

/// A request that waits.
#[derive(Debug)]
struct Waiter<T> {
    ticket: u64,
    width: u32,
    value: T,
}

#[derive(Debug)]
struct Queue<T> {
    waiting: VecDeque<Waiter<T>>,
    /// Seats that its requests hold and wait for.
    load: u64,
    /// Virtual time at which what it began so far is paid for.
    paid: u64,
}

/// A level's seats and queues.
#[derive(Debug)]
pub(super) struct Scheduler<T> {
    seats: u32,
    in_use: u32,
    queues: Vec<Queue<T>>,
    hand: usize,
    length: usize,
    /// Virtual time: when the last request began.
    now: u64,
    waiting: usize,
    next_ticket: u64,
}

/// A request that has begun: what it must give back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Begun {
    pub(super) queue: usize,
    pub(super) width: u32,
}

/// What comes of an arrival.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It begins now.
    Begins(Begun),
    /// It waits; with this ticket it may give up.
    Waits(u64),
    /// Its queues are full.
    Refused,
}

/// The queues that a flow is dealt: `hand` different ones of `queues`.
fn dealt(mut hash: u64, hand: usize, queues: usize) -> Vec<usize> {
    let mut cards: Vec<usize> = Vec::with_capacity(hand);
    for dealt in 0..hand.min(queues) {
        let left = (queues - dealt) as u64;
        let mut card = usize::try_from(hash % left).unwrap_or(0);
        hash /= left;
        // The cards dealt before are no longer in the deck.
        let mut before = cards.clone();
        before.sort_unstable();
        for taken in before {
            if card >= taken {
                card += 1;
            }
        }
        cards.push(card);
    }
    cards
}

impl<T> Scheduler<T> {
    pub(super) fn new(seats: u32, queues: usize, hand: usize, length: usize) -> Self {
        let queue = |_| Queue {
            waiting: VecDeque::new(),
            load: 0,
            paid: 0,
        };
        Self {
            seats: seats.max(1),
            in_use: 0,
            queues: (0..queues.max(1)).map(queue).collect(),
            hand,
            length,
            now: 0,
            waiting: 0,
            next_ticket: 0,
        }
    }

    /// How many wait.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Seats that are taken.
    #[cfg(test)]
    pub(super) fn in_use(&self) -> u32 {
        self.in_use
    }

    /// A request of more seats than there are begins when it is alone.
    fn fits(&self, width: u32) -> bool {
        self.in_use == 0 || self.in_use.saturating_add(width) <= self.seats
    }

    fn shortest(&self, flow: u64) -> usize {
        let cards = dealt(flow, self.hand, self.queues.len());
        let load = |card: &usize| self.queues.get(*card).map_or(u64::MAX, |queue| queue.load);
        cards.into_iter().min_by_key(load).unwrap_or(0)
    }

    fn begin(&mut self, at: usize, width: u32) -> Begun {
        if let Some(queue) = self.queues.get_mut(at) {
            let start = queue.paid.max(self.now);
            queue.paid = start + u64::from(width) * ESTIMATE;
            self.now = start;
        }
        self.in_use = self.in_use.saturating_add(width);
        Begun { queue: at, width }
    }

    /// A request of a flow arrives. `value` makes what is handed back when it begins later.
    pub(super) fn arrive(&mut self, flow: u64, width: u32, value: impl FnOnce() -> T) -> Arrival {
        let at = self.shortest(flow);
        if self.waiting == 0 && self.fits(width) {
            if let Some(queue) = self.queues.get_mut(at) {
                queue.load += u64::from(width);
            }
            return Arrival::Begins(self.begin(at, width));
        }
        let Some(queue) = self
            .queues
            .get_mut(at)
            .filter(|queue| queue.waiting.len() < self.length)
        else {
            return Arrival::Refused;
        };
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.waiting += 1;
        queue.load += u64::from(width);
        queue.waiting.push_back(Waiter {
            ticket,
            width,
            value: value(),
        });
        Arrival::Waits(ticket)
    }

    /// A request ended after so many microseconds. Who begins now.
    pub(super) fn end(&mut self, begun: Begun, micros: u64) -> Vec<(Begun, T)> {
        self.in_use = self.in_use.saturating_sub(begun.width);
        if let Some(queue) = self.queues.get_mut(begun.queue) {
            let width = u64::from(begun.width);
            queue.load = queue.load.saturating_sub(width);
            let cost = (queue.paid + width * micros).saturating_sub(width * ESTIMATE);
            queue.paid = cost;
        }
        self.fill()
    }

    /// A request that waits gives up; false where it has begun. Who begins now.
    pub(super) fn give_up(&mut self, ticket: u64) -> (bool, Vec<(Begun, T)>) {
        for queue in &mut self.queues {
            if let Some(at) = queue.waiting.iter().position(|waiter| waiter.ticket == ticket)
                && let Some(gone) = queue.waiting.remove(at)
            {
                queue.load = queue.load.saturating_sub(u64::from(gone.width));
                self.waiting -= 1;
                return (true, self.fill());
            }
        }
        (false, Vec::new())
    }

    fn fill(&mut self) -> Vec<(Begun, T)> {
        let mut begun = Vec::new();
        while self.waiting > 0 {
            let now = self.now;
            let heads = self
                .queues
                .iter()
                .enumerate()
                .filter(|(_, queue)| !queue.waiting.is_empty());
            let next = heads
                .min_by_key(|(at, queue)| (queue.paid.max(now), *at))
                .map(|(at, _)| at);
            let Some(at) = next else { break };
            let width = self
                .queues
                .get(at)
                .and_then(|queue| queue.waiting.front())
                .map_or(0, |head| head.width);
            if !self.fits(width) {
                break;
            }
            let Some(head) = self.queues.get_mut(at).and_then(|queue| queue.waiting.pop_front()) else {
                break;
            };
            self.waiting -= 1;
            begun.push((self.begin(at, width), head.value));
        }
        begun
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hands_are_of_different_queues() {
        for hash in [0, 1, 77, u64::MAX, 0x1234_5678_9abc_def0] {
            let cards = dealt(hash, 6, 64);
            let different: BTreeSet<_> = cards.iter().collect();
            assert_eq!((cards.len(), different.len()), (6, 6));
            assert!(cards.iter().all(|card| *card < 64));
        }
        assert_eq!(dealt(9, 6, 1), [0]);
    }

    /// Two flows that share no queue.
    fn apart(queues: usize, hand: usize) -> (u64, u64) {
        let flows = || (1_u64..10_000).map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let noisy = flows().next().unwrap();
        let first = dealt(noisy, hand, queues);
        let quiet = flows().find(|hash| dealt(*hash, hand, queues).iter().all(|card| !first.contains(card)));
        (noisy, quiet.unwrap())
    }

    #[test]
    fn a_flood_does_not_hold_others_back() {
        let (noisy, quiet) = apart(64, 6);
        let mut scheduler = Scheduler::new(4, 64, 6, 50);
        let mut running: VecDeque<Begun> = VecDeque::new();
        let mut refused = 0;
        for _ in 0..1_000 {
            match scheduler.arrive(noisy, 1, || "noisy") {
                Arrival::Begins(begun) => running.push_back(begun),
                Arrival::Waits(_) => {}
                Arrival::Refused => refused += 1,
            }
        }
        assert_eq!((running.len(), scheduler.waiting(), refused), (4, 300, 696));
        assert!(matches!(scheduler.arrive(quiet, 1, || "quiet"), Arrival::Waits(_)));
        // It is among the very next to begin, though three hundred came before it.
        let mut begun = Vec::new();
        for _ in 0..2 {
            let ended = running.pop_front().unwrap();
            for (next, who) in scheduler.end(ended, 10_000) {
                running.push_back(next);
                begun.push(who);
            }
        }
        assert!(begun.contains(&"quiet"), "{begun:?}");
    }

    #[test]
    fn long_requests_are_paid_for() {
        let (slow, quick) = apart(64, 1);
        let mut scheduler = Scheduler::new(1, 64, 1, 50);
        let Arrival::Begins(mut running) = scheduler.arrive(slow, 1, || "slow") else {
            panic!()
        };
        for _ in 0..40 {
            scheduler.arrive(slow, 1, || "slow");
            scheduler.arrive(quick, 1, || "quick");
        }
        let (mut slow_ran, mut quick_ran) = (0, 0);
        let mut micros = 100_000;
        for _ in 0..30 {
            let [(next, who)] = scheduler.end(running, micros).try_into().unwrap();
            running = next;
            (slow_ran, quick_ran, micros) = match who {
                "slow" => (slow_ran + 1, quick_ran, 100_000),
                _ => (slow_ran, quick_ran + 1, 10_000),
            };
        }
        assert!(quick_ran >= 5 * slow_ran, "{slow_ran} {quick_ran}");
    }

    #[test]
    fn a_wide_one_is_not_starved_by_narrow_ones() {
        let mut scheduler = Scheduler::new(4, 8, 1, 50);
        let mut running: VecDeque<Begun> = VecDeque::new();
        for flow in 0..4 {
            match scheduler.arrive(flow, 1, || 1) {
                Arrival::Begins(begun) => running.push_back(begun),
                other => panic!("{other:?}"),
            }
        }
        scheduler.arrive(4, 10, || 10);
        let mut ends = 0;
        loop {
            scheduler.arrive(ends + 5, 1, || 1);
            ends += 1;
            let begun = scheduler.end(running.pop_front().unwrap(), 1_000);
            running.extend(begun.iter().map(|(begun, _)| *begun));
            if begun.iter().any(|(_, width)| *width == 10) {
                break;
            }
            assert!(ends < 50, "it never began");
        }
    }

    #[derive(Clone, Debug)]
    enum Happens {
        Arrive(u64, u32),
        End(usize, u64),
        GiveUp(usize),
    }

    fn happens() -> impl Strategy<Value = Happens> {
        prop_oneof![
            3 => (0_u64..12, 1_u32..6).prop_map(|(flow, width)| Happens::Arrive(flow, width)),
            2 => (0_usize..64, 0_u64..200_000).prop_map(|(at, micros)| Happens::End(at, micros)),
            1 => (0_usize..64).prop_map(Happens::GiveUp),
        ]
    }

    proptest! {
        #[test]
        fn bounded_fair_and_never_idle(steps in prop::collection::vec(happens(), 1..200), seats in 1_u32..8) {
            let mut scheduler = Scheduler::new(seats, 8, 3, 4);
            let mut running: Vec<Begun> = Vec::new();
            let mut tickets: Vec<u64> = Vec::new();
            let (mut came, mut went, mut widest) = (0_usize, 0_usize, 0_u32);
            for step in steps {
                match step {
                    Happens::Arrive(flow, width) => {
                        widest = widest.max(width);
                        match scheduler.arrive(flow, width, || ()) {
                            Arrival::Begins(begun) => { came += 1; running.push(begun); }
                            Arrival::Waits(ticket) => { came += 1; tickets.push(ticket); }
                            Arrival::Refused => {}
                        }
                    }
                    Happens::End(at, micros) if !running.is_empty() => {
                        let ended = running.swap_remove(at % running.len());
                        went += 1;
                        running.extend(scheduler.end(ended, micros).into_iter().map(|(begun, ())| begun));
                    }
                    Happens::GiveUp(at) if !tickets.is_empty() => {
                        let (gone, begun) = scheduler.give_up(tickets.swap_remove(at % tickets.len()));
                        went += usize::from(gone);
                        running.extend(begun.into_iter().map(|(begun, ())| begun));
                    }
                    Happens::End(..) | Happens::GiveUp(_) => {}
                }
                let held: u32 = running.iter().map(|begun| begun.width).sum();
                prop_assert_eq!(scheduler.in_use(), held);
                prop_assert!(held <= seats.max(widest));
                prop_assert!(scheduler.waiting() <= 8 * 4);
                prop_assert_eq!(came - went, running.len() + scheduler.waiting(), "nobody is lost");
                prop_assert!(scheduler.waiting() == 0 || held > 0, "seats are free and somebody waits");
            }
            // Everybody who waits begins, as the others end.
            let mut ends = 0;
            while let Some(ended) = running.pop() {
                ends += 1;
                prop_assert!(ends < 10_000);
                running.extend(scheduler.end(ended, 1_000).into_iter().map(|(begun, ())| begun));
            }
            prop_assert_eq!((scheduler.waiting(), scheduler.in_use()), (0, 0));
        }
    }
}
