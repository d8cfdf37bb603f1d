//! Ownership by writes that are no apply: whoever changes a field owns it from then on, alone.
//!
//! In: the object before and after. Out: its `managedFields`. As upstream, a client may replace the entries (what kubectl does
//! when it takes over from client-side apply), or begin anew with `[{}]`. Absent: applies, which bring their entries along
//! (`apply`).

use machinery::status::Status;
use serde_json::{Value, json};

use super::apply::subresource;
use super::compare::Changes;
use super::identity::{metadata_mut, seconds};
use super::managers::{Entry, Operation, entries_of, stored};
use super::ownership::FieldSet;
use super::{Draft, Engine, Intent, Part, prepare};
use crate::kinds::Kind;

/// What a write is booked to where the client did not say who it is.
const UNKNOWN: &str = "unknown";

/// Whether ownership is kept for a kind: not for what only Meridian's own controllers write, many times a second.
fn is_tracked(kind: &Kind) -> bool {
    !kind.strategy.ephemeral && kind.kind != "Placement" && kind.kind != "Event"
}

/// Notes whether the client clears all entries; empty lists are dropped later, as if they had not been sent.
pub(super) fn note_clearing(_: &Engine, _: &Intent, draft: &mut Draft) -> Result<(), Status> {
    let sent = draft.value.pointer("/metadata/managedFields").and_then(Value::as_array);
    draft.clears_ownership = sent.is_some_and(|sent| match sent.as_slice() {
        [] => true,
        [Value::Object(one)] => one.is_empty(),
        [_] | [_, _, ..] => false,
    });
    Ok(())
}

/// Books what changed to whoever wrote it.
pub(super) fn ownership(_: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    if draft.applied {
        return Ok(());
    }
    let old = draft.old.clone();
    let before = old.as_deref().cloned().unwrap_or_else(|| json!({}));
    if !is_tracked(&intent.kind) {
        return put(draft, before.pointer("/metadata/managedFields").cloned());
    }
    let proposed = draft.value.pointer("/metadata/managedFields").cloned();
    let schema = intent.kind.schema();
    let mut after = draft.value.clone();
    if old.is_none() {
        prepare::forget_own_pods(intent, &mut after);
    }
    let mut changes = Changes::between(schema, &before, &after);
    if intent.part == Part::Object && intent.kind.strategy.status {
        changes = changes.without("status");
    }
    if intent.kind.is_signing_request() && intent.part == Part::Object {
        changes = changes.without("spec");
    }
    if intent.kind.is_namespace() && intent.part == Part::Object {
        changes = changes.without("spec");
    }
    let standing = before.pointer("/metadata/managedFields");
    let clears = draft.clears_ownership && intent.part == Part::Object;
    if !clears && changes.is_empty() && (proposed.is_none() || proposed.as_ref() == standing) {
        return put(draft, standing.cloned());
    }
    let entries = if clears {
        vec![]
    } else {
        entries_to_begin_with(intent, &draft.value, &before)
    };
    let mine = Entry {
        manager: match intent.options.field_manager.as_str() {
            "" => UNKNOWN.to_owned(),
            named => named.to_owned(),
        },
        operation: Operation::Update,
        api_version: intent.kind.api_version(),
        subresource: subresource(intent.part).to_owned(),
        time: seconds(draft.now),
        fields: FieldSet::default(),
    };
    let list = stored(booked(entries, mine, &changes));
    put(draft, (!list.is_empty()).then_some(Value::Array(list)))
}

/// The client's entries where it sent some, else the stored ones; a subresource cannot change them.
fn entries_to_begin_with(intent: &Intent, after: &Value, before: &Value) -> Vec<Entry> {
    let sent = match intent.part {
        Part::Object => entries_of(after),
        Part::Status | Part::Scale | Part::Finalize | Part::Approval => vec![],
    };
    if sent.is_empty() { entries_of(before) } else { sent }
}

/// The entries after a write: what changed is the writer's alone, what is gone is nobody's.
fn booked(entries: Vec<Entry>, mut mine: Entry, changes: &Changes) -> Vec<Entry> {
    let (own, mut others): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|entry| entry.is_of(&mine));
    for other in &mut others {
        other.fields.subtract(&changes.changed);
        other.fields.subtract(&changes.removed);
    }
    let before = own.into_iter().next();
    if let Some(before) = &before {
        mine.fields = before.fields.clone();
    }
    mine.fields.subtract(&changes.removed);
    mine.fields.add(&changes.changed);
    if let Some(before) = before.filter(|before| before.fields == mine.fields && changes.changed.is_empty()) {
        mine.time = before.time;
    }
    others.push(mine);
    others
}

fn put(draft: &mut Draft, managed: Option<Value>) -> Result<(), Status> {
    let metadata = metadata_mut(&mut draft.value)?;
    match managed {
        Some(managed) => metadata.insert("managedFields".to_owned(), managed),
        None => metadata.remove("managedFields"),
    };
    Ok(())
}
