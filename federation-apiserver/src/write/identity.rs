//! Names and stamps: what of `metadata` the server decides.

use machinery::field;
use machinery::status::Status;
use serde_json::{Map, Value, json};

use super::{Draft, Engine, Intent};

/// Letters of generated names: no vowels, nothing that is read for another.
const NAME_LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
/// Letters appended to `generateName`.
const NAME_SUFFIX: usize = 5;
/// Letters of `generateName` that are kept.
const NAME_PREFIX_MAX: usize = 63 - NAME_SUFFIX;

/// Stamps only the server sets; whatever a client sends there is dropped on create and restored on update. Ownership of
/// fields is `track`'s.
const SERVER_STAMPS: &[&str] = &[
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "selfLink",
];

/// `metadata` of an object, made where it is missing.
pub(super) fn metadata_mut(value: &mut Value) -> Result<&mut Map<String, Value>, Status> {
    let object = value
        .as_object_mut()
        .ok_or_else(|| Status::bad_request("the body is not an object"))?;
    let metadata = object.entry("metadata").or_insert_with(|| json!({}));
    if metadata.is_null() {
        *metadata = json!({});
    }
    metadata
        .as_object_mut()
        .ok_or_else(|| Status::bad_request("metadata is not an object"))
}

/// A text of `metadata`, empty where it is missing.
pub(super) fn meta<'a>(value: &'a Value, key: &str) -> &'a str {
    value
        .get("metadata")
        .and_then(|m| m.get(key))
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// A name made from a prefix.
pub(super) fn generated_name(prefix: &str) -> String {
    let kept: String = prefix.chars().take(NAME_PREFIX_MAX).collect();
    let suffix = (0..NAME_SUFFIX).filter_map(|_| NAME_LETTERS.get(rand::random_range(0..NAME_LETTERS.len())));
    kept.chars().chain(suffix.map(|byte| char::from(*byte))).collect()
}

/// A new object has a name and the namespace of its path.
pub(super) fn name_new(_: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    let name = intent.name.clone();
    if name.is_empty() {
        let cause = field::required(
            &field::Path::root("metadata").child("name"),
            "name or generateName is required",
        );
        return Err(Status::invalid(&intent.kind.group, &intent.kind.kind, "", vec![cause]));
    }
    let namespace = meta(&draft.value, "namespace").to_owned();
    let metadata = metadata_mut(&mut draft.value)?;
    if intent.kind.namespaced {
        if !namespace.is_empty() && namespace != intent.namespace {
            return Err(Status::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        metadata.insert("namespace".to_owned(), Value::from(intent.namespace.as_str()));
    } else {
        metadata.remove("namespace");
    }
    metadata.insert("name".to_owned(), Value::from(name));
    Ok(())
}

/// A new object gets its uid, its time and its first generation.
pub(super) fn stamp_new(_: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    if !meta(&draft.value, "resourceVersion").is_empty() {
        return Err(Status::not_for_creation(
            "resourceVersion should not be set on objects to be created",
        ));
    }
    let now = seconds(draft.now);
    let metadata = metadata_mut(&mut draft.value)?;
    for stamp in SERVER_STAMPS {
        metadata.remove(*stamp);
    }
    metadata.remove("resourceVersion");
    metadata.insert("uid".to_owned(), Value::from(uuid::Uuid::new_v4().to_string()));
    metadata.insert("creationTimestamp".to_owned(), Value::from(now));
    if intent.kind.strategy.generation != crate::kinds::GenerationRule::Untracked {
        metadata.insert("generation".to_owned(), Value::from(1));
    }
    Ok(())
}

/// A changed object keeps what only the server sets; its version is the store's business.
pub(super) fn keep_stamps(_: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    let Some(old) = draft.old.clone() else { return Ok(()) };
    let uid = meta(&draft.value, "uid");
    let old_uid = meta(&old, "uid");
    if !uid.is_empty() && uid != old_uid {
        let why = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {old_uid}");
        return Err(Status::conflict(
            &intent.spoken.group,
            &intent.spoken.plural,
            &intent.name,
            &why,
        ));
    }
    let metadata = metadata_mut(&mut draft.value)?;
    metadata.remove("resourceVersion");
    // Whoever leaves the namespace out means that of the path; an object of the cluster has none.
    if intent.kind.namespaced {
        metadata.insert("namespace".to_owned(), Value::from(intent.namespace.as_str()));
    } else {
        metadata.remove("namespace");
    }
    for stamp in SERVER_STAMPS {
        match old.get("metadata").and_then(|m| m.get(*stamp)) {
            Some(value) => metadata.insert((*stamp).to_owned(), value.clone()),
            None => metadata.remove(*stamp),
        };
    }
    Ok(())
}

/// `metav1.Time`: UTC, whole seconds.
pub(super) fn seconds(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_names() {
        let name = generated_name("web-");
        assert_eq!(name.len(), 9);
        assert!(name.starts_with("web-"));
        assert_eq!(generated_name(&"x".repeat(100)).len(), 63);
        assert_ne!(generated_name("a-"), generated_name("a-"));
    }

    #[test]
    fn times_are_whole_seconds() {
        assert_eq!(
            seconds("2026-11-24T10:20:30.987Z".parse().unwrap()),
            "2026-11-24T10:20:30Z"
        );
    }
}
