//! The parts of a version: schema, subresources, columns, selectable fields.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{At, Leniency, defaults, field_path, schema, structural};
use crate::custom::read::{flag, text};
use crate::custom::structural::Structural;
use crate::field;
use crate::schema::Form;
use crate::status::Cause;

/// Selectable fields of one version.
const SELECTABLE_MAX: usize = 8;

/// What all versions say alike about a part; of the first version, and null where none says anything.
pub(super) fn shared<'a>(versions: &At<'a>, key: &str) -> Option<At<'a>> {
    let mut parts = versions.items().map(|version| version.get(key));
    let first = parts.next()?;
    parts
        .all(|other| crate::validate::at::same(other.value, first.value))
        .then_some(first)
}

/// Judges the parts of a version that it does not share with all others.
pub(super) fn version(all: &At<'_>, version: &At<'_>, lenient: Leniency<'_>, faults: &mut Vec<Cause>) {
    deprecation(version, faults);
    let own = |key: &str| Some(version.get(key)).filter(|part| part.is_set() && shared(all, key).is_none());
    if let Some(schema) = own("schema") {
        let status = version.get("subresources").get("status").is_set();
        self::schema(&schema, status, lenient, faults);
    }
    if let Some(subresources) = own("subresources") {
        self::subresources(&subresources, faults);
    }
    if let Some(columns) = own("additionalPrinterColumns") {
        columns.items().for_each(|column| self::column(&column, faults));
    }
    if let Some(fields) = own("selectableFields").filter(|fields| fields.len() > 0) {
        match own("schema").map(|schema| schema.get("openAPIV3Schema")) {
            Some(root) if root.value.is_object() => selectable(&fields, root.value, lenient, faults),
            Some(_) | None => {
                let detail = "may only be set when `version.schema.openAPIV3Schema` is not included";
                faults.push(field::invalid(&fields.path, &Value::from(""), detail));
            }
        }
    }
}

fn deprecation(version: &At<'_>, faults: &mut Vec<Cause>) {
    let warning = version.get("deprecationWarning");
    let Value::String(said) = warning.value else { return };
    let mut wrong = |detail: &str| faults.push(field::invalid(&warning.path, warning.value, detail));
    if !flag(version.value, "deprecated") {
        wrong("can only be set for deprecated versions");
        return;
    }
    if said.len() > 256 {
        wrong("must be <= 256 characters long");
    }
    if said.is_empty() {
        wrong("must not be an empty string");
    }
    let odd = |c: char| c.is_control() || (c.is_whitespace() && c != ' ');
    if let Some((index, _)) = said.char_indices().find(|(_, c)| odd(*c)) {
        wrong(&format!(
            "must only contain printable UTF-8 characters; non-printable character found at index {index}"
        ));
    }
}

const AT_ROOT: &str = "[Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations]";

const NOT_AT_ROOT: &[&str] = &[
    "nullable",
    "default",
    "maxProperties",
    "minProperties",
    "enum",
    "allOf",
    "oneOf",
    "anyOf",
    "not",
    "additionalProperties",
    "patternProperties",
    "dependencies",
    "additionalItems",
    "definitions",
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-map-type",
];

/// Judges a schema and all below it.
pub(super) fn schema(part: &At<'_>, status: bool, lenient: Leniency<'_>, faults: &mut Vec<Cause>) {
    let root = part.get("openAPIV3Schema");
    if !root.value.is_object() {
        return;
    }
    let before = faults.len();
    if status {
        status_root(&root, faults);
    }
    if flag(root.value, "nullable") {
        let path = root.path.child("nullable");
        faults.push(field::forbidden(&path, "nullable cannot be true at the root"));
    }
    let mut rules_apply = false;
    let mut unreadable = None;
    if !lenient.any_schema(|schema| structural::unsupported(schema).is_some()) {
        unreadable = structural::first_unsupported(root.value);
        if unreadable.is_none() {
            let mut found = structural::judge(&root);
            if found.is_empty() {
                found = defaults::judge(&root);
            }
            rules_apply = found.is_empty();
            faults.append(&mut found);
        }
    }
    let found = schema::judge(&root, lenient, rules_apply);
    faults.extend(found);
    if let Some(unsupported) = unreadable.filter(|_| faults.len() == before) {
        faults.push(field::invalid(&root.path, &Value::from(""), &unsupported));
    }
}

/// With the status subresource, the root may say only what is not lost when the status is taken out of it.
fn status_root(root: &At<'_>, faults: &mut Vec<Cause>) {
    let says = |key: &str| match root.value.get(key) {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(map)) => !map.is_empty() || matches!(key, "not" | "default" | "additionalProperties"),
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Bool(true) | Value::Number(_)) => true,
    };
    let refuse = |faults: &mut Vec<Cause>| {
        let detail =
            format!("only {AT_ROOT} fields are allowed at the root of the schema if the status subresource is enabled");
        faults.push(field::invalid(&root.path, root.value, &detail));
    };
    if ["id", "$schema", "$ref"].iter().any(|key| says(key)) {
        refuse(faults);
        return;
    }
    let type_ = text(root.value, "type");
    if !type_.is_empty() && type_ != "object" {
        let detail =
            "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled";
        faults.push(field::invalid(&root.path.child("type"), &Value::from(type_), detail));
        return;
    }
    if NOT_AT_ROOT.iter().any(|key| says(key)) {
        refuse(faults);
    }
}

pub(super) fn subresources(part: &At<'_>, faults: &mut Vec<Cause>) {
    let scale = part.get("scale");
    if !scale.is_set() {
        return;
    }
    for (key, parents, words, needed) in [
        (
            "specReplicasPath",
            &[".spec."][..],
            "should be a json path under .spec",
            true,
        ),
        (
            "statusReplicasPath",
            &[".status."],
            "should be a json path under .status",
            true,
        ),
        (
            "labelSelectorPath",
            &[".spec.", ".status."],
            "should be a json path under either .spec or .status",
            false,
        ),
    ] {
        let path = scale.get(key);
        if path.text().is_empty() {
            if needed {
                faults.push(field::required(&path.path, ""));
            }
        } else if !path.text().starts_with('.') {
            let detail = "must be a simple json path starting with .";
            faults.push(field::invalid(&path.path, path.value, detail));
        } else if !parents.iter().any(|parent| path.text().starts_with(parent)) {
            faults.push(field::invalid(&path.path, path.value, words));
        }
    }
}

const COLUMN_TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS: [&str; 8] = [
    "byte",
    "date",
    "date-time",
    "double",
    "float",
    "int32",
    "int64",
    "password",
];

pub(super) fn column(column: &At<'_>, faults: &mut Vec<Cause>) {
    let name = column.get("name");
    if name.text().is_empty() {
        faults.push(field::required(&name.path, ""));
    }
    let type_ = column.get("type");
    let types = format!("must be one of {}", COLUMN_TYPES.join(","));
    if type_.text().is_empty() {
        faults.push(field::required(&type_.path, &types));
    } else if !COLUMN_TYPES.contains(&type_.text()) {
        faults.push(field::invalid(&type_.path, type_.value, &types));
    }
    let format = column.get("format");
    if !format.text().is_empty() && !COLUMN_FORMATS.contains(&format.text()) {
        let detail = format!("must be one of {}", COLUMN_FORMATS.join(","));
        faults.push(field::invalid(&format.path, format.value, &detail));
    }
    let path = column.get("jsonPath");
    let told = column.path.child("JSONPath");
    if path.text().is_empty() {
        faults.push(field::required(&told, ""));
    } else if !path.text().starts_with('.') {
        let detail = "must be a simple json path starting with .";
        faults.push(field::invalid(&told, path.value, detail));
    }
}

pub(super) fn selectable(fields: &At<'_>, root: &Value, lenient: Leniency<'_>, faults: &mut Vec<Cause>) {
    let schema = Structural::read(root);
    let mut seen = BTreeSet::new();
    for item in fields.items() {
        let path = item.get("jsonPath");
        if path.text().is_empty() {
            faults.push(field::required(&path.path, ""));
            continue;
        }
        let (told, found) = match field_path::find(path.text(), &schema, false) {
            Ok(found) => found,
            Err(wrong) => {
                let detail = format!("is an invalid path: {wrong}");
                faults.push(field::invalid(&path.path, path.value, &detail));
                continue;
            }
        };
        if told == "metadata" || told.starts_with("metadata.") || told.starts_with("metadata[") {
            let detail = "must not point to fields in metadata";
            faults.push(field::invalid(&path.path, path.value, detail));
        }
        if !matches!(found.form, Form::String | Form::Boolean | Form::Integer) {
            let detail = "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.";
            faults.push(field::invalid(&path.path, path.value, detail));
        }
        if !seen.insert(told) {
            faults.push(field::duplicate(&path.path, path.value));
        }
    }
    let unchanged = lenient.old.is_some_and(|old| {
        let versions = old.pointer("/spec/versions").and_then(Value::as_array);
        versions
            .into_iter()
            .flatten()
            .any(|version| version.get("selectableFields") == Some(fields.value))
    });
    if seen.len() > SELECTABLE_MAX && !unchanged {
        faults.push(field::too_many(&fields.path, seen.len(), SELECTABLE_MAX));
    }
}

/// A map of schemas, such as `properties`.
pub(super) fn schemas<'a>(schema: &'a Value, key: &str) -> Option<&'a Map<String, Value>> {
    schema.get(key).and_then(Value::as_object).filter(|map| !map.is_empty())
}
