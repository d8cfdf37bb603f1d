//! Definitions by name, all that they refer to, and the forms that v3 and v2 give them.

use std::collections::{BTreeMap, BTreeSet};

use api::well_known::{API_VERSION, GROUP, VERSION};
use serde_json::{Map, Value, json};

use super::{ServedKind, custom};
use crate::schema::{builtin, own};

/// Definition of `metav1.Status`.
pub(super) const STATUS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Status";
/// Definition of `metav1.DeleteOptions`.
pub(super) const DELETE_OPTIONS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";
/// Definition of `metav1.Patch`.
pub(super) const PATCH: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch";
/// Definition of `metav1.APIResourceList`.
pub(super) const RESOURCE_LIST: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.APIResourceList";
const WATCH_EVENT: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent";
/// Definition of `metav1.ListMeta`.
pub(super) const LIST_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";
const INT_OR_STRING: &str = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";

/// The name of a kind's definition, such as `io.k8s.api.apps.v1.Deployment`; lists of our kinds have one too.
#[must_use]
pub fn definition_name(api_version: &str, kind: &str) -> Option<String> {
    if let Some(name) = builtin::definition_name(api_version, kind) {
        return Some(name.to_owned());
    }
    let known =
        own::definition(kind).is_some() || kind.strip_suffix("List").is_some_and(|k| own::definition(k).is_some());
    (api_version == API_VERSION && known).then(|| format!("{}{kind}", own::DEFINITION_PREFIX))
}

/// The names of the definitions of a kind that is served and of its list.
pub(super) fn names_of(kind: &ServedKind) -> Option<(String, String)> {
    if kind.schema.is_some() {
        let name = |word: &str| custom::definition_name(&kind.group, &kind.version, word);
        return Some((name(&kind.kind), name(&kind.list_kind())));
    }
    let api_version = kind.api_version();
    let object = definition_name(&api_version, &kind.kind)?;
    let list = definition_name(&api_version, &kind.list_kind()).unwrap_or_else(|| object.clone());
    Some((object, list))
}

/// The named definitions, those that every document has, and all that they refer to. References are bare names; those
/// of custom kinds are told beside.
pub(super) fn closure(
    names: impl IntoIterator<Item = String>,
    customs: &BTreeMap<String, Value>,
) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    let always = [STATUS, DELETE_OPTIONS, PATCH, RESOURCE_LIST, WATCH_EVENT].map(str::to_owned);
    let mut next: BTreeSet<String> = names.into_iter().chain(always).collect();
    while let Some(name) = next.pop_first() {
        if all.contains_key(&name) {
            continue;
        }
        let Some(schema) = customs.get(&name).cloned().or_else(|| definition(&name)) else {
            continue;
        };
        references(&schema, &mut next);
        all.insert(name, schema);
    }
    all
}

fn definition(name: &str) -> Option<Value> {
    let Some(kind) = name.strip_prefix(own::DEFINITION_PREFIX) else {
        return builtin::definitions().get(name).cloned();
    };
    if let Some(schema) = own::definition(kind) {
        return Some(schema.clone());
    }
    let item = kind.strip_suffix("List")?;
    let described = own::definition(item)?.get("properties")?;
    Some(json!({
        "description": format!("A list of {item} objects."),
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": described.get("apiVersion"),
            "kind": described.get("kind"),
            "metadata": {"$ref": LIST_META, "default": {}, "description": "Standard list metadata."},
            "items": {"type": "array", "items": {"$ref": format!("{}{item}", own::DEFINITION_PREFIX)}, "description": "The objects."},
        },
        "x-kubernetes-group-version-kind": [{"group": GROUP, "kind": kind, "version": VERSION}],
    }))
}

fn references(schema: &Value, found: &mut BTreeSet<String>) {
    let Some(map) = schema.as_object() else { return };
    for (key, value) in map {
        match key.as_str() {
            "$ref" => found.extend(value.as_str().map(str::to_owned)),
            "properties" => value
                .as_object()
                .into_iter()
                .flatten()
                .for_each(|(_, field)| references(field, found)),
            "items" | "additionalProperties" => references(value, found),
            _ => {}
        }
    }
}

/// A schema in v3 form: references point into the document, and what stands beside one goes around it.
pub(super) fn v3_form(schema: &Value) -> Value {
    let Some(map) = schema.as_object() else {
        return schema.clone();
    };
    let mut out = below(map, v3_form);
    if let Some(name) = map.get("$ref").and_then(Value::as_str) {
        let reference = json!({"$ref": format!("#/components/schemas/{name}")});
        if map.len() == 1 {
            return reference;
        }
        out.remove("$ref");
        out.insert("allOf".to_owned(), json!([reference]));
    }
    Value::Object(out)
}

/// A definition in v2 form: swagger knows no alternatives, no defaults beside references and no `nullable`.
pub(super) fn v2_definition(name: &str, schema: &Value) -> Value {
    let description = schema.get("description");
    match name {
        INT_OR_STRING => json!({"description": description, "type": "string", "format": "int-or-string"}),
        QUANTITY => json!({"description": description, "type": "string"}),
        _ => v2_form(schema),
    }
}

fn v2_form(schema: &Value) -> Value {
    let Some(map) = schema.as_object() else {
        return schema.clone();
    };
    let mut out = below(map, v2_form);
    if let Some(name) = map.get("$ref").and_then(Value::as_str) {
        out.insert("$ref".to_owned(), Value::from(format!("#/definitions/{name}")));
    }
    out.retain(|key, _| !matches!(key.as_str(), "default" | "nullable" | "oneOf" | "anyOf" | "allOf"));
    Value::Object(out)
}

/// A schema with `form` applied to each schema directly below it.
fn below(map: &Map<String, Value>, form: fn(&Value) -> Value) -> Map<String, Value> {
    map.iter()
        .map(|(key, value)| {
            let value = match (key.as_str(), value) {
                ("properties", Value::Object(fields)) => {
                    Value::Object(fields.iter().map(|(name, field)| (name.clone(), form(field))).collect())
                }
                ("items" | "additionalProperties", value) => form(value),
                (_, value) => value.clone(),
            };
            (key.clone(), value)
        })
        .collect()
}
