//! What each member is told, and what it says: manifests down, reports up.
//!
//! Decided: when a cluster's manifests are rendered again, and which reports are kept. In: the feed of the watch cache; batches
//! from syncers. Out: one watchable collection a cluster; Reports and Heartbeats in memory. Absent: how a manifest is rendered
//! (`placement`), what reports mean (controllers).

pub(crate) mod manifests;
mod relevance;
mod render;
pub(crate) mod reports;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio_util::sync::CancellationToken;

use crate::cache::Cache;
use crate::kinds::{Catalog, Kind};
use manifests::Manifests;

/// What the streams of a server share.
pub(crate) struct Streams {
    cache: Arc<Cache>,
    catalog: Arc<Catalog>,
    shutdown: CancellationToken,
    clusters: Mutex<BTreeMap<String, Arc<Manifests>>>,
    /// Changes with each start: what was reported to an older process is gone.
    epoch: String,
}

impl Streams {
    pub(crate) fn new(cache: Arc<Cache>, catalog: Arc<Catalog>, shutdown: CancellationToken) -> Self {
        Self {
            cache,
            catalog,
            shutdown,
            clusters: Mutex::default(),
            epoch: uuid::Uuid::new_v4().to_string(),
        }
    }
}

/// Whether a kind has the streams.
pub(crate) fn is_cluster(kind: &Kind) -> bool {
    kind.group == api::well_known::GROUP && kind.kind == "Cluster"
}
