//! Admission: a namespaced object needs a namespace that exists and is not going away.

use machinery::status::Status;

use crate::definitions;
use crate::write::{Draft, Engine, Intent};

/// Refuses objects of a kind whose definition is on its way out.
pub(in crate::write) fn kind_is_open(_: &Engine, intent: &Intent, _: &mut Draft) -> Result<(), Status> {
    definitions::refuse_new(&intent.kind, "create")
}

/// Refuses new objects in namespaces that are missing (404) or terminating (403).
pub(in crate::write) fn is_open(engine: &Engine, intent: &Intent, _: &mut Draft) -> Result<(), Status> {
    if !intent.kind.namespaced || intent.kind.strategy.ephemeral {
        return Ok(());
    }
    let Some(namespaces) = engine.catalog.resource("", "v1", "namespaces") else {
        return Ok(());
    };
    let Some(namespace) = engine.cache_of(&namespaces).get("", &intent.namespace) else {
        return Err(Status::not_found("", "namespaces", &intent.namespace));
    };
    if namespace.value().pointer("/metadata/deletionTimestamp").is_some() {
        return Err(Status::namespace_terminating(
            &intent.kind.group,
            &intent.kind.plural,
            &intent.name,
            &intent.namespace,
        ));
    }
    Ok(())
}
