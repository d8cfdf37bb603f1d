//! Unknown fields go, doubled ones are told, wrong types are refused.

use machinery::decode;
use machinery::field::{self, Path};
use machinery::status::Status;
use serde_json::Value;

use super::{Draft, Engine, FieldValidation, Intent};

/// Letters of a patch that its refusal repeats.
const PATCH_SHOWN_MAX: usize = 1000;

/// Prunes what the schema does not know, as `fieldValidation` says, and checks types.
pub(super) fn prune_and_check(_: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    let unknown = match (&intent.kind.custom, intent.kind.schema()) {
        (Some(custom), _) => {
            // Of a custom object only the metadata is typed; the rest is the definition's to judge.
            custom
                .version
                .check_types(&draft.value)
                .map_err(|error| unreadable(intent, &error.to_string()))?;
            custom.version.prune(&mut draft.value)
        }
        (None, Some(schema)) => {
            decode::check_types(schema, &draft.value).map_err(|error| unreadable(intent, &error.to_string()))?;
            decode::prune_unknown(schema, &mut draft.value)
        }
        (None, None) => Vec::new(),
    };
    let warnings = report(intent.options.validation, &unknown, &draft.duplicates)
        .map_err(|message| unreadable(intent, &message))?;
    draft.warnings.extend(warnings);
    Ok(())
}

/// Whether an applied configuration has fields that the schema does not know: nobody could own them, so they are refused
/// whatever `fieldValidation` says.
pub(super) fn typed(intent: &Intent, config: &Value) -> Result<(), Status> {
    let mut config = config.clone();
    let unknown = match (&intent.kind.custom, intent.kind.schema()) {
        (Some(custom), _) => custom.version.prune(&mut config),
        (None, Some(schema)) => decode::prune_unknown(schema, &mut config),
        (None, None) => Vec::new(),
    };
    match decode::strict_error(&unknown, &[]) {
        Some(message) => Err(unreadable(intent, &message)),
        None => Ok(()),
    }
}

/// What stands before each fault of a body.
fn preamble(intent: &Intent) -> String {
    let (version, kind) = (&intent.kind.version, &intent.kind.kind);
    format!("{kind} in version {version:?} cannot be handled as a {kind}: ")
}

fn unreadable(intent: &Intent, fault: &str) -> Status {
    Status::bad_request(preamble(intent) + fault)
}

/// The same fault when a patch made it: then the request was readable, and the patch is what is invalid.
pub(super) fn blame_patch(intent: &Intent, patch: &Value, status: Status) -> Status {
    match status.message.strip_prefix(&preamble(intent)) {
        Some(fault) if status.code == 400 => invalid_patch(intent, patch, fault),
        Some(_) | None => status,
    }
}

/// 422 for a patch whose outcome is no object of the kind.
pub(super) fn invalid_patch(intent: &Intent, patch: &Value, fault: &str) -> Status {
    let text: String = patch.to_string().chars().take(PATCH_SHOWN_MAX).collect();
    let cause = field::invalid(&Path::root("patch"), &Value::from(text), fault);
    Status::invalid(&intent.kind.group, &intent.kind.kind, &intent.name, vec![cause])
}

/// Warnings for fields that are unknown or doubled; an error where the request is strict.
pub(super) fn report(
    validation: FieldValidation,
    unknown: &[String],
    duplicates: &[String],
) -> Result<Vec<String>, String> {
    match validation {
        FieldValidation::Ignore => Ok(Vec::new()),
        FieldValidation::Warn => Ok(decode::strict_faults(unknown, duplicates)),
        FieldValidation::Strict => match decode::strict_error(unknown, duplicates) {
            Some(message) => Err(message),
            None => Ok(Vec::new()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validation_levels() {
        let unknown = ["spec.foo".to_owned()];
        let doubled = ["data".to_owned()];
        assert!(report(FieldValidation::Ignore, &unknown, &doubled).unwrap().is_empty());
        assert_eq!(report(FieldValidation::Warn, &unknown, &doubled).unwrap().len(), 2);
        let error = report(FieldValidation::Strict, &unknown, &doubled).unwrap_err();
        assert_eq!(
            error,
            "strict decoding error: unknown field \"spec.foo\", duplicate field \"data\""
        );
        assert!(report(FieldValidation::Strict, &[], &[]).is_ok());
    }
}
