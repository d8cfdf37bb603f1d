//! The status that a CustomResourceDefinition is to have: whose names it holds, whether it is served.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::read::{flag, list, text, texts};
use crate::validate;

/// The `status` that a definition is to have next to the others of the server. What is right already is left alone, so
/// a second call with the outcome in place returns it unchanged. Conditions of other types are kept.
#[must_use]
pub fn next_status(crd: &Value, others: &[&Value], now: Timestamp) -> Value {
    let nothing = Value::Null;
    let spec = crd.get("spec").unwrap_or(&nothing);
    let mut status = crd
        .get("status")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    let (names, conflict) = accepted_names(
        spec,
        crd.pointer("/status/acceptedNames").unwrap_or(&nothing),
        crd,
        others,
    );
    status.insert("acceptedNames".to_owned(), names);
    let mut conditions = list(crd.get("status").unwrap_or(&nothing), "conditions").to_vec();
    maintain(
        &mut conditions,
        "KubernetesAPIApprovalPolicyConformant",
        validate::approval(crd),
        now,
    );
    let violations = validate::violations(crd).map(|message| ("True", "Violations", message));
    maintain(&mut conditions, "NonStructuralSchema", violations, now);
    let accepted = conflict.is_none();
    let said = match conflict {
        None => ("True", "NoConflicts", "no conflicts found".to_owned()),
        Some((reason, message)) => ("False", reason, message),
    };
    set(&mut conditions, "NamesAccepted", said, now);
    // Once established, always established.
    let established = conditions
        .iter()
        .any(|c| text(c, "type") == "Established" && text(c, "status") == "True");
    if !established {
        let said = if accepted {
            (
                "True",
                "InitialNamesAccepted",
                "the initial names have been accepted".to_owned(),
            )
        } else {
            ("False", "NotAccepted", "not all names are accepted".to_owned())
        };
        set(&mut conditions, "Established", said, now);
    }
    status.insert("conditions".to_owned(), Value::from(conditions));
    let mut stored = texts(crd.get("status").unwrap_or(&nothing), "storedVersions");
    if let Some(storage) = list(spec, "versions").iter().find(|version| flag(version, "storage")) {
        let storage = text(storage, "name");
        if !stored.iter().any(|name| name == storage) {
            stored.push(storage.to_owned());
        }
    }
    status.insert("storedVersions".to_owned(), Value::from(stored));
    Value::Object(status)
}

/// The names that the definition holds, and the last conflict over one it does not.
fn accepted_names(
    spec: &Value,
    held: &Value,
    crd: &Value,
    others: &[&Value],
) -> (Value, Option<(&'static str, String)>) {
    let nothing = Value::Null;
    let name = |crd: &Value| crd.pointer("/metadata/name").and_then(Value::as_str).map(str::to_owned);
    let taken: Vec<&Value> = others
        .iter()
        .filter(|other| name(other) != name(crd) && other.pointer("/spec/group") == spec.get("group"))
        .filter_map(|other| other.pointer("/status/acceptedNames"))
        .collect();
    let resource_taken = |wanted: &str| {
        taken.iter().any(|names| {
            [text(names, "plural"), text(names, "singular")].contains(&wanted)
                || texts(names, "shortNames").iter().any(|short| short == wanted)
        })
    };
    let kind_taken = |wanted: &str| {
        taken
            .iter()
            .any(|names| [text(names, "kind"), text(names, "listKind")].contains(&wanted))
    };
    let wanted = spec.get("names").unwrap_or(&nothing);
    let mut out = held.as_object().cloned().unwrap_or_else(Map::new);
    let mut conflict = None;
    let in_use = |name: &str| format!("{} is already in use", crate::field::quoted(name));
    let mut one = |key: &str, reason: &'static str, is_taken: &dyn Fn(&str) -> bool| {
        let name = text(wanted, key);
        if name != text(held, key) && is_taken(name) {
            conflict = Some((reason, in_use(name)));
        } else {
            out.insert(key.to_owned(), Value::from(name));
        }
    };
    one("plural", "PluralConflict", &resource_taken);
    one("singular", "SingularConflict", &resource_taken);
    let (short, short_held) = (texts(wanted, "shortNames"), texts(held, "shortNames"));
    let refused: Vec<String> = short
        .iter()
        .filter(|name| !short_held.contains(name) && resource_taken(name))
        .map(|name| in_use(name))
        .collect();
    let short_conflict = match refused.as_slice() {
        [] => None,
        [only] => Some(only.clone()),
        several => Some(format!("[{}]", several.join(", "))),
    };
    match short_conflict {
        Some(message) => conflict = Some(("ShortNamesConflict", message)),
        None => put(&mut out, "shortNames", short),
    }
    let mut one = |key: &str, reason: &'static str| {
        let name = text(wanted, key);
        if name != text(held, key) && kind_taken(name) {
            conflict = Some((reason, in_use(name)));
        } else {
            out.insert(key.to_owned(), Value::from(name));
        }
    };
    one("kind", "KindConflict");
    one("listKind", "ListKindConflict");
    put(&mut out, "categories", texts(wanted, "categories"));
    // These two are always told, the others where they are known.
    for key in ["kind", "plural"] {
        out.entry(key).or_insert_with(|| Value::from(""));
    }
    (Value::Object(out), conflict)
}

fn put(map: &mut Map<String, Value>, key: &str, list: Vec<String>) {
    if list.is_empty() {
        map.remove(key);
    } else {
        map.insert(key.to_owned(), Value::from(list));
    }
}

/// Sets a condition where there is something to say, and removes it where there is nothing.
fn maintain(conditions: &mut Vec<Value>, type_: &str, said: Option<(&str, &str, String)>, now: Timestamp) {
    match said {
        Some(said) => set(conditions, type_, said, now),
        None => conditions.retain(|condition| text(condition, "type") != type_),
    }
}

/// Sets a condition; one that says the same already keeps its time.
fn set(conditions: &mut Vec<Value>, type_: &str, said: (&str, &str, String), now: Timestamp) {
    let (status, reason, message) = said;
    let found = conditions.iter_mut().find(|condition| text(condition, "type") == type_);
    let time = match &found {
        Some(old) if text(old, "status") == status => old.get("lastTransitionTime").cloned(),
        Some(_) | None => None,
    };
    let time = time.unwrap_or_else(|| Value::from(now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()));
    let new =
        json!({"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": time});
    match found {
        Some(old) => *old = new,
        None => conditions.push(new),
    }
}
