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

use machinery::custom::Definition;
use machinery::status::Status;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::auth::UserInfo;
use crate::cache::{CachedObject, KindCache};
use crate::kinds::Kind;
use crate::kinds::custom::{Incarnation, rows};
use crate::server::Shared;
use crate::write::{Engine, FieldValidation, Intent, Options, Part};

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

/// `status` of the condition of a type.
fn condition<'a>(crd: &'a Value, name: &str) -> Option<&'a str> {
    let conditions = crd.pointer("/status/conditions").and_then(Value::as_array)?;
    let found = conditions.iter().find(|condition| text(condition, "/type") == name)?;
    found.get("status").and_then(Value::as_str)
}

fn is_closing(crd: &Value) -> bool {
    crd.pointer("/metadata/deletionTimestamp").is_some()
}

/// A write of our own to one object.
fn intent(kind: &Arc<Kind>, namespace: &str, name: &str, part: Part) -> Intent {
    Intent {
        kind: kind.clone(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        part,
        options: Options {
            dry_run: false,
            field_manager: MANAGER.to_owned(),
            validation: FieldValidation::Ignore,
            force: false,
        },
        user: UserInfo::internal("apiserver"),
    }
}

/// Serves what the stored definitions say, as they are now.
pub(crate) fn serve_stored(engine: &Engine) {
    let Some(kind) = kind(engine) else { return };
    let before = engine.catalog.registry();
    let mut known: BTreeMap<&str, Vec<&Arc<Kind>>> = BTreeMap::new();
    for kind in before.custom() {
        if let Some(custom) = &kind.custom {
            known.entry(&custom.definition).or_default().push(kind);
        }
    }
    let seen = engine.durable.cache.revision();
    let definitions = engine.cache_of(&kind).snapshot();
    let mut served = Vec::new();
    let mut changed = false;
    for crd in definitions.iter() {
        let value = crd.value();
        if condition(&value, "Established") != Some("True") {
            continue;
        }
        let incarnation = Incarnation::of(crd, &value);
        let standing = known.remove(&*crd.key.name);
        let same = |kinds: &Vec<&Arc<Kind>>| {
            let mut customs = kinds.iter().filter_map(|kind| kind.custom.as_ref());
            customs.all(|custom| *custom.incarnation == incarnation)
        };
        match standing.filter(same) {
            Some(kinds) => served.extend(kinds.into_iter().cloned()),
            None => {
                changed = true;
                served.extend(read(crd, &value, incarnation, seen));
            }
        }
    }
    if !changed && known.is_empty() {
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

fn read(crd: &CachedObject, value: &Value, incarnation: Incarnation, seen: api::Revision) -> Vec<Arc<Kind>> {
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
    let mut cleanups = Cleanups::default();
    loop {
        // Before the look, so that a change during it is seen after it.
        let cursor = match place.take() {
            Some(cursor) => Some(cursor),
            None => cache.watch(cache.revision()).ok(),
        };
        let again = {
            let Some(shared) = server.upgrade() else { return };
            serve_stored(&shared.engine);
            let again = status::write_all(&shared.engine, &cache).await;
            serve_stored(&shared.engine);
            cleanups.start(&server, &cache);
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
            Ok(Err(_)) => {}
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
    fn start(&mut self, server: &Weak<Shared>, cache: &KindCache) {
        while let Some(ended) = self.tasks.try_join_next() {
            if let Err(error) = ended {
                tracing::error!(%error, "the clean-up of a CustomResourceDefinition ended; it is begun again");
            }
        }
        self.running.retain(|_, task| !task.is_finished());
        for crd in cache.snapshot().iter().filter(|crd| is_closing(&crd.value())) {
            let name = crd.key.name.to_string();
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
