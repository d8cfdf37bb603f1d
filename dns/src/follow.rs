//! What the hub says, followed: watches in, snapshots out, and the disk so that the next start needs no hub.
//!
//! In: Services, Placements, Clusters, Regions and DNSPolicies by watch; probe states. Out: snapshots, probe targets, the
//! snapshot file, Resolutions. **Only an observed deletion deletes.** A lost watch, an error, a relist without an object
//! is doubt: the object stays until the hub, asked for that very object, says more than once that it is not there
//! ([`world`]). An older version of an object never replaces a newer one.
//! Absent: packets. Compiling runs on a thread of its own kind, so queries are never behind it.

mod disk;
mod engine;
mod object;
mod resolutions;
mod watches;
mod world;

use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::master::Beside;
use crate::metric;
use crate::probe::{Targets, Verdicts};
use crate::snapshot::Dirty;
use crate::state::DnsState;

pub use disk::load_snapshot;
pub(crate) use engine::Engine;
pub(crate) use object::{Facts, Kind, read};
pub(crate) use resolutions::run as resolutions;

/// How long news are gathered before they are compiled: a change of one Service comes as a few events.
const DEBOUNCE: Duration = Duration::from_millis(3);
/// How often housekeeping runs: doubts, overrides that expire, disk, metrics.
const TICK: Duration = Duration::from_secs(1);
/// Most events that are taken in before a compilation may start.
const EVENTS_AT_ONCE: usize = 1024;

/// The one task that owns what is known.
pub(crate) struct Follow {
    pub(crate) hub: Option<kube::Client>,
    pub(crate) engine: Engine,
    pub(crate) state: DnsState,
    pub(crate) targets: watch::Sender<Targets>,
    pub(crate) verdicts: watch::Receiver<Verdicts>,
    pub(crate) beside: watch::Receiver<Beside>,
}

impl Follow {
    /// Follows until stopped; ends early only where a compilation panicked.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let Self {
            hub,
            mut engine,
            state,
            targets,
            mut verdicts,
            mut beside,
        } = self;
        let mut events = match &hub {
            Some(hub) => watches::all(hub).ready_chunks(EVENTS_AT_ONCE).boxed(),
            None => futures::stream::pending().boxed(),
        };
        let mut dirty = if engine.is_served() {
            Dirty::everything()
        } else {
            Dirty::default()
        };
        let mut compile_at = Instant::now();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut questions: FuturesUnordered<BoxFuture<'static, watches::Answer>> = FuturesUnordered::new();
        let mut pings: FuturesUnordered<BoxFuture<'static, watches::Event>> = FuturesUnordered::new();
        loop {
            let compiles = !dirty.is_empty() && engine.is_served();
            let was_clean = dirty.is_empty();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = sleep_until(compile_at), if compiles => {
                    let Some(compiled) = engine.compile(std::mem::take(&mut dirty)).await else { return };
                    engine = compiled.engine;
                    state.publish(compiled.snapshot);
                    targets.send_if_modified(|current| {
                        let differs = *current != compiled.targets;
                        *current = compiled.targets;
                        differs
                    });
                    metric::freshness(&state);
                }
                Some(batch) = events.next() => {
                    for event in batch {
                        dirty.absorb(engine.take_in(event));
                    }
                    state.heard(engine.is_connected());
                }
                changed = verdicts.changed() => {
                    if changed.is_err() { break }
                    let now = verdicts.borrow_and_update().clone();
                    dirty.absorb(engine.world_mut().probed(&now));
                }
                changed = beside.changed() => {
                    if changed.is_err() { break }
                    let zones = beside.borrow_and_update().clone();
                    dirty.absorb(engine.serve_beside(zones, &state));
                }
                Some(answer) = questions.next(), if !questions.is_empty() => {
                    dirty.absorb(engine.world_mut().answered(answer, Instant::now().into_std()));
                }
                Some(event) = pings.next(), if !pings.is_empty() => {
                    dirty.absorb(engine.take_in(event));
                    state.heard(engine.is_connected());
                }
                _ = tick.tick() => {
                    dirty.absorb(engine.look_at_the_clock());
                    metric::freshness(&state);
                    if let Some(hub) = &hub {
                        if questions.is_empty() {
                            for doubted in engine.world_mut().questions(Instant::now().into_std()) {
                                questions.push(watches::ask(hub.clone(), doubted));
                            }
                        }
                        if pings.is_empty() {
                            pings.extend(engine.lost().into_iter().map(|kind| watches::ping(hub.clone(), kind)));
                        }
                    }
                    let Some(saved) = engine.save(&state).await else { return };
                    engine = saved;
                }
            }
            if was_clean && !dirty.is_empty() {
                compile_at = Instant::now() + DEBOUNCE;
            }
        }
        if engine.save_now(&state).await.is_none() {
            tracing::error!("the DNS snapshot could not be written at the end");
        }
    }
}
