//! Keeps the `Serving` condition of each Cluster true.
//! In: Clusters, and the Resolutions in which the DNS servers say what they answer. Out: the condition, written only where
//! it changed, and an Event when a cluster stops or begins to serve. Absent: the verdict (`placement::serving`); any
//! consequence: names follow the DNS servers' own verdicts, replicas stay.

use std::collections::BTreeMap;
use std::time::Duration;

use ::placement::serving::verdict;
use api::metadata::condition;
use api::well_known::CONDITION_SERVING;
use api::{Cluster, ConditionStatus, Resolution};

use crate::runtime::cluster_condition;
use crate::runtime::drive::{Reconcile, Work};
use crate::runtime::feed::News;
use crate::runtime::hub::Hub;
use crate::runtime::kind::{self, Kind};
use crate::runtime::recorder::{Mood, Recorder};
use crate::runtime::shelf::Shelf;
use crate::runtime::watched::Id;

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
        Some(Box::pin(cluster_condition::say(
            self.hub.clone(),
            self.recorder.clone(),
            watched,
            cluster,
            judged,
            (event_of, Duration::ZERO),
        )))
    }
}

/// What is told of a status.
fn event_of(status: ConditionStatus) -> Option<(Mood, &'static str)> {
    match status {
        ConditionStatus::True => Some((Mood::Normal, "ClusterServing")),
        ConditionStatus::False => Some((Mood::Warning, "ClusterNotServing")),
        ConditionStatus::Unknown => None,
    }
}
