//! Turns reports into status: of the Placement, and of the hub object itself.
//! In: Placements, reports, clusters, hub objects. Out: `/status` writes, at once when idle, then at most five a second an
//! object, and only where something differs. Rows of a decision stand as soon as it does. Absent: what a report means
//! (`placement::placement_status`, `placement::fold`); any change of a spec.

mod apply;
mod index;

use std::collections::BTreeMap;
use std::time::Duration;

use ::placement::fold::{fold, status_differs};
use ::placement::placement_status::{Observed, is_spent, placement_status};
use api::PlacementKey;
use tokio::time::Instant;

use crate::runtime::clock;
use crate::runtime::drive::{Reconcile, Work};
use crate::runtime::feed::News;
use crate::runtime::hub::Hub;
use crate::runtime::kind::{self, Kind};
use crate::runtime::recorder::Recorder;
use crate::runtime::watched::Id;
use apply::Desired;
use index::Index;

/// The kinds whose status the members make.
const FOLDED: [&str; 3] = ["Deployment", "ReplicaSet", "Service"];

fn folded() -> Vec<Kind> {
    kind::federated()
        .into_iter()
        .filter(|kind| FOLDED.contains(&kind.kind.as_ref()))
        .collect()
}

/// The kinds it watches.
pub(crate) fn kinds() -> Vec<Kind> {
    let mut kinds = folded();
    kinds.extend([kind::PLACEMENT, kind::REPORT, kind::CLUSTER]);
    kinds
}

/// Writes of one object within a second that follow each other quickly: a roll-out that takes a moment is told at once.
const BURST: u32 = 4;
const PAUSE_IN_BURST: Duration = Duration::from_millis(20);
/// After that, at most five a second.
const PAUSE: Duration = Duration::from_millis(200);

/// The aggregation controller.
pub(crate) struct Aggregation {
    hub: Hub,
    recorder: Recorder,
    index: Index,
    /// When each object's burst began, and how many writes it has had.
    pace: BTreeMap<PlacementKey, (Instant, u32)>,
}

impl Aggregation {
    pub(crate) fn new(hub: Hub, recorder: Recorder) -> Self {
        Self {
            hub,
            recorder,
            index: Index::default(),
            pace: BTreeMap::new(),
        }
    }

    /// How long the object rests after the write that is about to be made.
    fn pause(&mut self, key: &PlacementKey, now: Instant) -> Duration {
        let (began, writes) = self.pace.entry(key.clone()).or_insert((now, 0));
        if now.duration_since(*began) > Duration::from_secs(1) {
            (*began, *writes) = (now, 0);
        }
        *writes = writes.saturating_add(1);
        if *writes <= BURST { PAUSE_IN_BURST } else { PAUSE }
    }

    fn desired(&self, key: &PlacementKey) -> Option<Desired> {
        let standing = self.index.placements.get(key)?;
        if standing.watched.is_deleting() {
            return None;
        }
        let placement = &standing.placement;
        let told = self.index.reports.get(key);
        // A word about an older incarnation of the Placement is no word about this one.
        let uid = standing.watched.uid();
        let current = told
            .into_iter()
            .flatten()
            .filter(|(_, told)| told.report.placement_uid == uid);
        let reports: BTreeMap<_, _> = current
            .map(|(cluster, told)| (cluster.clone(), told.report.clone()))
            .collect();
        let observed = Observed {
            reports: &reports,
            clusters: &self.index.clusters,
        };
        let now = clock::now();
        let generation = placement.metadata.generation;
        let status = placement_status(&placement.status, &placement.spec, generation, &observed, &now);

        let mut updated = placement.clone();
        updated.status = status;
        let object = self
            .index
            .object_of(placement)
            .filter(|object| object.uid() == placement.spec.resource.uid);
        let object_status = object.and_then(|object| {
            let status = fold(&object.value, &updated, &now)?;
            let before = object.value.get("status").cloned().unwrap_or_default();
            status_differs(&before, &status).then(|| (object.clone(), status))
        });
        let changed = updated.status != placement.status;
        let spent = reports
            .iter()
            .filter(|(_, report)| is_spent(report, &updated.spec, &updated.status))
            .filter_map(|(cluster, _)| told?.get(cluster).map(|told| told.watched.clone()))
            .collect::<Vec<_>>();
        let rows = placement.status.clusters.iter().map(|row| &row.name);
        let unseen = rows.filter(|name| !self.index.clusters.contains(*name));
        let vanished = unseen.map(|name| (kind::CLUSTER, Id::new("", name))).collect();
        (changed || object_status.is_some() || !spent.is_empty()).then(|| Desired {
            standing: standing.watched.clone(),
            before: placement.status.clone(),
            status: changed.then_some(updated.status),
            resource: placement.spec.resource.clone(),
            object: object_status,
            vanished,
            spent,
        })
    }
}

impl Reconcile for Aggregation {
    type Key = PlacementKey;
    const NAME: &'static str = "aggregation";

    fn observe(&mut self, news: News) -> Vec<PlacementKey> {
        self.index.take(news)
    }

    fn look(&mut self, key: &PlacementKey) -> Option<Work> {
        if !self.index.placements.contains_key(key) {
            self.pace.remove(key);
            return None;
        }
        let desired = self.desired(key)?;
        let pause = self.pause(key, Instant::now());
        Some(Box::pin(apply::apply(
            self.hub.clone(),
            self.recorder.clone(),
            desired,
            pause,
        )))
    }
}
