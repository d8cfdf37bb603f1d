//! The kinds that Kubernetes builds in: their definitions, from the embedded table `data/openapi.json` (made by
//! `data/openapi.py`), parsed on first use and compiled one definition at a time.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::compile;
use super::{Form, Schema};

static TABLE: LazyLock<Value> = LazyLock::new(|| {
    // The text is part of the program and a test reads it, so it is never broken; were it, no kind would be known.
    serde_json::from_str(include_str!("../../data/openapi.json")).unwrap_or(Value::Null)
});

static EMPTY: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

static COMPILED: LazyLock<BTreeMap<&'static str, Schema>> = LazyLock::new(|| {
    definitions()
        .iter()
        .map(|(name, schema)| (name.as_str(), compile::definition(name, schema)))
        .collect()
});

static KINDS: LazyLock<BTreeMap<(String, &'static str), &'static str>> = LazyLock::new(|| {
    let mut kinds = BTreeMap::new();
    for (name, schema) in definitions() {
        let rows = schema.get("x-kubernetes-group-version-kind").and_then(Value::as_array);
        for row in rows.into_iter().flatten() {
            let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default();
            let Some(kind) = row.get("kind").and_then(Value::as_str) else {
                continue;
            };
            kinds.insert((api_version(text("group"), text("version")), kind), name.as_str());
        }
    }
    kinds
});

static ANYTHING: LazyLock<Schema> = LazyLock::new(|| Schema {
    form: Form::Any,
    properties: BTreeMap::new(),
    additional: None,
    items: None,
    required: Vec::new(),
    preserve_unknown: true,
    int32: false,
    bytes: false,
    time: false,
    atomic_map: false,
    native: false,
});

/// The schema of a built-in kind.
#[must_use]
pub fn schema(api_version: &str, kind: &str) -> Option<&'static Schema> {
    definition(definition_name(api_version, kind)?)
}

/// The name of a built-in kind's definition, such as `io.k8s.api.apps.v1.Deployment`.
#[must_use]
pub fn definition_name(api_version: &str, kind: &str) -> Option<&'static str> {
    KINDS
        .range((api_version.to_owned(), kind)..)
        .next()
        .filter(|((a, k), _)| a == api_version && *k == kind)
        .map(|(_, name)| *name)
}

/// A compiled definition by its name.
#[must_use]
pub fn definition(name: &str) -> Option<&'static Schema> {
    COMPILED.get(name)
}

/// All definitions as the table holds them: OpenAPI v3 schemas whose `$ref`s are bare definition names.
#[must_use]
pub fn definitions() -> &'static Map<String, Value> {
    TABLE.get("schemas").and_then(Value::as_object).unwrap_or(&EMPTY)
}

/// Query parameters of the standard operations, by name.
#[must_use]
pub fn parameters() -> &'static Map<String, Value> {
    TABLE.get("parameters").and_then(Value::as_object).unwrap_or(&EMPTY)
}

/// The Kubernetes version that the table was made from.
#[must_use]
pub fn version() -> &'static str {
    TABLE.get("version").and_then(Value::as_str).unwrap_or_default()
}

/// The schema of a place that may hold anything.
#[must_use]
pub fn anything() -> &'static Schema {
    &ANYTHING
}

/// `group/version`, or the version alone for the core group.
fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        assert!(definitions().len() > 400);
        assert_eq!(version(), "v1.36.3");
        assert!(parameters().contains_key("fieldValidation"));
        assert_eq!(
            definition_name("apps/v1", "Deployment"),
            Some("io.k8s.api.apps.v1.Deployment")
        );
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn walk(value: &Value, names: &Map<String, Value>) {
            match value {
                Value::Object(map) => {
                    if let Some(name) = map.get("$ref").and_then(Value::as_str) {
                        assert!(names.contains_key(name), "{name}");
                    }
                    map.values().for_each(|v| walk(v, names));
                }
                Value::Array(items) => items.iter().for_each(|v| walk(v, names)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        for schema in definitions().values() {
            walk(schema, definitions());
        }
    }
}
