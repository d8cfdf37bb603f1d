//! Server-side apply: what one manager wants of an object, merged onto what is there.
//!
//! Decided: the merged object, what falls away because the manager stopped asking for it, and conflicts with other appliers.
//! In: the live object, the applied configuration. Out: the proposed object with `managedFields`. Absent: ownership by
//! writes that are no apply; only appliers are tracked here.

use jiff::Timestamp;
use machinery::schema::{self, Field, ListType, Schema};
use machinery::status::{Cause, CauseReason, Status};
use serde_json::{Map, Value, json};

use super::identity::{metadata_mut, seconds};
use super::ownership::{FieldSet, item_key, object_value_at, path_text, remove_dropped_of_object};
use super::{Intent, Part};

/// One entry of `managedFields`.
#[derive(Clone, Debug, PartialEq)]
struct Entry {
    manager: String,
    api_version: String,
    subresource: String,
    time: String,
    fields: FieldSet,
}

impl Entry {
    fn read(value: &Value) -> Option<Self> {
        let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        (text("operation") == "Apply").then(|| Self {
            manager: text("manager"),
            api_version: text("apiVersion"),
            subresource: text("subresource"),
            time: text("time"),
            fields: value.get("fieldsV1").map(FieldSet::from_fields_v1).unwrap_or_default(),
        })
    }

    fn write(&self) -> Value {
        let mut entry = json!({
            "manager": self.manager, "operation": "Apply", "apiVersion": self.api_version, "time": self.time,
            "fieldsType": "FieldsV1", "fieldsV1": self.fields.to_fields_v1(),
        });
        if let (false, Some(entry)) = (self.subresource.is_empty(), entry.as_object_mut()) {
            entry.insert("subresource".to_owned(), Value::from(self.subresource.as_str()));
        }
        entry
    }
}

fn subresource(part: Part) -> &'static str {
    match part {
        Part::Object | Part::Finalize => "",
        Part::Status => "status",
        Part::Scale => "scale",
    }
}

/// The configuration as it counts: only the part that the request is about.
fn relevant(intent: &Intent, config: &Value) -> Value {
    let mut config = config.clone();
    if let Some(object) = config.as_object_mut() {
        match intent.part {
            Part::Object | Part::Scale | Part::Finalize => {
                if intent.kind.strategy.status {
                    object.remove("status");
                }
            }
            Part::Status => {
                object.retain(|key, _| matches!(key.as_str(), "apiVersion" | "kind" | "metadata" | "status"))
            }
        }
    }
    config
}

/// The configuration must say what it is and must not carry ownership of its own.
fn check(intent: &Intent, config: &Value) -> Result<(), Status> {
    if config
        .pointer("/metadata/managedFields")
        .is_some_and(|m| m.as_array().is_some_and(|a| !a.is_empty()))
    {
        return Err(Status::bad_request("metadata.managedFields must be nil"));
    }
    if intent.options.field_manager.is_empty() {
        let path = machinery::field::Path::root("fieldManager");
        let cause = machinery::field::required(&path, "is required for apply patch");
        return Err(Status::invalid("meta.k8s.io", "PatchOptions", "", vec![cause]));
    }
    Ok(())
}

fn entry_of(intent: &Intent, fields: FieldSet, now: Timestamp) -> Entry {
    Entry {
        manager: intent.options.field_manager.clone(),
        api_version: intent.kind.api_version(),
        subresource: subresource(intent.part).to_owned(),
        time: seconds(now),
        fields,
    }
}

/// The object that an apply creates.
pub(super) fn onto_nothing(intent: &Intent, config: &Value, now: Timestamp) -> Result<Value, Status> {
    check(intent, config)?;
    let schema = schema::of(&intent.kind.api_version(), intent.kind.kind);
    let mut object = relevant(intent, config);
    let entry = entry_of(intent, FieldSet::of_object(schema, &object), now);
    let metadata = metadata_mut(&mut object)?;
    // As upstream: a version binds an apply to what is there; where nothing is, it is made.
    metadata.remove("resourceVersion");
    metadata.insert("managedFields".to_owned(), json!([entry.write()]));
    Ok(object)
}

/// The live object with the configuration applied.
pub(super) fn onto(intent: &Intent, live: &Value, config: &Value, now: Timestamp) -> Result<Value, Status> {
    check(intent, config)?;
    let schema = schema::of(&intent.kind.api_version(), intent.kind.kind);
    let config = relevant(intent, config);
    let fields = FieldSet::of_object(schema, &config);
    let stored = live
        .pointer("/metadata/managedFields")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let mine =
        |entry: &Entry| entry.manager == intent.options.field_manager && entry.subresource == subresource(intent.part);
    let (own, mut others): (Vec<Entry>, Vec<Entry>) = stored.iter().filter_map(Entry::read).partition(mine);
    let own = own.into_iter().next();
    let mut merged = merge_object(schema, live, &config);
    settle_conflicts(intent, schema, (live, &merged), &fields, &mut others)?;
    if let Some(own) = &own {
        let elsewhere: Vec<FieldSet> = others.iter().map(|entry| entry.fields.clone()).collect();
        remove_dropped_of_object(schema, &mut merged, &own.fields, &fields, &elsewhere);
    }
    let mut entry = entry_of(intent, fields, now);
    if let Some(own) = own.filter(|own| own.fields == entry.fields && own.api_version == entry.api_version) {
        entry.time = own.time;
    }
    others.retain(|entry| !entry.fields.is_empty());
    others.push(entry);
    others.sort_by(|a, b| (&a.time, &a.manager, &a.subresource).cmp(&(&b.time, &b.manager, &b.subresource)));
    let managed: Vec<Value> = others.iter().map(Entry::write).collect();
    let metadata = metadata_mut(&mut merged)?;
    match config.pointer("/metadata/resourceVersion") {
        Some(version) => metadata.insert("resourceVersion".to_owned(), version.clone()),
        None => metadata.remove("resourceVersion"),
    };
    metadata.insert("managedFields".to_owned(), Value::Array(managed));
    Ok(merged)
}

/// Fields that change and that another applier owns: refused, or taken over where the request says so.
fn settle_conflicts(
    intent: &Intent,
    schema: Option<&Schema>,
    (live, merged): (&Value, &Value),
    fields: &FieldSet,
    others: &mut [Entry],
) -> Result<(), Status> {
    let mut causes = Vec::new();
    for path in fields.leaves() {
        if object_value_at(schema, live, &path) == object_value_at(schema, merged, &path) {
            continue;
        }
        for other in others.iter_mut().filter(|other| other.fields.has(&path)) {
            if intent.options.force {
                other.fields.remove(&path);
            } else {
                let message = format!("conflict with {:?} using {}", other.manager, other.api_version);
                causes.push(Cause::new(CauseReason::FieldManagerConflict, path_text(&path), message));
            }
        }
    }
    if causes.is_empty() {
        return Ok(());
    }
    let noun = if causes.len() == 1 { "conflict" } else { "conflicts" };
    let list: Vec<String> = causes
        .iter()
        .map(|cause| format!("{}: {}", cause.message, cause.field))
        .collect();
    let mut status = Status::conflict(intent.kind.group, intent.kind.plural, &intent.name, "");
    status.message = format!("Apply failed with {} {noun}: {}", causes.len(), list.join("\n"));
    status.details = Some(machinery::status::Details {
        causes,
        ..Default::default()
    });
    Err(status)
}

fn merge_object(schema: Option<&Schema>, live: &Value, config: &Value) -> Value {
    let mut merged = live.clone();
    if let (Some(into), Some(from)) = (merged.as_object_mut(), config.as_object()) {
        merge_map(schema, into, from);
    }
    merged
}

fn merge_map(schema: Option<&Schema>, into: &mut Map<String, Value>, from: &Map<String, Value>) {
    for (key, wanted) in from.iter().filter(|(_, wanted)| !wanted.is_null()) {
        let field = schema.and_then(|s| s.field(key));
        let merged = match into.get(key) {
            Some(live) => merge_value(field, live, wanted),
            None => wanted.clone(),
        };
        into.insert(key.clone(), merged);
    }
}

fn merge_value(field: Option<&Field>, live: &Value, wanted: &Value) -> Value {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) if !field.is_some_and(|f| f.atomic_map) => {
            let mut merged = live.clone();
            merge_map(field.map(Field::schema), &mut merged, wanted);
            Value::Object(merged)
        }
        (Value::Array(live), Value::Array(wanted)) => match field.map(|f| f.list_type) {
            Some(ListType::Map) => Value::Array(merge_items(field, live, wanted)),
            Some(ListType::Set) => {
                let mut merged = live.clone();
                merged.extend(wanted.iter().filter(|item| !live.contains(item)).cloned());
                Value::Array(merged)
            }
            Some(ListType::Atomic) | None => Value::Array(wanted.clone()),
        },
        (_, wanted) => wanted.clone(),
    }
}

/// Items in the wanted order; items that only the live list has keep their place before the wanted item they preceded.
fn merge_items(field: Option<&Field>, live: &[Value], wanted: &[Value]) -> Vec<Value> {
    let key = |item: &Value| field.and_then(|f| item_key(f, item));
    let item_field = field.and_then(|f| f.schema().items.as_deref());
    let wanted_keys: Vec<Option<String>> = wanted.iter().map(key).collect();
    let mut rest = live.iter().peekable();
    let mut merged = Vec::with_capacity(live.len().max(wanted.len()));
    for (item, item_key) in wanted.iter().zip(&wanted_keys) {
        let Some(found) = live.iter().find(|l| item_key.is_some() && key(l) == *item_key) else {
            merged.push(item.clone());
            continue;
        };
        while let Some(only_live) = rest.next_if(|l| !wanted_keys.contains(&key(l))) {
            merged.push(only_live.clone());
        }
        rest.next_if(|l| wanted_keys.contains(&key(l)));
        merged.push(merge_value(item_field, found, item));
    }
    merged.extend(rest.filter(|l| !wanted_keys.contains(&key(l))).cloned());
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::{Profile, Registry};
    use crate::write::{FieldValidation, Options};

    fn intent(manager: &str, force: bool) -> Intent {
        let registry = Registry::of(Profile::Hub);
        Intent {
            kind: registry.resource("apps", "v1", "deployments").unwrap().clone(),
            namespace: "a".into(),
            name: "web".into(),
            part: Part::Object,
            options: Options {
                dry_run: false,
                field_manager: manager.into(),
                validation: FieldValidation::Ignore,
                force,
            },
            user: crate::auth::UserInfo::internal("test"),
        }
    }

    fn config(replicas: Option<i64>, image: &str) -> Value {
        let mut object = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"template": {"spec": {"containers": [{"name": "web", "image": image}]}}},
        });
        if let Some(replicas) = replicas {
            object["spec"]["replicas"] = json!(replicas);
        }
        object
    }

    fn now() -> Timestamp {
        "2026-11-24T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn what_is_no_longer_applied_goes() {
        let first = onto_nothing(&intent("a", false), &config(Some(3), "one"), now()).unwrap();
        let second = onto(&intent("a", false), &first, &config(None, "two"), now()).unwrap();
        assert!(second["spec"].get("replicas").is_none());
        assert_eq!(second["spec"]["template"]["spec"]["containers"][0]["image"], "two");
        assert_eq!(
            onto(&intent("a", false), &second, &config(None, "two"), now()).unwrap(),
            second,
            "idempotent"
        );
    }

    #[test]
    fn conflicts_are_told_or_forced() {
        let first = onto_nothing(&intent("a", false), &config(Some(3), "one"), now()).unwrap();
        let same = onto(&intent("b", false), &first, &config(Some(3), "one"), now()).unwrap();
        assert_eq!(
            same["metadata"]["managedFields"].as_array().unwrap().len(),
            2,
            "the same value is shared"
        );
        let error = onto(&intent("b", false), &first, &config(Some(4), "one"), now()).unwrap_err();
        assert_eq!(error.code, 409);
        assert_eq!(
            error.message,
            "Apply failed with 1 conflict: conflict with \"a\" using apps/v1: .spec.replicas"
        );
        let forced = onto(&intent("b", true), &first, &config(Some(4), "one"), now()).unwrap();
        assert_eq!(forced["spec"]["replicas"], 4);
        let loser = onto(&intent("a", false), &forced, &config(None, "one"), now()).unwrap();
        assert_eq!(loser["spec"]["replicas"], 4, "b owns it now");
    }

    #[test]
    fn a_manager_is_needed() {
        assert_eq!(
            onto_nothing(&intent("", false), &config(None, "x"), now())
                .unwrap_err()
                .code,
            422
        );
    }

    #[test]
    fn items_keep_their_order() {
        let live = config(None, "x");
        let mut two = live.clone();
        two["spec"]["template"]["spec"]["containers"] =
            json!([{"name": "side"}, {"name": "web", "image": "x"}, {"name": "last"}]);
        let merged = onto(&intent("a", true), &two, &config(None, "y"), now()).unwrap();
        let names: Vec<_> = merged["spec"]["template"]["spec"]["containers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["name"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["side", "web", "last"]);
    }
}
