//! OpenAPI 3.0 documents.

use serde_json::{Map, Value, json};

use super::definitions::{self, closure, v3_form};
use super::paths::{Body, Operation, group_name, paths, tag};
use super::{ServedKind, custom};
use crate::schema::builtin;

pub(super) fn document(group: &str, version: &str, kinds: &[&ServedKind], server: &str) -> Value {
    let mut names = Vec::new();
    let mut all = Map::new();
    for path in kinds.iter().flat_map(|kind| paths(kind)) {
        let mut item = Map::new();
        for operation in &path.operations {
            names.push(operation.answer.clone());
            if let Body::Object(name) = &operation.body {
                names.push(name.clone());
            }
            item.insert(operation.method.to_owned(), render(operation));
        }
        let mut parameters = path.parameters;
        parameters.extend(parameter("pretty"));
        item.insert("parameters".to_owned(), Value::Array(parameters));
        all.insert(path.path, Value::Object(item));
    }
    if let Some(kind) = kinds.first() {
        let base = if group.is_empty() {
            format!("/api/{version}/")
        } else {
            format!("/apis/{group}/{version}/")
        };
        let resources = json!({"get": {
            "tags": [tag(group, version)],
            "description": "get available resources",
            "operationId": format!("get{}APIResources", group_name(kind)),
            "responses": responses(&["200"], definitions::RESOURCE_LIST, &["application/json"]),
        }});
        all.insert(base, resources);
    }
    let customs = custom::definitions(kinds.iter().copied());
    let schemas: Map<String, Value> = closure(names, &customs)
        .iter()
        .map(|(name, schema)| (name.clone(), v3_form(schema)))
        .collect();
    json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": server},
        "paths": all,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"BearerToken": {"type": "apiKey", "description": "Bearer token", "name": "authorization", "in": "header"}},
        },
    })
}

fn render(operation: &Operation) -> Value {
    let mut types = vec!["application/json", "application/yaml"];
    if operation.streams {
        types.push("application/json;stream=watch");
    }
    if operation.native {
        types.push("application/vnd.kubernetes.protobuf");
        if operation.streams {
            types.push("application/vnd.kubernetes.protobuf;stream=watch");
        }
    }
    let parameters: Vec<Value> = operation.query.iter().filter_map(|name| parameter(name)).collect();
    let mut out = json!({
        "tags": [operation.tag],
        "description": operation.description,
        "operationId": operation.id,
        "parameters": parameters,
        "responses": responses(operation.codes, &operation.answer, &types),
        "x-kubernetes-action": operation.action,
        "x-kubernetes-group-version-kind": operation.kind,
    });
    let (content, required) = match &operation.body {
        Body::Nothing => return out,
        Body::Object(name) => (json!({"*/*": content(name)}), true),
        Body::Options => (json!({"*/*": content(definitions::DELETE_OPTIONS)}), false),
        Body::Patch => {
            let patch = content(definitions::PATCH);
            let types = patch_types(operation.native);
            (
                Value::Object(types.iter().map(|t| ((*t).to_owned(), patch.clone())).collect()),
                true,
            )
        }
    };
    if let Some(map) = out.as_object_mut() {
        let body = if required {
            json!({"content": content, "required": true})
        } else {
            json!({"content": content})
        };
        map.insert("requestBody".to_owned(), body);
    }
    out
}

/// The patch types that a kind takes.
pub(super) fn patch_types(native: bool) -> Vec<&'static str> {
    let mut types = vec![
        "application/apply-patch+yaml",
        "application/json-patch+json",
        "application/merge-patch+json",
    ];
    if native {
        types.push("application/strategic-merge-patch+json");
    }
    types
}

fn content(name: &str) -> Value {
    json!({"schema": {"$ref": format!("#/components/schemas/{name}")}})
}

fn responses(codes: &[&str], answer: &str, types: &[&str]) -> Value {
    let content: Map<String, Value> = types.iter().map(|t| ((*t).to_owned(), content(answer))).collect();
    let mut out: Map<String, Value> = codes
        .iter()
        .map(|code| {
            (
                (*code).to_owned(),
                json!({"description": words(code), "content": content}),
            )
        })
        .collect();
    out.insert("401".to_owned(), json!({"description": "Unauthorized"}));
    Value::Object(out)
}

/// What a status code says.
pub(super) fn words(code: &str) -> &'static str {
    match code {
        "201" => "Created",
        "202" => "Accepted",
        _ => "OK",
    }
}

fn parameter(name: &str) -> Option<Value> {
    builtin::parameters().get(name).cloned()
}
