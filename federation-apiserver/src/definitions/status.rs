//! The status of definitions: which names are accepted, whether they are served, which versions are stored.

use api::Revision;
use serde_json::{Value, json};

use super::{intent, kind};
use crate::write::{Change, Engine, Part, Patch};

/// Writes a status onto the version of a definition that it was made for. False where that is to be tried again.
pub(super) async fn write(engine: &Engine, name: &str, revision: Revision, status: Value) -> bool {
    let Some(kind) = kind(engine) else { return true };
    let patch = Patch::Json(json!([
        { "op": "test", "path": "/metadata/resourceVersion", "value": revision.to_string() },
        { "op": "add", "path": "/status", "value": status },
    ]));
    match engine
        .update(&intent(&kind, "", name, Part::Status), &Change::Patch(patch))
        .await
    {
        Ok(_) => true,
        // Another version is there by now, or none: it is looked at as it comes.
        Err(status) if matches!(status.code, 404 | 409 | 422) => true,
        Err(status) => {
            tracing::warn!(definition = name, %status, "the status of a CustomResourceDefinition could not be written; it is tried again");
            false
        }
    }
}
