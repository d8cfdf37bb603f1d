//! Keeps the `Failed` condition of each Cluster: whether its replicas are to run elsewhere.
//! In: Clusters with what the two observers say of them, a monotonic clock. Out: the condition, written only where it changed;
//! Events, and a metric, when a cluster fails, comes back, or too many seem to fail at once. Times are measured here, so that a step of
//! the wall clock is no failure, and a controller that has just begun waits its full time. Absent: the verdict
//! (`placement::failure`); the moving (`placement`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ::placement::failure::{Sight, verdicts};
use ::placement::serving::PROBES_FAIL;
use api::metadata::condition;
use api::well_known::{CONDITION_FAILED, CONDITION_SERVING};
use api::{Cluster, Condition, ConditionStatus};
use tokio::time::Instant;

use crate::runtime::clock;
use crate::runtime::drive::{Outcome, Reconcile, Work};
use crate::runtime::feed::News;
use crate::runtime::hub::Hub;
use crate::runtime::kind::{self, Kind};
use crate::runtime::recorder::{Mood, Recorder, reference};
use crate::runtime::shelf::Shelf;
use crate::runtime::watched::{Id, Watched};

/// The kinds it watches.
pub(crate) fn kinds() -> Vec<Kind> {
    vec![kind::CLUSTER]
}

/// A cluster as it is, and since when.
struct Seen {
    cluster: Cluster,
    dead: Option<Instant>,
    doubted: Option<Instant>,
    well: Option<Instant>,
}

/// The failure controller.
pub(crate) struct Failure {
    hub: Hub,
    recorder: Recorder,
    clusters: Shelf,
    seen: BTreeMap<String, Seen>,
}

impl Failure {
    pub(crate) fn new(hub: Hub, recorder: Recorder) -> Self {
        Self {
            hub,
            recorder,
            clusters: Shelf::default(),
            seen: BTreeMap::new(),
        }
    }

    /// What is judged of every cluster that is there, by name.
    fn judged(&self, now: Instant) -> BTreeMap<&str, Condition> {
        let millis = |since: Instant| i64::try_from((now - since).as_millis()).unwrap_or(i64::MAX);
        let sights: Vec<Sight<'_>> = self
            .seen
            .values()
            .map(|seen| Sight {
                dead_ms: seen.dead.map(millis),
                doubt_ms: seen.doubted.map(millis),
                well_ms: seen.well.map(millis),
                previous: condition(&seen.cluster.status.conditions, CONDITION_FAILED),
            })
            .collect();
        let names = self.seen.keys().map(String::as_str);
        let judged = names.zip(verdicts(&sights));
        judged.filter_map(|(name, verdict)| Some((name, verdict?))).collect()
    }
}

/// What each observer says: its API does not answer, probes of all its addresses fail.
fn witnesses(cluster: &Cluster) -> (bool, bool) {
    let serving = condition(&cluster.status.conditions, CONDITION_SERVING);
    let silent = serving.is_some_and(|serving| serving.reason == PROBES_FAIL);
    (cluster.manageable() != ConditionStatus::True, silent)
}

impl Reconcile for Failure {
    type Key = String;
    const NAME: &'static str = "failure";

    fn observe(&mut self, news: News) -> Vec<String> {
        let now = Instant::now();
        for moved in self.clusters.take(news.change) {
            let name = moved.id.name;
            let cluster = moved.new.map(|watched| watched.read::<Cluster>());
            let cluster = match cluster {
                Some(Ok(cluster)) if cluster.metadata.deletion_timestamp.is_none() => cluster,
                Some(Err(error)) => {
                    tracing::warn!(cluster = %name, %error, "cannot be read; what was known of it stays");
                    continue;
                }
                Some(Ok(_)) | None => {
                    self.seen.remove(&name);
                    continue;
                }
            };
            let before = self.seen.remove(&name);
            let since = |is: bool, before: Option<Instant>| is.then(|| before.unwrap_or(now));
            let (dead, doubted, well) = match before {
                Some(before) => (before.dead, before.doubted, before.well),
                None => (None, None, None),
            };
            let (unreachable, silent) = witnesses(&cluster);
            let seen = Seen {
                dead: since(unreachable && silent, dead),
                doubted: since(unreachable || silent, doubted),
                well: since(cluster.manageable() == ConditionStatus::True, well),
                cluster,
            };
            self.seen.insert(name, seen);
        }
        // One cluster more or less may change what is believed of the others.
        self.tick()
    }

    fn look(&mut self, key: &String) -> Option<Work> {
        let judged = self.judged(Instant::now()).remove(key.as_str())?;
        let watched = self.clusters.get(&Id::new("", key))?.clone();
        let cluster = self.seen.get(key)?.cluster.clone();
        Some(Box::pin(write(
            self.hub.clone(),
            self.recorder.clone(),
            watched,
            cluster,
            judged,
        )))
    }

    fn tick(&mut self) -> Vec<String> {
        self.seen.keys().cloned().collect()
    }

    fn tick_every(&self) -> Option<Duration> {
        Some(Duration::from_secs(1))
    }
}

async fn write(
    hub: Hub,
    recorder: Recorder,
    watched: Arc<Watched>,
    cluster: Cluster,
    mut judged: Condition,
) -> Outcome {
    let mut conditions = cluster.status.conditions;
    let before = condition(&conditions, CONDITION_FAILED).cloned();
    let said = (judged.status, judged.reason.clone(), judged.message.clone());
    // Since when it has failed, not since when it is said in these words: tolerations count from then.
    judged.last_transition_time = before
        .as_ref()
        .filter(|before| before.status == judged.status)
        .map_or_else(|| Some(clock::now()), |before| before.last_transition_time.clone());
    judged.merge_into(&mut conditions);
    let written = hub.merge_conditions(&kind::CLUSTER, &watched, &conditions).await;
    if written.is_ok() {
        let (status, reason, message) = said;
        let (mood, event) = match (status, reason.as_str()) {
            (ConditionStatus::True, "Dead") => (Mood::Warning, "ClusterFailed"),
            (ConditionStatus::True, _) => (Mood::Normal, "ClusterReturning"),
            (ConditionStatus::Unknown, _) => (Mood::Warning, "ClusterFailureDisbelieved"),
            (ConditionStatus::False, _) => (Mood::Normal, "ClusterReturned"),
        };
        metrics::counter!("meridian_cluster_failure_verdicts_total", "reason" => reason).increment(1);
        recorder.note(reference(&watched), mood, event, message);
    }
    Outcome::wrote(&kind::CLUSTER, written, Duration::ZERO)
}
