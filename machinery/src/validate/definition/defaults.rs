//! Defaults must be values that the schema allows, and hold nothing that it does not know.

use super::At;
use crate::custom::read::flag;
use crate::custom::structural::Structural;
use crate::custom::{Defaulted, judge_default};
use crate::field;
use crate::status::Cause;

/// The faults of all defaults in a schema.
pub(super) fn judge(root: &At<'_>) -> Vec<Cause> {
    let mut faults = Vec::new();
    walk(root, true, false, &mut faults);
    faults
}

fn walk(at: &At<'_>, of_object: bool, inside_metadata: bool, faults: &mut Vec<Cause>) {
    let embedded = of_object || flag(at.value, "x-kubernetes-embedded-resource");
    let inside_metadata = inside_metadata && !embedded;
    let default = at.get("default");
    if default.is_set() {
        let schema = Structural::read(at.value);
        match judge_default(&schema, default.value, &default.path, inside_metadata) {
            Defaulted::Fine => {}
            Defaulted::Unknown => {
                faults.push(field::invalid(
                    &default.path,
                    default.value,
                    "must not have unknown fields",
                ));
            }
            Defaulted::Wrong(mut found) => faults.append(&mut found),
        }
    }
    // Defaults are forbidden where values have keys of any name, so those are not followed.
    let items = at.get("items");
    if items.value.is_object() {
        walk(&items, false, inside_metadata, faults);
    }
    for (key, property) in at.get("properties").entries() {
        let own = embedded && matches!(key, "metadata" | "apiVersion" | "kind");
        walk(&property, false, inside_metadata || own, faults);
    }
}
