//! The status of definitions: which names are accepted, whether they are served, which versions are stored.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{intent, kind};
use crate::cache::KindCache;
use crate::write::{Change, Engine, Part, Patch};

/// Writes the status of every definition whose status is not what it should be. Whether one is to be tried again.
pub(super) async fn write_all(engine: &Engine, cache: &KindCache) -> bool {
    let Some(kind) = kind(engine) else { return false };
    let names: Vec<String> = cache.snapshot().iter().map(|crd| crd.key.name.to_string()).collect();
    let mut again = false;
    for name in names {
        // As of now: a definition that was accepted a moment ago holds its names against the next.
        let snapshot = cache.snapshot();
        let Some(crd) = snapshot.get("", &name) else { continue };
        let value = crd.value();
        let others: Vec<Arc<Value>> = snapshot
            .iter()
            .filter(|other| other.key.name != crd.key.name)
            .map(|other| other.value())
            .collect();
        let others: Vec<&Value> = others.iter().map(|other| &**other).collect();
        let wanted = machinery::custom::next_status(&value, &others, Timestamp::now());
        if value.get("status") == Some(&wanted) {
            continue;
        }
        let patch = Patch::Json(json!([
            { "op": "test", "path": "/metadata/resourceVersion", "value": crd.revision.to_string() },
            { "op": "add", "path": "/status", "value": wanted },
        ]));
        match engine
            .update(&intent(&kind, "", &name, Part::Status), &Change::Patch(patch))
            .await
        {
            Ok(_) => {}
            Err(status) if matches!(status.code, 404 | 409 | 422) => again = true,
            Err(status) => {
                again = true;
                tracing::warn!(definition = name, %status, "the status of a CustomResourceDefinition could not be written; it is tried again");
            }
        }
    }
    again
}
