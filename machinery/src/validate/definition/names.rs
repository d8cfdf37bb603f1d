//! Names of a custom kind.

use serde_json::Value;

use super::At;
use crate::field;
use crate::status::Cause;
use crate::validate::format;

/// The form of the names that are there.
pub(super) fn formats(names: &At<'_>, faults: &mut Vec<Cause>) {
    for key in ["plural", "singular"] {
        label(&names.get(key), faults);
    }
    for key in ["kind", "listKind"] {
        let name = names.get(key);
        let wrong = format::dns_1035_label(&name.text().to_lowercase());
        if !name.text().is_empty() && !wrong.is_empty() {
            let detail = format!("may have mixed case, but should otherwise match: {}", wrong.join(","));
            faults.push(field::invalid(&name.path, name.value, &detail));
        }
    }
    each_label(&names.get("shortNames"), faults);
    let (kind, list_kind) = (names.get("kind"), names.get("listKind"));
    if !kind.text().is_empty() && kind.text() == list_kind.text() {
        let detail = "kind and listKind may not be the same";
        faults.push(field::invalid(&list_kind.path, list_kind.value, detail));
    }
    each_label(&names.get("categories"), faults);
}

fn label(name: &At<'_>, faults: &mut Vec<Cause>) {
    let wrong = format::dns_1035_label(name.text());
    if !name.text().is_empty() && !wrong.is_empty() {
        faults.push(field::invalid(&name.path, name.value, &wrong.join(",")));
    }
}

fn each_label(names: &At<'_>, faults: &mut Vec<Cause>) {
    for name in names.items() {
        let wrong = format::dns_1035_label(name.text());
        if !wrong.is_empty() {
            faults.push(field::invalid(&name.path, &Value::from(name.text()), &wrong.join(",")));
        }
    }
}
