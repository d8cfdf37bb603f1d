//! Roles and bindings: the API group of whom and what they name.

use super::place::{Object, items, text, within, word};
use crate::rbac::GROUP;

pub(super) fn binding(object: &mut Object) {
    within(object, "roleRef", |reference| text(reference, "apiGroup", GROUP));
    for subject in items(object, "subjects") {
        if matches!(word(subject, "kind"), "User" | "Group") {
            text(subject, "apiGroup", GROUP);
        }
    }
}
