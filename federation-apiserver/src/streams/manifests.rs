//! The manifest stream of a cluster: one virtual collection, rendered as the hub changes, listed and watched like any kind.
//!
//! A manifest's version is the hub's revision that caused it, times [`VERSIONS_PER_REVISION`], plus its place among the
//! manifests of that cause: one change of a policy may change many manifests, and a watch that breaks between two of them
//! must resume between them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use api::well_known::{API_VERSION, GROUP};
use api::{PlacementKey, Revision};
use axum::response::Response;
use machinery::status::Status;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::Streams;
use super::render::{Outcome, Renderer, key_of, to_value};
use super::router::{Dirty, Router};
use crate::cache::{Cache, CachedObject, HistoryConfig, KindCache, canonical, splice_revision};
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
        let manifests = Arc::new(Manifests::start(
            &self.cache,
            &self.catalog,
            &self.router(),
            cluster,
            &self.shutdown,
        ));
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
    fn start(
        cache: &Arc<Cache>,
        catalog: &Arc<Catalog>,
        router: &Arc<Router>,
        cluster: &str,
        shutdown: &CancellationToken,
    ) -> Self {
        let kind = KindKey::new(GROUP, "manifests");
        // Before the first rendering, so that nothing falls between the two.
        let mailbox = router.subscribe(cluster);
        let begin = version(cache.revision(), 0);
        let objects = KindCache::detached(kind.clone(), begin, HistoryConfig::default());
        let mut follower = Follower {
            cache: cache.clone(),
            router: router.clone(),
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
                let Dirty { keys, everything } = mailbox.take().await;
                match everything {
                    Some(revision) => follower.everything(revision, keys),
                    None => follower.each(keys),
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
    router: Arc<Router>,
    renderer: Renderer,
    objects: Arc<KindCache>,
    kind: KindKey,
    cluster: String,
}

impl Follower {
    /// Renders everything once.
    fn begin(&mut self) {
        let cause = self.cache.revision();
        self.renderer.refresh(self.router.overrides());
        let commits: Vec<Committed> = self
            .router
            .placements(&self.cluster)
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

    /// Looks at every Placement that names the cluster, at every manifest that it was told, and at these.
    fn everything(&mut self, revision: Revision, keys: BTreeMap<PlacementKey, Revision>) {
        self.renderer.refresh(self.router.overrides());
        let revision = keys.values().copied().fold(revision, Revision::max);
        let mut keys: BTreeSet<PlacementKey> = keys.into_keys().collect();
        keys.extend(self.router.placements(&self.cluster));
        keys.extend(self.objects.snapshot().iter().map(|object| key_of(object)));
        self.publish(revision, keys);
    }

    /// Looks at some, in the order in which they changed.
    fn each(&self, keys: BTreeMap<PlacementKey, Revision>) {
        let mut by_revision: BTreeMap<Revision, BTreeSet<PlacementKey>> = BTreeMap::new();
        for (key, revision) in keys {
            by_revision.entry(revision).or_default().insert(key);
        }
        for (revision, keys) in by_revision {
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
