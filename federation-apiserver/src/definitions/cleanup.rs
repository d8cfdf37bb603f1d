//! The end of a definition: all its objects are deleted first, then its finalizer goes, and with it the definition.

use std::sync::Weak;
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use machinery::custom::Definition;
use machinery::status::Status;
use serde_json::{Value, json};

use super::{Incarnation, intent, kind};
use crate::cache::CachedObject;
use crate::kinds::custom::stored_row;
use crate::server::Shared;
use crate::write::{Change, DeleteOptions, Engine, Part, Patch};

/// Holds a definition until its objects are gone; the name is kube-apiserver's.
pub(super) const FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";
/// Objects that are deleted at the same time.
const AT_ONCE: usize = 32;
/// How long a step that failed waits, and how often is looked for objects that slipped in.
const AGAIN: Duration = Duration::from_secs(5);

/// Cleans up after one definition, for as long as it takes.
pub(super) async fn run(server: Weak<Shared>, name: String) {
    loop {
        let cursor = {
            let Some(shared) = server.upgrade() else { return };
            match step(&shared.engine, &name).await {
                Ok(None) => return,
                Ok(Some(cursor)) => Some(cursor),
                Err(status) => {
                    tracing::warn!(definition = name, %status, "a CustomResourceDefinition waits to be cleaned up; it is tried again");
                    None
                }
            }
        };
        match cursor {
            // Objects with finalizers go when their owners let them.
            Some(mut cursor) => {
                if tokio::time::timeout(AGAIN, cursor.next())
                    .await
                    .is_ok_and(|next| next.is_err())
                {
                    tokio::time::sleep(AGAIN.mul_f64(rand::random_range(0.1..0.2))).await;
                }
            }
            None => tokio::time::sleep(AGAIN.mul_f64(rand::random_range(0.5..1.0))).await,
        }
    }
}

/// Deletes what can be deleted. None where nothing is left to do, else where to wait for the rest.
async fn step(engine: &Engine, name: &str) -> Result<Option<crate::cache::WatchCursor>, Status> {
    let Some(definitions) = kind(engine) else {
        return Ok(None);
    };
    let Some(crd) = engine.cache_of(&definitions).get("", name) else {
        return Ok(None);
    };
    let value = crd.value();
    let holds = value
        .pointer("/metadata/finalizers")
        .and_then(Value::as_array)
        .is_some_and(|all| all.iter().any(|one| one == FINALIZER));
    if !super::is_closing(&value) || !holds {
        return Ok(None);
    }
    terminating(
        engine,
        &crd,
        "InstanceDeletionInProgress",
        "CustomResource deletion is in progress",
    )
    .await?;
    let definition = Definition::read(&value).map_err(|error| {
        Status::internal(format!(
            "the definition cannot be read, so its objects cannot be deleted: {error}"
        ))
    })?;
    let status = value.get("status").cloned().unwrap_or_default();
    let incarnation = Incarnation::of(&crd, &value, &status);
    let objects = stored_row(&definition, &crd.key.name, incarnation, crd.revision);
    let objects = objects.map(std::sync::Arc::new).ok_or_else(|| {
        Status::internal("the definition names no storage version, so its objects cannot be found; write one into it")
    })?;
    let cache = engine.cache_of(&objects);
    let cursor = cache.watch(cache.revision());
    let doomed: Vec<_> = cache.snapshot().iter().map(|object| object.key.clone()).collect();
    let failures: Vec<Status> = futures::stream::iter(doomed)
        .map(|key| {
            let intent = intent(&objects, &key.namespace, &key.name, Part::Object);
            async move { engine.delete(&intent, &DeleteOptions::default()).await }
        })
        .buffer_unordered(AT_ONCE)
        .filter_map(|outcome| async move { outcome.err().filter(|status| status.code != 404) })
        .collect()
        .await;
    if let Some(status) = failures.into_iter().next() {
        return Err(status);
    }
    if cache.snapshot().is_empty() {
        return release(engine, name).await.map(|()| None);
    }
    cursor
        .map(Some)
        .map_err(|_| Status::expired("the history of the objects was lost"))
}

/// Takes the finalizer away.
async fn release(engine: &Engine, name: &str) -> Result<(), Status> {
    let Some(definitions) = kind(engine) else { return Ok(()) };
    let Some(crd) = engine.cache_of(&definitions).get("", name) else {
        return Ok(());
    };
    terminating_off(engine, &crd).await?;
    let Some(crd) = engine.cache_of(&definitions).get("", name) else {
        return Ok(());
    };
    let value = crd.value();
    let finalizers = value.pointer("/metadata/finalizers").and_then(Value::as_array);
    let left: Vec<&Value> = finalizers
        .into_iter()
        .flatten()
        .filter(|one| *one != FINALIZER)
        .collect();
    let patch = Patch::Merge(json!({ "metadata": { "finalizers": left } }));
    let written = engine
        .update(&intent(&definitions, "", name, Part::Object), &Change::Patch(patch))
        .await;
    match written {
        Err(status) if status.code != 404 => Err(status),
        Ok(_) | Err(_) => Ok(()),
    }
}

async fn terminating(engine: &Engine, crd: &CachedObject, reason: &str, message: &str) -> Result<(), Status> {
    set_condition(engine, crd, "True", reason, message).await
}

async fn terminating_off(engine: &Engine, crd: &CachedObject) -> Result<(), Status> {
    set_condition(
        engine,
        crd,
        "False",
        "InstanceDeletionCompleted",
        "removed all instances",
    )
    .await
}

/// Writes the condition `Terminating` where it says something else.
async fn set_condition(
    engine: &Engine,
    crd: &CachedObject,
    status: &str,
    reason: &str,
    message: &str,
) -> Result<(), Status> {
    let Some(definitions) = kind(engine) else { return Ok(()) };
    let value = crd.value();
    let conditions = value.pointer("/status/conditions").and_then(Value::as_array);
    let mut conditions: Vec<Value> = conditions.cloned().unwrap_or_default();
    let standing = conditions
        .iter()
        .position(|one| one.get("type").is_some_and(|name| name == "Terminating"));
    let same = standing.and_then(|at| conditions.get(at)).is_some_and(|one| {
        one.get("status").is_some_and(|now| now == status) && one.get("reason").is_some_and(|now| now == reason)
    });
    if same {
        return Ok(());
    }
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let condition = json!({
        "type": "Terminating", "status": status, "lastTransitionTime": now, "reason": reason, "message": message,
    });
    match standing.and_then(|at| conditions.get_mut(at)) {
        Some(standing) => *standing = condition,
        None => conditions.push(condition),
    }
    let patch = Patch::Merge(json!({ "status": { "conditions": conditions } }));
    let intent = intent(&definitions, "", &crd.key.name, Part::Status);
    engine.update(&intent, &Change::Patch(patch)).await.map(|_| ())
}
