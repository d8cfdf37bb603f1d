//! Roles and bindings: the API group of whom and what they name, and rules where there are none.

use serde_json::Value;

use super::place::{Object, absent, items, text, within, word};
use crate::rbac::GROUP;

pub(super) fn role(object: &mut Object) {
    // Written by a typed server even where there are none.
    absent(object, "rules", Value::Null);
}

pub(super) fn binding(object: &mut Object) {
    within(object, "roleRef", |reference| text(reference, "apiGroup", GROUP));
    for subject in items(object, "subjects") {
        if matches!(word(subject, "kind"), "User" | "Group") {
            text(subject, "apiGroup", GROUP);
        }
    }
}
