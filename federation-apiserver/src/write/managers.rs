//! The entries of `managedFields`: who wrote which fields of an object last, and by which kind of write. Pure.
//!
//! In: stored entries. Out: entries that can be compared and written back, in upstream's order, at most ten of them from
//! writes that are no apply. Absent: what a write does to them (`apply`, `track`).

use serde_json::{Value, json};

use super::ownership::FieldSet;

/// Entries of plain writes that are kept apart; the oldest beyond become one.
const UPDATERS_MAX: usize = 10;
/// The manager that old entries fold into.
const ANCIENT: &str = "ancient-changes";

/// How a manager wrote. The order is that of the entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operation {
    /// Server-side apply.
    Apply,
    /// Anything else.
    Update,
}

impl Operation {
    fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// One entry.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) manager: String,
    pub(super) operation: Operation,
    pub(super) api_version: String,
    pub(super) subresource: String,
    pub(super) time: String,
    pub(super) fields: FieldSet,
}

impl Entry {
    fn read(value: &Value) -> Option<Self> {
        let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let operation = match text("operation").as_str() {
            "Apply" => Operation::Apply,
            "Update" => Operation::Update,
            _ => return None,
        };
        Some(Self {
            manager: text("manager"),
            operation,
            api_version: text("apiVersion"),
            subresource: text("subresource"),
            time: text("time"),
            fields: value.get("fieldsV1").map(FieldSet::from_fields_v1).unwrap_or_default(),
        })
    }

    fn write(&self) -> Value {
        let mut entry = json!({
            "manager": self.manager, "operation": self.operation.as_str(), "apiVersion": self.api_version,
            "fieldsType": "FieldsV1", "fieldsV1": self.fields.to_fields_v1(),
        });
        if let Some(entry) = entry.as_object_mut() {
            for (key, text) in [("time", &self.time), ("subresource", &self.subresource)] {
                if !text.is_empty() {
                    entry.insert(key.to_owned(), Value::from(text.as_str()));
                }
            }
        }
        entry
    }

    /// Whether both are entries of one manager. An applier is one across versions.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        self.manager == other.manager
            && self.operation == other.operation
            && self.subresource == other.subresource
            && (self.operation == Operation::Apply || self.api_version == other.api_version)
    }

    /// The manager as conflicts name it.
    pub(super) fn described(&self) -> String {
        let mut text = format!("{:?}", self.manager);
        if !self.subresource.is_empty() {
            text.push_str(&format!(" with subresource {:?}", self.subresource));
        }
        if self.operation == Operation::Update {
            text.push_str(&format!(" using {}", self.api_version));
        }
        text
    }
}

/// The entries of an object; those that cannot be read are left out.
pub(super) fn entries_of(object: &Value) -> Vec<Entry> {
    let list = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Entry::read).collect()
}

/// The entries as they are stored: without the empty ones, the oldest plain writes as one, in order.
pub(super) fn stored(mut entries: Vec<Entry>) -> Vec<Value> {
    entries.retain(|entry| !entry.fields.is_empty());
    fold_oldest(&mut entries);
    entries.sort_by(|a, b| {
        let key = |e: &Entry| {
            (
                e.operation,
                e.time.clone(),
                e.manager.clone(),
                e.api_version.clone(),
                e.subresource.clone(),
            )
        };
        key(a).cmp(&key(b))
    });
    entries.iter().map(Entry::write).collect()
}

fn fold_oldest(entries: &mut Vec<Entry>) {
    let mut updaters: Vec<usize> = (0..entries.len())
        .filter(|at| {
            entries
                .get(*at)
                .is_some_and(|entry| entry.operation == Operation::Update)
        })
        .collect();
    if updaters.len() <= UPDATERS_MAX {
        return;
    }
    updaters.sort_by_key(|at| entries.get(*at).map(|entry| entry.time.clone()));
    let surplus = updaters.len() - UPDATERS_MAX + 1;
    let mut old: Vec<usize> = updaters.into_iter().take(surplus).collect();
    old.sort_unstable();
    let mut folded: Vec<Entry> = Vec::new();
    for at in old.into_iter().rev() {
        let entry = entries.remove(at);
        match folded
            .iter_mut()
            .find(|ancient| ancient.api_version == entry.api_version)
        {
            Some(ancient) => {
                ancient.fields.add(&entry.fields);
                ancient.time = ancient.time.clone().max(entry.time);
            }
            None => folded.push(Entry {
                manager: ANCIENT.to_owned(),
                subresource: String::new(),
                ..entry
            }),
        }
    }
    entries.extend(folded);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: usize, operation: Operation) -> Entry {
        let field = format!("f:{number}");
        Entry {
            manager: format!("m{number}"),
            operation,
            api_version: "v1".into(),
            subresource: String::new(),
            time: format!("2026-11-24T10:00:{number:02}Z"),
            fields: FieldSet::from_fields_v1(&json!({"f:data": {field: {}}})),
        }
    }

    #[test]
    fn appliers_come_first_and_old_writers_become_one() {
        let mut entries: Vec<Entry> = (0..13).map(|number| entry(number, Operation::Update)).collect();
        entries.push(entry(50, Operation::Apply));
        let stored = stored(entries);
        let names: Vec<&str> = stored.iter().map(|e| e["manager"].as_str().unwrap()).collect();
        assert_eq!(names.len(), 11);
        assert_eq!(&names[..3], &["m50", "ancient-changes", "m4"]);
        assert_eq!(
            stored[1]["fieldsV1"],
            json!({"f:data": {"f:0": {}, "f:1": {}, "f:2": {}, "f:3": {}}})
        );
        assert_eq!(stored[1]["time"], "2026-11-24T10:00:03Z");
    }

    #[test]
    fn what_is_stored_reads_back_as_it_was() {
        let first = stored(vec![entry(1, Operation::Apply), entry(2, Operation::Update)]);
        let object = json!({"metadata": {"managedFields": first.clone()}});
        assert_eq!(stored(entries_of(&object)), first);
    }
}
