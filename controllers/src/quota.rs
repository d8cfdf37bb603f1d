//! Keeps the status of ResourceQuotas true: what the objects of their namespace come to.
//! In: quotas, every namespaced kind that can be counted. Out: `status.hard` and `status.used`. The API server charges what it
//! admits at once; here is counted what came by other ways, and what is gone is given back. Usage is only lowered when a quota has been
//! quiet for a moment: what was charged may not be stored yet. Absent: refusals.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use machinery::admission::quota;
use serde_json::Value;
use tokio::time::Instant;

use crate::runtime::discovery::Served;
use crate::runtime::drive::{Outcome, Reconcile, Work};
use crate::runtime::feed::News;
use crate::runtime::hub::Hub;
use crate::runtime::kind::{self, Kind};
use crate::runtime::shelf::Shelf;
use crate::runtime::watched::{Id, Watched};

use ::placement::federated_kinds::is_custom_group;

/// How long a quota must have been quiet before its usage is lowered: longer than a write takes from charge to store.
const QUIET: Duration = Duration::from_millis(500);
/// How long a quota that is never quiet waits for it.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often all quotas are counted again, whatever was heard.
const RESYNC: Duration = Duration::from_secs(300);

/// The kinds it watches, of those that are served.
pub(crate) fn kinds(served: &[Served]) -> Vec<Kind> {
    let concerns = |served: &&Served| {
        let kind = &served.kind;
        served.namespaced
            && ["list", "watch", "delete"].iter().all(|verb| served.can(verb))
            // Custom kinds come and go; they are followed as they do.
            && !is_custom_group(kind.group())
            && is_counted(kind)
    };
    served
        .iter()
        .filter(concerns)
        .map(|served| served.kind.clone())
        .collect()
}

/// Kinds that are memory only are counted nowhere, as in [`crate::garbage`].
fn is_counted(kind: &Kind) -> bool {
    let ours = kind.group() == api::well_known::GROUP && matches!(kind.kind.as_ref(), "Report" | "Resolution");
    !ours && quota::is_counted(kind.group(), &kind.plural)
}

/// Since when the usage of a quota is too high, and when the quota was last written.
#[derive(Clone, Copy, Debug)]
struct Pace {
    written: Instant,
    too_high: Option<Instant>,
}

/// The quota controller.
pub(crate) struct Quotas {
    hub: Hub,
    objects: BTreeMap<Kind, Shelf>,
    paces: BTreeMap<Id, Pace>,
}

impl Quotas {
    pub(crate) fn new(hub: Hub) -> Self {
        Self {
            hub,
            objects: BTreeMap::new(),
            paces: BTreeMap::new(),
        }
    }

    fn quotas(&self, namespace: &str) -> Vec<Id> {
        let shelf = self.objects.get(&kind::RESOURCE_QUOTA);
        let quotas = shelf.into_iter().flat_map(|shelf| shelf.in_namespace(namespace));
        quotas.map(|(id, _)| id.clone()).collect()
    }

    fn all(&self) -> Vec<Id> {
        let shelf = self.objects.get(&kind::RESOURCE_QUOTA);
        let quotas = shelf.into_iter().flat_map(Shelf::iter);
        quotas.map(|(id, _)| id.clone()).collect()
    }

    /// The status that a quota should have.
    fn status(&self, quota: &Watched, namespace: &str, now: Timestamp) -> Value {
        let kinds = self.objects.iter().map(|(kind, shelf)| {
            let objects = shelf.in_namespace(namespace).map(|(_, object)| object.value());
            (kind.group(), kind.plural.as_ref(), objects)
        });
        quota::status(&quota.value(), kinds, now)
    }
}

impl Reconcile for Quotas {
    type Key = Id;
    const NAME: &'static str = "quota";

    fn observe(&mut self, news: News) -> Vec<Id> {
        let kind = news.kind.clone();
        let moved = self.objects.entry(news.kind).or_default().take(news.change);
        let changes_count = quota::counts_changes(kind.group(), &kind.plural);
        let mut namespaces: BTreeSet<String> = BTreeSet::new();
        let mut dirty = Vec::new();
        let now = Instant::now();
        for moved in moved {
            if kind == kind::RESOURCE_QUOTA {
                if moved.new.is_none() {
                    self.paces.remove(&moved.id);
                } else {
                    let pace = self.paces.entry(moved.id.clone()).or_insert(Pace {
                        written: now,
                        too_high: None,
                    });
                    pace.written = now;
                    dirty.push(moved.id.clone());
                }
            }
            let came_or_went = moved.old.is_none() || moved.new.is_none();
            if (came_or_went || changes_count) && !moved.id.namespace.is_empty() {
                namespaces.insert(moved.id.namespace);
            }
        }
        dirty.extend(namespaces.iter().flat_map(|namespace| self.quotas(namespace)));
        dirty
    }

    fn look(&mut self, id: &Id) -> Option<Work> {
        let quota = self.objects.get(&kind::RESOURCE_QUOTA)?.get(id)?.clone();
        if quota.is_deleting() {
            return None;
        }
        let status = self.status(&quota, &id.namespace, Timestamp::now());
        let value = quota.value();
        let stands = value.get("status").cloned().unwrap_or_default();
        let pace = self.paces.get_mut(id)?;
        if same(&stands, &status) {
            pace.too_high = None;
            return None;
        }
        if !quota::only_grows(&value, &status) {
            let now = Instant::now();
            let since = *pace.too_high.get_or_insert(now);
            let quiet = now.duration_since(pace.written);
            if quiet < QUIET && now.duration_since(since) < PATIENCE {
                let rest = QUIET.saturating_sub(quiet).max(Duration::from_millis(1));
                return Some(Box::pin(async move { Outcome::again(rest) }));
            }
            pace.too_high = None;
        }
        let mut object = (*value).clone();
        if let Some(object) = object.as_object_mut() {
            object.insert("status".to_owned(), status);
        }
        let (hub, id) = (self.hub.clone(), id.clone());
        Some(Box::pin(async move {
            // With the version that was counted against: a charge in between is not overwritten.
            match hub.replace_part(&kind::RESOURCE_QUOTA, &id, "status", &object).await {
                Err(error) if error.is_not_found() => Outcome::rest(Duration::ZERO),
                written => Outcome::wrote(&kind::RESOURCE_QUOTA, written, Duration::ZERO),
            }
        }))
    }

    fn tick(&mut self) -> Vec<Id> {
        self.all()
    }

    fn tick_every(&self) -> Option<Duration> {
        Some(RESYNC)
    }
}

/// Whether two statuses say the same, however the amounts are written.
fn same(stands: &Value, status: &Value) -> bool {
    let amounts = |status: &Value, key: &str| machinery::admission::resources::amounts(status.get(key));
    ["hard", "used"]
        .iter()
        .all(|key| amounts(stands, key) == amounts(status, key))
}
