//! Keeps the `Serving` condition of each Cluster true.
//! In: Clusters, and the Resolutions in which the DNS servers say what they answer. Out: the condition, written only where
//! it changed, and an Event when a cluster stops or begins to serve. Absent: the verdict (`placement::serving`); any
//! consequence: names follow the DNS servers' own verdicts, replicas stay.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ::placement::serving::verdict;
use api::metadata::condition;
use api::well_known::CONDITION_SERVING;
use api::{Cluster, Condition, ConditionStatus, Resolution};

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
    vec![kind::CLUSTER, kind::RESOLUTION]
}

/// The serving controller.
pub(crate) struct Serving {
    hub: Hub,
    recorder: Recorder,
    clusters: Shelf,
    resolutions: Shelf,
    /// Resolutions as values; one that cannot be read keeps its last good value.
    read: BTreeMap<Id, Resolution>,
}

impl Serving {
    pub(crate) fn new(hub: Hub, recorder: Recorder) -> Self {
        let (clusters, resolutions) = (Shelf::default(), Shelf::default());
        Self {
            hub,
            recorder,
            clusters,
            resolutions,
            read: BTreeMap::new(),
        }
    }
}

impl Reconcile for Serving {
    type Key = String;
    const NAME: &'static str = "serving";

    fn observe(&mut self, news: News) -> Vec<String> {
        if news.kind == kind::CLUSTER {
            return self
                .clusters
                .take(news.change)
                .into_iter()
                .map(|moved| moved.id.name)
                .collect();
        }
        for moved in self.resolutions.take(news.change) {
            let Some(watched) = moved.new else {
                self.read.remove(&moved.id);
                continue;
            };
            match watched.read() {
                Ok(resolution) => drop(self.read.insert(moved.id, resolution)),
                Err(error) => tracing::warn!(resolution = ?moved.id, %error, "a Resolution cannot be read"),
            }
        }
        self.clusters.iter().map(|(id, _)| id.name.clone()).collect()
    }

    fn look(&mut self, key: &String) -> Option<Work> {
        let watched = self.clusters.get(&Id::new("", key))?.clone();
        let cluster: Cluster = watched.read().ok()?;
        let candidates = self.read.values().flat_map(|resolution| &resolution.spec.candidates);
        let judged = verdict(
            key,
            candidates,
            condition(&cluster.status.conditions, CONDITION_SERVING),
        )?;
        Some(Box::pin(write(
            self.hub.clone(),
            self.recorder.clone(),
            watched,
            cluster,
            judged,
        )))
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
    let before = condition(&conditions, CONDITION_SERVING).map(|before| before.status);
    let (status, message) = (judged.status, judged.message.clone());
    judged.last_transition_time = Some(clock::now());
    judged.merge_into(&mut conditions);
    let written = hub.merge_conditions(&kind::CLUSTER, &watched, &conditions).await;
    if written.is_ok() && before != Some(status) {
        match status {
            ConditionStatus::True => recorder.note(reference(&watched), Mood::Normal, "ClusterServing", message),
            ConditionStatus::False => recorder.note(reference(&watched), Mood::Warning, "ClusterNotServing", message),
            ConditionStatus::Unknown => {}
        }
    }
    Outcome::wrote(&kind::CLUSTER, written, Duration::ZERO)
}
