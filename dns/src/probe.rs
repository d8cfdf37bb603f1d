//! The data path as this server sees it: connections and GETs to every address it may answer.
//!
//! In: what to probe, from the snapshot. Out: a state for each address, when it changes. Bounded: connections at once, the
//! rate over all addresses. Absent: what the states mean for answers; `choose` says.

mod hysteresis;
mod look;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::snapshot::{Pace, ProbeState, ProbeTarget};
use hysteresis::{Health, Seen};

/// What to probe, and at which pace.
pub(crate) type Targets = BTreeMap<ProbeTarget, Pace>;
/// What is known of each target.
pub(crate) type Verdicts = Arc<BTreeMap<ProbeTarget, ProbeState>>;

/// Connections being opened at once.
const AT_ONCE_MAX: usize = 256;
/// Probes a second over all addresses; with more addresses than this, each is probed less often.
const RATE_MAX: f64 = 1000.0;
/// After a result that contradicts the state, the next look comes this much sooner.
const RECHECK_DIVISOR: u32 = 4;

/// Probes until stopped.
pub(crate) struct Prober {
    targets: watch::Receiver<Targets>,
    verdicts: watch::Sender<Verdicts>,
    watched: BTreeMap<ProbeTarget, Health>,
    due: BinaryHeap<Reverse<(Instant, ProbeTarget)>>,
    /// Targets that are in `due` or being probed: each is probed by one chain of looks, however often it comes and goes.
    pending: BTreeSet<ProbeTarget>,
}

impl Prober {
    /// A prober that begins with what was known last, the way to tell it targets, and the way to hear from it.
    pub(crate) fn new(
        last: BTreeMap<ProbeTarget, ProbeState>,
    ) -> (Self, watch::Sender<Targets>, watch::Receiver<Verdicts>) {
        let watched = last
            .iter()
            .map(|(target, state)| (target.clone(), Health::new(*state)))
            .collect();
        let (targets_in, targets) = watch::channel(Targets::new());
        let (verdicts, verdicts_out) = watch::channel(Arc::new(last));
        (
            Self {
                targets,
                verdicts,
                watched,
                due: BinaryHeap::new(),
                pending: BTreeSet::new(),
            },
            targets_in,
            verdicts_out,
        )
    }

    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut open = FuturesUnordered::new();
        let mut known = Targets::new();
        loop {
            let next = self
                .due
                .peek()
                .map(|Reverse((at, _))| *at)
                .filter(|_| open.len() < AT_ONCE_MAX);
            tokio::select! {
                () = stop.cancelled() => return,
                changed = self.targets.changed() => {
                    if changed.is_err() {
                        // Nobody is left to probe for; the server is stopping.
                        stop.cancelled().await;
                        return;
                    }
                    let wanted = self.targets.borrow_and_update().clone();
                    self.retarget(&known, &wanted);
                    known = wanted;
                }
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {
                    let Some(Reverse((_, target))) = self.due.pop() else { continue };
                    if let Some(pace) = known.get(&target) {
                        let within = pace.timeout;
                        open.push(async move {
                            let seen = look::look(&target, within).await;
                            (target, seen)
                        });
                    } else {
                        self.pending.remove(&target);
                    }
                }
                Some((target, seen)) = open.next(), if !open.is_empty() => {
                    let Some(pace) = known.get(&target) else {
                        self.pending.remove(&target);
                        continue;
                    };
                    let stretched = pace.interval.as_secs_f64().max(known.len() as f64 / RATE_MAX);
                    let interval = Duration::from_secs_f64(stretched);
                    self.settle(target, seen, Pace { interval, ..*pace });
                }
            }
        }
    }

    /// Takes new targets in, spread over their interval, and forgets old ones.
    fn retarget(&mut self, known: &Targets, wanted: &Targets) {
        let before = self.watched.len();
        // Who asks another question of an address that is down does not think it up meanwhile.
        let replaced = self.watched.iter().filter(|(target, _)| !wanted.contains_key(*target));
        let down = replaced.filter(|(_, health)| health.state() == ProbeState::Down);
        let down: BTreeSet<SocketAddr> = down.map(|(target, _)| target.address).collect();
        self.watched.retain(|target, _| wanted.contains_key(target));
        let mut told = before != self.watched.len();
        let now = Instant::now();
        let fresh = wanted.keys().filter(|target| !known.contains_key(*target));
        for (index, target) in fresh.enumerate() {
            let was_down = down.contains(&target.address);
            told |= was_down;
            self.watched.entry(target.clone()).or_insert_with(|| {
                Health::new(if was_down {
                    ProbeState::Down
                } else {
                    ProbeState::Unknown
                })
            });
            if self.pending.insert(target.clone()) {
                let at = now + Duration::from_secs_f64(index as f64 / RATE_MAX);
                self.due.push(Reverse((at, target.clone())));
            }
        }
        if told {
            self.tell();
        }
    }

    fn settle(&mut self, target: ProbeTarget, seen: Seen, pace: Pace) {
        let Some(health) = self.watched.get_mut(&target) else {
            self.pending.remove(&target);
            return;
        };
        let changed = health.observe(seen, pace);
        let wait = if health.is_wavering() {
            pace.interval / RECHECK_DIVISOR
        } else {
            pace.interval
        };
        // A tenth either way, so that many addresses do not march in step.
        let jitter = 0.9 + 0.2 * rand::random::<f64>();
        self.due
            .push(Reverse((Instant::now() + wait.mul_f64(jitter), target.clone())));
        if changed {
            let state = health.state();
            tracing::info!(%target, ?state, "probes of {target} now say {state:?}");
            self.tell();
        }
    }

    fn tell(&self) {
        let known = self
            .watched
            .iter()
            .map(|(target, health)| (target.clone(), health.state()));
        self.verdicts.send_replace(Arc::new(
            known.filter(|(_, state)| *state != ProbeState::Unknown).collect(),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_that_comes_and_goes_is_probed_once_at_a_time() {
        let (mut prober, ..) = Prober::new(BTreeMap::new());
        let (none, one) = (
            Targets::new(),
            Targets::from([("127.0.0.1:80".parse().unwrap(), Pace::default())]),
        );
        for _ in 0..3 {
            prober.retarget(&none, &one);
            prober.retarget(&one, &none);
        }
        prober.retarget(&none, &one);
        assert_eq!(prober.due.len(), 1);
    }

    #[tokio::test]
    async fn an_address_goes_down_and_comes_back() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let target = ProbeTarget::from(address);
        let (prober, targets, mut verdicts) = Prober::new(BTreeMap::new());
        let stop = CancellationToken::new();
        let task = tokio::spawn(prober.run(stop.clone()));
        targets
            .send(Targets::from([(
                target.clone(),
                Pace {
                    interval: Duration::from_millis(20),
                    ..Pace::default()
                },
            )]))
            .unwrap();
        verdicts
            .wait_for(|v| v.get(&target) == Some(&ProbeState::Up))
            .await
            .unwrap();
        drop(listener);
        verdicts
            .wait_for(|v| v.get(&target) == Some(&ProbeState::Down))
            .await
            .unwrap();
        let _again = tokio::net::TcpListener::bind(address).await.unwrap();
        verdicts
            .wait_for(|v| v.get(&target) == Some(&ProbeState::Up))
            .await
            .unwrap();
        targets.send(Targets::new()).unwrap();
        verdicts.wait_for(|v| v.is_empty()).await.unwrap();
        stop.cancel();
        task.await.unwrap();
    }
}
