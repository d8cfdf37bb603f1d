//! From client-side to server-side apply: the note in which `kubectl apply` keeps what it applied last. Pure.
//!
//! In: the live object with its note, what kubectl applies now. Out: the fields that it may take without force, and the note
//! renewed. As upstream this is for the manager `kubectl` alone. Absent: conflicts themselves (`apply`).

use machinery::schema::Schema;
use machinery::versions;
use serde_json::Value;

use super::identity::metadata_mut;
use super::owned_values::object_value_at;
use super::{Intent, Part};

const NOTE: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// The manager of `kubectl apply --server-side`.
const KUBECTL: &str = "kubectl";

fn note<'a>(intent: &Intent, live: &'a Value) -> Option<&'a str> {
    let asked = intent.options.field_manager == KUBECTL && intent.part == Part::Object;
    let note = live.pointer("/metadata/annotations")?.get(NOTE)?.as_str()?;
    (asked && !note.is_empty()).then_some(note)
}

/// What the note holds.
pub(super) fn noted(intent: &Intent, live: &Value) -> Option<Value> {
    let mut noted: Value = serde_json::from_str(note(intent, live)?).ok()?;
    let api_version = noted.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    if let Some(second) = versions::second(api_version, &intent.kind.kind) {
        second.to_stored(&mut noted);
    }
    Some(noted)
}

/// Whether a field is as the note says: whoever owns it by a plain write gives way to kubectl then.
pub(super) fn allows(schema: Option<&Schema>, noted: &Value, live: &Value, path: &[&str]) -> bool {
    let there = object_value_at(schema, noted, path);
    there.is_some() && there == object_value_at(schema, live, path)
}

/// Writes into the note of the merged object what is applied now, so that a client-side apply after it finds its base.
pub(super) fn renew(intent: &Intent, config: &Value, merged: &mut Value) {
    if note(intent, merged).is_none() {
        return;
    }
    let mut applied = config.clone();
    if let Some(annotations) = applied
        .pointer_mut("/metadata/annotations")
        .and_then(Value::as_object_mut)
    {
        annotations.remove(NOTE);
        if annotations.is_empty()
            && let Ok(metadata) = metadata_mut(&mut applied)
        {
            metadata.remove("annotations");
        }
    }
    if let Some(second) = intent.spoken.second {
        second.part_from_stored(&mut applied);
    }
    // Go escapes what HTML would read.
    let escaped = [("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")];
    let text = escaped
        .iter()
        .fold(applied.to_string(), |text, (sign, code)| text.replace(sign, code));
    let annotations = merged.pointer_mut("/metadata/annotations");
    if let Some(annotations) = annotations.and_then(Value::as_object_mut) {
        annotations.insert(NOTE.to_owned(), Value::from(text + "\n"));
    }
}
