//! Reviews: who am I, may I, what may I, may they. Answered from the authorizer that judges requests; nothing is kept.

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use machinery::field::{self, Path};
use machinery::status::{Cause, Status};
use serde_json::{Value, json};

use super::{Ask, body, respond};
use crate::auth::{Asked, Decision, UserInfo, authorize};
use crate::kinds::{Kind, Review};

/// Paths that are no resources and that somebody may be allowed to read.
const PATHS: &[&str] = &[
    "/api",
    "/api/*",
    "/apis",
    "/apis/*",
    "/healthz",
    "/livez",
    "/metrics",
    "/openapi",
    "/openapi/*",
    "/readyz",
    "/version",
];

/// Answers a review.
pub(super) async fn create(ask: &Ask, review: Review, body: Body) -> Result<Response, Status> {
    let form = ask.form(true)?;
    ask.write_options("CreateOptions")?;
    let bytes = body::read(body).await?;
    let (api_version, kind) = (ask.kind.api_version(), ask.kind.kind);
    let mut value = body::object(&ask.parts.headers, &bytes, true, kind)?.value;
    body::expect_kind(&mut value, &api_version, kind)?;
    let spec = value.get("spec").cloned().unwrap_or_else(|| json!({}));
    let namespace = &ask.path.namespace;
    let mut answer = json!({ "kind": kind, "apiVersion": api_version, "metadata": {} });
    let (spec, status) = match review {
        Review::Who => {
            let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            put(&mut answer, "metadata", json!({ "creationTimestamp": now }));
            (None, json!({ "userInfo": user_info(&ask.user) }))
        }
        Review::OwnAccess => {
            let status = verdict(ask.kind.as_ref(), &ask.user, &spec, "")?;
            (Some(spec), status)
        }
        Review::OwnRules => {
            if text(&spec, "/namespace").is_empty() {
                return Err(Status::bad_request("no namespace on request"));
            }
            (Some(json!({})), rules(ask))
        }
        Review::Access => {
            if !namespace.is_empty() {
                put(&mut answer, "metadata", json!({ "namespace": namespace }));
            }
            let user = subject(ask.kind.as_ref(), &spec)?;
            let status = verdict(ask.kind.as_ref(), &user, &spec, namespace)?;
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

fn user_info(user: &UserInfo) -> Value {
    let mut info = json!({ "username": user.name, "groups": user.groups });
    if !user.uid.is_empty() {
        put(&mut info, "uid", Value::from(user.uid.as_str()));
    }
    info
}

fn refuse(kind: &Kind, cause: Cause) -> Status {
    Status::invalid(kind.group, kind.kind, "", vec![cause])
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
    })
}

/// Whether a user may do what a spec describes; `namespace` is the only one it may be about, if it is not empty.
fn verdict(kind: &Kind, user: &UserInfo, spec: &Value, namespace: &str) -> Result<Value, Status> {
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
    Ok(json!({ "allowed": authorize(user, asked) == Decision::Allowed }))
}

/// What the client may do, found by asking the authorizer about every kind and verb that is served.
fn rules(ask: &Ask) -> Value {
    let user = &ask.user;
    let resource = |verb: &str, group: &str, resource: &str| {
        let asked = Asked::Resource {
            verb,
            group,
            resource,
            subresource: "",
            namespace: "",
            name: "",
        };
        authorize(user, asked) == Decision::Allowed
    };
    if resource("*", "*", "*") {
        return json!({
            "resourceRules": [{ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] }],
            "nonResourceRules": [{ "verbs": ["*"], "nonResourceURLs": ["*"] }],
            "incomplete": false,
        });
    }
    let kinds = ask.server.registry.kinds().iter().filter_map(|kind| {
        let verbs: Vec<&str> = kind
            .verbs
            .iter()
            .copied()
            .filter(|verb| resource(verb, kind.group, kind.plural))
            .collect();
        (!verbs.is_empty()).then(|| json!({ "verbs": verbs, "apiGroups": [kind.group], "resources": [kind.plural] }))
    });
    let open = |path: &&&str| {
        let path = path.trim_end_matches('*');
        authorize(user, Asked::Path { verb: "get", path }) == Decision::Allowed
    };
    let paths: Vec<&str> = PATHS.iter().filter(open).copied().collect();
    json!({
        "resourceRules": kinds.collect::<Vec<_>>(),
        "nonResourceRules": [{ "verbs": ["get"], "nonResourceURLs": paths }],
        // A member's own streams are not kinds, so the list does not tell them.
        "incomplete": user.cluster().is_some(),
    })
}
