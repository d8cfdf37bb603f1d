//! Writes in the second version of a kind that Kubernetes builds in twice.
//!
//! In: what a client sent in the version that it speaks. Out: the same in the stored version, in which all steps are done, so that
//! both versions share defaults, rules, ownership and admission; and answers in the client's version. Absent: how the two are spelled
//! (`machinery::versions`).

use std::borrow::Cow;
use std::sync::Arc;

use machinery::status::Status;
use machinery::versions::Second;
use serde_json::Value;

use super::{Change, Draft, Engine, Intent, Outcome, Patch, shape, unchanged_kind};

/// What a client sent, as the steps take it.
pub(super) struct Heard<T> {
    /// It.
    pub(super) said: T,
    /// What the client is to be told of it.
    pub(super) warnings: Vec<String>,
}

/// A body in the stored version; fields that its own version does not know are told of here.
pub(super) fn object(
    engine: &Engine,
    intent: &Intent,
    value: Value,
    duplicates: Vec<String>,
) -> Result<Heard<(Value, Vec<String>)>, Status> {
    translated(engine, intent, value, duplicates, false)
}

fn translated(
    engine: &Engine,
    intent: &Intent,
    value: Value,
    duplicates: Vec<String>,
    applies: bool,
) -> Result<Heard<(Value, Vec<String>)>, Status> {
    let Some(second) = intent.spoken.second else {
        return Ok(Heard {
            said: (value, duplicates),
            warnings: Vec::new(),
        });
    };
    let spoken = in_spoken(intent);
    if applies {
        shape::typed(&spoken, &value)?;
    }
    let mut draft = Draft::of(value, None, duplicates);
    shape::prune_and_check(engine, &spoken, &mut draft)?;
    second.to_stored(&mut draft.value);
    Ok(Heard {
        said: (draft.value, Vec::new()),
        warnings: draft.warnings,
    })
}

/// A change in the stored version. A patch stays as it is: what it is a patch of is shown to it later ([`patched`]).
pub(super) fn change<'a>(
    engine: &Engine,
    intent: &Intent,
    change: &'a Change,
) -> Result<Heard<Cow<'a, Change>>, Status> {
    let (sent, applies) = match change {
        Change::Replace(value, duplicates) => (Some((value, duplicates)), false),
        Change::Apply(value, duplicates) => (Some((value, duplicates)), true),
        Change::Patch(_) => (None, false),
    };
    let sent = sent.filter(|_| intent.spoken.second.is_some());
    let heard = sent.map(|(value, duplicates)| translated(engine, intent, value.clone(), duplicates.clone(), applies));
    let Some(heard) = heard.transpose()? else {
        return Ok(Heard {
            said: Cow::Borrowed(change),
            warnings: Vec::new(),
        });
    };
    let (value, duplicates) = heard.said;
    let said = if applies {
        Change::Apply(value, duplicates)
    } else {
        Change::Replace(value, duplicates)
    };
    Ok(Heard {
        said: Cow::Owned(said),
        warnings: heard.warnings,
    })
}

/// What a patch makes of an object, where it is a patch of another version than the stored one.
pub(super) fn patched(
    engine: &Engine,
    intent: &Intent,
    second: &Second,
    patch: &Patch,
    base: &Value,
) -> Result<Heard<Value>, Status> {
    let mut shown = base.clone();
    second.from_stored(&mut shown);
    let proposed = patch.onto(&intent.spoken, &shown)?;
    let intent = in_spoken(intent);
    unchanged_kind(&intent, patch, &shown, &proposed)?;
    let mut draft = Draft::of(proposed, None, Vec::new());
    shape::prune_and_check(engine, &intent, &mut draft)
        .map_err(|status| shape::blame_patch(&intent, patch.value(), status))?;
    second.to_stored(&mut draft.value);
    Ok(Heard {
        said: draft.value,
        warnings: draft.warnings,
    })
}

/// An answer in the version that the client speaks.
pub(super) fn answer(intent: &Intent, warnings: Vec<String>, mut outcome: Outcome) -> Outcome {
    let Some(second) = intent.spoken.second else {
        return outcome;
    };
    outcome.warnings.splice(0..0, warnings);
    match serde_json::from_slice::<Value>(&outcome.body) {
        // A finished deletion is told as a Status.
        Ok(mut value) if value.get("kind").and_then(Value::as_str) == Some(&intent.spoken.kind) => {
            second.from_stored(&mut value);
            outcome.body = value.to_string().into();
        }
        Ok(_) => {}
        Err(error) => tracing::error!(%error, kind = intent.spoken.kind, "an answer is no JSON; it is sent as it is"),
    }
    outcome
}

/// The intent in the client's own version, for steps that read what was sent.
fn in_spoken(intent: &Intent) -> Intent {
    Intent {
        kind: Arc::clone(&intent.spoken),
        ..intent.clone()
    }
}
