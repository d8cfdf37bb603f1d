//! The manifest stream of a cluster: one virtual collection, rendered as the hub changes, listed and watched like any kind.
//!
//! A manifest's version is the hub's revision that caused it, times [`VERSIONS_PER_REVISION`], plus its place among the
//! manifests of that cause: one change of a policy may change many manifests, and a watch that breaks between two of them
//! must resume between them.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use api::well_known::{API_VERSION, GROUP};
use api::{PlacementKey, Revision};
use axum::response::Response;
use machinery::status::Status;
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::Streams;
use super::relevance;
use super::render::{Outcome, Renderer, clusters_key, is_override, placements_key, to_value};
use crate::cache::{
    Batch, Cache, CachedObject, Event, EventType, HistoryConfig, KindCache, canonical, splice_revision,
};
use crate::http::select::Selection;
use crate::http::source::Source;
use crate::http::{Ask, list, negotiate, watch};
use crate::kinds::Catalog;
use crate::store::{Committed, KindKey, ObjectKey, Op};

/// Room for the manifests that one revision of the hub may change.
const VERSIONS_PER_REVISION: u64 = 1 << 20;
/// How often an unused stream is looked for.
const UNUSED_LOOK: Duration = Duration::from_secs(60);
/// Looks that find a stream unused before it goes.
const UNUSED_LOOKS_MAX: u32 = 5;

/// The manifests of one cluster.
pub(crate) struct Manifests {
    objects: Arc<KindCache>,
    /// Nobody asked for a while: its task has ended, and who asks next begins anew.
    over: CancellationToken,
    _task: DropGuard,
}

/// Answers list and watch of `clusters/NAME/manifests`.
pub(crate) async fn serve(ask: Ask, verb: &str) -> Result<Response, Status> {
    if !matches!(verb, "list" | "watch") {
        return Err(Status::method_not_allowed(GROUP, "clusters/manifests", verb));
    }
    if ask.server.engine.cache_of(&ask.kind).get("", &ask.path.name).is_none() {
        return Err(ask.not_found());
    }
    let manifests = ask.server.streams.manifests(&ask.path.name);
    let source = Source {
        objects: manifests.objects.clone(),
        api_version: API_VERSION.to_owned(),
        kind: "Manifest".to_owned(),
        list_kind: "ManifestList".to_owned(),
        served: None,
        clusters: false,
        keep: Some(manifests),
    };
    let selection = Selection::of(&ask.query, "", None)?;
    let form = ask.form(verb == "list")?;
    if verb == "list" {
        return list::list(&source, &ask.query, &selection, form).await;
    }
    debug_assert!(form.encoding != negotiate::Encoding::Yaml);
    watch::watch(source, &ask.query, selection, form, ask.drain()).await
}

impl Streams {
    /// The manifests of a cluster, rendered now if nobody asked before.
    fn manifests(&self, cluster: &str) -> Arc<Manifests> {
        let mut clusters = self.clusters.lock().unwrap_or_else(PoisonError::into_inner);
        clusters.retain(|name, manifests| name == cluster || !manifests.over.is_cancelled());
        if let Some(found) = clusters.get(cluster).filter(|m| !m.over.is_cancelled()) {
            return found.clone();
        }
        let manifests = Arc::new(Manifests::start(&self.cache, &self.catalog, cluster, &self.shutdown));
        clusters.insert(cluster.to_owned(), manifests.clone());
        let (stop, weak) = (self.shutdown.clone(), Arc::downgrade(&manifests));
        tokio::spawn(stop.run_until_cancelled_owned(async move {
            let mut unused = 0;
            while unused < UNUSED_LOOKS_MAX {
                tokio::time::sleep(UNUSED_LOOK).await;
                // The map holds one; every list and watch in progress holds another.
                match weak.strong_count() {
                    0 => return,
                    1 => unused += 1,
                    _ => unused = 0,
                }
            }
            if let Some(manifests) = weak.upgrade() {
                manifests.over.cancel();
            }
        }));
        manifests
    }
}

impl Manifests {
    fn start(cache: &Arc<Cache>, catalog: &Arc<Catalog>, cluster: &str, shutdown: &CancellationToken) -> Self {
        let kind = KindKey::new(GROUP, "manifests");
        // Subscribed before the first rendering, so that nothing falls between the two.
        let mut feed = cache.subscribe();
        let mut kinds = catalog.subscribe();
        let begin = version(cache.revision(), 0);
        let objects = KindCache::detached(kind.clone(), begin, HistoryConfig::default());
        let mut follower = Follower {
            cache: cache.clone(),
            renderer: Renderer::new(cache.clone(), catalog.clone(), cluster),
            objects: objects.clone(),
            kind,
            cluster: cluster.to_owned(),
        };
        follower.begin();
        let stop = shutdown.child_token();
        let (over, guard) = (stop.clone(), stop.clone().drop_guard());
        tokio::spawn(stop.run_until_cancelled_owned(async move {
            loop {
                let received = tokio::select! {
                    received = feed.recv() => received,
                    changed = kinds.changed() => {
                        if changed.is_err() {
                            return;
                        }
                        // Objects of a kind that was not known may be here already.
                        follower.everything(follower.cache.revision());
                        continue;
                    }
                };
                match received {
                    Ok(Batch::Events { revision, events }) => follower.events(revision, &events),
                    Ok(Batch::Reset { revision }) => follower.everything(revision),
                    Err(RecvError::Lagged(missed)) => {
                        tracing::info!(
                            cluster = follower.cluster,
                            missed,
                            "manifests are rendered again from scratch"
                        );
                        follower.everything(follower.cache.revision());
                    }
                    Err(RecvError::Closed) => return,
                }
            }
        }));
        Self {
            objects,
            over,
            _task: guard,
        }
    }
}

/// The version of the manifest at a place among those of one cause.
fn version(cause: Revision, place: u64) -> Revision {
    let number = cause.get().saturating_mul(VERSIONS_PER_REVISION).saturating_add(place);
    Revision::new(number).unwrap_or(Revision::FIRST)
}

struct Follower {
    cache: Arc<Cache>,
    renderer: Renderer,
    objects: Arc<KindCache>,
    kind: KindKey,
    cluster: String,
}

impl Follower {
    /// Renders everything once.
    fn begin(&mut self) {
        let cause = self.cache.revision();
        self.renderer.refresh();
        let commits: Vec<Committed> = self
            .renderer
            .placements()
            .iter()
            .filter_map(|key| self.rendered(key))
            .collect();
        let commits: Vec<Committed> = commits
            .into_iter()
            .zip(1..)
            .map(|(commit, place)| {
                let revision = version(cause, place);
                Committed {
                    revision,
                    created_revision: revision,
                    ..commit
                }
            })
            .collect();
        let last = commits
            .last()
            .map_or_else(|| version(cause, 0), |commit| commit.revision);
        self.objects.reset(last, &commits);
        self.objects.advance(last);
    }

    fn rendered(&self, key: &PlacementKey) -> Option<Committed> {
        match self.renderer.render(key) {
            Outcome::Manifest(manifest) => {
                let body = canonical(&to_value(&manifest)?);
                Some(Committed {
                    key: ObjectKey::new(&self.kind, &key.namespace, &key.name),
                    uid: manifest.metadata.uid.as_deref().unwrap_or_default().into(),
                    op: Op::Created,
                    revision: Revision::FIRST,
                    created_revision: Revision::FIRST,
                    body,
                })
            }
            Outcome::Nothing | Outcome::Unchanged => None,
        }
    }

    /// Looks at every Placement, and at every manifest whose Placement is gone.
    fn everything(&mut self, revision: Revision) {
        self.renderer.refresh();
        let mut keys: BTreeSet<PlacementKey> = self.renderer.placements().into_iter().collect();
        keys.extend(self.objects.snapshot().iter().map(|object| key_of(object)));
        self.publish(revision, keys);
    }

    fn events(&mut self, revision: Revision, events: &[Arc<Event>]) {
        let mut keys = BTreeSet::new();
        let mut all = false;
        for event in events {
            let kind = &event.object.key.kind;
            if *kind == placements_key() {
                if relevance::of_placement(event, &self.cluster) {
                    keys.insert(key_of(&event.object));
                }
            } else if *kind == clusters_key() {
                all |= *event.object.key.name == *self.cluster && wants_differ(event);
            } else if is_override(kind) {
                all = true;
            } else if let Some(key) = self.renderer.placement_of(&event.object)
                && relevance::of_object(event)
            {
                keys.insert(key);
            }
        }
        if all {
            self.everything(revision);
        } else {
            self.publish(revision, keys);
        }
    }

    /// Renders some Placements and tells what changed.
    fn publish(&self, cause: Revision, keys: BTreeSet<PlacementKey>) {
        let mut commits = Vec::new();
        let mut next = self.objects.revision().next().max(version(cause, 1));
        for key in keys {
            let held = self.objects.get(&key.namespace, &key.name);
            let commit = match (self.renderer.render(&key), held) {
                (Outcome::Unchanged, _) | (Outcome::Nothing, None) => None,
                (Outcome::Nothing, Some(held)) => Some(self.gone(&held, next)),
                (Outcome::Manifest(manifest), held) => to_value(&manifest).and_then(|value| {
                    let body = canonical(&value);
                    let same = held
                        .as_ref()
                        .is_some_and(|held| splice_revision(&body, held.revision) == Some(held.bytes.clone()));
                    (!same).then(|| Committed {
                        key: ObjectKey::new(&self.kind, &key.namespace, &key.name),
                        uid: manifest.metadata.uid.as_deref().unwrap_or_default().into(),
                        op: if held.is_some() { Op::Updated } else { Op::Created },
                        revision: next,
                        created_revision: held.map_or(next, |held| held.created_revision),
                        body,
                    })
                }),
            };
            if let Some(commit) = commit {
                next = commit.revision.next();
                commits.push(commit);
            }
        }
        if let Some(last) = commits.last().map(|commit| commit.revision) {
            self.objects.apply(&commits);
            self.objects.advance(last);
        }
        self.objects.advance(version(cause, 0));
    }

    fn gone(&self, held: &CachedObject, revision: Revision) -> Committed {
        Committed {
            key: held.key.clone(),
            uid: held.uid.clone(),
            op: Op::Deleted,
            revision,
            created_revision: held.created_revision,
            body: canonical(&held.value()),
        }
    }
}

fn key_of(object: &CachedObject) -> PlacementKey {
    PlacementKey {
        namespace: object.key.namespace.to_string(),
        name: object.key.name.to_string(),
    }
}

/// Whether a change of a Cluster can change what is rendered for it: its status cannot.
fn wants_differ(event: &Event) -> bool {
    let Some(previous) = event
        .previous
        .as_ref()
        .filter(|_| event.event_type == EventType::Modified)
    else {
        return true;
    };
    let (before, after) = (previous.value(), event.object.value());
    let part = |value: &Value, pointer: &str| value.pointer(pointer).cloned();
    // A cluster that begins to leave may keep what it has.
    [
        "/spec",
        "/metadata/labels",
        "/metadata/annotations",
        "/metadata/deletionTimestamp",
    ]
    .iter()
    .any(|p| part(&before, p) != part(&after, p))
}
