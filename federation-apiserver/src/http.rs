//! The HTTP surface: a request in, a response out.
//!
//! Decided here: what a path means, who asks and whether they may, which handler answers, and what every answer carries. In:
//! requests, and the identity that TLS or an in-process caller put beside them. Out: responses in the negotiated form.
//! Absent: sockets and TLS ([`crate::serve`]), and what writes mean ([`crate::write`]).

pub(crate) mod body;
pub(crate) mod delete;
mod events;
pub(crate) mod get;
pub(crate) mod health;
mod identity;
pub(crate) mod list;
pub(crate) mod mutate;
pub(crate) mod negotiate;
pub(crate) mod pages;
pub(crate) mod patch;
pub mod path;
pub mod query;
pub(crate) mod respond;
mod reviews;
pub(crate) mod select;
pub(crate) mod source;
pub(crate) mod tables;
pub(crate) mod watch;

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::response::Response;
use http::header::{ACCEPT, CACHE_CONTROL, HeaderValue};
use http::request::Parts;
use http::{HeaderName, Method, Request, StatusCode};
use machinery::select::FieldSelector;
use machinery::status::Status;
use tokio_util::sync::CancellationToken;

use crate::auth::{Asked, UserInfo};
use crate::kinds::Kind;
use crate::server::Shared;
use crate::streams;
use crate::write::{Intent, Options, Part};
use negotiate::{Form, Offer};
use path::{ResourcePath, Target};
use query::Query;

const AUDIT_ID: HeaderName = HeaderName::from_static("audit-id");

/// Beside a request: cancelled when the server drains, so that watches end.
#[derive(Clone, Debug)]
pub struct Drain(pub CancellationToken);

/// Everything a handler needs to know of a request, but its body.
pub(crate) struct Ask {
    pub(crate) server: Arc<Shared>,
    pub(crate) kind: Arc<Kind>,
    pub(crate) path: ResourcePath,
    pub(crate) query: Query,
    pub(crate) parts: Parts,
    pub(crate) user: UserInfo,
}

impl Ask {
    /// The form of the answer.
    pub(crate) fn form(&self, yaml: bool) -> Result<Form, Status> {
        form_of(
            &self.parts,
            &self.query,
            Offer {
                protobuf: self.kind.built_in,
                yaml,
                shapes: self.kind.strategy.review.is_none(),
            },
        )
    }

    /// What a write is about.
    pub(crate) fn intent(&self, part: Part, options: Options) -> Intent {
        Intent {
            kind: self.kind.clone(),
            namespace: self.path.namespace.clone(),
            name: self.path.name.clone(),
            part,
            options,
            user: self.user.clone(),
        }
    }

    /// Cancelled when watches must end.
    pub(crate) fn drain(&self) -> CancellationToken {
        self.parts
            .extensions
            .get::<Drain>()
            .map_or_else(|| self.server.shutdown.clone(), |drain| drain.0.clone())
    }

    /// 404 for the object that is meant.
    pub(crate) fn not_found(&self) -> Status {
        Status::not_found(&self.kind.group, &self.kind.plural, &self.path.name)
    }
}

/// The form of an answer.
pub(crate) fn form_of(parts: &Parts, query: &Query, offer: Offer) -> Result<Form, Status> {
    let accept = parts.headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    let mut form = negotiate::form(accept, offer)?;
    form.pretty = query.flag("pretty").unwrap_or(false);
    Ok(form)
}

/// What metrics call a request.
struct Label {
    verb: &'static str,
    group: String,
    version: String,
    resource: String,
    subresource: String,
    scope: &'static str,
}

/// Answers a request.
pub(crate) async fn answer(server: Arc<Shared>, request: Request<Body>) -> Response {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let audit = parts.headers.get(AUDIT_ID).cloned();
    let accept = parts.headers.get(ACCEPT).cloned();
    let target = path::parse(parts.uri.path());
    let label = label(&parts, target.as_ref());
    let mut response = match Box::pin(route(server, parts, body, target)).await {
        Ok(response) => response,
        Err(status) => respond::failure(&status, accept.as_ref().and_then(|accept| accept.to_str().ok())),
    };
    let headers = response.headers_mut();
    let audit = audit.or_else(|| HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()).ok());
    if let Some(audit) = audit {
        headers.insert(AUDIT_ID, audit);
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    }
    record(&label, response.status(), started);
    response
}

fn label(parts: &Parts, target: Option<&Target>) -> Label {
    let mut label = Label {
        verb: verb_label(&parts.method),
        group: String::new(),
        version: String::new(),
        resource: String::new(),
        subresource: String::new(),
        scope: "",
    };
    if let Some(Target::Resource(path)) = target {
        label.scope = match (path.name.is_empty(), path.namespace.is_empty()) {
            (false, _) => "resource",
            (true, false) => "namespace",
            (true, true) => "cluster",
        };
        if path.name.is_empty() && parts.method == Method::GET {
            let watch = path.watch
                || parts
                    .uri
                    .query()
                    .is_some_and(|q| q.contains("watch=true") || q.contains("watch=1"));
            label.verb = if watch { "WATCH" } else { "LIST" };
        }
        label.group.clone_from(&path.group);
        label.version.clone_from(&path.version);
        label.resource.clone_from(&path.resource);
        label.subresource.clone_from(&path.subresource);
    }
    label
}

fn verb_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        _ => "OTHER",
    }
}

fn record(label: &Label, code: StatusCode, started: Instant) {
    // Names that nothing is served under would let clients invent label values without bound.
    let known = code != StatusCode::NOT_FOUND || label.scope == "resource";
    let text = |text: &str| if known { text.to_owned() } else { String::new() };
    let labels = [
        ("verb", label.verb.to_owned()),
        ("group", text(&label.group)),
        ("version", text(&label.version)),
        ("resource", text(&label.resource)),
        ("subresource", text(&label.subresource)),
        ("scope", label.scope.to_owned()),
    ];
    if label.verb != "WATCH" {
        metrics::histogram!("apiserver_request_duration_seconds", &labels).record(started.elapsed().as_secs_f64());
    }
    let code = ("code", code.as_str().to_owned());
    let labels: Vec<_> = labels.into_iter().chain([code]).collect();
    metrics::counter!("apiserver_request_total", &labels).increment(1);
}

async fn route(server: Arc<Shared>, parts: Parts, body: Body, target: Option<Target>) -> Result<Response, Status> {
    let Some(target) = target else {
        return Err(Status::bad_request("malformed percent-encoding in the path"));
    };
    let query = Query::parse(parts.uri.query())?;
    let user = identity::of(&server, &parts)?;
    match target {
        Target::Resource(path) => {
            let verb = verb(&parts.method, &path, &query);
            permit(&server, &user, verb, &path, &query)?;
            let Some(kind) = server
                .engine
                .catalog
                .resource(&path.group, &path.version, &path.resource)
            else {
                return nothing_there(&server, &path);
            };
            let anywhere = kind.namespaced && path.namespace.is_empty();
            if anywhere && path.name.is_empty() && parts.method == Method::POST {
                return Err(Status::method_not_allowed("", "", ""));
            }
            if anywhere && !path.name.is_empty() || !kind.namespaced && !path.namespace.is_empty() {
                return nothing_there(&server, &path);
            }
            let ask = Ask {
                server,
                kind,
                path,
                query,
                parts,
                user,
            };
            Box::pin(dispatch(ask, verb, body)).await
        }
        Target::Discovery(discovery) => {
            permit_path(&server, &user, &parts)?;
            pages::discovery(&server, &parts, &discovery)
        }
        Target::Page(page) => {
            permit_path(&server, &user, &parts)?;
            pages::page(&server, &parts, &query, &page).await
        }
    }
}

/// A path that names no resource: told as a Status where its group is served, as text where it is not.
fn nothing_there(server: &Shared, path: &ResourcePath) -> Result<Response, Status> {
    if path.group.is_empty() || server.engine.catalog.registry().has_group(&path.group) {
        Err(Status::resource_not_found())
    } else {
        Ok(pages::not_found())
    }
}

fn verb(method: &Method, path: &ResourcePath, query: &Query) -> &'static str {
    let collection = path.name.is_empty() || path.subresource == "manifests";
    let watch = path.watch || query.flag("watch").unwrap_or(false);
    match method.as_str() {
        "GET" | "HEAD" if watch && (collection || path.watch) => "watch",
        "GET" | "HEAD" if collection => "list",
        "GET" | "HEAD" => "get",
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" if collection => "deletecollection",
        "DELETE" => "delete",
        _ => "",
    }
}

fn permit(server: &Shared, user: &UserInfo, verb: &str, path: &ResourcePath, query: &Query) -> Result<(), Status> {
    // A namespace is in itself, so that a role in it may speak of it.
    let itself = path.group.is_empty() && path.resource == "namespaces";
    let namespace = if itself { &path.name } else { &path.namespace };
    // Who selects one object by its name asks for no more than that.
    let selected = match verb {
        "list" | "watch" | "deletecollection" if path.name.is_empty() => query
            .get("fieldSelector")
            .and_then(|text| FieldSelector::parse(text).ok())
            .and_then(|fields| fields.required("metadata.name").map(str::to_owned)),
        _ => None,
    };
    let asked = Asked::Resource {
        verb,
        group: &path.group,
        resource: &path.resource,
        subresource: &path.subresource,
        namespace,
        name: selected.as_ref().unwrap_or(&path.name),
    };
    let permitted = server.engine.authorizer.permit(user, asked);
    permitted.map_err(|why| Status::forbidden(&path.group, &path.resource, &path.name, &why))
}

fn permit_path(server: &Shared, user: &UserInfo, parts: &Parts) -> Result<(), Status> {
    let verb = match parts.method {
        // Answered as GET, so it is allowed as GET.
        Method::HEAD => "get".to_owned(),
        _ => parts.method.as_str().to_ascii_lowercase(),
    };
    let path = parts.uri.path();
    let permitted = server.engine.authorizer.permit(user, Asked::Path { verb: &verb, path });
    permitted.map_err(|why| Status::forbidden("", "", "", &why))
}

/// Answers a request for a resource; of a version that its definition calls deprecated the client is told so each time.
async fn dispatch(ask: Ask, verb: &'static str, body: Body) -> Result<Response, Status> {
    let custom = ask.kind.custom.as_ref();
    let deprecation = custom.and_then(|custom| custom.version.deprecation.clone());
    let mut response = Box::pin(handle(ask, verb, body)).await?;
    if let Some(text) = deprecation {
        respond::warn(&mut response, &[text]);
    }
    Ok(response)
}

/// One handler a verb.
async fn handle(ask: Ask, verb: &'static str, body: Body) -> Result<Response, Status> {
    let part = match ask.path.subresource.as_str() {
        "" => Part::Object,
        "status" if ask.kind.strategy.status => Part::Status,
        "scale" if ask.kind.strategy.scale.is_some() => Part::Scale,
        "finalize" if ask.kind.is_namespace() => Part::Finalize,
        "manifests" if streams::is_cluster(&ask.kind) => return streams::manifests::serve(ask, verb).await,
        "reports" if streams::is_cluster(&ask.kind) => return streams::reports::serve(ask, verb, body).await,
        _ => return nothing_there(&ask.server, &ask.path),
    };
    let unserved = || Status::method_not_allowed("", "", "");
    let of_any_age = verb == "watch" || ask.query.has("resourceVersion") || ask.query.has("continue");
    if !of_any_age {
        ask.server.engine.reach_the_present(&ask.kind).await;
    }
    if part == Part::Object && !ask.kind.serves(verb) {
        return Err(unserved());
    }
    if let (Some(review), "create") = (ask.kind.strategy.review, verb) {
        return reviews::create(&ask, review, body).await;
    }
    match (verb, part) {
        ("get", Part::Object | Part::Status | Part::Scale) => get::get(&ask, part).await,
        ("list", Part::Object) => get::list(&ask).await,
        ("watch", Part::Object) => get::watch(&ask).await,
        ("create", Part::Object) if ask.path.name.is_empty() => mutate::create(&ask, body).await,
        ("update", Part::Object | Part::Status | Part::Scale | Part::Finalize) if !ask.path.name.is_empty() => {
            mutate::update(&ask, part, body).await
        }
        ("patch", Part::Object | Part::Status | Part::Scale) if !ask.path.name.is_empty() => {
            patch::patch(&ask, part, body).await
        }
        ("delete", Part::Object) => delete::one(&ask, body).await,
        ("deletecollection", Part::Object) => delete::collection(&ask, body).await,
        _ => Err(unserved()),
    }
}
