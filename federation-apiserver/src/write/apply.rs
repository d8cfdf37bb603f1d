//! Server-side apply: what one manager wants of an object, merged onto what is there.
//!
//! Decided: the merged object, what falls away because the manager stopped asking for it, and conflicts with other appliers.
//! In: the live object, the applied configuration. Out: the proposed object with `managedFields`. Absent: ownership by
//! writes that are no apply (`track`).

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use machinery::schema::{Field, ListType, Schema};
use machinery::status::{Cause, CauseReason, Status};
use serde_json::{Map, Value, json};

use super::compare::Changes;
use super::identity::{metadata_mut, seconds};
use super::managers::{Entry, Operation, entries_of, stored};
use super::owned_values::{Items, changed_leaves, item_key, path_text, remove_dropped_of_object};
use super::ownership::FieldSet;
use super::{Intent, Part, last_applied};

/// The manager of what an object held before anybody's fields were tracked.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// The subresource as entries name it; empty for the object itself.
pub(super) fn subresource(part: Part) -> &'static str {
    match part {
        Part::Object | Part::Finalize => "",
        Part::Status => "status",
        Part::Scale => "scale",
        Part::Approval => "approval",
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
            Part::Status | Part::Approval => {
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

/// The fields of a configuration that its manager owns. What is asked of a certificate cannot change, and is nobody's.
fn wanted_fields(intent: &Intent, config: &Value) -> FieldSet {
    let mut fields = FieldSet::of_object(intent.kind.schema(), config);
    if intent.kind.is_signing_request() && intent.part == Part::Object {
        fields.drop_child("f:spec");
    }
    fields
}

fn entry_of(intent: &Intent, fields: FieldSet, now: Timestamp) -> Entry {
    Entry {
        manager: intent.options.field_manager.clone(),
        operation: Operation::Apply,
        api_version: intent.kind.api_version(),
        subresource: subresource(intent.part).to_owned(),
        time: seconds(now),
        fields,
    }
}

/// The object that an apply creates.
pub(super) fn onto_nothing(intent: &Intent, config: &Value, now: Timestamp) -> Result<Value, Status> {
    check(intent, config)?;
    let mut object = relevant(intent, config);
    let entry = entry_of(intent, wanted_fields(intent, &object), now);
    let metadata = metadata_mut(&mut object)?;
    // As upstream: a version binds an apply to what is there; where nothing is, it is made.
    metadata.remove("resourceVersion");
    metadata.insert("managedFields".to_owned(), Value::Array(stored(vec![entry])));
    Ok(object)
}

/// The live object with the configuration applied.
pub(super) fn onto(intent: &Intent, live: &Value, config: &Value, now: Timestamp) -> Result<Value, Status> {
    check(intent, config)?;
    let schema = intent.kind.schema();
    let config = relevant(intent, config);
    let fields = wanted_fields(intent, &config);
    let mut entry = entry_of(intent, fields.clone(), now);
    let mut entries = entries_of(live);
    if entries.is_empty() {
        // Whatever is there was written by somebody nobody knows.
        entries.push(Entry {
            manager: BEFORE_FIRST_APPLY.to_owned(),
            operation: Operation::Update,
            subresource: String::new(),
            fields: Changes::between(schema, &json!({}), live).without("status").changed,
            ..entry.clone()
        });
    }
    let (own, mut others): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|other| other.is_of(&entry));
    let own = own.into_iter().next();
    let mut merged = merge_object(schema, live, &config);
    settle_conflicts(intent, (live, &merged), &fields, &mut others)?;
    if let Some(own) = &own {
        let elsewhere: Vec<FieldSet> = others.iter().map(|entry| entry.fields.clone()).collect();
        remove_dropped_of_object(schema, &mut merged, &own.fields, &fields, &elsewhere);
    }
    last_applied::renew(intent, &config, &mut merged);
    // As upstream: an apply that changes no value leaves the time as it was, and a new entry without one.
    if merged == *live {
        entry.time = own.map(|own| own.time).unwrap_or_default();
    }
    others.push(entry);
    let managed = stored(others);
    let metadata = metadata_mut(&mut merged)?;
    match config.pointer("/metadata/resourceVersion") {
        Some(version) => metadata.insert("resourceVersion".to_owned(), version.clone()),
        None => metadata.remove("resourceVersion"),
    };
    metadata.insert("managedFields".to_owned(), Value::Array(managed));
    Ok(merged)
}

/// Fields that change and that another manager owns: refused, or taken over where the request says so.
fn settle_conflicts(
    intent: &Intent,
    (live, merged): (&Value, &Value),
    fields: &FieldSet,
    others: &mut [Entry],
) -> Result<(), Status> {
    let schema = intent.kind.schema();
    let noted = last_applied::noted(intent, live);
    let (mut causes, mut taken) = (Vec::new(), Vec::new());
    for path in changed_leaves(schema, fields, live, merged) {
        let allowed = noted
            .as_ref()
            .is_some_and(|noted| last_applied::allows(schema, noted, live, &path));
        for (at, other) in others.iter().enumerate().filter(|(_, other)| other.fields.has(&path)) {
            if !intent.options.force && !allowed {
                let message = format!("conflict with {}", other.described());
                causes.push(Cause::new(CauseReason::FieldManagerConflict, path_text(&path), message));
            }
            taken.push((at, path.clone()));
        }
    }
    if causes.is_empty() {
        for (at, path) in taken {
            if let Some(other) = others.get_mut(at) {
                other.fields.remove(&path);
            }
        }
    }
    if causes.is_empty() {
        return Ok(());
    }
    let mut status = Status::conflict(&intent.kind.group, &intent.kind.plural, &intent.name, "");
    status.message = told(&causes);
    status.details = Some(machinery::status::Details {
        causes,
        ..Default::default()
    });
    Err(status)
}

/// One conflict in a line; several by manager.
fn told(causes: &[Cause]) -> String {
    if let [one] = causes {
        return format!("Apply failed with 1 conflict: {}: {}", one.message, one.field);
    }
    let mut by_manager: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for cause in causes {
        by_manager.entry(&cause.message).or_default().push(&cause.field);
    }
    let groups: Vec<String> = by_manager
        .iter()
        .map(|(manager, fields)| {
            let manager = manager.replacen("conflict ", "conflicts ", 1);
            format!("{manager}:\n- {}", fields.join("\n- "))
        })
        .collect();
    format!("Apply failed with {} conflicts: {}", causes.len(), groups.join("\n"))
}

pub(super) fn merge_object(schema: Option<&Schema>, live: &Value, config: &Value) -> Value {
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
        (Value::Object(live), Value::Object(wanted)) if !field.is_some_and(Field::is_atomic_map) => {
            let mut merged = live.clone();
            merge_map(field.map(Field::schema), &mut merged, wanted);
            Value::Object(merged)
        }
        (Value::Array(live), Value::Array(wanted)) => match field.map(|f| f.list_type) {
            Some(ListType::Map) => Value::Array(merge_items(field, live, wanted)),
            Some(ListType::Set) => {
                let known = Items::of(field, live);
                let is_new = |item: &&Value| known.get(&format!("v:{item}")).is_none();
                let mut merged = live.clone();
                merged.extend(wanted.iter().filter(is_new).cloned());
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
    let known = Items::of(field, live);
    let wanted_keys: HashSet<Option<String>> = wanted.iter().map(key).collect();
    let mut rest = live
        .iter()
        .map(|item| (wanted_keys.contains(&key(item)), item))
        .peekable();
    let mut merged = Vec::with_capacity(live.len().max(wanted.len()));
    for item in wanted {
        while let Some((_, only_live)) = rest.next_if(|(is_wanted, _)| !is_wanted) {
            merged.push(only_live.clone());
        }
        let Some(found) = key(item).and_then(|key| known.get(&key)) else {
            merged.push(item.clone());
            continue;
        };
        rest.next_if(|(is_wanted, _)| *is_wanted);
        merged.push(merge_value(item_field, found, item));
    }
    merged.extend(rest.filter(|(is_wanted, _)| !is_wanted).map(|(_, item)| item.clone()));
    merged
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kinds::{Profile, Registry};

    fn intent(manager: &str, force: bool) -> Intent {
        let registry = Registry::of(Profile::Hub);
        let kind = registry.resource("apps", "v1", "deployments").unwrap();
        let mut intent = Intent::internal(kind, ("a", "web"), Part::Object, manager);
        intent.options.force = force;
        intent
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
            "Apply failed with 1 conflict: conflict with \"a\": .spec.replicas"
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
    fn huge_lists_are_merged_in_one_pass() {
        let names: Vec<String> = (0..100_000).map(|number| format!("a.b/{number}")).collect();
        let object = |names: &[String], image: &str| {
            let containers: Vec<Value> = names.iter().map(|name| json!({"name": name, "image": image})).collect();
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "finalizers": names},
                "spec": {"template": {"spec": {"containers": containers}}}})
        };
        let first = onto_nothing(&intent("a", false), &object(&names, "one"), now()).unwrap();
        let second = onto(&intent("b", true), &first, &object(&names, "two"), now()).unwrap();
        let third = onto(&intent("b", true), &second, &object(&names[..10], "three"), now()).unwrap();
        let containers = &third["spec"]["template"]["spec"]["containers"];
        assert_eq!(containers.as_array().unwrap().len(), 100_000, "a has them still");
        assert_eq!(
            (&containers[9]["image"], containers[10].get("image")),
            (&json!("three"), None)
        );
        assert_eq!(third["metadata"]["finalizers"].as_array().unwrap().len(), 100_000);
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

    fn labels() -> impl Strategy<Value = BTreeMap<String, String>> {
        proptest::collection::btree_map("[a-e]", "[0-2]", 0..5)
    }

    fn labelled(labels: &BTreeMap<String, String>) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": labels}})
    }

    fn owned_by<'a>(object: &'a Value, manager: &str) -> Option<&'a Value> {
        let entries = object.pointer("/metadata/managedFields")?.as_array()?;
        entries.iter().find(|e| e["manager"] == manager).map(|e| &e["fieldsV1"])
    }

    proptest! {
        #[test]
        fn applying_again_changes_nothing(live in labels(), wanted in labels()) {
            let first = onto_nothing(&intent("a", true), &labelled(&live), now()).unwrap();
            let second = onto(&intent("b", true), &first, &labelled(&wanted), now()).unwrap();
            let third = onto(&intent("b", true), &second, &labelled(&wanted), now()).unwrap();
            prop_assert_eq!(second, third);
        }

        #[test]
        fn applies_of_disjoint_fields_commute(
            all in proptest::collection::btree_map("[a-e]", "[0-2]", 2..5),
            split in 1_usize..5,
        ) {
            // Either changes something: an apply that changes nothing has no time, whichever of the two it is.
            let split = split.min(all.len() - 1);
            let one: BTreeMap<_, _> = all.clone().into_iter().take(split).collect();
            let other: BTreeMap<_, _> = all.into_iter().skip(split).collect();
            let base = onto_nothing(&intent("base", false), &config(Some(1), "x"), now()).unwrap();
            let there = onto(&intent("a", false), &base, &labelled(&one), now()).unwrap();
            let there = onto(&intent("b", false), &there, &labelled(&other), now()).unwrap();
            let back = onto(&intent("b", false), &base, &labelled(&other), now()).unwrap();
            let back = onto(&intent("a", false), &back, &labelled(&one), now()).unwrap();
            prop_assert_eq!(there, back);
        }

        #[test]
        fn force_moves_exactly_the_conflicting_fields(live in labels(), wanted in labels()) {
            let first = onto_nothing(&intent("a", false), &labelled(&live), now()).unwrap();
            let forced = onto(&intent("b", true), &first, &labelled(&wanted), now()).unwrap();
            let conflicting = |key: &String| wanted.get(key).is_some_and(|value| Some(value) != live.get(key));
            let kept: Vec<&String> = live.keys().filter(|key| !conflicting(key)).collect();
            let has = |manager: &str, key: &str| {
                let field = format!("f:{key}");
                owned_by(&forced, manager).is_some_and(|f| f["f:metadata"]["f:labels"].get(&field).is_some())
            };
            for key in live.keys() {
                prop_assert_eq!(has("a", key), kept.contains(&key), "{}", key);
            }
            for key in wanted.keys() {
                prop_assert!(has("b", key), "{}", key);
            }
            let refused = onto(&intent("b", false), &first, &labelled(&wanted), now());
            prop_assert_eq!(refused.is_err(), live.keys().any(conflicting));
        }
    }
}
