//! Items of set lists and map lists are unique.

use serde_json::{Map, Value};

use super::structural::Structural;
use crate::field::{self, Path};
use crate::schema::ListType;
use crate::status::Cause;

/// The faults of all lists in an object.
pub(crate) fn judge(schema: &Structural, object: &Value) -> Vec<Cause> {
    let mut faults = Vec::new();
    for (key, value) in object.as_object().into_iter().flatten() {
        if let Some(field) = schema.properties.get(key) {
            walk(field, value, &Path::root(key), &mut faults);
        } else if let Some(field) = schema.field(key) {
            walk(field, value, &Path::root(&format!("[{key}]")), &mut faults);
        }
    }
    faults
}

fn walk(schema: &Structural, value: &Value, path: &Path, faults: &mut Vec<Cause>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if let Some(field) = schema.properties.get(key) {
                    walk(field, value, &path.child(key), faults);
                } else if let Some(field) = schema.field(key) {
                    walk(field, value, &path.key(key), faults);
                }
            }
        }
        Value::Array(items) => {
            match schema.list_type {
                ListType::Atomic => {}
                ListType::Set => repeated(items.iter().collect::<Vec<_>>().as_slice(), path, faults),
                ListType::Map => map_list(schema, items, path, faults),
            }
            if let Some(item) = &schema.items {
                for (index, value) in items.iter().enumerate() {
                    walk(item, value, &path.index(index), faults);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn map_list(schema: &Structural, items: &[Value], path: &Path, faults: &mut Vec<Cause>) {
    if let Some((index, item)) = items
        .iter()
        .enumerate()
        .find(|(_, item)| !item.is_object() && !item.is_null())
    {
        let detail = "must be an object for an array of list-type map";
        faults.push(field::invalid(&path.index(index), item, detail));
        return;
    }
    let keys: Vec<Value> = items
        .iter()
        .map(|item| {
            let named = schema.list_map_keys.iter();
            let found = named.filter_map(|key| item.get(key).map(|value| (key.clone(), value.clone())));
            Value::Object(found.collect::<Map<_, _>>())
        })
        .collect();
    repeated(keys.iter().collect::<Vec<_>>().as_slice(), path, faults);
}

/// One fault for each value that comes again, at its second place.
fn repeated(values: &[&Value], path: &Path, faults: &mut Vec<Cause>) {
    let mut seen: std::collections::HashMap<String, usize> = std::collections::HashMap::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        let times = seen.entry(value.to_string()).or_default();
        *times += 1;
        if *times == 2 {
            faults.push(field::duplicate(&path.index(index), value));
        }
    }
}
