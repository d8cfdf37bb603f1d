//! Keeps the `Ready` condition of each Cluster true, and what its heartbeats say of it.
//! In: heartbeats, Clusters, a monotonic clock. Out: Cluster status, written only where it changed; who a cluster is that joined
//! without being looked at; Events when a cluster comes or goes. Times are measured here by arrival, so that a step of the wall clock is no outage. Absent: the verdict
//! (`placement::health`); any consequence for what runs in the cluster.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ::placement::health::{Pulse, verdict};
use api::metadata::condition;
use api::well_known::CONDITION_READY;
use api::{Cluster, ClusterStatus, ConditionStatus, Heartbeat, HeartbeatSpec};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::runtime::clock;
use crate::runtime::drive::{Outcome, Reconcile, Work};
use crate::runtime::feed::News;
use crate::runtime::hub::Hub;
use crate::runtime::kind::{self, Kind};
use crate::runtime::recorder::{Mood, Recorder, reference};
use crate::runtime::shelf::{Moved, Shelf};
use crate::runtime::watched::{Id, Watched};

/// How often the clock is looked at.
const TICK: Duration = Duration::from_secs(1);
/// Age of a good heartbeat up to which the clock alone changes no verdict.
const FRESH: Duration = Duration::from_millis(1500);

/// The kinds it watches.
pub(crate) fn kinds() -> Vec<Kind> {
    vec![kind::CLUSTER, kind::HEARTBEAT]
}

/// A Cluster as it was last read.
struct Known {
    cluster: Cluster,
    /// It is ready and its identity is known: an equal pulse says nothing new of it.
    settled: bool,
}

impl Known {
    fn of(cluster: Cluster) -> Self {
        let ready = cluster.manageable() == ConditionStatus::True;
        let settled = ready && cluster.spec.id.as_ref().is_some_and(|id| !id.is_empty());
        Self { cluster, settled }
    }
}

struct Heard {
    heartbeat: HeartbeatSpec,
    at: Instant,
    /// Since when heartbeats say that the member is out of reach.
    unreachable: Option<Instant>,
}

/// The health controller.
pub(crate) struct Health {
    hub: Hub,
    recorder: Recorder,
    clusters: Shelf,
    heartbeats: Shelf,
    known: BTreeMap<String, Known>,
    heard: BTreeMap<String, Heard>,
    listening: Instant,
    ticked: Option<Instant>,
}

impl Health {
    pub(crate) fn new(hub: Hub, recorder: Recorder) -> Self {
        Self {
            hub,
            recorder,
            clusters: Shelf::default(),
            heartbeats: Shelf::default(),
            known: BTreeMap::new(),
            heard: BTreeMap::new(),
            listening: Instant::now(),
            ticked: None,
        }
    }

    /// A pulse counts once: a list that repeats an old one is no sign of life.
    fn hear(&mut self, moved: Moved, now: Instant) -> Option<String> {
        let name = moved.id.name;
        let Some(watched) = moved.new else {
            // The hub forgot it; what was heard stays heard, and grows old.
            return None;
        };
        let heartbeat = match watched.read::<Heartbeat>() {
            Ok(heartbeat) => heartbeat.spec,
            Err(error) => {
                tracing::warn!(cluster = %name, %error, "a heartbeat cannot be read");
                return None;
            }
        };
        let before = self.heard.get(&name);
        if before.is_some_and(|before| before.heartbeat.received == heartbeat.received) {
            return None;
        }
        let settled = self.known.get(&name).is_some_and(|known| known.settled);
        let same = before.is_some_and(|before| says_the_same(&before.heartbeat, &heartbeat));
        let unreachable = if heartbeat.reachable {
            None
        } else {
            before.and_then(|before| before.unreachable).or(Some(now))
        };
        self.heard.insert(
            name.clone(),
            Heard {
                heartbeat,
                at: now,
                unreachable,
            },
        );
        // Of a thousand clusters nearly all are as they were.
        (!settled || !same || unreachable.is_some()).then_some(name)
    }

    /// Who a cluster said it is that joined unseen: from then on it is nobody else. None where another one is that already.
    fn first_identity(&self, watched: &Watched, cluster: &Cluster) -> Option<String> {
        let said = &self.heard.get(cluster.metadata.name())?.heartbeat;
        let unknown = cluster.spec.id.as_ref().is_none_or(String::is_empty) && !watched.is_deleting();
        if !unknown || !said.reachable || said.cluster_id.is_empty() {
            return None;
        }
        let same = |other: &Known| other.cluster.spec.id.as_deref() == Some(&*said.cluster_id);
        let taken = self.known.values().any(same);
        (!taken).then(|| said.cluster_id.clone())
    }

    /// The status that the cluster should have, if it differs.
    fn desired(&self, cluster: &Cluster, now: Instant) -> Option<ClusterStatus> {
        let heard = self.heard.get(cluster.metadata.name());
        let millis = |since: Instant| i64::try_from((now - since).as_millis()).unwrap_or(i64::MAX);
        let pulse = Pulse {
            heartbeat: heard.map(|heard| &heard.heartbeat),
            silent_ms: millis(heard.map_or(self.listening, |heard| heard.at)),
            unreachable_ms: heard
                .and_then(|heard| heard.unreachable)
                .map(millis)
                .unwrap_or_default(),
            expected_id: cluster.spec.id.as_deref(),
        };
        let mut status = cluster.status.clone();
        if let Some(mut ready) = verdict(&pulse, condition(&status.conditions, CONDITION_READY)) {
            ready.last_transition_time = Some(clock::now());
            ready.merge_into(&mut status.conditions);
            if let Some(heard) = heard {
                status.last_heartbeat = Some(heard.heartbeat.received.clone());
            }
        }
        if let Some(heard) = heard.map(|heard| &heard.heartbeat) {
            if !heard.kubernetes_version.is_empty() {
                status.kubernetes_version = Some(heard.kubernetes_version.clone());
            }
            if heard.nodes.is_some() {
                status.node_summary.clone_from(&heard.nodes);
            }
            if heard.resources.is_some() {
                status.resource_summary.clone_from(&heard.resources);
            }
            if heard.reachable {
                // A member that lost its nodes, or the right to see them, is not known to have room.
                status.capacity.clone_from(&heard.capacity);
            }
            if !heard.api_enablements.is_empty() {
                status.api_enablements.clone_from(&heard.api_enablements);
            }
        }
        (status != cluster.status).then_some(status)
    }

    fn learn(&mut self, moved: &Moved) {
        match moved.new.as_ref().map(|watched| watched.read::<Cluster>()) {
            Some(Ok(cluster)) => drop(self.known.insert(moved.id.name.clone(), Known::of(cluster))),
            Some(Err(error)) => {
                tracing::warn!(cluster = %moved.id, %error, "cannot be read; what was known of it stays")
            }
            None => {
                self.known.remove(&moved.id.name);
                self.heard.remove(&moved.id.name);
            }
        }
    }

    /// Whether time alone may change what is said of a cluster.
    fn may_turn(&self, name: &str, now: Instant) -> bool {
        let settled = self.known.get(name).is_some_and(|known| known.settled);
        let fresh = |heard: &Heard| heard.unreachable.is_none() && now.duration_since(heard.at) < FRESH;
        !settled || !self.heard.get(name).is_some_and(fresh)
    }
}

/// How long this very loop stood still, by its ticks: what was not heard meanwhile may have been said.
fn stood_still(ticked: Option<Instant>, now: Instant) -> Duration {
    let gap = ticked.map_or(Duration::ZERO, |ticked| now.duration_since(ticked));
    if gap > TICK * 2 { gap - TICK } else { Duration::ZERO }
}

/// Whether two heartbeats differ by when they came alone.
fn says_the_same(before: &HeartbeatSpec, now: &HeartbeatSpec) -> bool {
    let HeartbeatSpec {
        received: _,
        reachable,
        message,
        cluster_id,
        kubernetes_version,
        nodes,
        resources,
        capacity,
        api_enablements,
    } = now;
    before.reachable == *reachable
        && before.message == *message
        && before.cluster_id == *cluster_id
        && before.kubernetes_version == *kubernetes_version
        && before.nodes == *nodes
        && before.resources == *resources
        && before.capacity == *capacity
        && before.api_enablements == *api_enablements
}

impl Reconcile for Health {
    type Key = String;
    const NAME: &'static str = "health";

    fn observe(&mut self, news: News) -> Vec<String> {
        let now = Instant::now();
        if news.kind == kind::CLUSTER {
            let moved = self.clusters.take(news.change);
            moved.iter().for_each(|moved| self.learn(moved));
            return moved.into_iter().map(|moved| moved.id.name).collect();
        }
        let moved = self.heartbeats.take(news.change);
        moved.into_iter().filter_map(|moved| self.hear(moved, now)).collect()
    }

    fn look(&mut self, key: &String) -> Option<Work> {
        let watched = self.clusters.get(&Id::new("", key))?.clone();
        let cluster = &self.known.get(key)?.cluster;
        if let Some(identity) = self.first_identity(&watched, cluster) {
            return Some(Box::pin(identify(self.hub.clone(), watched, identity)));
        }
        let status = self.desired(cluster, Instant::now())?;
        let before = cluster.clone();
        Some(Box::pin(write(
            self.hub.clone(),
            self.recorder.clone(),
            watched,
            before,
            status,
        )))
    }

    fn tick(&mut self) -> Vec<String> {
        let now = Instant::now();
        let still = stood_still(self.ticked.replace(now), now);
        if !still.is_zero() {
            tracing::warn!(
                seconds = still.as_secs_f32(),
                "the controllers stood still; no cluster is thought silent for that time"
            );
            self.listening += still;
            for heard in self.heard.values_mut() {
                heard.at = now.min(heard.at + still);
                heard.unreachable = heard.unreachable.map(|since| now.min(since + still));
            }
        }
        let names = self.clusters.iter().map(|(id, _)| &id.name);
        names.filter(|name| self.may_turn(name, now)).cloned().collect()
    }

    fn tick_every(&self) -> Option<Duration> {
        Some(TICK)
    }
}

async fn identify(hub: Hub, watched: Arc<Watched>, identity: String) -> Outcome {
    let patch = json!({"metadata": {"resourceVersion": watched.resource_version()}, "spec": {"id": identity}});
    let written = hub.merge(&kind::CLUSTER, &watched.id(), None, &patch).await;
    Outcome::wrote(&kind::CLUSTER, written, Duration::ZERO)
}

async fn write(hub: Hub, recorder: Recorder, watched: Arc<Watched>, before: Cluster, status: ClusterStatus) -> Outcome {
    // Only our fields: other observers have theirs beside them. Conditions are one list, hence the version.
    let old = json!(before.status);
    let new = json!(status);
    let fields = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let (old, new) = (fields(&old), fields(&new));
    let patch: Map<String, Value> = new
        .into_iter()
        .filter(|(key, value)| old.get(key) != Some(value))
        .collect();
    let patch = json!({"metadata": {"resourceVersion": watched.resource_version()}, "status": patch});
    let written = hub.merge(&kind::CLUSTER, &watched.id(), Some("status"), &patch).await;
    if written.is_ok() {
        note(&recorder, &watched, &before, &status);
    }
    Outcome::wrote(&kind::CLUSTER, written, Duration::ZERO)
}

fn note(recorder: &Recorder, watched: &Watched, before: &Cluster, status: &ClusterStatus) {
    let was = condition(&before.status.conditions, CONDITION_READY);
    let Some(is) = condition(&status.conditions, CONDITION_READY) else {
        return;
    };
    if was.map(|was| was.status) == Some(is.status) {
        return;
    }
    let message = is.message.clone();
    match is.status {
        ConditionStatus::True => recorder.note(reference(watched), Mood::Normal, "ClusterReady", message),
        ConditionStatus::False | ConditionStatus::Unknown if was.is_some() => {
            recorder.note(reference(watched), Mood::Warning, "ClusterNotReady", message);
        }
        ConditionStatus::False | ConditionStatus::Unknown => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_that_stood_still_heard_nobody() {
        let now = Instant::now();
        let after = |millis| stood_still(Some(now), now + Duration::from_millis(millis));
        assert_eq!(stood_still(None, now), Duration::ZERO);
        assert_eq!(
            [after(1000), after(2000)],
            [Duration::ZERO; 2],
            "a tick that is a little late"
        );
        assert_eq!(after(5000), Duration::from_secs(4));
    }

    #[test]
    fn only_when_it_came_is_no_news() {
        let heartbeat = HeartbeatSpec {
            received: "1".to_owned(),
            reachable: true,
            ..HeartbeatSpec::default()
        };
        let later = HeartbeatSpec {
            received: "2".to_owned(),
            ..heartbeat.clone()
        };
        assert!(says_the_same(&heartbeat, &later));
        let other = HeartbeatSpec {
            message: "no route".to_owned(),
            ..later
        };
        assert!(!says_the_same(&heartbeat, &other));
    }
}
