//! Truth on its way up: the newest word on each object, sent in batches with the cluster's pulse.
//!
//! In: reports and heartbeats. Out: POSTs to the hub, at once when idle, then at most one in [`PACE`]; one a second even with
//! no news. A word that the hub did not take stays; a hub that forgot everything (its epoch changed) is told everything
//! again. Absent: what the reports say (`truth`). Memory is bounded by one word an object.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::well_known::API_VERSION;
use api::{HeartbeatSpec, PlacementKey, ReportBatch, ReportReply, ReportSpec};
use kube::Client;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::apply::within;
use crate::backoff::Backoff;
use crate::error::{RequestError, chain};

/// Most reports in one POST.
const BATCH: usize = 200;
/// Least time between two POSTs with news.
const PACE: Duration = Duration::from_millis(25);
/// Time between two POSTs without news.
const PULSE: Duration = Duration::from_secs(1);
/// Longest wait for the hub's answer.
const POST_TIMEOUT: Duration = Duration::from_secs(5);

/// What is known and what the hub was not told yet.
#[derive(Default)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    news: Notify,
}

#[derive(Default)]
struct State {
    known: BTreeMap<PlacementKey, Arc<ReportSpec>>,
    untold: BTreeSet<PlacementKey>,
    heartbeat: HeartbeatSpec,
    urgent: bool,
}

impl Outbox {
    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held leaves maps that are still maps; the syncer is restarted anyway.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest word on an object; the same word twice is said once.
    pub(crate) fn put(&self, report: ReportSpec) {
        let mut state = self.state();
        if state
            .known
            .get(&report.placement)
            .is_some_and(|known| **known == report)
        {
            return;
        }
        let key = report.placement.clone();
        state.known.insert(key.clone(), Arc::new(report));
        state.untold.insert(key);
        drop(state);
        self.news.notify_one();
    }

    /// The hub asks for this object no longer.
    pub(crate) fn forget(&self, key: &PlacementKey) {
        let mut state = self.state();
        state.known.remove(key);
        state.untold.remove(key);
    }

    /// The newest pulse; a change of reachability is sent at once.
    pub(crate) fn pulse(&self, heartbeat: HeartbeatSpec) {
        let mut state = self.state();
        let urgent = state.heartbeat.reachable != heartbeat.reachable || state.heartbeat.message != heartbeat.message;
        state.urgent |= urgent;
        state.heartbeat = heartbeat;
        drop(state);
        if urgent {
            self.news.notify_one();
        }
    }

    /// Whether something waits to be told.
    fn has_news(&self) -> bool {
        let state = self.state();
        state.urgent || !state.untold.is_empty()
    }

    /// How many objects wait to be told of.
    pub(crate) fn untold(&self) -> usize {
        self.state().untold.len()
    }

    /// The next batch. What is in it counts as told until [`Outbox::put_back`].
    fn take(&self, most: usize) -> ReportBatch {
        let mut state = self.state();
        state.urgent = false;
        let keys: Vec<PlacementKey> = state.untold.iter().take(most).cloned().collect();
        let reports = keys
            .iter()
            .filter_map(|key| state.known.get(key).map(|r| (**r).clone()))
            .collect();
        for key in &keys {
            state.untold.remove(key);
        }
        ReportBatch {
            heartbeat: state.heartbeat.clone(),
            reports,
        }
    }

    /// The hub did not take a batch.
    fn put_back(&self, batch: &ReportBatch) {
        let mut state = self.state();
        for report in &batch.reports {
            if state.known.contains_key(&report.placement) {
                state.untold.insert(report.placement.clone());
            }
        }
    }

    /// Everything is to be told again.
    fn repeat_all(&self) {
        let mut state = self.state();
        state.untold = state.known.keys().cloned().collect();
    }
}

/// Sends what is in the outbox until shutdown. `hub_returned` counts the times the hub answered again after it had not: what
/// hangs on other connections to it can then be renewed.
pub(crate) async fn run(
    outbox: Arc<Outbox>,
    hub: Client,
    cluster: Arc<str>,
    hub_returned: watch::Sender<u64>,
    shutdown: CancellationToken,
) {
    let path = format!("/apis/{API_VERSION}/clusters/{cluster}/reports");
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(3));
    let mut epoch: Option<String> = None;
    let mut last = Instant::now();
    loop {
        if !outbox.has_news() {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = outbox.news.notified() => {}
                () = tokio::time::sleep_until(last + PULSE) => {}
            }
        }
        if outbox.has_news() {
            // Idle: at once. Busy: what arrives meanwhile shares the next POST.
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep_until(last + PACE) => {}
            }
        } else if last.elapsed() < PULSE {
            continue;
        }
        let batch = outbox.take(BATCH);
        last = Instant::now();
        metrics::gauge!("meridian_sync_reports_waiting", "cluster" => cluster.to_string()).set(gauge(outbox.untold()));
        let answer = tokio::select! {
            () = shutdown.cancelled() => return,
            answer = post(&hub, &path, &batch) => answer,
        };
        match answer {
            Ok(reply) => {
                if backoff.attempts() > 0 {
                    tracing::info!(%cluster, "the hub takes reports again");
                    hub_returned.send_modify(|count| *count += 1);
                    backoff.reset();
                }
                if epoch.as_ref().is_some_and(|known| *known != reply.epoch) {
                    tracing::info!(%cluster, "the hub has lost its reports; all are sent again");
                    outbox.repeat_all();
                }
                epoch = Some(reply.epoch);
            }
            Err(error) => {
                outbox.put_back(&batch);
                if backoff.attempts() == 0 {
                    tracing::warn!(%cluster, error = chain(&error), "the hub does not take reports; they are kept and sent again");
                }
                let delay = backoff.next();
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = tokio::time::sleep(delay) => {}
                }
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge of a queue is for people")]
fn gauge(length: usize) -> f64 {
    length as f64
}

async fn post(hub: &Client, path: &str, batch: &ReportBatch) -> Result<ReportReply, RequestError> {
    let body = serde_json::to_vec(batch).map_err(|e| RequestError::Transport(Box::new(kube::Error::SerdeError(e))))?;
    let request = http::Request::post(path)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(body)
        .map_err(|e| RequestError::Transport(Box::new(kube::Error::HttpError(e))))?;
    within(POST_TIMEOUT, hub.request::<ReportReply>(request)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(name: &str, message: &str) -> ReportSpec {
        ReportSpec {
            placement: PlacementKey {
                namespace: "shop".into(),
                name: name.into(),
            },
            message: message.into(),
            ..ReportSpec::default()
        }
    }

    #[test]
    fn the_newest_word_replaces_older_ones() {
        let outbox = Outbox::default();
        outbox.put(word("a", "1"));
        outbox.put(word("a", "2"));
        outbox.put(word("b", "1"));
        let batch = outbox.take(BATCH);
        let said: Vec<_> = batch
            .reports
            .iter()
            .map(|r| (r.placement.name.as_str(), r.message.as_str()))
            .collect();
        assert_eq!(said, [("a", "2"), ("b", "1")]);
        outbox.put(word("a", "2"));
        assert!(!outbox.has_news(), "the same word is not news");
    }

    #[test]
    fn batches_are_bounded_and_failures_lose_nothing() {
        let outbox = Outbox::default();
        for n in 0..450 {
            outbox.put(word(&format!("p{n:03}"), ""));
        }
        let first = outbox.take(BATCH);
        assert_eq!(first.reports.len(), 200);
        outbox.put_back(&first);
        let sizes: Vec<usize> =
            std::iter::from_fn(|| outbox.has_news().then(|| outbox.take(BATCH).reports.len())).collect();
        assert_eq!(sizes, [200, 200, 50]);
        outbox.repeat_all();
        assert_eq!(outbox.untold(), 450);
        outbox.forget(&word("p000", "").placement);
        assert_eq!(outbox.untold(), 449);
    }

    #[test]
    fn a_lost_batch_does_not_bring_back_what_was_forgotten() {
        let outbox = Outbox::default();
        outbox.put(word("a", ""));
        let batch = outbox.take(BATCH);
        outbox.forget(&word("a", "").placement);
        outbox.put_back(&batch);
        assert_eq!(outbox.untold(), 0);
    }

    #[test]
    fn only_a_changed_pulse_is_urgent() {
        let outbox = Outbox::default();
        outbox.pulse(HeartbeatSpec::default());
        assert!(!outbox.has_news());
        outbox.pulse(HeartbeatSpec {
            reachable: true,
            ..HeartbeatSpec::default()
        });
        assert!(outbox.has_news());
    }
}
