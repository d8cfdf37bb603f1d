//! The way into a level: a seat at once, or a wait for one. Seats come back when they are dropped, whatever became of the request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use machinery::status::Status;
use tokio::sync::oneshot;

use super::classify::{Level, Schema};
use super::scheduler::{Arrival, Begun, Scheduler};

/// When a refused client may come back.
const RETRY_SECONDS: u32 = 1;

type Waiting = oneshot::Sender<Seat>;

struct Shared {
    level: &'static str,
    scheduler: Mutex<Scheduler<Waiting>>,
    executing: metrics::Gauge,
    queued: metrics::Gauge,
    dispatched: metrics::Counter,
    waited: metrics::Histogram,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate")
            .field("level", &self.level)
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Scheduler<Waiting>> {
        self.scheduler.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands out what has begun. Without the lock: a seat that nobody waits for any more comes back through it.
    fn hand_out(self: &Arc<Self>, begun: Vec<(Begun, Waiting)>) {
        for (begun, waiting) in begun {
            drop(waiting.send(self.seat(begun)));
        }
    }

    fn seat(self: &Arc<Self>, begun: Begun) -> Seat {
        self.executing.increment(f64::from(begun.width));
        self.dispatched.increment(1);
        Seat {
            gate: self.clone(),
            begun,
            since: Instant::now(),
        }
    }
}

/// One level.
#[derive(Debug)]
pub(super) struct Gate(Arc<Shared>);

/// The right to work on a request.
#[derive(Debug)]
pub(crate) struct Seat {
    gate: Arc<Shared>,
    begun: Begun,
    since: Instant,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let micros = u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.gate.executing.decrement(f64::from(self.begun.width));
        let begun = self.gate.lock().end(self.begun, micros);
        self.gate.hand_out(begun);
    }
}

/// Leaves the queue when the request is given up.
struct Place<'a> {
    gate: &'a Arc<Shared>,
    ticket: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.gate.queued.decrement(1.0);
        let (_, begun) = self.gate.lock().give_up(self.ticket);
        self.gate.hand_out(begun);
    }
}

impl Gate {
    /// A level with its part of all seats.
    pub(super) fn new(level: &'static Level, seats: u32, shares: u32) -> Self {
        let own = (seats * level.shares).div_ceil(shares.max(1));
        let name = level.name;
        metrics::gauge!("apiserver_flowcontrol_nominal_limit_seats", "priority_level" => name).set(f64::from(own));
        Self(Arc::new(Shared {
            level: name,
            scheduler: Mutex::new(Scheduler::new(own, level.queues, level.hand, level.length)),
            executing: metrics::gauge!("apiserver_flowcontrol_current_executing_seats", "priority_level" => name),
            queued: metrics::gauge!("apiserver_flowcontrol_current_inqueue_requests", "priority_level" => name),
            dispatched: metrics::counter!("apiserver_flowcontrol_dispatched_requests_total", "priority_level" => name),
            waited: metrics::histogram!("apiserver_flowcontrol_request_wait_duration_seconds", "priority_level" => name),
        }))
    }

    /// A seat, or 429.
    pub(super) async fn admit(
        &self,
        schema: &Schema,
        flow: u64,
        width: u32,
        patience: Duration,
    ) -> Result<Seat, Status> {
        let gate = &self.0;
        let mut inbox = None;
        let arrival = gate.lock().arrive(flow, width, || {
            let (sender, receiver) = oneshot::channel();
            inbox = Some(receiver);
            sender
        });
        let refuse = |reason: &'static str| {
            let labels = [
                ("priority_level", gate.level),
                ("flow_schema", schema.name),
                ("reason", reason),
            ];
            metrics::counter!("apiserver_flowcontrol_rejected_requests_total", &labels).increment(1);
            Status::too_many_requests("too many requests, please try again later", RETRY_SECONDS)
        };
        let (ticket, inbox) = match (arrival, inbox) {
            (Arrival::Begins(begun), _) => return Ok(gate.seat(begun)),
            (Arrival::Waits(ticket), Some(inbox)) => (ticket, inbox),
            (Arrival::Waits(_) | Arrival::Refused, _) => return Err(refuse("queue-full")),
        };
        gate.queued.increment(1.0);
        let since = Instant::now();
        let _place = Place { gate, ticket };
        let told = tokio::time::timeout(patience, inbox).await;
        gate.waited.record(since.elapsed().as_secs_f64());
        match told {
            Ok(Ok(seat)) => Ok(seat),
            Ok(Err(_)) | Err(_) => Err(refuse("time-out")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::classify::{self, LEVELS};
    use super::*;
    use crate::auth::UserInfo;

    fn schema() -> &'static Schema {
        let target = crate::http::path::parse("/api/v1/pods").unwrap();
        classify::of(&UserInfo::new("alice", ["devs"]), "list", &target)
    }

    fn one_seat() -> Gate {
        Gate::new(&LEVELS[4], 1, LEVELS[4].shares)
    }

    #[tokio::test]
    async fn seats_come_back() {
        let (gate, patience) = (one_seat(), Duration::from_secs(20));
        let first = gate.admit(schema(), 1, 1, patience).await.unwrap();
        let second = gate.admit(schema(), 2, 1, patience);
        tokio::pin!(second);
        assert!(futures::poll!(second.as_mut()).is_pending());
        drop(first);
        let second = second.await.unwrap();
        // One that gives up is passed over, even when its turn came meanwhile.
        let mut third = Box::pin(gate.admit(schema(), 3, 1, patience));
        assert!(futures::poll!(third.as_mut()).is_pending());
        drop(second);
        drop(third);
        let left = gate.0.lock();
        assert_eq!((left.in_use(), left.waiting()), (0, 0));
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let gate = one_seat();
        let held = gate.admit(schema(), 1, 1, Duration::from_secs(15)).await.unwrap();
        let refused = gate.admit(schema(), 2, 1, Duration::from_millis(20)).await.unwrap_err();
        assert_eq!((refused.code, refused.details.unwrap().retry_after_seconds), (429, 1));
        drop(held);
        assert!(gate.admit(schema(), 2, 1, Duration::from_secs(15)).await.is_ok());
    }
}
