//! What happens to Pods and Nodes, of the hub and of all members, as one stream.

use std::sync::Arc;
use std::time::Duration;

use api::Revision;
use axum::body::Body;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt as _;
use machinery::field::{self, Path};
use machinery::status::Status;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::Member;
use super::ask::{self, Failure};
use super::circle::{self, Circle};
use super::positions::Position;
use super::read::{self, Search, Showing};
use crate::http::events::Encoder;
use crate::http::source::Source;
use crate::http::tables::Include;
use crate::http::{Ask, list as lists, respond, watch as watches};

/// Events that wait for the client; then the members' streams wait, too.
const WAITING_MAX: usize = 256;
/// A longer line is no event.
const LINE_BYTES_MAX: usize = 4 << 20;
/// Rest before a member's stream is opened again; doubled up to the second.
const REST_MIN: Duration = Duration::from_millis(500);
const REST_MAX: Duration = Duration::from_secs(20);

/// Answers a watch.
pub(super) async fn watch(ask: &Ask) -> Result<Response, Status> {
    let form = ask.form(false)?;
    if ask.query.flag("sendInitialEvents").is_some() {
        // The end of the state of many members is nothing that one stream could mark; clients list then.
        let path = Path::root("sendInitialEvents");
        let detail = "sendInitialEvents is forbidden for what is read from members; list it";
        return Err(lists::invalid_options(field::forbidden(&path, detail)));
    }
    let search = Search::of(ask)?;
    let position = position(ask)?;
    let mut source = Source::of(&ask.kind, ask.server.engine.cache_of(&ask.kind));
    source.clusters = true;
    let encoder = || {
        Ok::<_, Status>(Encoder {
            printer: source.printer(Include::of(&ask.query)?, form),
            form,
            columns_sent: false,
            served: source.served.clone(),
        })
    };
    let Circle {
        members: asked,
        warnings,
    } = circle::of(ask, &search.clusters);
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    let search = Arc::new(search);
    let ask = Arc::new(ask.again());
    let mut tasks = JoinSet::new();
    for member in asked {
        // Of a member that joined since nothing was listed.
        let after = position
            .as_ref()
            .and_then(|position| position.members.get(member.name()).cloned());
        let follower = Follower {
            ask: ask.clone(),
            search: search.clone(),
            member,
            encoder: encoder()?,
            after: after.unwrap_or_default(),
        };
        tasks.spawn(follower.follow(sender.clone()));
    }
    drop(sender);

    let hub = match &position {
        Some(position) => position.hub.to_string(),
        None => String::new(),
    };
    // Versions in bookmarks would be the hub's alone.
    let query = search
        .query
        .with("resourceVersion", &hub)
        .with("allowWatchBookmarks", "false");
    let own = watches::watch(source.clone(), &query, search.selection.clone(), form, ask.drain()).await?;
    let media = own.headers().get(CONTENT_TYPE).cloned();
    let both = Both {
        hub: own.into_body().into_data_stream(),
        members: receiver,
        _tasks: tasks,
    };
    let body = futures::stream::unfold(both, |mut both| async move {
        let chunk = both.next().await?;
        Some((Ok::<Bytes, axum::Error>(chunk), both))
    });
    let mut response = Response::new(Body::from_stream(body));
    *response.status_mut() = StatusCode::OK;
    if let Some(media) = media {
        response.headers_mut().insert(CONTENT_TYPE, media);
    }
    respond::warn(&mut response, &warnings);
    Ok(response)
}

/// Where a watch begins; none for the present state.
fn position(ask: &Ask) -> Result<Option<Arc<Position>>, Status> {
    match ask.query.get("resourceVersion") {
        None | Some("0") => Ok(None),
        Some(text) => {
            let found = text.parse().ok().and_then(|number| ask.server.positions.find(number));
            let old = || Status::expired(format!("too old resource version: {text}"));
            found.map(Some).ok_or_else(old)
        }
    }
}

/// The two halves of a stream. It ends with the hub's, which knows how long it may last.
struct Both {
    hub: axum::body::BodyDataStream,
    members: mpsc::Receiver<Bytes>,
    _tasks: JoinSet<()>,
}

impl Both {
    async fn next(&mut self) -> Option<Bytes> {
        tokio::select! {
            chunk = self.hub.next() => chunk.and_then(Result::ok),
            Some(frame) = self.members.recv() => Some(frame),
        }
    }
}

/// Follows one member for one client.
struct Follower {
    ask: Arc<Ask>,
    search: Arc<Search>,
    member: Member,
    encoder: Encoder,
    /// The version after which events are wanted; empty for the present state first.
    after: String,
}

/// How a member's stream ended.
enum Ended {
    /// The client is gone, or was told that it must begin anew.
    ForGood,
    /// It may be opened again.
    ForNow,
}

impl Follower {
    async fn follow(mut self, to: mpsc::Sender<Bytes>) {
        let mut rest = REST_MIN;
        loop {
            let before = self.after.clone();
            match self.stream(&to).await {
                Ok(Ended::ForGood) => return,
                Ok(Ended::ForNow) => {}
                Err(Failure::Said(code @ (400..=403 | 405..=409), message)) => {
                    tracing::debug!(cluster = self.member.name(), code, message, "a member refuses a watch");
                    return;
                }
                Err(failure) => {
                    tracing::debug!(cluster = self.member.name(), %failure, "a watch of a member broke off")
                }
            }
            rest = if before == self.after {
                (rest * 2).min(REST_MAX)
            } else {
                REST_MIN
            };
            tokio::time::sleep(rest.mul_f64(rand::random_range(0.5..1.0))).await;
        }
    }

    async fn stream(&mut self, to: &mpsc::Sender<Bytes>) -> Result<Ended, Failure> {
        let mut more = vec![("watch", "true"), ("allowWatchBookmarks", "true")];
        if !self.after.is_empty() {
            more.push(("resourceVersion", &self.after));
        }
        let words = self.search.words(self.member.name(), &more);
        let uri = format!("{}?{words}", read::collection(&self.ask));
        let unfit = |status: Status| Failure::Said(400, status.message);
        let request = ask::reading(&self.ask.user, &uri).map_err(unfit)?;
        let members = read::members(&self.ask).map_err(unfit)?;
        let response = ask::send(members, &self.member, request).await?;
        if !response.status().is_success() {
            if response.status() == StatusCode::GONE {
                return Ok(self.begin_anew(to).await);
            }
            return Err(Failure::Said(response.status().as_u16(), String::new()));
        }
        let mut body = response.into_body();
        let mut waiting = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| Failure::Silent(error.to_string()))?;
            let Ok(data) = frame.into_data() else { continue };
            waiting.extend_from_slice(&data);
            while let Some(end) = waiting.iter().position(|byte| *byte == b'\n') {
                let line = waiting.split_to(end + 1);
                let event: Value = serde_json::from_slice(&line).map_err(|error| Failure::Silent(error.to_string()))?;
                if let Some(ended) = self.event(event, to).await {
                    return Ok(ended);
                }
            }
            if waiting.len() > LINE_BYTES_MAX {
                return Err(Failure::Silent("an event without end".to_owned()));
            }
        }
        Ok(Ended::ForNow)
    }

    /// Passes an event on. Some, where the stream is over.
    async fn event(&mut self, mut event: Value, to: &mpsc::Sender<Bytes>) -> Option<Ended> {
        let kind = event.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let object = event.get_mut("object").map(Value::take).unwrap_or_default();
        if kind == "ERROR" {
            return match object.get("code").and_then(Value::as_u64) {
                Some(410) => Some(self.begin_anew(to).await),
                _ => Some(Ended::ForNow),
            };
        }
        if let Some(version) = object.pointer("/metadata/resourceVersion").and_then(Value::as_str) {
            version.clone_into(&mut self.after);
        }
        if kind == "BOOKMARK" {
            return None;
        }
        let object = Showing::new(&self.ask).object(object, self.member.name())?;
        if !self.search.has_name(&object) {
            return None;
        }
        let revision = object.pointer("/metadata/resourceVersion").and_then(Value::as_str);
        let revision = revision.and_then(Revision::parse);
        let mut out = BytesMut::new();
        self.encoder.value(&kind, &object, revision, &mut out);
        to.send(out.freeze()).await.is_err().then_some(Ended::ForGood)
    }

    /// Events are lost: the client has to list anew.
    async fn begin_anew(&mut self, to: &mpsc::Sender<Bytes>) -> Ended {
        let status = Status::expired(format!("cluster {} no longer has the events", self.member.name()));
        let told = self.encoder.error(&status);
        if to.send(told).await.is_err() {
            tracing::debug!("the client of a watch is gone");
        }
        Ended::ForGood
    }
}
