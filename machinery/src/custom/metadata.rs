//! Rules about the metadata of custom objects.

use serde_json::Value;

use crate::status::Cause;
use crate::validate;

pub(super) fn create(namespaced: bool, object: &Value, faults: &mut Vec<Cause>) {
    validate::custom_metadata(namespaced, object, faults);
}

pub(super) fn update(new: &Value, old: &Value, faults: &mut Vec<Cause>) {
    validate::custom_metadata_update(new, old, faults);
}
