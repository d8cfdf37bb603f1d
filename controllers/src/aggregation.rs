//! Turns reports into status: of the Placement, and of the hub object itself.
//! In: Placements, reports, clusters, hub objects. Out: `/status` writes, at once when idle, less often under load (`pace`),
//! and only where something differs. Rows of a decision stand as soon as it does. Absent: what a report means
//! (`placement::placement_status`, `placement::fold`); any change of a spec.

mod apply;
mod index;
mod pace;
mod rules;

use std::collections::BTreeMap;

use ::placement::fold::{fold, status_differs};
use ::placement::placement_status::{Observed, is_spent, placement_status};
use api::{PlacementKey, ReportState};
use tokio::time::Instant;

use crate::runtime::clock;
use crate::runtime::drive::{Outcome, Reconcile, Work};
use crate::runtime::feed::News;
use crate::runtime::hub::Hub;
use crate::runtime::kind::{self, Kind};
use crate::runtime::recorder::{Mood, Recorder, reference};
use crate::runtime::watched::Id;
use apply::Desired;
use index::Index;
use pace::Pace;

/// The kinds whose status the members make.
const FOLDED: [&str; 12] = [
    "Deployment",
    "ReplicaSet",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "Pod",
    "Service",
    "PersistentVolumeClaim",
    "PodDisruptionBudget",
    "Ingress",
    "HorizontalPodAutoscaler",
    "CronJob",
];

fn folded() -> Vec<Kind> {
    kind::federated()
        .into_iter()
        .filter(|kind| FOLDED.contains(&kind.kind.as_ref()))
        .collect()
}

/// The kinds it watches; beside them all custom ones.
pub(crate) fn kinds() -> Vec<Kind> {
    let mut kinds = folded();
    kinds.extend([kind::PLACEMENT, kind::REPORT, kind::CLUSTER, kind::DEFINITION]);
    kinds
}

/// The aggregation controller.
pub(crate) struct Aggregation {
    hub: Hub,
    recorder: Recorder,
    index: Index,
    pace: Pace,
}

impl Aggregation {
    pub(crate) fn new(hub: Hub, recorder: Recorder) -> Self {
        Self {
            hub,
            recorder,
            index: Index::default(),
            pace: Pace::new(Instant::now()),
        }
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
        let mut reports: BTreeMap<_, _> = current
            .map(|(cluster, told)| (cluster.clone(), told.report.clone()))
            .collect();
        let found = self.index.object_of(placement);
        let object = found.filter(|(_, object)| object.uid() == placement.spec.resource.uid);
        let resource = &placement.spec.resource;
        let rules = self.index.rules.of(&resource.api_version, &resource.kind);
        if let (Some(rules), Some((_, object))) = (rules, object) {
            let value = object.value();
            let applied = reports
                .values_mut()
                .filter(|report| report.state == ReportState::Applied);
            applied.for_each(|report| report.ready = rules.ready(&value, &report.status).or(report.ready));
        }
        let observed = Observed {
            reports: &reports,
            clusters: &self.index.clusters,
        };
        let now = clock::now();
        let generation = placement.metadata.generation;
        let status = placement_status(&placement.status, &placement.spec, generation, &observed, &now);

        let mut updated = placement.clone();
        updated.status = status;
        let object_status = object.and_then(|(kind, object)| {
            let value = object.value();
            let by_rule = rules.and_then(|rules| rules.fold(&value, &updated));
            let status = match by_rule {
                Some(Ok(status)) => status,
                Some(Err(error)) => {
                    tracing::debug!(placement = %key, error, "the definition's status rule has no value; folded without it");
                    fold(&value, &updated, &now)?
                }
                None => fold(&value, &updated, &now)?,
            };
            let before = value.get("status").cloned().unwrap_or_default();
            status_differs(&before, &status).then(|| (kind.clone(), object.clone(), status))
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
        let (dirty, faults) = self.index.take(news);
        for (definition, (annotation, fault)) in faults {
            let message = format!("the annotation {annotation} does not count: {fault}");
            self.recorder
                .note(reference(&definition), Mood::Warning, "RuleInvalid", message);
        }
        dirty
    }

    fn look(&mut self, key: &PlacementKey) -> Option<Work> {
        if !self.index.placements.contains_key(key) {
            self.pace.forget(key);
            return None;
        }
        let now = Instant::now();
        let unheard = !self.index.reports.contains_key(key);
        if unheard && let Some(wait) = self.pace.before_first(key, now) {
            return Some(Box::pin(std::future::ready(Outcome::again(wait))));
        }
        let desired = self.desired(key)?;
        let pause = self.pace.after_write(key, now);
        Some(Box::pin(apply::apply(
            self.hub.clone(),
            self.recorder.clone(),
            desired,
            pause,
        )))
    }
}
