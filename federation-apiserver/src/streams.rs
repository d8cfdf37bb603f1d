//! What each member is told, and what it says: manifests down, reports up.
//!
//! Decided: when a cluster's manifests are rendered again, and which reports are kept. In: the feed of the watch cache; batches
//! from syncers. Out: one watchable collection a cluster; Reports and Heartbeats in memory. Absent: how a manifest is rendered
//! (`placement`), what reports mean (controllers).

mod audience;
pub(crate) mod manifests;
mod parsed;
mod refusal;
mod relevance;
mod removals;
mod render;
pub(crate) mod reports;
mod router;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock};

use placement::removals::RemovalGuard;
use tokio_util::sync::CancellationToken;

use crate::cache::Cache;
use crate::kinds::{Catalog, Kind};
use manifests::Manifests;
use router::Router;

/// What the streams of a server share.
pub(crate) struct Streams {
    cache: Arc<Cache>,
    catalog: Arc<Catalog>,
    guard: RemovalGuard,
    shutdown: CancellationToken,
    clusters: Mutex<BTreeMap<String, Arc<Manifests>>>,
    /// Begins with the first stream: where nobody asks, nobody follows.
    router: OnceLock<Arc<Router>>,
    /// Changes with each start: what was reported to an older process is gone.
    epoch: String,
}

impl Streams {
    pub(crate) fn new(
        cache: Arc<Cache>,
        catalog: Arc<Catalog>,
        guard: RemovalGuard,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            cache,
            catalog,
            guard,
            shutdown,
            clusters: Mutex::default(),
            router: OnceLock::new(),
            epoch: uuid::Uuid::new_v4().to_string(),
        }
    }

    /// The clusters in which something of a namespace is placed, or still is.
    pub(crate) fn placed_in(&self, namespace: &str) -> BTreeSet<Arc<str>> {
        self.router().in_namespace(namespace)
    }

    fn router(&self) -> Arc<Router> {
        let start = || Arc::new(Router::start(&self.cache, &self.catalog, &self.shutdown));
        self.router.get_or_init(start).clone()
    }
}

/// Whether a kind has the streams.
pub(crate) fn is_cluster(kind: &Kind) -> bool {
    kind.group == api::well_known::GROUP && kind.kind == "Cluster"
}
