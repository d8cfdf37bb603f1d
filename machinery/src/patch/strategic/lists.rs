//! Lists under a strategic merge patch: which items there are, and in which order.
//!
//! Items of a patch keep the patch's order among themselves, items that only the document has keep the document's; where
//! the two are interleaved, the document's order decides for items that were there before, and new ones come first.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{DELETE_FROM, ELEMENT_ORDER, Fields, PATCH, UNKNOWN, malformed, merge_map, plain, unprocessable};
use crate::patch::PatchError;
use crate::schema::{Field, Schema};

/// What tells the items of a list apart: a key of theirs, or the items themselves.
#[derive(Clone, Copy)]
struct Identity<'a> {
    key: Option<&'a str>,
}

/// The first place of each item of a list. Lists of a hostile size must not cost a scan for each item.
struct Places(HashMap<String, usize>);

impl Places {
    /// Notes the place of an item that is not known yet; gives whether it was not.
    fn insert_new(&mut self, identity: Identity<'_>, item: &Value, at: usize) -> bool {
        let Some(key) = identity.of(item).map(Value::to_string) else {
            return false;
        };
        match self.0.entry(key) {
            Entry::Occupied(_) => false,
            Entry::Vacant(free) => {
                free.insert(at);
                true
            }
        }
    }
}

impl Identity<'_> {
    fn of<'b>(&self, item: &'b Value) -> Option<&'b Value> {
        self.key.map_or(Some(item), |key| item.get(key))
    }

    fn places(self, items: &[Value]) -> Places {
        let mut places = HashMap::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            if let Some(identity) = self.of(item) {
                places.entry(identity.to_string()).or_insert(at);
            }
        }
        Places(places)
    }

    fn place(self, places: &Places, item: &Value) -> Option<usize> {
        places.0.get(&self.of(item)?.to_string()).copied()
    }

    /// Every item must be tellable from the others.
    fn check(self, items: &[Value]) -> Result<(), PatchError> {
        match (self.key, items.iter().find(|item| self.of(item).is_none())) {
            (Some(key), Some(item)) => unprocessable(format!("map: {item} does not contain declared merge key: {key}")),
            (_, Some(_) | None) => Ok(()),
        }
    }
}

/// A list of the document with a list of the patch: merged where the schema says so, else replaced.
pub(super) fn merge(field: Option<&Field>, items: Vec<Value>, patch: &[Value]) -> Result<Vec<Value>, PatchError> {
    let Some(field) = field.filter(|field| field.is_merged()) else {
        return Ok(patch.to_vec());
    };
    let schema = field.schema().items.as_deref().map_or(&*UNKNOWN, Field::schema);
    let is_map = |item: &Value| item.is_object();
    let identity = match field.patch_merge_key.as_deref() {
        Some(key) if patch.iter().chain(&items).all(is_map) => Identity { key: Some(key) },
        Some(key) => return unprocessable(format!("items of a list that merges by {key} must be objects")),
        None if patch.iter().any(|item| item.is_object() || item.is_array()) => {
            return unprocessable("cannot merge lists of objects without a declared merge key");
        }
        None => Identity { key: None },
    };
    let (merged, set) = merge_items(schema, identity, items.clone(), patch)?;
    let places = identity.places(&set);
    let (from_patch, from_doc) = merged
        .into_iter()
        .partition(|item| identity.place(&places, item).is_some());
    Ok(interleave(identity, from_patch, from_doc, &set, &items))
}

/// The items after merging, and the items of the patch that are no directives.
fn merge_items(
    schema: &Schema,
    identity: Identity<'_>,
    mut items: Vec<Value>,
    patch: &[Value],
) -> Result<(Vec<Value>, Vec<Value>), PatchError> {
    if identity.key.is_none() {
        let mut known = identity.places(&items);
        for item in patch {
            if known.insert_new(identity, item, items.len()) {
                items.push(item.clone());
            }
        }
        return Ok((items, patch.to_vec()));
    }
    let (mut set, mut gone) = (Vec::new(), Vec::new());
    let mut replace = false;
    for item in patch {
        match item.get(PATCH).map(|directive| directive.as_str().unwrap_or_default()) {
            None => set.push(item.clone()),
            Some("replace") => replace = true,
            Some("delete") => gone.push(item.clone()),
            Some(other) => {
                let fault = format!("unknown patch type {other:?} of a list item: it must be replace or delete");
                return unprocessable(fault);
            }
        }
    }
    identity.check(&gone)?;
    if replace {
        return Ok((set.iter().filter_map(plain).collect(), set));
    }
    identity.check(&set)?;
    let gone = identity.places(&gone);
    items.retain(|item| identity.place(&gone, item).is_none());
    let mut known = identity.places(&items);
    for item in &set {
        let Value::Object(change) = item else { continue };
        if known.insert_new(identity, item, items.len()) {
            items.extend(plain(item));
        } else if let Some(there) = identity.place(&known, item).and_then(|at| items.get_mut(at)) {
            let fields = there.as_object_mut().map(std::mem::take).unwrap_or_default();
            *there = Value::Object(merge_map(schema, fields, change)?);
        }
    }
    Ok((items, set))
}

/// Applies `$setElementOrder/NAME` together with the list of that name.
pub(super) fn merge_in_order(
    field: Option<&Field>,
    fields: &mut Fields,
    name: &str,
    change: Option<&Value>,
    order: &Value,
) -> Result<(), PatchError> {
    let Value::Array(order) = order else {
        return malformed(format!(
            "invalid patch format of setElementOrder list: {ELEMENT_ORDER}{name} must be a list"
        ));
    };
    let key = field.and_then(|field| field.patch_merge_key.as_deref());
    let identity = Identity { key };
    identity.check(order)?;
    let change = match change {
        None => None,
        Some(Value::Null) => return Ok(()),
        Some(Value::Array(change)) => Some(change),
        Some(_) => return malformed(format!("{name} is ordered by {ELEMENT_ORDER}{name} and must be a list")),
    };
    if let Some(change) = change {
        check_order(identity, change, order, name)?;
    }
    let before = match fields.remove(name) {
        None | Some(Value::Null) => None,
        Some(Value::Array(items)) => Some(items),
        Some(other) => {
            return unprocessable(format!(
                "{name} is ordered by {ELEMENT_ORDER}{name} but is no list: {other}"
            ));
        }
    };
    let merged = match (&before, change) {
        (None, None) => return Ok(()),
        (Some(items), None) => items.clone(),
        (None, Some(change)) => change.iter().filter_map(plain).collect(),
        (Some(items), Some(change)) => merge(field, items.clone(), change)?,
    };
    identity.check(&merged)?;
    let places = identity.places(order);
    let (ordered, rest) = merged
        .into_iter()
        .partition(|item| identity.place(&places, item).is_some());
    let before = before.unwrap_or_default();
    fields.insert(
        name.to_owned(),
        Value::Array(interleave(identity, ordered, rest, order, &before)),
    );
    Ok(())
}

/// The items that a patch sets must stand in the order that it demands.
fn check_order(identity: Identity<'_>, change: &[Value], order: &[Value], name: &str) -> Result<(), PatchError> {
    if change.is_empty() || order.is_empty() {
        return Ok(());
    }
    let mut places = order.iter();
    for item in change.iter().filter(|item| item.get(PATCH).is_none()) {
        if !places.any(|place| identity.of(place) == identity.of(item)) {
            return unprocessable(format!(
                "The order in patch list {name} doesn't match {ELEMENT_ORDER}{name}"
            ));
        }
    }
    Ok(())
}

/// `chosen` sorted by `order`, `rest` by `before`, and the two put together by `before`. Items without a place come first.
fn interleave(
    identity: Identity<'_>,
    mut chosen: Vec<Value>,
    mut rest: Vec<Value>,
    order: &[Value],
    before: &[Value],
) -> Vec<Value> {
    let (order, before) = (identity.places(order), identity.places(before));
    chosen.sort_by_cached_key(|item| identity.place(&order, item));
    rest.sort_by_cached_key(|item| identity.place(&before, item));
    let mut all = Vec::with_capacity(chosen.len() + rest.len());
    let mut rest = rest.into_iter().peekable();
    for item in chosen {
        if let Some(place) = identity.place(&before, &item) {
            let is_earlier = |other: &Value| identity.place(&before, other).is_some_and(|at| at < place);
            while let Some(other) = rest.next_if(is_earlier) {
                all.push(other);
            }
        }
        all.push(item);
    }
    all.extend(rest);
    all
}

/// Applies `$deleteFromPrimitiveList/NAME`.
pub(super) fn delete_scalars(fields: &mut Fields, name: &str, gone: &Value) -> Result<(), PatchError> {
    let Value::Array(gone) = gone else {
        return malformed(format!(
            "invalid patch format of primitive list: {DELETE_FROM}{name} must be a list"
        ));
    };
    if let Some(Value::Array(items)) = fields.get_mut(name) {
        let gone: HashSet<String> = gone.iter().map(Value::to_string).collect();
        items.retain(|item| !gone.contains(&item.to_string()));
    }
    Ok(())
}
