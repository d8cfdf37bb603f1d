//! The manifest stream of a cluster: one virtual collection, rendered as the hub changes, listed and watched like any kind.
//!
//! A manifest's version is the hub's revision that caused it, times [`VERSIONS_PER_REVISION`], plus its place among the
//! manifests of that cause: one change of a policy may change many manifests, and a watch that breaks between two of them
//! must resume between them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use api::well_known::{API_VERSION, GROUP};
use api::{Manifest, PlacementKey, Revision};
use axum::response::Response;
use jiff::Timestamp;
use machinery::status::Status;
use placement::removals::RemovalGuard;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::Streams;
use super::removals::{Removals, Word};
use super::render::{Outcome, Renderer, held_back, key_of, to_value};
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
            self.guard,
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
        guard: RemovalGuard,
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
            renderer: Renderer::new(cache.clone(), catalog.clone(), router.parsed.clone(), cluster),
            removals: Removals::new(guard),
            objects: objects.clone(),
            kind,
            cluster: cluster.to_owned(),
        };
        follower.begin();
        let stop = shutdown.child_token();
        let (over, ends) = (stop.clone(), stop.clone().drop_guard());
        tokio::spawn(stop.run_until_cancelled_owned(async move {
            loop {
                let due = follower.removals.due();
                tokio::select! {
                    Dirty { keys, everything } = mailbox.take() => match everything {
                        Some(revision) => follower.everything(revision, keys),
                        None => follower.each(keys),
                    },
                    () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                        follower.publish(follower.cache.revision(), BTreeSet::new());
                    }
                }
            }
        }));
        Self {
            objects,
            over,
            _task: ends,
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
    removals: Removals,
    objects: Arc<KindCache>,
    kind: KindKey,
    cluster: String,
}

impl Follower {
    /// Renders everything once.
    fn begin(&mut self) {
        let cause = self.cache.revision();
        self.renderer.refresh(self.router.overrides());
        let keys = self.router.placements(&self.cluster).into_iter().collect();
        // All that is to go is known at once.
        let words = self.words(keys, self.removals.long_ago(Instant::now()));
        let commits = self.commits(version(cause, 1), words);
        let last = commits
            .last()
            .map_or_else(|| version(cause, 0), |commit| commit.revision);
        self.objects.reset(last, &commits);
        self.objects.advance(last);
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
    fn each(&mut self, keys: BTreeMap<PlacementKey, Revision>) {
        let mut by_revision: BTreeMap<Revision, BTreeSet<PlacementKey>> = BTreeMap::new();
        for (key, revision) in keys {
            by_revision.entry(revision).or_default().insert(key);
        }
        for (revision, keys) in by_revision {
            self.publish(revision, keys);
        }
    }

    /// Renders some Placements, and those of which the time has come, and tells what changed.
    fn publish(&mut self, cause: Revision, keys: BTreeSet<PlacementKey>) {
        let words = self.words(keys, Instant::now());
        let next = self.objects.revision().next().max(version(cause, 1));
        let commits = self.commits(next, words);
        if let Some(last) = commits.last().map(|commit| commit.revision) {
            self.objects.apply(&commits);
            self.objects.advance(last);
        }
        self.objects.advance(version(cause, 0));
    }

    /// What the cluster is told of Placements that were looked at now; what is to go is known `since` then.
    fn words(&mut self, keys: BTreeSet<PlacementKey>, since: Instant) -> BTreeMap<PlacementKey, Outcome> {
        let now = Instant::now();
        let mut words = BTreeMap::new();
        for key in keys {
            let outcome = self.renderer.render(&key);
            match &outcome {
                Outcome::Going { held_before, .. } => self.removals.going(&key, *held_before, since),
                Outcome::Nothing => self.removals.gone(&key, now),
                Outcome::Manifest(_) => self.removals.staying(&key),
                Outcome::Unchanged => {}
            }
            words.insert(key, outcome);
        }
        let confirmed = self.renderer.is_confirmed(Timestamp::now());
        let held = self.router.count(&self.cluster);
        for key in self.removals.judge(held, confirmed, now) {
            words.entry(key).or_insert_with_key(|key| self.renderer.render(key));
        }
        for (key, outcome) in &mut words {
            if let Outcome::Going { manifest, .. } = outcome {
                *outcome = match self.removals.word(key) {
                    Word::Remove => Outcome::Manifest(std::mem::take(manifest)),
                    Word::Hold => Outcome::Manifest(Box::new(held_back(std::mem::take(manifest), &self.cluster))),
                    Word::Wait => Outcome::Unchanged,
                };
            }
        }
        words
    }

    /// What differs from what was told, from a version on.
    fn commits(&self, first: Revision, words: BTreeMap<PlacementKey, Outcome>) -> Vec<Committed> {
        let mut commits = Vec::new();
        let mut next = first;
        for (key, word) in words {
            let held = self.objects.get(&key.namespace, &key.name);
            let commit = match (word, held) {
                (Outcome::Nothing, Some(held)) => Some(self.gone(&held, next)),
                (Outcome::Manifest(manifest), held) => self.told(&key, &manifest, held.as_deref(), next),
                (Outcome::Unchanged | Outcome::Nothing | Outcome::Going { .. }, _) => None,
            };
            if let Some(commit) = commit {
                next = commit.revision.next();
                commits.push(commit);
            }
        }
        commits
    }

    fn told(
        &self,
        key: &PlacementKey,
        manifest: &Manifest,
        held: Option<&CachedObject>,
        revision: Revision,
    ) -> Option<Committed> {
        let body = canonical(&to_value(manifest)?);
        if held.is_some_and(|held| splice_revision(&body, held.revision).as_ref() == Some(&held.bytes)) {
            return None;
        }
        Some(Committed {
            key: ObjectKey::new(&self.kind, &key.namespace, &key.name),
            uid: manifest.metadata.uid.as_deref().unwrap_or_default().into(),
            op: if held.is_some() { Op::Updated } else { Op::Created },
            revision,
            created_revision: held.map_or(revision, |held| held.created_revision),
            body,
        })
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
