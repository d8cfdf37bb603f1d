//! What makes a schema structural: types everywhere outside of alternatives, and within alternatives nothing that would
//! give a value its shape.

use serde_json::{Value, json};

use super::At;
use super::parts::schemas;
use crate::custom::pattern;
use crate::custom::read::{flag, list, text, texts};
use crate::field::{self, Path};
use crate::status::Cause;

/// Where a schema stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Item,
    Field,
}

/// The keyword that no structural schema may use, at this place.
pub(super) fn unsupported(schema: &Value) -> Option<&'static str> {
    let set = |key: &str| match schema.get(key) {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Object(map)) => !map.is_empty() || key == "additionalItems",
        Some(_) => true,
    };
    [
        "id",
        "$schema",
        "$ref",
        "patternProperties",
        "dependencies",
        "additionalItems",
        "definitions",
    ]
    .into_iter()
    .find(|key| set(key))
    .map(|key| if key == "$schema" { "schema" } else { key })
}

/// The first keyword anywhere that keeps the schema from being read as structural, as a sentence.
pub(super) fn first_unsupported(root: &Value) -> Option<String> {
    let mut found = None;
    super::schema::each(root, &mut |schema| {
        if found.is_some() {
            return;
        }
        if let Some(key) = unsupported(schema) {
            found = Some(format!("OpenAPIV3Schema '{key}' is not supported"));
        } else if schema.get("items").is_some_and(Value::is_array) {
            found = Some("OpenAPIV3Schema 'items' must be a schema, but is an array".to_owned());
        } else if schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(false)) {
            found = Some("internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined".to_owned());
        }
    });
    found
}

/// The faults of a schema, sorted by what they say.
pub(super) fn judge(root: &At<'_>) -> Vec<Cause> {
    let mut faults = Vec::new();
    structure(root, Level::Root, &mut faults);
    complete_alternatives(root.value, Some(root.value), &root.path, &root.path, &mut faults);
    faults.sort_by_cached_key(|cause| format!("{}: {}", cause.field, cause.message));
    faults
}

fn structure(at: &At<'_>, level: Level, faults: &mut Vec<Cause>) {
    let schema = at.value;
    let (type_, embedded) = (text(schema, "type"), flag(schema, "x-kubernetes-embedded-resource"));
    let preserve = flag(schema, "x-kubernetes-preserve-unknown-fields");
    let int_or_string = flag(schema, "x-kubernetes-int-or-string");
    let items = at.get("items");
    if items.value.is_object() {
        structure(&items, Level::Item, faults);
    } else if type_ == "array" {
        faults.push(field::required(&items.path, "must be specified"));
    }
    for (_, property) in at.get("properties").entries() {
        structure(&property, Level::Field, faults);
    }
    let additional = at.get("additionalProperties");
    if additional.is_set() {
        if level == Level::Root {
            faults.push(field::forbidden(&additional.path, "must not be used at the root"));
        }
        if additional.value.is_object() {
            structure(&additional, Level::Field, faults);
        }
    }
    for (key, is_set, value) in [
        ("x-kubernetes-preserve-unknown-fields", preserve, true),
        ("x-kubernetes-embedded-resource", embedded, true),
    ] {
        if int_or_string && is_set {
            let detail = "must be false if x-kubernetes-int-or-string is true";
            faults.push(field::invalid(&at.path.child(key), &Value::from(value), detail));
        }
    }
    let either = json!([{"type": "integer"}, {"type": "string"}]);
    let any_of_is_either = schema.get("anyOf") == Some(&either);
    let first_is_either = list(schema, "allOf").first().and_then(|first| first.get("anyOf")) == Some(&either);
    alternatives(at, any_of_is_either, first_is_either, faults);
    types(at, level, faults);
    own_fields(at, level == Level::Root || embedded, level, faults);
    if embedded && !preserve && schemas(schema, "properties").is_none() {
        let detail =
            "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
        faults.push(field::required(&at.path.child("properties"), detail));
    }
}

fn types(at: &At<'_>, level: Level, faults: &mut Vec<Cause>) {
    let schema = at.value;
    let (type_, embedded) = (text(schema, "type"), flag(schema, "x-kubernetes-embedded-resource"));
    let path = at.path.child("type");
    let typeless = flag(schema, "x-kubernetes-int-or-string") || flag(schema, "x-kubernetes-preserve-unknown-fields");
    if embedded && type_ != "object" {
        let detail = "must be object if x-kubernetes-embedded-resource is true";
        faults.push(match type_ {
            "" => field::required(&path, detail),
            type_ => field::invalid(&path, &Value::from(type_), detail),
        });
    } else if type_.is_empty() && !typeless {
        let detail = match level {
            Level::Root => "must not be empty at the root",
            Level::Item => "must not be empty for specified array items",
            Level::Field => "must not be empty for specified object fields",
        };
        faults.push(field::required(&path, detail));
    }
    if embedded && at.get("additionalProperties").is_set() {
        let detail = "must not be used if x-kubernetes-embedded-resource is set";
        faults.push(field::forbidden(&at.path.child("additionalProperties"), detail));
    }
    if level == Level::Root && !type_.is_empty() && type_ != "object" {
        faults.push(field::invalid(&path, &Value::from(type_), "must be object at the root"));
    }
}

/// What a schema may say of the fields that every object has.
fn own_fields(at: &At<'_>, of_object: bool, level: Level, faults: &mut Vec<Cause>) {
    let properties = at.get("properties");
    for name in ["kind", "apiVersion"] {
        let property = properties.entry(name);
        if of_object && property.is_set() && property.get("type").text() != "string" {
            let value = Value::from(property.get("type").text());
            faults.push(field::invalid(&property.path.child("type"), &value, "must be string"));
        }
    }
    let metadata = properties.entry("metadata");
    if !metadata.is_set() {
        return;
    }
    if of_object && metadata.get("type").text() != "object" {
        let value = Value::from(metadata.get("type").text());
        faults.push(field::invalid(&metadata.path.child("type"), &value, "must be object"));
    }
    if level != Level::Root {
        return;
    }
    let names_only = schemas(metadata.value, "properties").is_none_or(|properties| {
        properties
            .keys()
            .all(|key| matches!(key.as_str(), "name" | "generateName"))
    });
    let more = metadata.value.as_object().into_iter().flatten().any(|(key, value)| {
        let says = match value {
            Value::Null | Value::Bool(false) => false,
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            _ => true,
        };
        says && !matches!(key.as_str(), "type" | "default" | "properties")
    });
    if more || !names_only {
        let detail = "must not specify anything other than name and generateName, but metadata is implicitly specified";
        faults.push(field::forbidden(&metadata.path, detail));
    }
}

/// Judges the alternatives of a schema, and its pattern.
fn alternatives(at: &At<'_>, skip_any: bool, skip_first: bool, faults: &mut Vec<Cause>) {
    if !skip_any {
        for one in at.get("anyOf").items() {
            nested(&one, false, faults);
        }
    }
    for (index, one) in at.get("allOf").items().enumerate() {
        nested(&one, skip_first && index == 0, faults);
    }
    for one in at.get("oneOf").items() {
        nested(&one, false, faults);
    }
    let not = at.get("not");
    if not.value.is_object() {
        nested(&not, false, faults);
    }
    let pattern = at.get("pattern");
    if !pattern.text().is_empty()
        && let Err(error) = pattern::compile(pattern.text())
    {
        let detail = format!("must be a valid regular expression, but isn't: {}", one_line(&error));
        faults.push(field::invalid(&pattern.path, pattern.value, &detail));
    }
}

/// The last line of a parser's many.
fn one_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

fn nested(at: &At<'_>, skip_any: bool, faults: &mut Vec<Cause>) {
    alternatives(at, skip_any, false, faults);
    let items = at.get("items");
    if items.value.is_object() {
        nested(&items, false, faults);
    }
    for (_, property) in at.get("properties").entries() {
        nested(&property, false, faults);
    }
    let schema = at.value;
    let has_text = |key: &str| !text(schema, key).is_empty();
    let has_any = |key: &str| schema.get(key).is_some_and(|value| !value.is_null());
    let open = match schema.get("additionalProperties") {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(_) => true,
    };
    let (empty, undefined, unset) = (
        "must be empty to be structural",
        "must be undefined to be structural",
        "must be false to be structural",
    );
    for (key, found, detail) in [
        ("type", has_text("type"), empty),
        ("additionalProperties", open, undefined),
        ("default", has_any("default"), undefined),
        ("title", has_text("title"), empty),
        ("description", has_text("description"), empty),
        ("nullable", flag(schema, "nullable"), unset),
        (
            "x-kubernetes-preserve-unknown-fields",
            flag(schema, "x-kubernetes-preserve-unknown-fields"),
            unset,
        ),
        (
            "x-kubernetes-embedded-resource",
            flag(schema, "x-kubernetes-embedded-resource"),
            unset,
        ),
        (
            "x-kubernetes-int-or-string",
            flag(schema, "x-kubernetes-int-or-string"),
            unset,
        ),
        (
            "x-kubernetes-list-map-keys",
            !texts(schema, "x-kubernetes-list-map-keys").is_empty(),
            empty,
        ),
        ("x-kubernetes-list-type", has_any("x-kubernetes-list-type"), undefined),
        ("x-kubernetes-map-type", has_any("x-kubernetes-map-type"), undefined),
        (
            "x-kubernetes-validations",
            !list(schema, "x-kubernetes-validations").is_empty(),
            empty,
        ),
    ] {
        if found {
            faults.push(field::forbidden(&at.path.child(key), detail));
        }
    }
    let metadata = at.get("properties").entry("metadata");
    if metadata.is_set() {
        faults.push(field::forbidden(
            &metadata.path,
            "must not be specified in a nested context",
        ));
    }
}

/// What alternatives speak of must be there outside of them.
fn complete_alternatives(
    value: &Value,
    spine: Option<&Value>,
    spine_path: &Path,
    path: &Path,
    faults: &mut Vec<Cause>,
) {
    let Some(spine) = spine else {
        faults.push(field::required(spine_path, &format!("because it is defined in {path}")));
        return;
    };
    if let Some(not) = value.get("not").filter(|not| not.is_object()) {
        complete(not, Some(spine), spine_path, &path.child("not"), faults);
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        for (index, one) in list(value, key).iter().enumerate() {
            complete(one, Some(spine), spine_path, &path.child(key).index(index), faults);
        }
    }
}

fn complete(value: &Value, spine: Option<&Value>, spine_path: &Path, path: &Path, faults: &mut Vec<Cause>) {
    complete_alternatives(value, spine, spine_path, path, faults);
    let Some(spine) = spine else { return };
    if let Some(items) = value.get("items").filter(|items| items.is_object()) {
        let inner = spine.get("items").filter(|items| items.is_object());
        complete(items, inner, &spine_path.child("items"), &path.child("items"), faults);
    }
    for (name, property) in schemas(value, "properties").into_iter().flatten() {
        let inner_path = spine_path.child("properties").key(name);
        let own_path = path.child("properties").key(name);
        match spine.get("properties").and_then(|properties| properties.get(name)) {
            Some(inner) => complete(property, Some(inner), &inner_path, &own_path, faults),
            None => faults.push(field::required(
                &inner_path,
                &format!("because it is defined in {own_path}"),
            )),
        }
    }
}
