//! LimitRanges and ResourceQuotas.

use serde_json::Value;

use super::place::{Object, absent, existing, items, within, word};

/// For containers, what is not said follows from what is: a default from the greatest, a default request from the default or
/// from the least.
pub(super) fn limit_range(object: &mut Object) {
    let Some(spec) = existing(object, "spec") else { return };
    // Written by a typed server even where there is none.
    spec.entry("limits").or_insert(Value::Null);
    for limit in items(spec, "limits") {
        if word(limit, "type") != "Container" {
            continue;
        }
        let named = |limit: &Object, key: &str| limit.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
        for (from, to) in [
            ("max", "default"),
            ("default", "defaultRequest"),
            ("min", "defaultRequest"),
        ] {
            let amounts = named(limit, from);
            // A typed server writes the two maps of a Container always, and leaves them out where they are empty.
            if amounts.is_empty() {
                continue;
            }
            within(limit, to, |to| {
                for (name, amount) in amounts {
                    absent(to, &name, amount);
                }
            });
        }
    }
}

/// A status is always there.
pub(super) fn resource_quota(object: &mut Object) {
    within(object, "status", |_| {});
}
