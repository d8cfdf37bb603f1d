//! What a schema demands of a value beyond its place in the tree: bounds, words, patterns, formats, alternatives.

use regex::Regex;
use serde_json::Value;

use super::format::Format;
use super::pattern;
use super::read::{flag, list, text, texts};
use super::structural::Structural;

/// The demands of one schema.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bounds {
    /// A format that is known for the type.
    pub(crate) format: Option<Format>,
    /// Greatest number.
    pub(crate) maximum: Option<f64>,
    /// It is itself too great.
    pub(crate) exclusive_maximum: bool,
    /// Least number.
    pub(crate) minimum: Option<f64>,
    /// It is itself too small.
    pub(crate) exclusive_minimum: bool,
    /// Divisor without rest.
    pub(crate) multiple_of: Option<f64>,
    /// Most characters.
    pub(crate) max_length: Option<i64>,
    /// Fewest characters.
    pub(crate) min_length: Option<i64>,
    /// Pattern that a part of the text matches.
    pub(crate) pattern: Option<Pattern>,
    /// Most items.
    pub(crate) max_items: Option<i64>,
    /// Fewest items.
    pub(crate) min_items: Option<i64>,
    /// Most keys.
    pub(crate) max_properties: Option<i64>,
    /// Fewest keys.
    pub(crate) min_properties: Option<i64>,
    /// Keys that must be there.
    pub(crate) required: Vec<String>,
    /// Values that are allowed; all are where none is told.
    pub(crate) allowed: Vec<Value>,
    /// All of these hold.
    pub(crate) all_of: Vec<Structural>,
    /// At least one of these holds.
    pub(crate) any_of: Vec<Structural>,
    /// Exactly one of these holds.
    pub(crate) one_of: Vec<Structural>,
    /// This does not hold.
    pub(crate) not: Option<Box<Structural>>,
}

/// A pattern and its compiled form; none where it does not compile, which validation of the definition refuses.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    /// As written.
    pub(crate) text: String,
    /// Compiled.
    pub(crate) compiled: Option<Regex>,
}

impl Bounds {
    pub(crate) fn read(schema: &Value) -> Self {
        let number = |key: &str| schema.get(key).and_then(Value::as_f64);
        let count = |key: &str| schema.get(key).and_then(Value::as_i64);
        let schemas = |key: &str| list(schema, key).iter().map(Structural::read).collect();
        Self {
            format: Format::read(
                text(schema, "type"),
                text(schema, "format"),
                flag(schema, "x-kubernetes-int-or-string"),
            ),
            maximum: number("maximum"),
            exclusive_maximum: flag(schema, "exclusiveMaximum"),
            minimum: number("minimum"),
            exclusive_minimum: flag(schema, "exclusiveMinimum"),
            multiple_of: number("multipleOf"),
            max_length: count("maxLength"),
            min_length: count("minLength"),
            pattern: Some(text(schema, "pattern"))
                .filter(|text| !text.is_empty())
                .map(|text| Pattern {
                    text: text.to_owned(),
                    compiled: pattern::compile(text).ok(),
                }),
            max_items: count("maxItems"),
            min_items: count("minItems"),
            max_properties: count("maxProperties"),
            min_properties: count("minProperties"),
            required: texts(schema, "required"),
            allowed: list(schema, "enum").to_vec(),
            all_of: schemas("allOf"),
            any_of: schemas("anyOf"),
            one_of: schemas("oneOf"),
            not: schema
                .get("not")
                .filter(|not| not.is_object())
                .map(|not| Box::new(Structural::read(not))),
        }
    }
}
