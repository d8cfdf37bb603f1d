//! The swagger 2.0 document.

use serde_json::{Map, Value, json};

use super::definitions::{self, closure, v2_definition};
use super::paths::{Body, Operation, paths};
use super::v3::{patch_types, words};
use super::{ServedKind, custom};
use crate::schema::builtin;

pub(super) fn document(kinds: &[ServedKind], server: &str) -> Value {
    let mut names = Vec::new();
    let mut all = Map::new();
    for path in kinds.iter().flat_map(paths) {
        let mut item = Map::new();
        for operation in &path.operations {
            names.push(operation.answer.clone());
            if let Body::Object(name) = &operation.body {
                names.push(name.clone());
            }
            item.insert(operation.method.to_owned(), render(operation));
        }
        let mut parameters: Vec<Value> = path.parameters.iter().map(flat).collect();
        parameters.extend(parameter("pretty"));
        item.insert("parameters".to_owned(), Value::Array(parameters));
        all.insert(path.path, Value::Object(item));
    }
    let customs = custom::definitions(kinds);
    let definitions: Map<String, Value> = closure(names, &customs)
        .iter()
        .map(|(name, schema)| {
            let form = if customs.contains_key(name) {
                custom::v2_definition(schema)
            } else {
                v2_definition(name, schema)
            };
            (name.clone(), form)
        })
        .collect();
    json!({
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": server},
        "paths": all,
        "definitions": definitions,
        "securityDefinitions": {"BearerToken": {"type": "apiKey", "description": "Bearer token", "name": "authorization", "in": "header"}},
        "security": [{"BearerToken": []}],
    })
}

fn render(operation: &Operation) -> Value {
    let mut produces = vec!["application/json", "application/yaml"];
    if operation.native {
        produces.push("application/vnd.kubernetes.protobuf");
    }
    if operation.streams {
        produces.push("application/json;stream=watch");
        if operation.native {
            produces.push("application/vnd.kubernetes.protobuf;stream=watch");
        }
    }
    let mut parameters: Vec<Value> = Vec::new();
    let mut consumes = vec!["*/*"];
    match &operation.body {
        Body::Nothing => {}
        Body::Object(name) => parameters.push(body(name, true)),
        Body::Options => parameters.push(body(definitions::DELETE_OPTIONS, false)),
        Body::Patch => {
            parameters.push(body(definitions::PATCH, true));
            consumes = patch_types(operation.native);
        }
    }
    parameters.extend(operation.query.iter().filter_map(|name| parameter(name)));
    let mut responses: Map<String, Value> = operation
        .codes
        .iter()
        .map(|code| {
            (
                (*code).to_owned(),
                json!({"description": words(code), "schema": reference(&operation.answer)}),
            )
        })
        .collect();
    responses.insert("401".to_owned(), json!({"description": "Unauthorized"}));
    json!({
        "tags": [operation.tag],
        "description": operation.description,
        "operationId": operation.id,
        "consumes": consumes,
        "produces": produces,
        "schemes": ["https"],
        "parameters": parameters,
        "responses": responses,
        "x-kubernetes-action": operation.action,
        "x-kubernetes-group-version-kind": operation.kind,
    })
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/definitions/{name}")})
}

fn body(name: &str, required: bool) -> Value {
    let mut out = json!({"name": "body", "in": "body", "schema": reference(name)});
    if let (true, Some(map)) = (required, out.as_object_mut()) {
        map.insert("required".to_owned(), Value::Bool(true));
    }
    out
}

fn parameter(name: &str) -> Option<Value> {
    builtin::parameters().get(name).map(flat)
}

/// A parameter in swagger's form: what v3 tells in `schema` stands beside the name.
fn flat(parameter: &Value) -> Value {
    let mut out = parameter.as_object().cloned().unwrap_or_default();
    if let Some(Value::Object(schema)) = out.remove("schema") {
        out.extend(schema);
    }
    Value::Object(out)
}
