//! Defaults of CustomResourceDefinitions, and the form that a typed server would keep of their schemas.

use serde_json::{Map, Value, json};

use super::place;
use crate::custom::read::{flag, list, text};
use crate::schema;

pub(super) fn definition(object: &mut Map<String, Value>) {
    place::within(object, "spec", |spec| {
        place::within(spec, "names", names);
        if spec.get("preserveUnknownFields") == Some(&Value::Bool(false)) {
            spec.remove("preserveUnknownFields");
        }
        if spec.get("conversion").is_none_or(Value::is_null) {
            spec.insert("conversion".to_owned(), json!({"strategy": "None"}));
        }
        if let Some(service) = spec
            .get_mut("conversion")
            .and_then(|conversion| conversion.pointer_mut("/webhook/clientConfig/service"))
            .and_then(Value::as_object_mut)
        {
            place::absent(service, "port", 443);
        }
        for version in spec
            .get_mut("versions")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            if let Some(root) = version.pointer_mut("/schema/openAPIV3Schema") {
                tidy(root);
            }
        }
    });
    let storage = object
        .get("spec")
        .map(|spec| list(spec, "versions"))
        .unwrap_or_default()
        .iter()
        .find(|version| flag(version, "storage"))
        .map(|version| text(version, "name").to_owned());
    place::within(object, "status", |status| {
        place::within(status, "acceptedNames", |names| {
            for key in ["kind", "plural"] {
                names.entry(key).or_insert_with(|| Value::from(""));
            }
        });
        status.entry("conditions").or_insert(Value::Null);
        let stored = status.get("storedVersions").and_then(Value::as_array);
        if let Some(storage) = storage.filter(|_| stored.is_none_or(Vec::is_empty)) {
            status.insert("storedVersions".to_owned(), json!([storage]));
        }
    });
}

fn names(names: &mut Map<String, Value>) {
    let kind = names.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    if kind.is_empty() {
        return;
    }
    place::text(names, "singular", &kind.to_lowercase());
    place::text(names, "listKind", &format!("{kind}List"));
}

/// Drops the keywords of a schema that Kubernetes does not have, and those that say null, here and below. Strict decoding
/// does not look into members that may be a schema or something else, so some come this far.
fn tidy(value: &mut Value) {
    let Some(map) = value.as_object_mut() else { return };
    let known = schema::builtin::definition("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps");
    map.retain(|key, value| !value.is_null() && known.is_none_or(|known| known.properties.contains_key(key)));
    for (key, value) in map.iter_mut() {
        match (key.as_str(), &mut *value) {
            ("items" | "allOf" | "anyOf" | "oneOf", Value::Array(several)) => several.iter_mut().for_each(tidy),
            ("items" | "not" | "additionalProperties" | "additionalItems", one) => tidy(one),
            ("properties" | "patternProperties" | "definitions" | "dependencies", Value::Object(fields)) => {
                fields.values_mut().for_each(tidy);
            }
            _ => {}
        }
    }
}
