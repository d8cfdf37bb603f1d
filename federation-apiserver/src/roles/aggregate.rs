//! ClusterRoles that are made of others: their rules are those of the ClusterRoles that their selectors select, written into
//! them whenever one of these changes.

use std::sync::{Arc, Weak};
use std::time::Duration;

use machinery::rbac::Rule;
use machinery::select::LabelSelector;
use machinery::status::Status;
use serde_json::{Value, json};

use super::{intent, kind, raced, rules_of};
use crate::cache::{CachedObject, KindCache, Snapshot};
use crate::server::Shared;
use crate::write::{Change, Engine, Patch};

/// Field manager of the rules; the name is kube-controller-manager's.
const MANAGER: &str = "clusterrole-aggregation-controller";
/// How often all are looked at without a change, so that a write that failed is tried again.
const RESYNC: Duration = Duration::from_secs(30);

/// Writes what is missing, once. Whether anything was written. A role that cannot be written stands in no other's way.
pub(super) async fn once(engine: &Engine) -> bool {
    let Ok(kind) = kind(engine, "clusterroles") else {
        return false;
    };
    let roles = engine.cache_of(&kind);
    let mut changed = false;
    for role in roles.snapshot().iter().filter(|role| mentions_aggregation(role)) {
        let name = &*role.key.name;
        // As of now: roles that are made of one another would swap their rules for ever otherwise.
        match one(engine, &roles.snapshot(), name).await {
            Ok(written) => changed |= written,
            Err(status) if raced(&status) => changed = true,
            Err(status) => {
                tracing::warn!(name, %status, "an aggregated ClusterRole could not be written; it is tried again");
            }
        }
    }
    changed
}

async fn one(engine: &Engine, roles: &Snapshot, name: &str) -> Result<bool, Status> {
    let Some(role) = roles.get("", name) else {
        return Ok(false);
    };
    let value = role.value();
    let Some(rule) = value.get("aggregationRule").filter(|rule| !rule.is_null()) else {
        return Ok(false);
    };
    let wanted = gathered(roles, name, rule)?;
    if wanted == rules_of(&value)? {
        return Ok(false);
    }
    let intent = intent(engine, "clusterroles", name, MANAGER)?;
    let patch = Change::Patch(Patch::Merge(json!({ "rules": wanted })));
    engine.update(&intent, &patch).await.map(|_| true)
}

/// Spares most roles the reading.
fn mentions_aggregation(role: &CachedObject) -> bool {
    const KEY: &[u8] = b"\"aggregationRule\"";
    role.bytes.windows(KEY.len()).any(|part| part == KEY)
}

/// The rules of all roles that are selected, in the order of selectors and names, each once.
fn gathered(roles: &Snapshot, own: &str, rule: &Value) -> Result<Vec<Rule>, Status> {
    let selectors = rule.get("clusterRoleSelectors").and_then(Value::as_array);
    let mut rules: Vec<Rule> = Vec::new();
    for selector in selectors.into_iter().flatten() {
        let selector = LabelSelector::from_value(selector).map_err(Status::from)?;
        for role in roles
            .iter()
            .filter(|role| &*role.key.name != own && selector.matches(&role.labels))
        {
            for rule in rules_of(&role.value())? {
                if !rules.contains(&rule) {
                    rules.push(rule);
                }
            }
        }
    }
    Ok(rules)
}

/// Keeps aggregated roles complete for as long as the server lives.
pub(crate) async fn keep_aggregated(server: Weak<Shared>) {
    let Some((cache, shutdown)) = server.upgrade().and_then(|server| {
        let kind = kind(&server.engine, "clusterroles").ok()?;
        Some((server.engine.cache_of(&kind), server.shutdown.clone()))
    }) else {
        return;
    };
    shutdown.run_until_cancelled(follow(server, cache)).await;
}

async fn follow(server: Weak<Shared>, cache: Arc<KindCache>) {
    let mut place = None;
    loop {
        // Before the look, so that a change during it is seen after it.
        let cursor = match place.take() {
            Some(cursor) => Some(cursor),
            None => cache.watch(cache.revision()).ok(),
        };
        {
            let Some(server) = server.upgrade() else { return };
            once(&server.engine).await;
        }
        let Some(mut cursor) = cursor else {
            tokio::time::sleep(RESYNC.mul_f64(rand::random_range(0.01..0.02))).await;
            continue;
        };
        match tokio::time::timeout(RESYNC, cursor.next()).await {
            Ok(Ok(_)) | Err(_) => place = Some(cursor),
            // The past was lost: begin anew.
            Ok(Err(_)) => {}
        }
    }
}
