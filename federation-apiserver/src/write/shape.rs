//! Unknown fields go, doubled ones are told, wrong types are refused.

use machinery::decode;
use machinery::schema;
use machinery::status::Status;

use super::{Draft, Engine, FieldValidation, Intent};

/// Prunes what the schema does not know, as `fieldValidation` says, and checks types.
pub(super) fn prune_and_check(_: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    let unknown = match schema::of(&intent.kind.api_version(), intent.kind.kind) {
        Some(schema) => {
            decode::check_types(schema, &draft.value).map_err(|error| Status::bad_request(error.to_string()))?;
            decode::prune_unknown(schema, &mut draft.value)
        }
        None => Vec::new(),
    };
    let warnings = report(intent.options.validation, &unknown, &draft.duplicates)?;
    draft.warnings.extend(warnings);
    Ok(())
}

/// Warnings for fields that are unknown or doubled; an error where the request is strict.
pub(super) fn report(
    validation: FieldValidation,
    unknown: &[String],
    duplicates: &[String],
) -> Result<Vec<String>, Status> {
    match validation {
        FieldValidation::Ignore => Ok(Vec::new()),
        FieldValidation::Warn => Ok(decode::strict_faults(unknown, duplicates)),
        FieldValidation::Strict => match decode::strict_error(unknown, duplicates) {
            Some(message) => Err(Status::bad_request(message)),
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
            error.message,
            "strict decoding error: unknown field \"spec.foo\", duplicate field \"data\""
        );
        assert!(report(FieldValidation::Strict, &[], &[]).is_ok());
    }
}
