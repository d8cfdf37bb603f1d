//! Keeps the `RemovalsHeld` condition of each Cluster: whether things that are to go from it wait for an operator's word.
//! In: Placements, whose rows say what is held back, and Clusters. Out: the condition, written only where it changed; an Event, and a
//! metric. Absent: what is held back, which the manifest streams of the API server decide (`placement::removals`).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use api::metadata::condition;
use api::well_known::CONDITION_REMOVALS_HELD;
use api::{Cluster, Condition, ConditionStatus, ObjectRef};
use serde::Deserialize;

use crate::runtime::cluster_condition;
use crate::runtime::drive::{Reconcile, Work};
use crate::runtime::feed::News;
use crate::runtime::hub::Hub;
use crate::runtime::kind::{self, Kind};
use crate::runtime::recorder::{Mood, Recorder};
use crate::runtime::shelf::Shelf;
use crate::runtime::watched::Id;

/// Objects that the message names.
const NAMED: usize = 5;
/// Between two writes for one cluster: a namespace that is deleted is held back object by object.
const PAUSE: Duration = Duration::from_secs(1);

/// The kinds it watches.
pub(crate) fn kinds() -> Vec<Kind> {
    vec![kind::CLUSTER, kind::PLACEMENT]
}

/// The removals controller.
pub(crate) struct Removals {
    hub: Hub,
    recorder: Recorder,
    clusters: Shelf,
    placements: Shelf,
    /// What is held back in each cluster: Placements, and the object of each.
    held: BTreeMap<String, BTreeMap<Id, String>>,
    /// Where a Placement is held back.
    of: BTreeMap<Id, BTreeSet<String>>,
}

/// What is read of a Placement.
#[derive(Deserialize)]
struct Read {
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
struct Spec {
    resource: ObjectRef,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default)]
    clusters: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    #[serde(default)]
    held: bool,
}

impl Removals {
    pub(crate) fn new(hub: Hub, recorder: Recorder) -> Self {
        Self {
            hub,
            recorder,
            clusters: Shelf::default(),
            placements: Shelf::default(),
            held: BTreeMap::new(),
            of: BTreeMap::new(),
        }
    }

    /// Takes a Placement as it is now; the clusters that it concerns.
    fn take(&mut self, id: Id, now: Option<&Read>) -> BTreeSet<String> {
        let rows = now.into_iter().flat_map(|placement| &placement.status.clusters);
        let held: BTreeSet<String> = rows.filter(|row| row.held).map(|row| row.name.clone()).collect();
        let before = self.of.remove(&id).unwrap_or_default();
        for gone in before.difference(&held) {
            if let Some(all) = self.held.get_mut(gone) {
                all.remove(&id);
            }
        }
        if let Some(placement) = now {
            for come in held.difference(&before) {
                let all = self.held.entry(come.clone()).or_default();
                all.insert(id.clone(), placement.spec.resource.to_string());
            }
        }
        let concerned = before.symmetric_difference(&held).cloned().collect();
        if !held.is_empty() {
            self.of.insert(id, held);
        }
        concerned
    }

    fn judged(&self, cluster: &Cluster) -> Option<Condition> {
        let previous = condition(&cluster.status.conditions, CONDITION_REMOVALS_HELD);
        let held = self.held.get(cluster.metadata.name());
        let count = held.map_or(0, BTreeMap::len);
        metrics::gauge!("meridian_removals_held", "cluster" => cluster.metadata.name().to_owned())
            .set(u32::try_from(count).unwrap_or(u32::MAX));
        let (status, reason, message) = match held.filter(|held| !held.is_empty()) {
            Some(held) => {
                let names: Vec<&str> = held.values().take(NAMED).map(String::as_str).collect();
                let more = match count.saturating_sub(names.len()) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                let message = format!(
                    "{count} objects are to go from it, and are held back because that is too much at once: {}{more}; next: \
                     meridian confirm-removals {}, or undo what removes them",
                    names.join(", "),
                    cluster.metadata.name()
                );
                (ConditionStatus::True, "TooManyAtOnce", message)
            }
            // Nobody needs to read of every cluster that nothing is held back in it.
            None => {
                previous.filter(|previous| previous.status != ConditionStatus::False)?;
                (ConditionStatus::False, "NothingHeld", "nothing is held back".to_owned())
            }
        };
        let same = previous.is_some_and(|was| was.status == status && was.message == message);
        (!same).then(|| Condition {
            type_: CONDITION_REMOVALS_HELD.to_owned(),
            status,
            reason: reason.to_owned(),
            message,
            last_transition_time: None,
            observed_generation: None,
        })
    }
}

impl Reconcile for Removals {
    type Key = String;
    const NAME: &'static str = "removals";

    fn observe(&mut self, news: News) -> Vec<String> {
        if news.kind == kind::CLUSTER {
            let moved = self.clusters.take(news.change);
            return moved.into_iter().map(|moved| moved.id.name).collect();
        }
        let mut dirty = BTreeSet::new();
        for moved in self.placements.take(news.change) {
            let placement = match moved.new.as_ref().map(|watched| watched.read::<Read>()) {
                Some(Ok(placement)) => Some(placement),
                Some(Err(error)) => {
                    tracing::warn!(placement = %moved.id, %error, "cannot be read; what was known of it stays");
                    continue;
                }
                None => None,
            };
            dirty.extend(self.take(moved.id, placement.as_ref()));
        }
        dirty.into_iter().collect()
    }

    fn look(&mut self, key: &String) -> Option<Work> {
        let watched = self.clusters.get(&Id::new("", key))?.clone();
        let cluster: Cluster = watched.read().ok()?;
        let judged = self.judged(&cluster)?;
        Some(Box::pin(cluster_condition::say(
            self.hub.clone(),
            self.recorder.clone(),
            watched,
            cluster,
            judged,
            (event_of, PAUSE),
        )))
    }
}

/// What is told of a status.
fn event_of(status: ConditionStatus) -> Option<(Mood, &'static str)> {
    match status {
        ConditionStatus::True => Some((Mood::Warning, "RemovalsHeld")),
        ConditionStatus::False => Some((Mood::Normal, "RemovalsReleased")),
        ConditionStatus::Unknown => None,
    }
}
