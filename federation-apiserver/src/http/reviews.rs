//! Reviews: who am I, may I, what may I, may they, whose token is this. Answered by what judges requests; nothing is kept.

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use machinery::field::{self, Path};
use machinery::rbac::Rule;
use machinery::status::{Cause, Status};
use serde_json::{Value, json};

use super::{Ask, body, respond, token_review};
use crate::auth::{Asked, UserInfo};
use crate::kinds::{Kind, Review};

/// Answers a review.
pub(super) async fn create(ask: &Ask, review: Review, body: Body) -> Result<Response, Status> {
    let form = ask.form(true)?;
    ask.write_options("CreateOptions")?;
    let bytes = body::read(body).await?;
    let (api_version, kind) = (ask.kind.api_version(), ask.kind.kind.as_str());
    let mut value = body::object(&ask.parts.headers, &bytes, true, kind)?.value;
    body::expect_kind(&mut value, &api_version, kind)?;
    let spec = value.get("spec").cloned().unwrap_or_else(|| json!({}));
    let namespace = &ask.path.namespace;
    let mut answer = json!({ "kind": kind, "apiVersion": api_version, "metadata": {} });
    let (spec, status) = match review {
        Review::Who => {
            let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            put(&mut answer, "metadata", json!({ "creationTimestamp": now }));
            (None, json!({ "userInfo": ask.user.to_value() }))
        }
        Review::Token => {
            let (spec, status) = token_review::status(ask, &spec).await?;
            (Some(spec), status)
        }
        Review::OwnAccess => {
            let status = verdict(ask, &ask.user, &spec, "")?;
            (Some(spec), status)
        }
        Review::OwnRules => {
            if text(&spec, "/namespace").is_empty() {
                return Err(Status::bad_request("no namespace on request"));
            }
            (Some(json!({})), rules(ask, text(&spec, "/namespace")))
        }
        Review::Access => {
            if !namespace.is_empty() {
                put(&mut answer, "metadata", json!({ "namespace": namespace }));
            }
            let user = subject(ask.kind.as_ref(), &spec)?;
            let status = verdict(ask, &user, &spec, namespace)?;
            (Some(spec), status)
        }
    };
    if let Some(spec) = spec {
        put(&mut answer, "spec", spec);
    }
    put(&mut answer, "status", status);
    respond::value(StatusCode::CREATED, form, &answer)
}

fn put(value: &mut Value, key: &str, content: Value) {
    if let Some(object) = value.as_object_mut() {
        object.insert(key.to_owned(), content);
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn refuse(kind: &Kind, cause: Cause) -> Status {
    Status::invalid(&kind.group, &kind.kind, "", vec![cause])
}

/// Whom a review is about.
fn subject(kind: &Kind, spec: &Value) -> Result<UserInfo, Status> {
    let groups = spec.get("groups").and_then(Value::as_array);
    let groups: Vec<&str> = groups.into_iter().flatten().filter_map(Value::as_str).collect();
    let name = text(spec, "/user");
    if name.is_empty() && groups.is_empty() {
        let detail = "at least one of user or group must be specified";
        let path = Path::root("spec").child("user");
        return Err(refuse(kind, field::invalid(&path, &Value::from(""), detail)));
    }
    Ok(UserInfo {
        name: name.to_owned(),
        uid: text(spec, "/uid").to_owned(),
        groups: groups.into_iter().map(str::to_owned).collect(),
        extra: std::collections::BTreeMap::new(),
    })
}

/// Whether a user may do what a spec describes; `namespace` is the only one it may be about, if it is not empty.
fn verdict(ask: &Ask, user: &UserInfo, spec: &Value, namespace: &str) -> Result<Value, Status> {
    let kind = ask.kind.as_ref();
    let attributes = |key: &str| spec.get(key).filter(|value| value.is_object());
    let path = |key: &str| Path::root("spec").child(key);
    let asked = match (attributes("resourceAttributes"), attributes("nonResourceAttributes")) {
        (Some(about), None) => {
            let place = text(about, "/namespace");
            if !namespace.is_empty() && place != namespace {
                let path = path("resourceAttributes").child("namespace");
                let cause = field::invalid(&path, &Value::from(place), "must match metadata.namespace");
                return Err(refuse(kind, cause));
            }
            Asked::Resource {
                verb: text(about, "/verb"),
                group: text(about, "/group"),
                resource: text(about, "/resource"),
                subresource: text(about, "/subresource"),
                namespace: place,
                name: text(about, "/name"),
            }
        }
        (None, Some(about)) if namespace.is_empty() => Asked::Path {
            verb: text(about, "/verb"),
            path: text(about, "/path"),
        },
        (_, Some(about)) => {
            let detail = if namespace.is_empty() {
                "cannot be specified in combination with resourceAttributes"
            } else {
                "disallowed on this kind of request"
            };
            return Err(refuse(
                kind,
                field::invalid(&path("nonResourceAttributes"), about, detail),
            ));
        }
        (None, None) => {
            let detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
            let cause = field::invalid(&path("resourceAttributes"), &Value::Null, detail);
            return Err(refuse(kind, cause));
        }
    };
    let decision = ask.server.engine.authorizer.judge(user, asked);
    let mut status = json!({ "allowed": decision.is_allowed() });
    let reason = decision.reason();
    if !reason.is_empty() {
        put(&mut status, "reason", Value::from(reason));
    }
    Ok(status)
}

/// What the client may do in a namespace: the rules that it holds there.
fn rules(ask: &Ask, namespace: &str) -> Value {
    let (held, missing) = ask.server.engine.authorizer.held(&ask.user, namespace);
    let (paths, resources): (Vec<Rule>, Vec<Rule>) =
        held.into_iter().partition(|rule| !rule.non_resource_urls.is_empty());
    let mut status = json!({ "resourceRules": resources, "nonResourceRules": paths, "incomplete": false });
    if !missing.is_empty() {
        put(&mut status, "evaluationError", Value::from(missing.join(", ")));
    }
    status
}
