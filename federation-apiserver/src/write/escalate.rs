//! Nobody hands out rights they do not have: roles and bindings are refused to whoever lacks what they give, unless they may
//! `escalate` the role or `bind` it.

use machinery::rbac::{Asked, GROUP, Rule, described, uncovered};
use machinery::status::Status;
use serde_json::Value;

use super::{Draft, Engine, Intent};

/// Refuses roles and bindings that give more than their writer holds.
pub(super) fn nothing_beyond_own_rights(engine: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    if intent.kind.group != GROUP || intent.user.in_group(api::well_known::MASTERS_GROUP) {
        return Ok(());
    }
    if draft.old.as_ref().is_some_and(|old| same_but_owners(old, &draft.value)) {
        return Ok(());
    }
    match intent.kind.kind.as_str() {
        "Role" | "ClusterRole" => role(engine, intent, draft),
        "RoleBinding" | "ClusterRoleBinding" => binding(engine, intent, &draft.value),
        _ => Ok(()),
    }
}

fn may(engine: &Engine, intent: &Intent, verb: &str, resource: &str, name: &str) -> bool {
    let asked = Asked::Resource {
        verb,
        group: GROUP,
        resource,
        subresource: "",
        namespace: &intent.namespace,
        name,
    };
    engine.authorizer.judge(&intent.user, asked).is_allowed()
}

fn role(engine: &Engine, intent: &Intent, draft: &Draft) -> Result<(), Status> {
    if may(engine, intent, "escalate", &intent.kind.plural, &intent.name) {
        return Ok(());
    }
    let rules = match draft.value.get("rules") {
        None | Some(Value::Null) => Vec::new(),
        Some(rules) => serde_json::from_value(rules.clone())
            .map_err(|error| Status::bad_request(format!("rules cannot be read: {error}")))?,
    };
    holds(engine, intent, &rules)?;
    let aggregates = |value: &Value| value.get("aggregationRule").is_some_and(|rule| !rule.is_null());
    if aggregates(&draft.value) || draft.old.as_ref().is_some_and(|old| aggregates(old)) {
        // What other roles will say is not known yet, so it may be anything.
        let everything = [Rule::on(&["*"], &["*"], &["*"]), Rule::paths(&["*"], &["*"])];
        holds(engine, intent, &everything)
            .map_err(|_| intent.forbidden("must have cluster-admin privileges to use the aggregationRule"))?;
    }
    Ok(())
}

fn binding(engine: &Engine, intent: &Intent, value: &Value) -> Result<(), Status> {
    let text = |key: &str| {
        let reference = value.get("roleRef").and_then(|reference| reference.get(key));
        reference.and_then(Value::as_str).unwrap_or_default()
    };
    let (kind, name) = (text("kind"), text("name"));
    let resource = match kind {
        "ClusterRole" => "clusterroles",
        "Role" => "roles",
        // Validation says what is wrong with it.
        _ => return Ok(()),
    };
    if may(engine, intent, "bind", resource, name) {
        return Ok(());
    }
    let rules = engine
        .authorizer
        .rules_of(kind, name, &intent.namespace)
        .map_err(|_| Status::not_found(GROUP, &intent.kind.plural, name))?;
    holds(engine, intent, &rules)
}

fn holds(engine: &Engine, intent: &Intent, wanted: &[Rule]) -> Result<(), Status> {
    let user = &intent.user;
    let (held, missing) = engine.authorizer.held(user, &intent.namespace);
    let lacking = uncovered(&held, wanted);
    if lacking.is_empty() {
        return Ok(());
    }
    let groups: Vec<String> = user.groups.iter().map(|group| format!("{group:?}")).collect();
    let mut why = format!(
        "user {:?} (groups=[{}]) is attempting to grant RBAC permissions not currently held:\n{}",
        user.name,
        groups.join(" "),
        described(&lacking)
    );
    if !missing.is_empty() {
        why.push_str(&format!("; resolution errors: [{}]", missing.join(", ")));
    }
    Err(intent.forbidden(&why))
}

/// Whether only what the garbage collector needs to change differs.
fn same_but_owners(old: &Value, new: &Value) -> bool {
    let plain = |value: &Value| {
        let mut value = value.clone();
        if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
            for key in ["ownerReferences", "finalizers", "managedFields", "resourceVersion"] {
                metadata.remove(key);
            }
        }
        value
    };
    plain(old) == plain(new)
}
