//! Defaults and judgement: what `machinery` says of the object.

use machinery::status::Status;

use super::{Draft, Engine, Intent, Part};

/// Fills in what the client left to the server.
pub(super) fn fill_defaults(_: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    match &intent.kind.custom {
        Some(custom) => custom.version.fill_defaults(&mut draft.value),
        None => machinery::default::apply(&intent.kind.api_version(), &intent.kind.kind, &mut draft.value),
    }
    Ok(())
}

/// Judges a new object.
pub(super) fn judge_new(_: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    let causes = match &intent.kind.custom {
        Some(custom) => custom.version.create(&draft.value),
        None => machinery::validate::create(&intent.spoken.api_version(), &intent.kind.kind, &draft.value),
    };
    if causes.is_empty() {
        warn(intent, draft);
        Ok(())
    } else {
        Err(Status::invalid(
            &intent.kind.group,
            &intent.kind.kind,
            &intent.name,
            causes,
        ))
    }
}

/// Judges a changed object beside the old one.
pub(super) fn judge_changed(_: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    let Some(old) = &draft.old else { return Ok(()) };
    let (api_version, kind) = (intent.spoken.api_version(), &intent.kind.kind);
    let mut judged = |judgement: machinery::custom::Judgement| {
        draft.warnings.extend(judgement.warnings);
        judgement.faults
    };
    let causes = match (&intent.kind.custom, intent.part) {
        (Some(custom), Part::Object | Part::Scale | Part::Finalize) => judged(custom.version.update(&draft.value, old)),
        (Some(custom), Part::Status | Part::Approval) => judged(custom.version.update_status(&draft.value, old)),
        (None, Part::Object | Part::Scale | Part::Finalize) => {
            machinery::validate::update(&api_version, kind, &draft.value, old)
        }
        (None, Part::Status | Part::Approval) => {
            machinery::validate::update_status(&api_version, kind, &draft.value, old)
        }
    };
    if causes.is_empty() {
        if intent.part == Part::Object {
            warn(intent, draft);
        }
        Ok(())
    } else {
        Err(Status::invalid(&intent.kind.group, kind, &intent.name, causes))
    }
}

/// Tells the client what is valid and yet not what it seems to be.
fn warn(intent: &Intent, draft: &mut Draft) {
    if intent.kind.custom.is_none() {
        let (api_version, kind) = (intent.kind.api_version(), &intent.kind.kind);
        let warnings = machinery::validate::warnings(&api_version, kind, &draft.value, draft.old.as_deref());
        draft.warnings.extend(warnings);
    }
}
