//! What the aggregation knows, and which Placements a change concerns.
//! In: news. Out: dirty keys. A report that goes from the hub's memory takes nothing along: rows keep their last truth.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::{Placement, PlacementKey, Report, ReportSpec};

use super::rules::{Book, Fault};
use crate::runtime::feed::News;
use crate::runtime::kind::{self, Kind};
use crate::runtime::shelf::{Moved, Shelf};
use crate::runtime::watched::{Id, Watched};

/// A Placement as it stands.
pub(super) struct Standing {
    pub(super) watched: Arc<Watched>,
    pub(super) placement: Placement,
}

/// A cluster's word as it stands.
pub(super) struct Told {
    pub(super) watched: Arc<Watched>,
    pub(super) report: ReportSpec,
}

#[derive(Default)]
pub(super) struct Index {
    shelves: BTreeMap<Kind, Shelf>,
    pub(super) placements: BTreeMap<PlacementKey, Standing>,
    pub(super) reports: BTreeMap<PlacementKey, BTreeMap<String, Told>>,
    pub(super) clusters: BTreeSet<String>,
    /// What definitions say of their objects.
    pub(super) rules: Book,
}

impl Index {
    /// Takes news; Placements that are dirty now, and faults in rules, each with its definition.
    pub(super) fn take(&mut self, news: News) -> (Vec<PlacementKey>, Vec<(Arc<Watched>, Fault)>) {
        if news.kind == kind::DEFINITION {
            return self.take_definitions(news);
        }
        (self.take_objects(news), vec![])
    }

    fn take_definitions(&mut self, news: News) -> (Vec<PlacementKey>, Vec<(Arc<Watched>, Fault)>) {
        let (mut dirty, mut faults) = (Vec::new(), Vec::new());
        for moved in self.shelves.entry(news.kind).or_default().take(news.change) {
            let values = [&moved.old, &moved.new].map(|watched| watched.as_ref().map(|watched| watched.value()));
            let [before, now] = values.each_ref().map(Option::as_deref);
            let (kinds, wrong) = self.rules.take(before, now);
            faults.extend(
                moved
                    .new
                    .iter()
                    .flat_map(|definition| wrong.iter().map(|fault| (definition.clone(), fault.clone()))),
            );
            let concerned = |placement: &Placement| {
                let resource = &placement.spec.resource;
                kinds
                    .iter()
                    .any(|(group, kind)| *kind == resource.kind && resource.group() == group)
            };
            let all = self
                .placements
                .iter()
                .filter(|(_, standing)| concerned(&standing.placement));
            dirty.extend(all.map(|(key, _)| key.clone()));
        }
        (dirty, faults)
    }

    fn take_objects(&mut self, news: News) -> Vec<PlacementKey> {
        let News { kind, change, .. } = news;
        let moved = self.shelves.entry(kind.clone()).or_default().take(change);
        if moved.is_empty() {
            return vec![];
        }
        if kind == kind::CLUSTER {
            let shelf = self.shelves.get(&kind::CLUSTER);
            let names = shelf
                .into_iter()
                .flat_map(Shelf::iter)
                .map(|(id, _)| id.name.clone())
                .collect();
            if self.clusters == names {
                return vec![];
            }
            self.clusters = names;
            return self.placements.keys().cloned().collect();
        }
        if kind == kind::PLACEMENT {
            return moved
                .into_iter()
                .filter_map(|moved| self.take_placement(moved))
                .collect();
        }
        if kind == kind::REPORT {
            return moved.into_iter().filter_map(|moved| self.take_report(moved)).collect();
        }
        let key = |id: Id| {
            let reference = api::ObjectRef {
                api_version: kind.api_version.to_string(),
                kind: kind.kind.to_string(),
                namespace: id.namespace,
                name: id.name,
                uid: String::new(),
            };
            reference.placement_key()
        };
        moved.into_iter().map(|moved| key(moved.id)).collect()
    }

    /// The hub object of a Placement, if it is of a kind whose status the members make.
    pub(super) fn object_of(&self, placement: &Placement) -> Option<(&Kind, &Arc<Watched>)> {
        let resource = &placement.spec.resource;
        let (kind, shelf) = self
            .shelves
            .iter()
            .find(|(kind, _)| kind.kind == resource.kind && kind.api_version == resource.api_version)?;
        Some((kind, shelf.get(&Id::new(&resource.namespace, &resource.name))?))
    }

    fn take_placement(&mut self, moved: Moved) -> Option<PlacementKey> {
        let key = PlacementKey {
            namespace: moved.id.namespace,
            name: moved.id.name,
        };
        match moved.new {
            Some(watched) => match watched.read() {
                Ok(placement) => {
                    self.placements.insert(key.clone(), Standing { watched, placement });
                }
                Err(error) => {
                    tracing::warn!(placement = %key, %error, "cannot be read; its last good version stays");
                    return None;
                }
            },
            None => {
                self.placements.remove(&key);
                self.reports.remove(&key);
            }
        }
        Some(key)
    }

    fn take_report(&mut self, moved: Moved) -> Option<PlacementKey> {
        let Some(watched) = moved.new else {
            let old = moved.old?;
            let report = read(&old)?;
            if let Some(told) = self.reports.get_mut(&report.placement) {
                told.remove(&report.cluster);
                if told.is_empty() {
                    self.reports.remove(&report.placement);
                }
            }
            return None;
        };
        let report = read(&watched)?;
        let key = report.placement.clone();
        self.reports
            .entry(key.clone())
            .or_default()
            .insert(report.cluster.clone(), Told { watched, report });
        Some(key)
    }
}

fn read(watched: &Watched) -> Option<ReportSpec> {
    match watched.read::<Report>() {
        Ok(report) => Some(report.spec),
        Err(error) => {
            tracing::warn!(report = %watched.id(), %error, "a report cannot be read; what was known stays");
            None
        }
    }
}
