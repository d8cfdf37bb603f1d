//! What `x-kubernetes-list-type`, `-list-map-keys` and `-map-type` demand of a schema.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{At, map_keys};
use crate::custom::read::{flag, text, texts};
use crate::field;
use crate::status::Cause;

pub(super) fn judge(at: &At<'_>, atomic_sets: bool, faults: &mut Vec<Cause>) {
    let (map_type, list_type) = (at.get("x-kubernetes-map-type"), at.get("x-kubernetes-list-type"));
    must_be(at, &map_type, "object", "x-kubernetes-map-type", faults);
    if map_type.is_set() && !matches!(map_type.text(), "atomic" | "granular") {
        faults.push(field::not_supported(
            &map_type.path,
            map_type.value,
            &["atomic", "granular"],
        ));
    }
    if must_be(at, &list_type, "array", "x-kubernetes-list-type", faults) && atomic_sets {
        let detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
        if let Some(key) = non_atomic_item(at.value) {
            let path = at.path.child("items").child(key);
            let said = at.get("items").get("x-kubernetes-list-type");
            faults.push(field::invalid(&path, said.value, detail));
        }
    }
    if list_type.is_set() && !matches!(list_type.text(), "atomic" | "set" | "map") {
        let words = ["atomic", "set", "map"];
        faults.push(field::not_supported(&list_type.path, list_type.value, &words));
    }
    let keys = map_keys(at.value);
    if !keys.is_empty() {
        let detail = "must be map if x-kubernetes-list-map-keys is non-empty";
        if !list_type.is_set() {
            faults.push(field::required(&list_type.path, detail));
        } else if list_type.text() != "map" {
            faults.push(field::invalid(&list_type.path, list_type.value, detail));
        }
    }
    if list_type.text() == "map" {
        map_list(at, &keys, faults);
    }
}

/// Says whether the type is right for a keyword that is there.
fn must_be(at: &At<'_>, keyword: &At<'_>, wanted: &str, name: &str, faults: &mut Vec<Cause>) -> bool {
    let type_ = at.get("type");
    if !keyword.is_set() || type_.text() == wanted {
        return true;
    }
    let detail = format!("must be {wanted} if {name} is specified");
    faults.push(if type_.text().is_empty() {
        field::required(&type_.path, &detail)
    } else {
        field::invalid(&type_.path, type_.value, &detail)
    });
    false
}

fn map_list(at: &At<'_>, keys: &[String], faults: &mut Vec<Cause>) {
    let named = at.get("x-kubernetes-list-map-keys");
    if keys.is_empty() {
        let detail = "must not be empty if x-kubernetes-list-type is map";
        faults.push(field::required(&named.path, detail));
    }
    let items = at.get("items");
    if !items.is_set() {
        let detail = "must have a schema if x-kubernetes-list-type is map";
        faults.push(field::required(&items.path, detail));
        return;
    }
    if items.value.is_array() {
        let detail = "must only have a single schema if x-kubernetes-list-type is map";
        faults.push(field::invalid(&items.path, items.value, detail));
        return;
    }
    let type_ = items.get("type");
    if type_.text() != "object" {
        let detail = "must be object if parent array's x-kubernetes-list-type is map";
        faults.push(field::invalid(&type_.path, &Value::from(type_.text()), detail));
        return;
    }
    let mut seen = BTreeSet::new();
    for key in keys {
        let property = items.get("properties").entry(key);
        if !property.is_set() {
            let detail = "entries must all be names of item properties";
            faults.push(field::invalid(&named.path, named.value, detail));
        } else if matches!(property.get("type").text(), "array" | "object") {
            let detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
            faults.push(field::invalid(&property.path.child("type"), type_.value, detail));
        }
        if !seen.insert(key) {
            faults.push(field::invalid(
                &named.path,
                named.value,
                "must not contain duplicate entries",
            ));
        }
    }
}

/// The keyword by which the items of a set would have to be atomic, where they are not.
pub(super) fn non_atomic_item(schema: &Value) -> Option<&'static str> {
    let items = schema.get("items").filter(|items| items.is_object())?;
    if text(schema, "x-kubernetes-list-type") != "set" {
        return None;
    }
    match text(items, "type") {
        "array" => Some("x-kubernetes-list-type").filter(|key| !matches!(text(items, key), "" | "atomic")),
        "object" => Some("x-kubernetes-map-type").filter(|key| text(items, key) != "atomic"),
        _ => None,
    }
}

/// The faults of items that could be null, and of keys that could be absent.
pub(super) fn keys(at: &At<'_>) -> Vec<Cause> {
    let mut faults = Vec::new();
    let items = at.get("items");
    let list_type = text(at.value, "x-kubernetes-list-type");
    if !items.value.is_object() || !matches!(list_type, "set" | "map") {
        return faults;
    }
    if flag(items.value, "nullable") {
        let detail = format!("cannot be nullable when x-kubernetes-list-type is {list_type}");
        faults.push(field::forbidden(&items.path.child("nullable"), &detail));
    }
    if list_type == "set" {
        return faults;
    }
    let required = texts(items.value, "required");
    for key in map_keys(at.value) {
        let property = items.get("properties").entry(&key);
        if !property.is_set() {
            continue;
        }
        if !required.contains(&key) && !property.get("default").is_set() {
            let detail =
                "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
            faults.push(field::required(&property.path.child("default"), detail));
        }
        if flag(property.value, "nullable") {
            let detail = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
            faults.push(field::forbidden(&property.path.child("nullable"), detail));
        }
    }
    faults
}
