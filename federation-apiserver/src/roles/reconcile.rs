//! Brings a default role or binding to what it should be at least. What users added stays; what they took away comes back,
//! unless the annotation says that they mean it.

use machinery::rbac::{GROUP, uncovered};
use machinery::status::Status;
use serde_json::{Map, Value, json};

use super::defaults::{DefaultBinding, DefaultRole};
use super::{ATTEMPTS_MAX, intent, raced, rules_of};
use crate::write::{Change, Engine};

/// `"false"` keeps a default as its users made it.
const AUTOUPDATE: &str = "rbac.authorization.kubernetes.io/autoupdate";
const BOOTSTRAPPING: (&str, &str) = ("kubernetes.io/bootstrapping", "rbac-defaults");
const MANAGER: &str = "meridian-apiserver";

/// Makes or completes a role.
pub(super) async fn role(engine: &Engine, role: &DefaultRole) -> Result<(), Status> {
    let mut wanted = json!({
        "apiVersion": format!("{GROUP}/v1"),
        "kind": "ClusterRole",
        "metadata": metadata(role.name, role.labels),
        "rules": role.rules,
    });
    if let Some(label) = role.made_of {
        put(
            &mut wanted,
            "aggregationRule",
            json!({ "clusterRoleSelectors": [{ "matchLabels": { label: "true" } }] }),
        );
    }
    settle(engine, "clusterroles", role.name, &wanted, |present| {
        let Some(label) = role.made_of else {
            let mut rules = rules_of(present)?;
            let missing = uncovered(&rules, &role.rules);
            if missing.is_empty() {
                return Ok(false);
            }
            rules.extend(missing);
            put(present, "rules", json!(rules));
            return Ok(true);
        };
        let selector = json!({ "matchLabels": { label: "true" } });
        let pointer = "/aggregationRule/clusterRoleSelectors";
        let mut selectors = present
            .pointer(pointer)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        if selectors.contains(&selector) {
            return Ok(false);
        }
        selectors.push(selector);
        put(present, "aggregationRule", json!({ "clusterRoleSelectors": selectors }));
        Ok(true)
    })
    .await
}

/// Makes or completes a binding.
pub(super) async fn binding(engine: &Engine, binding: &DefaultBinding) -> Result<(), Status> {
    let subject = |(kind, name): &(&str, &str)| match name.split_once('/') {
        Some((namespace, name)) => json!({ "kind": kind, "namespace": namespace, "name": name }),
        None => json!({ "kind": kind, "apiGroup": GROUP, "name": name }),
    };
    let subjects: Vec<Value> = binding.subjects.iter().map(subject).collect();
    let reference = json!({ "apiGroup": GROUP, "kind": "ClusterRole", "name": binding.role });
    let wanted = json!({
        "apiVersion": format!("{GROUP}/v1"),
        "kind": "ClusterRoleBinding",
        "metadata": metadata(binding.name, &[]),
        "roleRef": reference,
        "subjects": subjects,
    });
    settle(engine, "clusterrolebindings", binding.name, &wanted, |present| {
        if present.get("roleRef") != Some(&reference) {
            tracing::warn!(
                name = binding.name,
                "a default ClusterRoleBinding gives another role; delete it to have the default again"
            );
            return Ok(false);
        }
        let mut all = present
            .get("subjects")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let missing: Vec<Value> = subjects
            .iter()
            .filter(|subject| !all.contains(subject))
            .cloned()
            .collect();
        if missing.is_empty() {
            return Ok(false);
        }
        all.extend(missing);
        put(present, "subjects", Value::Array(all));
        Ok(true)
    })
    .await
}

fn metadata(name: &str, labels: &[(&str, &str)]) -> Value {
    let labels: Map<String, Value> = std::iter::once(&BOOTSTRAPPING)
        .chain(labels)
        .map(|(key, value)| ((*key).to_owned(), Value::from(*value)))
        .collect();
    json!({ "name": name, "labels": labels, "annotations": { AUTOUPDATE: "true" } })
}

fn put(object: &mut Value, key: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}

/// Adds labels and annotations that are missing.
fn complete(present: &mut Value, wanted: &Value) -> bool {
    let mut changed = false;
    for part in ["labels", "annotations"] {
        let wanted = wanted.pointer(&format!("/metadata/{part}")).and_then(Value::as_object);
        let Some(metadata) = present.get_mut("metadata").and_then(Value::as_object_mut) else {
            continue;
        };
        let own = metadata.entry(part).or_insert_with(|| json!({}));
        let Some(own) = own.as_object_mut() else { continue };
        for (key, value) in wanted.into_iter().flatten() {
            if !own.contains_key(key) {
                own.insert(key.clone(), value.clone());
                changed = true;
            }
        }
    }
    changed
}

/// Creates what is missing, and changes what is there where `change` says that it must.
async fn settle(
    engine: &Engine,
    plural: &str,
    name: &str,
    wanted: &Value,
    change: impl Fn(&mut Value) -> Result<bool, Status>,
) -> Result<(), Status> {
    let intent = intent(engine, plural, name, MANAGER)?;
    let mut last = None;
    for _ in 0..ATTEMPTS_MAX {
        let written = match engine.cache_of(&intent.kind).get("", name) {
            None => engine.create(&intent, wanted.clone(), Vec::new()).await,
            Some(present) => {
                let mut value = (*present.value()).clone();
                let annotation = value
                    .pointer("/metadata/annotations")
                    .and_then(|all| all.get(AUTOUPDATE));
                if annotation.and_then(Value::as_str) == Some("false") {
                    return Ok(());
                }
                let changed = change(&mut value)?;
                if !complete(&mut value, wanted) && !changed {
                    return Ok(());
                }
                engine.update(&intent, &Change::Replace(value, Vec::new())).await
            }
        };
        match written {
            Ok(_) => return Ok(()),
            // Another replica starts at the same time.
            Err(status) if raced(&status) => last = Some(status),
            Err(status) => return Err(status),
        }
        tokio::time::sleep(std::time::Duration::from_millis(rand::random_range(20..200))).await;
    }
    last.map_or(Ok(()), Err)
}
