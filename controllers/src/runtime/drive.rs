//! The loop of a controller: one task owns what is known, news makes keys dirty, dirty keys are looked at, writes go out a
//! bounded number at a time.
//! In: a [`Reconcile`], its news. Out: calls. Nothing is decided before every kind was listed once. Start-up, news and
//! resync run one and the same path. Absent: decisions.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::feed::News;
use super::hub::HubError;
use super::kind::Kind;
use super::queue::{Done, Queue};
use super::shelf::Change;
use super::watched::Watched;

/// Writes of one controller that are under way at a time.
const WRITES_MAX: usize = 48;
/// News taken in before keys are looked at again.
const NEWS_BATCH_MAX: usize = 256;

/// What a look at a key brought.
pub(crate) struct Outcome {
    /// Objects as the hub returned them, so that the next look does not start from older ones.
    pub(crate) learned: Vec<(Kind, Arc<Watched>)>,
    /// How it went; an error is logged here and tried again.
    pub(crate) result: Result<Done, HubError>,
}

impl Outcome {
    pub(crate) fn rest(pause: Duration) -> Self {
        Self {
            learned: vec![],
            result: Ok(Done::Rest(pause)),
        }
    }

    /// Nothing was done; the key is looked at again after a pause.
    pub(crate) fn again(pause: Duration) -> Self {
        Self {
            learned: vec![],
            result: Ok(Done::Again(pause)),
        }
    }

    /// It did not work out; it is tried again.
    pub(crate) fn failed(error: HubError) -> Self {
        Self {
            learned: vec![],
            result: Err(error),
        }
    }

    /// From one write.
    pub(crate) fn wrote(kind: &Kind, written: Result<Arc<Watched>, HubError>, pause: Duration) -> Self {
        match written {
            Ok(object) => Self {
                learned: vec![(kind.clone(), object)],
                result: Ok(Done::Rest(pause)),
            },
            Err(error) => Self {
                learned: vec![],
                result: Err(error),
            },
        }
    }
}

/// Work that was decided on.
pub(crate) type Work = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// A controller.
pub(crate) trait Reconcile: Send + 'static {
    /// What it looks at, one at a time.
    type Key: Ord + Clone + Debug + Send + 'static;
    /// Its name, for logs and metrics.
    const NAME: &'static str;

    /// Takes in news; returns the keys that are dirty now.
    fn observe(&mut self, news: News) -> Vec<Self::Key>;

    /// Looks at a key and decides; none where nothing is to be done.
    fn look(&mut self, key: &Self::Key) -> Option<Work>;

    /// The clock ticked; returns the keys that are dirty now.
    fn tick(&mut self) -> Vec<Self::Key> {
        vec![]
    }

    /// How often the clock ticks; never where none.
    fn tick_every(&self) -> Option<Duration> {
        None
    }
}

/// Runs a controller until it is cancelled from outside.
pub(crate) async fn drive<R: Reconcile>(mut controller: R, kinds: Vec<Kind>, mut news: mpsc::Receiver<News>) {
    let mut unlisted: BTreeSet<Kind> = kinds.into_iter().collect();
    let mut queue: Queue<R::Key> = Queue::new();
    let mut writes: JoinSet<(R::Key, Outcome)> = JoinSet::new();
    // A write that panics must not leave its key running for ever: its name is kept here.
    let mut running: Vec<(tokio::task::Id, R::Key)> = Vec::new();
    let mut tick = controller.tick_every().map(tokio::time::interval);
    loop {
        let due = queue.next_due();
        tokio::select! {
            biased;
            Some(ended) = writes.join_next_with_id(), if !writes.is_empty() => {
                let now = Instant::now();
                match ended {
                    Ok((id, (key, outcome))) => {
                        running.retain(|(other, _)| *other != id);
                        finish(&mut controller, &mut queue, key, outcome, now);
                    }
                    Err(error) => {
                        tracing::error!(controller = R::NAME, %error, "a write ended badly");
                        if let Some(at) = running.iter().position(|(other, _)| *other == error.id()) {
                            let (_, key) = running.swap_remove(at);
                            queue.done(key, Done::Failed, now, rand::random());
                        }
                    }
                }
            }
            received = news.recv() => {
                let Some(first) = received else { return };
                let now = Instant::now();
                take_in(&mut controller, &mut queue, &mut unlisted, first, now);
                for _ in 1..NEWS_BATCH_MAX {
                    let Ok(more) = news.try_recv() else { break };
                    take_in(&mut controller, &mut queue, &mut unlisted, more, now);
                }
            }
            () = wait_until(due), if due.is_some() => {}
            _ = next_tick(&mut tick), if tick.is_some() => {
                let now = Instant::now();
                for key in controller.tick() {
                    queue.push(key, now);
                }
            }
        }
        if !unlisted.is_empty() {
            continue;
        }
        while writes.len() < WRITES_MAX {
            let now = Instant::now();
            let Some(key) = queue.pop(now) else { break };
            match controller.look(&key) {
                Some(work) => {
                    let done = key.clone();
                    let handle = writes.spawn(async move { (done, work.await) });
                    running.push((handle.id(), key));
                }
                None => queue.done(key, Done::Rest(Duration::ZERO), now, 0.0),
            }
        }
        metrics::gauge!("meridian_controllers_queue_length", "controller" => R::NAME)
            .set(u32::try_from(queue.len()).unwrap_or(u32::MAX));
    }
}

fn take_in<R: Reconcile>(
    controller: &mut R,
    queue: &mut Queue<R::Key>,
    unlisted: &mut BTreeSet<Kind>,
    news: News,
    now: Instant,
) {
    if matches!(news.change, Change::Reset(_)) {
        unlisted.remove(&news.kind);
    }
    for key in controller.observe(news) {
        queue.push(key, now);
    }
}

fn finish<R: Reconcile>(controller: &mut R, queue: &mut Queue<R::Key>, key: R::Key, outcome: Outcome, now: Instant) {
    let mut dirty = Vec::new();
    for (kind, object) in outcome.learned {
        dirty.extend(controller.observe(News::of(kind, Change::Applied(object))));
    }
    let done = match outcome.result {
        Ok(done) => done,
        Err(error) if error.is_conflict() => {
            tracing::debug!(controller = R::NAME, ?key, error = %error.chain(), "somebody wrote first; looking again");
            Done::Failed
        }
        Err(error) => {
            tracing::warn!(controller = R::NAME, ?key, error = %error.chain(), "will be tried again");
            metrics::counter!("meridian_controllers_errors_total", "controller" => R::NAME).increment(1);
            Done::Failed
        }
    };
    queue.done(key.clone(), done, now, rand::random());
    for other in dirty {
        queue.push(other, now);
    }
}

async fn wait_until(due: Option<Instant>) {
    if let Some(due) = due {
        tokio::time::sleep_until(due).await;
    }
}

async fn next_tick(tick: &mut Option<tokio::time::Interval>) {
    if let Some(tick) = tick {
        tick.tick().await;
    }
}
