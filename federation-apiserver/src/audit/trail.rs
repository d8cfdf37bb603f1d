//! One request on its way: what is known of it so far, and an event at each stage that the policy does not omit.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use jiff::Timestamp;
use machinery::status::Status;
use machinery::{decode, protobuf};
use serde_json::{Map, Value, json};

use super::Audit;
use super::event::{micros, object_reference, response_status, without_managed_fields};
use super::policy::{Attributes, Judged, Level, Stage};
use crate::auth::{Decision, UserInfo};
use crate::http::body::media_type;
use crate::serve::Peer;

/// Follows one request. Clones follow the same.
#[derive(Clone, Debug)]
pub(crate) struct Trail {
    audit: Arc<Audit>,
    judged: Judged,
    long: bool,
    known: Arc<Mutex<Map<String, Value>>>,
}

fn text(headers: &HeaderMap, name: impl http::header::AsHeaderName) -> &str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// Where a request came from: as proxies say, and the peer itself.
fn sources(parts: &Parts) -> Vec<String> {
    let forwarded = text(&parts.headers, "x-forwarded-for").split(',');
    let mut sources: Vec<String> = forwarded
        .chain([text(&parts.headers, "x-real-ip")])
        .filter_map(|address| address.trim().parse::<std::net::IpAddr>().ok())
        .map(|address| address.to_string())
        .collect();
    sources.extend(
        parts
            .extensions
            .get::<Peer>()
            .map(|peer| peer.0.ip().to_canonical().to_string()),
    );
    let mut seen = std::collections::BTreeSet::new();
    sources.retain(|source| seen.insert(source.clone()));
    sources
}

impl Trail {
    pub(super) fn begin(
        audit: Arc<Audit>,
        judged: Judged,
        asked: &Attributes<'_>,
        parts: &Parts,
        user: &UserInfo,
        id: &str,
    ) -> Self {
        let mut known = Map::new();
        let mut put = |key: &str, value: Value| known.insert(key.to_owned(), value);
        put("kind", "Event".into());
        put("apiVersion", "audit.k8s.io/v1".into());
        put("level", judged.level.name().into());
        put("auditID", id.into());
        put(
            "requestURI",
            parts.uri.path_and_query().map_or("", |path| path.as_str()).into(),
        );
        put("verb", asked.verb.into());
        let mut who = user.to_value();
        if let (true, Some(who)) = (user.name.is_empty(), who.as_object_mut()) {
            who.clear();
        }
        put("user", who);
        let sources = sources(parts);
        if !sources.is_empty() {
            put("sourceIPs", json!(sources));
        }
        let agent = text(&parts.headers, USER_AGENT);
        if !agent.is_empty() {
            put("userAgent", agent.into());
        }
        if let Some(path) = asked.resource {
            put("objectRef", object_reference(path));
        }
        put("requestReceivedTimestamp", micros(Timestamp::now()).into());
        Self {
            audit,
            judged,
            long: asked.verb == "watch",
            known: Arc::new(Mutex::new(known)),
        }
    }

    fn known(&self) -> MutexGuard<'_, Map<String, Value>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes an event of a stage.
    pub(crate) fn stage(&self, stage: Stage) {
        if self.judged.omit_stages.contains(&stage) {
            return;
        }
        let line = {
            let mut known = self.known();
            known.insert("stage".to_owned(), stage.name().into());
            known.insert("stageTimestamp".to_owned(), micros(Timestamp::now()).into());
            serde_json::to_string(&*known)
        };
        match line {
            Ok(line) => self.audit.log.write(line),
            Err(error) => tracing::error!(%error, "an audit event could not be written as JSON"),
        }
    }

    /// Notes as whom the request goes on.
    pub(crate) fn impersonated(&self, user: &UserInfo) {
        self.known().insert("impersonatedUser".to_owned(), user.to_value());
    }

    /// Notes what was decided about it.
    pub(crate) fn decided(&self, decision: &Decision) {
        let told = if decision.is_allowed() { "allow" } else { "forbid" };
        self.annotate("authorization.k8s.io/decision", told);
        self.annotate("authorization.k8s.io/reason", &decision.reason());
    }

    /// Notes something else.
    pub(crate) fn annotate(&self, key: &str, said: &str) {
        let mut known = self.known();
        let annotations = known.entry("annotations").or_insert_with(|| json!({}));
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.insert(key.to_owned(), said.into());
        }
    }

    /// Notes the name that a new object got.
    pub(crate) fn named(&self, name: &str) {
        if let Some(reference) = self.known().get_mut("objectRef").and_then(Value::as_object_mut)
            && !name.is_empty()
        {
            reference.insert("name".to_owned(), name.into());
        }
    }

    /// Notes the body of the request, where the policy wants it.
    pub(crate) async fn request_body(&self, headers: &HeaderMap, body: Body) -> Result<Body, Status> {
        if self.judged.level < Level::Request {
            return Ok(body);
        }
        let bytes = crate::http::body::read(body).await?;
        self.object("requestObject", media_type(headers), &bytes);
        Ok(Body::from(bytes))
    }

    fn object(&self, key: &str, media: &str, bytes: &[u8]) {
        let object = if media.ends_with("protobuf") {
            protobuf::decode(bytes).ok()
        } else if media.contains("json") {
            decode::json(bytes).ok().map(|decoded| decoded.value)
        } else if media.contains("yaml") {
            decode::yaml(bytes).ok().map(|decoded| decoded.value)
        } else {
            None
        };
        let Some(object) = object.filter(|object| !object.is_null()) else {
            return;
        };
        let object = if self.judged.omit_managed_fields {
            without_managed_fields(object)
        } else {
            object
        };
        self.known().insert(key.to_owned(), object);
    }

    fn ended(&self, code: StatusCode, failure: Option<&Status>) {
        let status = response_status(code.as_u16(), failure);
        self.known().insert("responseStatus".to_owned(), status);
    }

    /// Writes how a request of nobody ended.
    pub(crate) fn refused(&self, failure: &Status) {
        self.ended(StatusCode::UNAUTHORIZED, Some(failure));
        self.stage(Stage::ResponseStarted);
    }

    /// Writes how it ended; for a long answer once it begins and once it is over.
    pub(crate) async fn finish(self, response: Response, failure: Option<&Status>) -> Response {
        self.ended(response.status(), failure);
        if self.long && failure.is_none() {
            self.stage(Stage::ResponseStarted);
            return response.map(|body| Body::new(Followed { body, _end: End(self) }));
        }
        let response = if self.judged.level == Level::RequestResponse {
            self.response_body(response).await
        } else {
            response
        };
        self.stage(Stage::ResponseComplete);
        response
    }

    async fn response_body(&self, response: Response) -> Response {
        let (parts, body) = response.into_parts();
        match body.collect().await {
            Ok(whole) => {
                let bytes = whole.to_bytes();
                let media = text(&parts.headers, CONTENT_TYPE);
                self.object("responseObject", media.split(';').next().unwrap_or_default(), &bytes);
                Response::from_parts(parts, Body::from(bytes))
            }
            Err(error) => {
                tracing::debug!(%error, "an answer ended early");
                Response::from_parts(parts, Body::empty())
            }
        }
    }
}

/// Writes the last event when it is dropped.
struct End(Trail);

impl Drop for End {
    fn drop(&mut self) {
        self.0.stage(Stage::ResponseComplete);
    }
}

/// A body whose end is written down.
struct Followed {
    body: Body,
    _end: End,
}

impl HttpBody for Followed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
