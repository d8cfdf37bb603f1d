//! What CEL sees of a place of a custom object: its type, and how much of it there can be at most.
//!
//! In: structural schemas. Out: [`Shape`]s, by which values are read, expressions are checked and costs are estimated.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::parser::RESERVED;
use crate::custom::structural::{Additional, Structural};
use crate::schema::{Form, ListType};

/// Bytes of the greatest request.
pub(crate) const REQUEST_MAX: i64 = 3 * 1024 * 1024;

/// A place and what is below it.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) kind: ShapeKind,
    /// Most characters, items or entries.
    pub(crate) most: i64,
    /// Fewest bytes of JSON.
    pub(crate) least_bytes: i64,
    /// How the items of a list are told apart.
    pub(crate) list_type: ListType,
    /// Fields that tell the items of a map list apart.
    pub(crate) keys: Vec<String>,
}

#[derive(Debug)]
pub(crate) enum ShapeKind {
    Any,
    Bool,
    Int,
    Double,
    Text,
    Bytes,
    Duration,
    Timestamp,
    List(Arc<Shape>),
    Map(Arc<Shape>),
    /// Fields by the names they have in expressions, with those they have in JSON.
    Object(BTreeMap<String, (String, Arc<Shape>)>),
}

impl Shape {
    fn new(kind: ShapeKind, most: i64, least_bytes: i64) -> Self {
        Self {
            kind,
            most,
            least_bytes,
            list_type: ListType::Atomic,
            keys: Vec::new(),
        }
    }

    /// Anything at all.
    pub(crate) fn any() -> Self {
        Self::new(ShapeKind::Any, REQUEST_MAX - 2, 1)
    }

    /// Text of any length.
    pub(crate) fn text() -> Self {
        Self::new(ShapeKind::Text, REQUEST_MAX - 2, 2)
    }

    /// What rules see of a schema; none where they see nothing.
    pub(crate) fn of(schema: &Structural, root: bool) -> Option<Self> {
        let bounds = &schema.bounds;
        if schema.form == Form::IntOrString {
            let most = bounds
                .max_length
                .map_or(REQUEST_MAX - 2, |most| most.max(0).saturating_mul(4));
            return Some(Self::new(ShapeKind::Any, most, 1));
        }
        match schema.form {
            Form::Array => {
                let items = schema.items.as_deref()?;
                let item = Self::of(items, items.embedded)?;
                let most = bounds
                    .max_items
                    .map_or((REQUEST_MAX - 2) / (item.least_bytes + 1), |most| most.max(0));
                let mut out = Self::new(ShapeKind::List(Arc::new(item)), most, 2);
                out.list_type = schema.list_type;
                out.keys = schema.list_map_keys.clone();
                Some(out)
            }
            Form::Object => Self::of_object(schema, root),
            Form::String => Some(Self::of_text(schema)),
            Form::Boolean => Some(Self::new(ShapeKind::Bool, 0, 4)),
            Form::Number => Some(Self::new(ShapeKind::Double, 0, 1)),
            Form::Integer => Some(Self::new(ShapeKind::Int, 0, 1)),
            Form::IntOrString | Form::Quantity | Form::Any => None,
        }
    }

    fn of_object(schema: &Structural, root: bool) -> Option<Self> {
        if let Additional::Schema(values) = &schema.additional {
            let value = Self::of(values, values.embedded)?;
            let most = schema
                .bounds
                .max_properties
                .map_or((REQUEST_MAX - 2) / (value.least_bytes + 6), |most| most.max(0));
            return Some(Self::new(ShapeKind::Map(Arc::new(value)), most, 2));
        }
        let mut least = 2;
        let mut fields = BTreeMap::new();
        for (name, field) in &schema.properties {
            if root && matches!(name.as_str(), "apiVersion" | "kind" | "metadata") {
                continue;
            }
            let Some(shape) = Self::of(field, field.embedded) else {
                continue;
            };
            if schema.bounds.required.contains(name) && field.default.is_none() {
                least += i64::try_from(name.len()).unwrap_or_default() + shape.least_bytes + 4;
            }
            if let Some(escaped) = escape(name) {
                fields.insert(escaped, (name.clone(), Arc::new(shape)));
            }
        }
        if root {
            let named = |name: &str, shape: Shape| (name.to_owned(), (name.to_owned(), Arc::new(shape)));
            let metadata = BTreeMap::from([named("name", Self::text()), named("generateName", Self::text())]);
            fields.extend([
                named("apiVersion", Self::text()),
                named("kind", Self::text()),
                named("metadata", Self::new(ShapeKind::Object(metadata), 0, 2)),
            ]);
        }
        Some(Self::new(ShapeKind::Object(fields), 0, least))
    }

    fn of_text(schema: &Structural) -> Self {
        let bounds = &schema.bounds;
        let format = bounds.format.as_ref().map_or("", |format| format.name.as_str());
        match format {
            "byte" => {
                let most = bounds.max_length.map_or(REQUEST_MAX - 2, |most| most.max(0));
                Self::new(ShapeKind::Bytes, most, 2)
            }
            "duration" => Self::new(ShapeKind::Duration, 32, 3),
            "date" => Self::new(ShapeKind::Timestamp, 12, 12),
            "date-time" => Self::new(ShapeKind::Timestamp, 32, 21),
            _ => {
                let longest = |words: &[serde_json::Value]| {
                    let lengths = words.iter().filter_map(|word| word.as_str().map(str::len));
                    i64::try_from(lengths.max().unwrap_or_default()).unwrap_or(i64::MAX)
                };
                let most = match (bounds.max_length, bounds.allowed.as_slice()) {
                    // Characters may take four bytes.
                    (Some(most), _) => most.max(0).saturating_mul(4),
                    (None, []) => REQUEST_MAX - 2,
                    (None, words) => longest(words),
                };
                Self::new(ShapeKind::Text, most, 2)
            }
        }
    }

    /// The shape below by a step of a path: a field, or `@items`, `@values`; keys of maps have none.
    pub(crate) fn step(&self, name: &str) -> Option<&Arc<Self>> {
        match (&self.kind, name) {
            (ShapeKind::List(item), "@items") => Some(item),
            (ShapeKind::Map(value), "@values" | "@items") => Some(value),
            (ShapeKind::Object(fields), name) => fields.get(name).map(|(_, shape)| shape),
            _ => None,
        }
    }
}

/// Literals and the operator that are spelled as words.
const WORDS: [&str; 4] = ["true", "false", "null", "in"];

/// The name that a field has in expressions; none where it can have none.
pub(crate) fn escape(name: &str) -> Option<String> {
    if WORDS.contains(&name) || RESERVED.contains(&name) || name == "while" {
        return Some(format!("__{name}__"));
    }
    let mut out = String::new();
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        let (word, length) = match c {
            _ if rest.starts_with("__") => ("__underscores__", 2),
            '.' => ("__dot__", 1),
            '-' => ("__dash__", 1),
            '/' => ("__slash__", 1),
            c if c.is_ascii_alphanumeric() || c == '_' => {
                out.push(c);
                ("", 1)
            }
            _ => return None,
        };
        out.push_str(word);
        rest = rest.get(length..).unwrap_or_default();
    }
    let first = name.chars().next()?;
    (first.is_ascii_alphabetic() || first == '_').then_some(out)
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn names_in_expressions() {
        for (name, escaped) in [
            ("a", Some("a")),
            ("in", Some("__in__")),
            ("a-b.c/d", Some("a__dash__b__dot__c__slash__d")),
            ("x__y", Some("x__underscores__y")),
            ("_a", Some("_a")),
            ("1a", None),
            ("a b", None),
            ("", None),
        ] {
            assert_eq!(escape(name).as_deref(), escaped, "{name}");
        }
    }
}
