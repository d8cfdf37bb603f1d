//! The structural schema of one place of a custom object, compiled from `openAPIV3Schema`.
//!
//! In: the JSON of a schema that passed validation; whatever else comes is read as saying nothing. Out: [`Structural`]
//! trees that pruning, defaulting and validation walk. Schemas of custom kinds hold no references, so a tree is finite.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::schema::{Form, ListType};

use super::bounds::Bounds;
use super::read::{flag, list, text, texts};

/// One place of a custom object, or one alternative of `allOf`, `anyOf`, `oneOf` and `not`.
#[derive(Clone, Debug)]
pub(crate) struct Structural {
    /// Its JSON form; [`Form::Any`] where no type is said.
    pub(crate) form: Form,
    /// Null is a value of its own.
    pub(crate) nullable: bool,
    /// Keys that are not known are kept.
    pub(crate) preserve_unknown: bool,
    /// An object of some kind, with `apiVersion`, `kind` and `metadata`.
    pub(crate) embedded: bool,
    /// What stands here where nothing is given.
    pub(crate) default: Option<Value>,
    /// Named fields.
    pub(crate) properties: BTreeMap<String, Structural>,
    /// Values of other keys.
    pub(crate) additional: Additional,
    /// Items of a list.
    pub(crate) items: Option<Box<Structural>>,
    /// How the items of a list are told apart.
    pub(crate) list_type: ListType,
    /// Fields that tell the items of a [`ListType::Map`] apart.
    pub(crate) list_map_keys: Vec<String>,
    /// The whole map changes at once.
    pub(crate) atomic_map: bool,
    /// Its rules, as written.
    pub(crate) rules: Vec<Value>,
    /// What it demands of a value.
    pub(crate) bounds: Bounds,
}

/// What may stand under keys that are not properties.
#[derive(Clone, Debug)]
pub(crate) enum Additional {
    /// Nothing is said.
    Unsaid,
    /// Anything, or nothing; what stands there is not told, so it keeps no fields.
    Said(bool),
    /// Values of a schema.
    Schema(Box<Structural>),
}

impl Structural {
    /// Compiles a schema.
    pub(crate) fn read(schema: &Value) -> Self {
        let properties = schema.get("properties").and_then(Value::as_object);
        Self {
            form: form(schema),
            nullable: flag(schema, "nullable"),
            preserve_unknown: flag(schema, "x-kubernetes-preserve-unknown-fields"),
            embedded: flag(schema, "x-kubernetes-embedded-resource"),
            default: schema.get("default").filter(|value| !value.is_null()).cloned(),
            properties: properties.map(read_all).unwrap_or_default(),
            additional: match schema.get("additionalProperties") {
                Some(value @ Value::Object(_)) => Additional::Schema(Box::new(Self::read(value))),
                Some(Value::Bool(said)) => Additional::Said(*said),
                Some(_) | None => Additional::Unsaid,
            },
            items: schema
                .get("items")
                .filter(|items| items.is_object())
                .map(|items| Box::new(Self::read(items))),
            list_type: match text(schema, "x-kubernetes-list-type") {
                "set" => ListType::Set,
                "map" => ListType::Map,
                _ => ListType::Atomic,
            },
            list_map_keys: texts(schema, "x-kubernetes-list-map-keys"),
            atomic_map: text(schema, "x-kubernetes-map-type") == "atomic",
            rules: list(schema, "x-kubernetes-validations").to_vec(),
            bounds: Bounds::read(schema),
        }
    }

    /// Compiles the schema of a whole object.
    pub(crate) fn root(schema: &Value) -> Self {
        Self {
            embedded: true,
            ..Self::read(schema)
        }
    }

    /// The schema of a key: of a property, or of the values of a map.
    pub(crate) fn field(&self, key: &str) -> Option<&Self> {
        self.properties.get(key).or(match &self.additional {
            Additional::Schema(schema) => Some(schema),
            Additional::Said(_) | Additional::Unsaid => None,
        })
    }
}

fn read_all(properties: &Map<String, Value>) -> BTreeMap<String, Structural> {
    properties
        .iter()
        .map(|(name, schema)| (name.clone(), Structural::read(schema)))
        .collect()
}

fn form(schema: &Value) -> Form {
    if flag(schema, "x-kubernetes-int-or-string") {
        return Form::IntOrString;
    }
    match text(schema, "type") {
        "object" => Form::Object,
        "array" => Form::Array,
        "string" => Form::String,
        "integer" => Form::Integer,
        "number" => Form::Number,
        "boolean" => Form::Boolean,
        _ => Form::Any,
    }
}
