//! Writes the defaults of a structural schema into a value, and judges the defaults themselves.

use serde_json::Value;

use super::rules::Rules;
use super::structural::Structural;
use crate::field::Path;
use crate::status::Cause;

/// Fills in the defaults from here down. What a default brings is filled in turn, so once is enough.
pub(crate) fn fill(schema: &Structural, value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, field) in &schema.properties {
                if let Some(default) = &field.default
                    && map.get(name).is_none_or(|value| is_bare_null(field, value))
                {
                    map.insert(name.clone(), default.clone());
                }
            }
            for (key, value) in map.iter_mut() {
                if let Some(field) = schema.field(key) {
                    if !schema.properties.contains_key(key) {
                        replace_null(field, value);
                    }
                    fill(field, value);
                }
            }
        }
        Value::Array(items) => {
            if let Some(item) = &schema.items {
                for value in items {
                    replace_null(item, value);
                    fill(item, value);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Null where null is no value.
fn is_bare_null(schema: &Structural, value: &Value) -> bool {
    value.is_null() && !schema.nullable
}

fn replace_null(schema: &Structural, value: &mut Value) {
    if is_bare_null(schema, value)
        && let Some(default) = &schema.default
    {
        *value = default.clone();
    }
}

/// What is wrong with a default.
pub(crate) enum Defaulted {
    /// Nothing.
    Fine,
    /// It holds what the schema does not know.
    Unknown,
    /// The schema does not allow it.
    Wrong(Vec<Cause>),
}

/// Judges a default by the schema at its place.
pub(crate) fn judge_default(schema: &Structural, default: &Value, path: &Path, inside_metadata: bool) -> Defaulted {
    if !inside_metadata {
        let mut pruned = default.clone();
        super::prune::prune_default(schema, &mut pruned);
        if pruned != *default {
            return Defaulted::Unknown;
        }
        let faults = super::metadata::embedded_at(schema, default, path);
        if !faults.is_empty() {
            return Defaulted::Wrong(faults);
        }
    }
    let mut faults = super::values::judge(schema, default, None, Some(path.as_str()));
    if faults.is_empty()
        && let Some(rules) = Rules::read(schema, schema.embedded)
    {
        // As a value that stays, and as one that is new.
        faults = rules.ask(schema, default, Some(default), Some(path)).faults;
        if faults.is_empty() {
            faults = rules.ask(schema, default, None, Some(path)).faults;
        }
    }
    if faults.is_empty() {
        Defaulted::Fine
    } else {
        Defaulted::Wrong(faults)
    }
}
