//! Roles and bindings that are there from the start, and ClusterRoles that are made of others.
//!
//! Decided: which defaults there are ([`defaults`]), that what users added to them stays and what is missing comes back
//! ([`reconcile`]), and what an aggregated ClusterRole allows ([`aggregate`]). In: stored roles. Out: writes of roles. Absent:
//! who may do what ([`crate::auth`]).

mod aggregate;
mod controllers;
mod defaults;
mod reconcile;

use machinery::status::Status;
use serde_json::Value;

use crate::kinds::Kind;
use crate::server::ServerError;
use crate::write::{Engine, Intent, Part};

pub(crate) use aggregate::keep_aggregated;

/// Attempts at a write that other replicas race.
const ATTEMPTS_MAX: usize = 8;

/// Makes and completes what must be there before the first request.
pub(crate) async fn ensure(engine: &Engine) -> Result<(), ServerError> {
    let mut roles = defaults::cluster_roles(&engine.catalog.registry());
    roles.extend(controllers::cluster_roles());
    for role in roles {
        let written = reconcile::role(engine, &role).await;
        unless_down("ClusterRole", role.name, written)?;
    }
    for binding in defaults::BINDINGS.iter().chain(controllers::BINDINGS) {
        let written = reconcile::binding(engine, binding).await;
        unless_down("ClusterRoleBinding", binding.name, written)?;
    }
    // One round a level of roles that are made of roles that are made of others.
    for _ in 0..ATTEMPTS_MAX {
        if !aggregate::once(engine).await {
            break;
        }
    }
    Ok(())
}

/// A server whose store is down does not start; one whose users made a default such that it cannot be completed does.
fn unless_down(kind: &'static str, name: &'static str, written: Result<(), Status>) -> Result<(), ServerError> {
    match written {
        Ok(()) => Ok(()),
        Err(status) if status.code < 500 => {
            tracing::warn!(kind, name, %status, "a default role or binding could not be completed; compare it with docs/access.md");
            Ok(())
        }
        Err(status) => Err(ServerError::Role { kind, name, status }),
    }
}

/// A kind of the group.
fn kind(engine: &Engine, plural: &str) -> Result<std::sync::Arc<Kind>, Status> {
    let kind = engine.catalog.resource(machinery::rbac::GROUP, "v1", plural);
    kind.ok_or_else(Status::resource_not_found)
}

/// A write of our own.
fn intent(engine: &Engine, plural: &str, name: &str, manager: &str) -> Result<Intent, Status> {
    Ok(Intent::internal(
        &kind(engine, plural)?,
        ("", name),
        Part::Object,
        manager,
    ))
}

/// Whether somebody else was faster.
fn raced(status: &Status) -> bool {
    matches!(status.reason, "AlreadyExists" | "Conflict" | "NotFound")
}

/// Rules as stored.
fn rules_of(role: &Value) -> Result<Vec<machinery::rbac::Rule>, Status> {
    match role.get("rules") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(rules) => serde_json::from_value(rules.clone())
            .map_err(|error| Status::bad_request(format!("the stored rules cannot be read: {error}"))),
    }
}
