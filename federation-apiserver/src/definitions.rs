//! CustomResourceDefinitions at work: what they say is served, their status is kept, and their objects go before they do.
//!
//! Decided here: when the registry follows the stored definitions. In: the cache of definitions. Out: a new registry whenever
//! an accepted definition changed, writes of their status, deletions of the objects of a definition that is being deleted. Every
//! replica does so on its own: what they write is the same, and who comes second finds it written. Absent: what a definition
//! may say and what follows from it (`machinery::custom`).

mod cleanup;
mod status;

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use api::Revision;
use jiff::Timestamp;
use machinery::custom::Definition;
use machinery::status::Status;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::cache::{CachedObject, KindCache};
use crate::kinds::Kind;
use crate::kinds::custom::{Incarnation, rows};
use crate::server::Shared;
use crate::write::{Engine, Intent, Part};

/// API group of definitions.
const GROUP: &str = "apiextensions.k8s.io";
const MANAGER: &str = "meridian-apiserver";
/// How often all are looked at without a change, so that a write that failed is tried again.
const RESYNC: Duration = Duration::from_secs(30);

fn kind(engine: &Engine) -> Option<Arc<Kind>> {
    engine.catalog.resource(GROUP, "v1", "customresourcedefinitions")
}

fn is_definition(kind: &Kind) -> bool {
    kind.group == GROUP && kind.kind == "CustomResourceDefinition"
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// What a status says of a condition.
fn condition_of<'a>(status: &'a Value, name: &str) -> Option<&'a str> {
    let conditions = status.get("conditions").and_then(Value::as_array)?;
    let found = conditions.iter().find(|condition| text(condition, "/type") == name)?;
    found.get("status").and_then(Value::as_str)
}

fn is_closing(crd: &Value) -> bool {
    crd.pointer("/metadata/deletionTimestamp").is_some()
}

/// A write of our own to one object.
fn intent(kind: &Arc<Kind>, namespace: &str, name: &str, part: Part) -> Intent {
    Intent::internal(kind, (namespace, name), part, MANAGER)
}

/// What is known of the definitions, so that a change of one is a look at one.
#[derive(Default)]
pub(crate) struct Definitions {
    known: BTreeMap<Arc<str>, Known>,
}

struct Known {
    revision: Revision,
    /// What other definitions are judged against: its name, its group and what it was given.
    brief: Value,
    /// Its names were refused: they may be free by now.
    refused: bool,
    /// It is being deleted.
    closing: bool,
}

/// A definition that was looked at, its value, and the status that it should have.
type Judged<'a> = (&'a Arc<CachedObject>, Arc<Value>, Value);

/// A status that is to be written.
struct Pending {
    name: Arc<str>,
    revision: Revision,
    status: Value,
}

/// Serves what the stored definitions say, as they are now.
pub(crate) fn serve_stored(engine: &Engine) {
    Definitions::default().look(engine);
}

impl Definitions {
    /// Looks at what changed: serves what the definitions say, and returns the statuses that do not say so yet. What is
    /// established is served before it is said.
    fn look(&mut self, engine: &Engine) -> Vec<Pending> {
        let Some(kind) = kind(engine) else { return Vec::new() };
        let seen = engine.durable.cache.revision();
        let snapshot = engine.cache_of(&kind).snapshot();
        let before = self.known.len();
        self.known.retain(|name, _| snapshot.get("", name).is_some());
        let gone = before != self.known.len();
        let is_new = |crd: &Arc<CachedObject>| {
            self.known
                .get(&crd.key.name)
                .is_none_or(|known| known.revision != crd.revision)
        };
        let mut doubtful: Vec<Arc<CachedObject>> = snapshot.iter().filter(|crd| is_new(crd)).cloned().collect();
        if doubtful.is_empty() && !gone {
            return Vec::new();
        }
        for crd in &doubtful {
            let value = crd.value();
            let known = Known {
                revision: crd.revision,
                brief: brief(&value),
                refused: false,
                closing: is_closing(&value),
            };
            self.known.insert(crd.key.name.clone(), known);
        }
        let waiting = self.known.iter().filter(|(_, known)| known.refused);
        doubtful.extend(waiting.filter_map(|(name, _)| snapshot.get("", name).cloned()));
        let mut judged = BTreeMap::new();
        let mut pending = Vec::new();
        for crd in &doubtful {
            let (value, status) = self.judge(crd);
            if value.get("status") != Some(&status) {
                pending.push(Pending {
                    name: crd.key.name.clone(),
                    revision: crd.revision,
                    status: status.clone(),
                });
            }
            judged.insert(crd.key.name.clone(), (crd, value, status));
        }
        self.serve(engine, &judged, seen);
        pending
    }

    /// The status that a definition should have, beside all others.
    fn judge(&mut self, crd: &CachedObject) -> (Arc<Value>, Value) {
        let value = crd.value();
        let others: Vec<&Value> = self
            .known
            .iter()
            .filter(|(name, _)| **name != crd.key.name)
            .map(|(_, known)| &known.brief)
            .collect();
        let status = machinery::custom::next_status(&value, &others, Timestamp::now());
        if let Some(known) = self.known.get_mut(&crd.key.name) {
            // The next one is judged beside what this one is given now.
            known.brief =
                brief(&json!({ "metadata": value.get("metadata"), "spec": value.get("spec"), "status": status }));
            known.refused = condition_of(&status, "NamesAccepted") != Some("True");
        }
        (value, status)
    }

    /// Replaces the registry where another kind is to be served than is.
    fn serve(&self, engine: &Engine, judged: &BTreeMap<Arc<str>, Judged<'_>>, seen: Revision) {
        let before = engine.catalog.registry();
        let mut standing: BTreeMap<&str, Vec<&Arc<Kind>>> = BTreeMap::new();
        for kind in before.custom() {
            if let Some(custom) = &kind.custom {
                standing.entry(&custom.definition).or_default().push(kind);
            }
        }
        let mut served: Vec<Arc<Kind>> = Vec::new();
        let mut changed = false;
        for name in self.known.keys() {
            let kinds = standing.remove(&**name).unwrap_or_default();
            let Some((crd, value, status)) = judged.get(name) else {
                served.extend(kinds.into_iter().cloned());
                continue;
            };
            if condition_of(status, "Established") != Some("True") {
                changed |= !kinds.is_empty();
                continue;
            }
            let incarnation = Incarnation::of(crd, value, status);
            let mut customs = kinds.iter().filter_map(|kind| kind.custom.as_ref());
            if !kinds.is_empty() && customs.all(|custom| *custom.incarnation == incarnation) {
                served.extend(kinds.into_iter().cloned());
                continue;
            }
            changed = true;
            let mut accepted = (**value).clone();
            if let Some(object) = accepted.as_object_mut() {
                object.insert("status".to_owned(), status.clone());
            }
            served.extend(read(crd, &accepted, incarnation, seen));
        }
        if !changed && standing.is_empty() {
            return;
        }
        engine.catalog.replace(before.with_custom(served));
        // Only now: whose watch ends asks again at once, and is to find what is served from now on.
        let after = engine.catalog.registry();
        for kind in before.custom() {
            let kept = after.custom().any(|other| Arc::ptr_eq(other, kind));
            if let (Some(custom), false) = (&kind.custom, kept) {
                custom.withdrawn.cancel();
            }
        }
    }

    /// Looks, and writes the statuses that are due. Whether one is to be tried again.
    async fn round(&mut self, engine: &Engine) -> bool {
        let mut again = false;
        for Pending { name, revision, status } in self.look(engine) {
            if !status::write(engine, &name, revision, status).await {
                again = true;
                // Seen anew at the next look, even where nothing changes meanwhile.
                self.known.remove(&name);
            }
        }
        again
    }
}

/// What other definitions are judged against.
fn brief(crd: &Value) -> Value {
    let part = |pointer: &str| crd.pointer(pointer).cloned().unwrap_or_default();
    json!({
        "metadata": { "name": part("/metadata/name") },
        "spec": { "group": part("/spec/group"), "names": part("/spec/names") },
        "status": { "acceptedNames": part("/status/acceptedNames") },
    })
}

fn read(crd: &CachedObject, value: &Value, incarnation: Incarnation, seen: Revision) -> Vec<Arc<Kind>> {
    match Definition::read(value) {
        Ok(definition) => rows(&definition, &crd.key.name, incarnation, seen.max(crd.revision))
            .into_iter()
            .map(Arc::new)
            .collect(),
        Err(error) => {
            tracing::error!(
                definition = &*crd.key.name,
                error = &error as &dyn std::error::Error,
                "a stored CustomResourceDefinition cannot be read; its objects are not served until it is written again"
            );
            Vec::new()
        }
    }
}

/// Follows the definitions for as long as the server lives.
pub(crate) async fn follow(server: Weak<Shared>) {
    let Some((cache, shutdown)) = server.upgrade().and_then(|server| {
        let kind = kind(&server.engine)?;
        Some((server.engine.cache_of(&kind), server.shutdown.clone()))
    }) else {
        return;
    };
    shutdown.run_until_cancelled(rounds(server, cache)).await;
}

async fn rounds(server: Weak<Shared>, cache: Arc<KindCache>) {
    let mut place = None;
    let mut definitions = Definitions::default();
    let mut cleanups = Cleanups::default();
    loop {
        // Before the look, so that a change during it is seen after it.
        let cursor = match place.take() {
            Some(cursor) => Some(cursor),
            None => cache.watch(cache.revision()).ok(),
        };
        let again = {
            let Some(shared) = server.upgrade() else { return };
            let again = definitions.round(&shared.engine).await;
            cleanups.start(&server, &definitions);
            again
        };
        let Some(mut cursor) = cursor else {
            tokio::time::sleep(RESYNC.mul_f64(rand::random_range(0.01..0.02))).await;
            continue;
        };
        // A write that lost a race is tried again when the winner's is seen.
        let patience = if again { RESYNC / 30 } else { RESYNC };
        match tokio::time::timeout(patience, cursor.next()).await {
            Ok(Ok(_)) | Err(_) => place = Some(cursor),
            // The past was lost: begin anew.
            Ok(Err(_)) => definitions = Definitions::default(),
        }
    }
}

/// The clean-ups under way, one a definition; dropped with the server.
#[derive(Default)]
struct Cleanups {
    running: BTreeMap<String, tokio::task::AbortHandle>,
    tasks: JoinSet<()>,
}

impl Cleanups {
    fn start(&mut self, server: &Weak<Shared>, definitions: &Definitions) {
        while let Some(ended) = self.tasks.try_join_next() {
            if let Err(error) = ended {
                tracing::error!(%error, "the clean-up of a CustomResourceDefinition ended; it is begun again");
            }
        }
        self.running.retain(|_, task| !task.is_finished());
        for (name, _) in definitions.known.iter().filter(|(_, known)| known.closing) {
            let name = name.to_string();
            if !self.running.contains_key(&name) {
                let task = self.tasks.spawn(cleanup::run(server.clone(), name.clone()));
                self.running.insert(name, task);
            }
        }
    }
}

/// Refuses what makes objects of a definition that is being deleted.
pub(crate) fn refuse_new(kind: &Kind, verb: &str) -> Result<(), Status> {
    match &kind.custom {
        Some(custom) if custom.incarnation.closing => {
            let mut status = Status::method_not_allowed(&kind.group, &kind.plural, verb);
            status.message = format!("{verb} not allowed while custom resource definition is terminating");
            Err(status)
        }
        Some(_) | None => Ok(()),
    }
}

/// Whether the deletion of an object of this kind waits for a clean-up, and the finalizer that says so.
pub(crate) fn finalizer(kind: &Kind) -> Option<&'static str> {
    is_definition(kind).then_some(cleanup::FINALIZER)
}
