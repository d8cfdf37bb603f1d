//! The HTTP surface: a request in, a response out.
//!
//! Decided here: what a path means, who asks and whether they may, which handler answers, and what every answer carries. In:
//! requests, and the identity that TLS or an in-process caller put beside them. Out: responses in the negotiated form.
//! Absent: sockets and TLS ([`crate::serve`]), and what writes mean ([`crate::write`]).

pub(crate) mod body;
mod deadline;
pub(crate) mod delete;
pub(crate) mod events;
pub(crate) mod get;
pub(crate) mod health;
mod identity;
mod issuer;
mod label;
pub(crate) mod list;
pub(crate) mod mutate;
pub(crate) mod negotiate;
pub(crate) mod pages;
pub(crate) mod patch;
pub mod path;
mod permit;
pub mod query;
pub(crate) mod respond;
mod reviews;
pub(crate) mod select;
pub(crate) mod source;
pub(crate) mod tables;
mod token_request;
mod token_review;
pub(crate) mod watch;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::response::Response;
use futures::FutureExt as _;
use http::header::{ACCEPT, CACHE_CONTROL, HeaderValue};
use http::request::Parts;
use http::{HeaderName, Method, Request};
use machinery::status::Status;
use tokio_util::sync::CancellationToken;

use crate::audit::{self, Stage, Trail};
use crate::auth::UserInfo;
use crate::flow::{self, Class, Flow};
use crate::kinds::Kind;
use crate::kubelet;
use crate::proxy;
use crate::server::Shared;
use crate::streams;
use crate::tunnel;
use crate::write::{Intent, Options, Part};
use label::Label;
use negotiate::{Form, Offer};
use path::{ResourcePath, Target};
use permit::{permit, permit_path};
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
        let registry = self.server.engine.catalog.registry();
        Intent {
            kind: registry.working_kind(&self.kind),
            spoken: self.kind.clone(),
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

    /// The same, but for what only one request can have: for tasks that outlive the first answer.
    pub(crate) fn again(&self) -> Self {
        let mut parts = Request::new(()).into_parts().0;
        if let Some(drain) = self.parts.extensions.get::<Drain>() {
            parts.extensions.insert(drain.clone());
        }
        Self {
            server: self.server.clone(),
            kind: self.kind.clone(),
            path: self.path.clone(),
            query: self.query.clone(),
            parts,
            user: self.user.clone(),
        }
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

/// Answers a request.
pub(crate) async fn answer(server: Arc<Shared>, request: Request<Body>) -> Response {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let given = parts.headers.get(AUDIT_ID).cloned();
    let id = given.or_else(|| HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()).ok());
    let accept = parts.headers.get(ACCEPT).cloned();
    let target = path::parse(parts.uri.path());
    let label = Label::of(&parts, target.as_ref());
    let mut known = Known::default();
    let routed = Box::pin(route(server, parts, body, target, id.as_ref(), &mut known));
    // What a defect leaves behind is put right by whoever comes next: locks are taken over though they are poisoned.
    let routed = AssertUnwindSafe(routed).catch_unwind().await.unwrap_or_else(|_| {
        if let Some(trail) = &known.trail {
            trail.stage(Stage::Panic);
        }
        let why = "This request caused apiserver to panic. Look in the logs for details.";
        Err(Status::internal(why))
    });
    let (mut response, failure) = match routed {
        Ok(response) => (response, None),
        Err(status) => {
            let accept = accept.as_ref().and_then(|accept| accept.to_str().ok());
            (respond::failure(&status, accept), Some(status))
        }
    };
    let Known { trail, class } = known;
    if let Some(trail) = trail {
        response = trail.finish(response, failure.as_ref()).await;
    }
    let headers = response.headers_mut();
    for (name, uid) in class.iter().flat_map(Class::headers) {
        if let Some(uid) = uid {
            headers.insert(name, uid.clone());
        }
    }
    if let Some(id) = id {
        headers.insert(AUDIT_ID, id);
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    }
    label.record(response.status(), started);
    response
}

/// What is known of a request however it ends.
#[derive(Default)]
struct Known {
    trail: Option<Trail>,
    class: Option<Class>,
}

async fn route(
    server: Arc<Shared>,
    mut parts: Parts,
    body: Body,
    target: Option<Target>,
    id: Option<&HeaderValue>,
    known: &mut Known,
) -> Result<Response, Status> {
    let Some(target) = target else {
        return Err(Status::bad_request("malformed percent-encoding in the path"));
    };
    let query = Query::parse(parts.uri.query())?;
    let verb = match &target {
        Target::Resource(path) => verb(&parts.method, path, &query),
        Target::Discovery(_) | Target::Page(_) => plain_verb(&parts.method),
    };
    let authenticated = identity::authenticated(&server, &parts).await;
    if let Some(audit) = &server.audit {
        let id = id.and_then(|id| id.to_str().ok()).unwrap_or_default();
        let begun = audit.begin(&parts, &target, verb, authenticated.as_ref().ok(), id);
        match (begun, &authenticated) {
            (Some(begun), Ok(_)) => {
                begun.stage(Stage::RequestReceived);
                parts.extensions.insert(begun.clone());
                known.trail = Some(begun);
            }
            (Some(begun), Err(refusal)) => begun.refused(refusal),
            (None, _) => {}
        }
    }
    let real = authenticated?;
    let user = identity::impersonated(&server, &real, &parts)?;
    if let Some(trail) = known.trail.as_ref().filter(|_| user != real) {
        trail.impersonated(&user);
    }
    let time = deadline::of(query.get("timeout"))?;
    let is_stream = deadline::is_stream(verb, &target);
    let class = known.class.insert(Flow::class(&user, verb, &target));
    // Held until there is an answer, however that ends.
    let _seat = server
        .flow
        .admit(class, width(&server, verb, &target, &query), time / 4)
        .await?;
    let trail = known.trail.as_ref();
    let work = Box::pin(work(server, user, verb, parts, query, body, target, trail));
    if is_stream {
        return work.await;
    }
    let done = tokio::time::timeout(time, work).await;
    done.unwrap_or_else(|_| Err(deadline::passed()))
}

/// How many seats a request takes.
fn width(server: &Shared, verb: &str, target: &Target, query: &Query) -> u32 {
    let Target::Resource(path) = target else { return 1 };
    if !matches!(verb, "list" | "watch") || !path.subresource.is_empty() {
        return 1;
    }
    let engine = &server.engine;
    let kind = engine.catalog.resource(&path.group, &path.version, &path.resource);
    let objects = kind.map_or(0, |kind| engine.cache_of(&kind).snapshot().len());
    let limit = query.get("limit").and_then(|limit| limit.parse().ok());
    flow::width(verb, objects as u64, limit)
}

#[allow(
    clippy::too_many_arguments,
    reason = "each is a part of one request, taken apart once"
)]
async fn work(
    server: Arc<Shared>,
    user: UserInfo,
    verb: &'static str,
    parts: Parts,
    query: Query,
    body: Body,
    target: Target,
    trail: Option<&Trail>,
) -> Result<Response, Status> {
    match target {
        Target::Resource(path) => {
            permit(&server, &user, verb, &path, &query, trail)?;
            let body = match trail {
                Some(trail) => trail.request_body(&parts.headers, body).await?,
                None => body,
            };
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
            audit::following(trail.cloned(), Box::pin(dispatch(ask, verb, body))).await
        }
        Target::Discovery(discovery) => {
            permit_path(&server, &user, &parts, trail)?;
            pages::discovery(&server, &parts, &discovery)
        }
        Target::Page(page) => {
            permit_path(&server, &user, &parts, trail)?;
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

/// The verb of a path that names no resource.
fn plain_verb(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "get",
        "HEAD" => "head",
        "POST" => "post",
        "PUT" => "put",
        "PATCH" => "patch",
        "DELETE" => "delete",
        "OPTIONS" => "options",
        _ => "",
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

fn is_account(kind: &Kind) -> bool {
    kind.key.as_str() == "/serviceaccounts"
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
    if let Some(wanted) = proxy::wanted(&ask, verb) {
        ask.server.engine.reach_the_present(&ask.kind).await;
        return proxy::serve(ask, wanted, body).await;
    }
    if kubelet::answers(&ask) {
        return kubelet::serve(ask, body).await;
    }
    let part = match ask.path.subresource.as_str() {
        "" => Part::Object,
        "status" if ask.kind.strategy.status => Part::Status,
        "scale" if ask.kind.strategy.scale.is_some() => Part::Scale,
        "approval" if ask.kind.is_signing_request() => Part::Approval,
        "finalize" if ask.kind.is_namespace() => Part::Finalize,
        "token" if is_account(&ask.kind) => return token_request::serve(ask, verb, body).await,
        "manifests" if streams::is_cluster(&ask.kind) => return streams::manifests::serve(ask, verb).await,
        "proxy" if streams::is_cluster(&ask.kind) => return proxy::through(ask, body).await,
        "tunnel" if streams::is_cluster(&ask.kind) => return tunnel::serve(ask, verb),
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
        ("get", Part::Object | Part::Status | Part::Scale | Part::Approval) => get::get(&ask, part).await,
        ("list", Part::Object) => get::list(&ask).await,
        ("watch", Part::Object) => get::watch(&ask).await,
        ("create", Part::Object) if ask.path.name.is_empty() => mutate::create(&ask, body).await,
        ("update", Part::Object | Part::Status | Part::Scale | Part::Finalize | Part::Approval)
            if !ask.path.name.is_empty() =>
        {
            mutate::update(&ask, part, body).await
        }
        ("patch", Part::Object | Part::Status | Part::Scale | Part::Approval) if !ask.path.name.is_empty() => {
            patch::patch(&ask, part, body).await
        }
        ("delete", Part::Object) => delete::one(&ask, body).await,
        ("deletecollection", Part::Object) => delete::collection(&ask, body).await,
        _ => Err(unserved()),
    }
}
