//! Judges values by a structural schema, in the order and the words of kube-apiserver.
//!
//! In: a schema, a value and, for an update, the value it replaces. Out: faults. A part that did not change is forgiven
//! what is wrong with it; which old part a new one corresponds to is told by keys, and by the keys of map lists.

mod alternatives;
mod numbers;

use serde_json::{Map, Value};

use super::correlate::{self, Old};
use super::structural::{Additional, Structural};
use crate::field::{self, Path};
use crate::schema::Form;
use crate::status::Cause;

/// What became of a value: its faults, and how much of the schema it came through, by which the best of several
/// failed alternatives is told.
#[derive(Default)]
struct Outcome {
    faults: Vec<Fault>,
    matches: usize,
}

/// A fault with the sentence that tells it apart from others.
struct Fault {
    sentence: String,
    cause: Cause,
}

impl Outcome {
    fn of(sentence: String, cause: Cause) -> Self {
        Self {
            faults: vec![Fault { sentence, cause }],
            matches: 0,
        }
    }

    fn push(&mut self, sentence: String, cause: Cause) {
        if !self.faults.iter().any(|fault| fault.sentence == sentence) {
            self.faults.push(Fault { sentence, cause });
        }
    }

    fn merge(&mut self, other: Self) {
        self.matches += other.matches;
        for fault in other.faults {
            self.push(fault.sentence, fault.cause);
        }
    }

    fn is_valid(&self) -> bool {
        self.faults.is_empty()
    }
}

/// Judges a whole object, or the part of it that `base` names.
pub(crate) fn judge(schema: &Structural, value: &Value, old: Old<'_>, base: Option<&str>) -> Vec<Cause> {
    let judge = Judge { base };
    let outcome = judge.forgiving(schema, schema, value, old, "");
    outcome.faults.into_iter().map(|fault| fault.cause).collect()
}

/// The path of a fault of nothing in particular.
pub(crate) fn nowhere() -> Path {
    Path::root("<nil>")
}

struct Judge<'a> {
    base: Option<&'a str>,
}

impl Judge<'_> {
    /// The field of a place. Sentences tell the place without the base, as upstream's do.
    fn field(&self, place: &str) -> Path {
        let place = place.strip_prefix('.').unwrap_or(place);
        match (self.base, place) {
            (None, "") => nowhere(),
            (None, place) => Path::root(place),
            (Some(base), "") => Path::root(base),
            (Some(base), place) => Path::root(base).child(place),
        }
    }

    fn invalid(&self, place: &str, value: &Value, sentence: String) -> (String, Cause) {
        let cause = field::invalid(&self.field(place), &shown(value), &sentence);
        (sentence, cause)
    }

    /// A fault that upstream tells of no field.
    fn bare(&self, sentence: String) -> (String, Cause) {
        let cause = field::invalid(&self.base.map_or_else(nowhere, Path::root), &Value::from(""), &sentence);
        (sentence, cause)
    }

    fn wrong_type(&self, place: &str, expected: &str, found: &Value) -> (String, Cause) {
        let sentence = match found {
            Value::String(found) => format!("{place} in body must be of type {expected}: {}", field::quoted(found)),
            _ => format!("{place} in body must be of type {expected}"),
        };
        let cause = field::type_invalid(&self.field(place), found, &sentence);
        (sentence, cause)
    }

    /// Judges a value, and forgives all if it is what it was. `spine` is the schema that tells list types, where `schema`
    /// may be one of its alternatives.
    fn forgiving(&self, schema: &Structural, spine: &Structural, value: &Value, old: Old<'_>, place: &str) -> Outcome {
        let mut outcome = self.judge(schema, spine, value, old, place);
        if let Some(old) = old
            && !outcome.is_valid()
            && correlate::same(Some(spine), value, old)
        {
            outcome.faults.clear();
        }
        outcome
    }

    fn judge(&self, schema: &Structural, spine: &Structural, value: &Value, old: Old<'_>, place: &str) -> Outcome {
        let mut out = Outcome::default();
        if value.is_null() {
            out.merge(self.null(schema, place));
            out.merge(self.allowed(schema, value, place));
            return out;
        }
        let mut step = |outcome: Outcome| {
            out.merge(outcome);
            out.matches += 1;
        };
        if schema.form != Form::Any || schema.bounds.format.is_some() {
            step(self.type_(schema, value, place));
        }
        step(self.alternatives(schema, spine, value, old, place));
        match value {
            Value::String(text) => {
                step(self.text(schema, text, place));
                if schema.bounds.format.is_some() {
                    step(self.format(schema, text, place));
                }
            }
            Value::Number(number) => step(self.number(schema, number, place)),
            Value::Array(items) => step(self.list(schema, spine, items, old, place)),
            Value::Null | Value::Bool(_) | Value::Object(_) => {}
        }
        step(self.allowed(schema, value, place));
        if let Value::Object(map) = value {
            step(self.map(schema, spine, map, old, place));
        }
        out.matches += 1;
        out
    }

    fn null(&self, schema: &Structural, place: &str) -> Outcome {
        if schema.form == Form::Any || schema.nullable {
            return Outcome {
                matches: 1,
                ..Outcome::default()
            };
        }
        let (sentence, cause) = self.wrong_type(place, type_name(schema.form), &Value::from("null"));
        Outcome::of(sentence, cause)
    }

    fn type_(&self, schema: &Structural, value: &Value, place: &str) -> Outcome {
        let fine = Outcome {
            matches: 1,
            ..Outcome::default()
        };
        let (found, found_format) = kind_of(value);
        let numeric = matches!(schema.form, Form::Integer | Form::Number | Form::IntOrString);
        let fits = match (schema.form, found) {
            (Form::IntOrString, "integer" | "string") | (Form::Number, "integer") => true,
            (Form::Integer | Form::IntOrString, "number") => value.as_f64().is_some_and(is_whole),
            (form, found) => form != Form::Any && type_name(form) == found,
        };
        if let Some(format) = &schema.bounds.format {
            let textual = matches!(value, Value::String(_) | Value::Array(_));
            if !textual && !fits && format.name != found_format {
                let (sentence, cause) = self.wrong_type(place, &format.name, &Value::from(found_format));
                return Outcome::of(sentence, cause);
            }
            if !numeric && textual {
                return fine;
            }
        }
        if fits {
            return fine;
        }
        let (sentence, cause) = self.wrong_type(place, type_name(schema.form), &Value::from(found));
        Outcome::of(sentence, cause)
    }

    fn text(&self, schema: &Structural, text: &str, place: &str) -> Outcome {
        let bounds = &schema.bounds;
        let length = || i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
        let value = Value::from(text);
        if let Some(most) = bounds.max_length.filter(|most| length() > *most) {
            let cause = field::too_long(&self.field(place), usize::try_from(most).unwrap_or_default());
            return Outcome::of(format!("{place} in body should be at most {most} chars long"), cause);
        }
        if let Some(fewest) = bounds.min_length.filter(|fewest| length() < *fewest) {
            let sentence = format!("{place} in body should be at least {fewest} chars long");
            let (sentence, cause) = self.invalid(place, &value, sentence);
            return Outcome::of(sentence, cause);
        }
        if let Some(pattern) = &bounds.pattern
            && !pattern
                .compiled
                .as_ref()
                .is_some_and(|compiled| compiled.is_match(text))
        {
            let sentence = format!("{place} in body should match '{}'", pattern.text);
            let (sentence, cause) = self.invalid(place, &value, sentence);
            return Outcome::of(sentence, cause);
        }
        Outcome::default()
    }

    fn format(&self, schema: &Structural, text: &str, place: &str) -> Outcome {
        match &schema.bounds.format {
            Some(format) if !format.accepts(text) => {
                let (sentence, cause) = self.wrong_type(place, &format.name, &Value::from(text));
                Outcome::of(sentence, cause)
            }
            Some(_) | None => Outcome::default(),
        }
    }

    fn list(&self, schema: &Structural, spine: &Structural, items: &[Value], old: Old<'_>, place: &str) -> Outcome {
        let mut out = Outcome::default();
        if let Some(item) = &schema.items {
            let item_spine = spine.items.as_deref().unwrap_or(item);
            for (index, value) in items.iter().enumerate() {
                let old = correlate::item(Some(spine), value, old);
                out.merge(self.forgiving(item, item_spine, value, old, &format!("{place}[{index}]")));
            }
        }
        let size = i64::try_from(items.len()).unwrap_or(i64::MAX);
        if let Some(fewest) = schema.bounds.min_items.filter(|fewest| size < *fewest) {
            let sentence = format!("{place} in body should have at least {fewest} items");
            let (sentence, cause) = self.invalid(place, &Value::from(size), sentence);
            out.push(sentence, cause);
        }
        if let Some(most) = schema.bounds.max_items.filter(|most| size > *most) {
            let cause = field::too_many(
                &self.field(place),
                items.len(),
                usize::try_from(most).unwrap_or_default(),
            );
            out.push(format!("{place} in body should have at most {most} items"), cause);
        }
        out.matches += 1;
        out
    }

    fn map(
        &self,
        schema: &Structural,
        spine: &Structural,
        map: &Map<String, Value>,
        old: Old<'_>,
        place: &str,
    ) -> Outcome {
        let mut out = Outcome::default();
        let size = i64::try_from(map.len()).unwrap_or(i64::MAX);
        if let Some(fewest) = schema.bounds.min_properties.filter(|fewest| size < *fewest) {
            let sentence = format!("{place} in body should have at least {fewest} properties");
            let (sentence, cause) = self.invalid(place, &Value::from(size), sentence);
            out.push(sentence, cause);
        }
        if let Some(most) = schema.bounds.max_properties.filter(|most| size > *most) {
            let cause = field::too_many(&self.field(place), map.len(), usize::try_from(most).unwrap_or_default());
            out.push(format!("{place} in body should have at most {most} properties"), cause);
        }
        for (key, value) in map {
            if schema.properties.contains_key(key) {
                continue;
            }
            match &schema.additional {
                Additional::Said(false) => {
                    let sentence = format!("{place}.{key} in body is a forbidden property");
                    let (sentence, cause) = self.invalid(place, &Value::from(key.as_str()), sentence);
                    out.push(sentence, cause);
                }
                Additional::Schema(field) => {
                    let old = correlate::field(Some(spine), key, old);
                    let spine = spine.field(key).unwrap_or(field);
                    out.merge(self.forgiving(field, spine, value, old, &format!("{place}.{key}")));
                }
                Additional::Said(true) | Additional::Unsaid => {}
            }
        }
        for (name, field) in &schema.properties {
            let Some(value) = map.get(name) else { continue };
            let inner = if place.is_empty() {
                name.clone()
            } else {
                format!("{place}.{name}")
            };
            let own = place.is_empty() && matches!(name.as_str(), "apiVersion" | "kind");
            let old = correlate::field(Some(spine), name, old).filter(|_| !own);
            out.merge(self.forgiving(field, spine.field(name).unwrap_or(field), value, old, &inner));
        }
        for name in schema.bounds.required.iter().filter(|name| !map.contains_key(*name)) {
            let inner = format!("{place}.{name}");
            let cause = field::required(&self.field(&inner), "");
            out.push(format!("{inner} in body is required"), cause);
        }
        out
    }

    fn allowed(&self, schema: &Structural, value: &Value, place: &str) -> Outcome {
        let allowed = &schema.bounds.allowed;
        let same = |one: &Value| match (one, value) {
            (Value::Null, _) => false,
            (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
            (one, value) => one == value,
        };
        if allowed.is_empty() || allowed.iter().any(same) {
            return Outcome::default();
        }
        let words: Vec<String> = allowed
            .iter()
            .map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned))
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let cause = field::not_supported(&self.field(place), value, &words);
        Outcome::of(format!("{place} in body should be one of {words:?}"), cause)
    }
}

fn is_whole(number: f64) -> bool {
    number.is_finite() && number.fract().abs() < 1e-9
}

fn type_name(form: Form) -> &'static str {
    match form {
        Form::Object => "object",
        Form::Array => "array",
        Form::String => "string",
        Form::Integer => "integer",
        Form::Number => "number",
        Form::Boolean => "boolean",
        Form::IntOrString => "integer,string",
        Form::Quantity | Form::Any => "",
    }
}

/// Type and format of a value, as they are told.
fn kind_of(value: &Value) -> (&'static str, &'static str) {
    match value {
        Value::Null => ("null", ""),
        Value::Bool(_) => ("boolean", ""),
        Value::Number(number) if number.as_i64().is_some() => ("integer", "int64"),
        Value::Number(_) => ("number", "float64"),
        Value::String(_) => ("string", ""),
        Value::Array(_) => ("array", ""),
        Value::Object(_) => ("object", ""),
    }
}

fn shown(value: &Value) -> Value {
    if value.is_null() {
        Value::from("")
    } else {
        value.clone()
    }
}
