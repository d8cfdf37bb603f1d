//! Watches: events from a cursor into the shared history, encoded for one client, until the time is over.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use api::Revision;
use axum::body::Body;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use machinery::field::{self, Path};
use machinery::status::Status;
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::events::Encoder;
use super::list::{invalid_options, revision};
use super::negotiate::{Encoding, Form, JSON};
use super::query::Query;
use super::respond;
use super::select::Selection;
use super::source::Source;
use super::tables::Include;
use crate::cache::{CachedObject, Event, EventType, WatchCursor};

/// A watch without a time of its own ends after this long, or up to twice that.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(30 * 60);
/// Bookmarks come about this often.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
/// The last bookmark comes this long before the end.
const BOOKMARK_BEFORE_END: Duration = Duration::from_secs(2);
/// Initial events are sent in pieces of about this many bytes.
const PIECE_BYTES: usize = 256 << 10;
const PROTOBUF_STREAM: &str = "application/vnd.kubernetes.protobuf;stream=watch";

/// Where a watch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begin {
    /// With the current state.
    State { not_older: Option<Revision> },
    /// With events from now on.
    Now { not_older: Option<Revision> },
    /// With events after a revision.
    After(Revision),
}

#[derive(Debug)]
struct Options {
    begin: Begin,
    /// The end of the initial state is to be marked.
    mark_initial: bool,
    bookmarks: bool,
    timeout: Duration,
}

fn options(query: &Query) -> Result<Options, Status> {
    let path = Path::root("resourceVersionMatch");
    let forbidden = |detail: &str| Err(invalid_options(field::forbidden(&path, detail)));
    let (at, _) = revision(query)?;
    let bookmarks = query.flag("allowWatchBookmarks").unwrap_or(false);
    let matching = query.get("resourceVersionMatch");
    let begin = match query.flag("sendInitialEvents") {
        Some(_) if matching != Some("NotOlderThan") => {
            return forbidden("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
        }
        Some(true) => Begin::State { not_older: at },
        Some(false) => match at {
            Some(revision) => Begin::After(revision),
            None => Begin::Now { not_older: None },
        },
        None if matching.is_some() => {
            return forbidden("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
        }
        None => at.map_or(Begin::State { not_older: None }, Begin::After),
    };
    let mark_initial = matches!(begin, Begin::State { .. }) && bookmarks;
    let timeout = match query.number("timeoutSeconds")? {
        Some(seconds) if seconds > 0 => Duration::from_secs(u64::try_from(seconds).unwrap_or(0)),
        Some(_) | None => TIMEOUT_DEFAULT.mul_f64(rand::random_range(1.0..2.0)),
    };
    Ok(Options {
        begin,
        mark_initial,
        bookmarks,
        timeout,
    })
}

/// Answers a watch.
pub(crate) async fn watch(
    source: Source,
    query: &Query,
    selection: Selection,
    form: Form,
    drain: CancellationToken,
) -> Result<Response, Status> {
    let options = options(query)?;
    let encoder = Encoder {
        printer: source.printer(Include::of(query)?, form),
        form,
        columns_sent: false,
        served: source.served.clone(),
    };
    let deadline = Instant::now() + options.timeout;
    let mut initial = VecDeque::new();
    let begun = match options.begin {
        Begin::State { not_older } | Begin::Now { not_older } => match reach(&source, not_older).await {
            Ok(()) => {
                let snapshot = source.objects.snapshot();
                if matches!(options.begin, Begin::State { .. }) {
                    initial.extend(snapshot.iter().filter(|object| selection.has(object)).cloned());
                }
                let old = |_| Status::internal("the history began after the current state");
                match source.prepare(initial.make_contiguous()).await {
                    Ok(()) => source.objects.watch(snapshot.revision).map_err(old),
                    Err(status) => Err(status),
                }
            }
            Err(status) => Err(status),
        },
        // What ends with the process has no future that another process could have seen: the client must begin anew here.
        Begin::After(revision) if source.is_ephemeral() && revision > source.objects.revision() => {
            Err(Status::expired(format!("too old resource version: {revision}")))
        }
        Begin::After(revision) => source
            .objects
            .watch(revision)
            .map_err(|expired| Status::expired(format!("too old resource version: {revision} ({})", expired.floor))),
    };
    let mut stream = Stream {
        cursor: None,
        selection,
        encoder,
        initial,
        mark_initial: options.mark_initial,
        bookmarks: options.bookmarks,
        next_bookmark: next_bookmark(Instant::now(), deadline),
        deadline,
        drain,
        withdrawn: source.withdrawn(),
        failure: None,
        done: false,
        _keep: source.keep,
        _open: Open::count(),
    };
    match begun {
        Ok(cursor) => stream.cursor = Some(cursor),
        Err(status) => stream.failure = Some(status),
    }
    let media = if form.encoding == Encoding::Protobuf {
        PROTOBUF_STREAM
    } else {
        JSON
    };
    let body = futures::stream::unfold(stream, |mut stream| async move {
        let chunk = stream.next().await?;
        Some((Ok::<Bytes, std::convert::Infallible>(chunk), stream))
    });
    Ok(respond::content(StatusCode::OK, media, Body::from_stream(body)))
}

async fn reach(source: &Source, revision: Option<Revision>) -> Result<(), Status> {
    match revision {
        Some(revision) => source.reach(revision).await,
        None => Ok(()),
    }
}

fn next_bookmark(now: Instant, deadline: Instant) -> Instant {
    let last = deadline.checked_sub(BOOKMARK_BEFORE_END).unwrap_or(deadline);
    let next = now + BOOKMARK_EVERY;
    if now < last { next.min(last) } else { next }
}

/// Counts open watches for as long as it lives.
struct Open(metrics::Gauge);

impl Open {
    fn count() -> Self {
        let gauge = metrics::gauge!("apiserver_longrunning_requests", "verb" => "WATCH");
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

struct Stream {
    cursor: Option<WatchCursor>,
    selection: Selection,
    encoder: Encoder,
    initial: VecDeque<Arc<CachedObject>>,
    mark_initial: bool,
    bookmarks: bool,
    next_bookmark: Instant,
    deadline: Instant,
    drain: CancellationToken,
    /// Cancelled when the kind is no longer served.
    withdrawn: CancellationToken,
    failure: Option<Status>,
    done: bool,
    _keep: Option<Arc<dyn std::any::Any + Send + Sync>>,
    _open: Open,
}

impl Stream {
    /// The next bytes to send; none at the end.
    async fn next(&mut self) -> Option<Bytes> {
        if self.done {
            return None;
        }
        if let Some(status) = self.failure.take() {
            self.done = true;
            return Some(self.encoder.error(&status));
        }
        if !self.initial.is_empty() || self.mark_initial {
            return Some(self.initial_piece());
        }
        loop {
            let cursor = self.cursor.as_mut()?;
            let wake = self.next_bookmark.min(self.deadline);
            let events = tokio::select! {
                biased;
                () = self.drain.cancelled() => return None,
                // What happened until then is told first: the last objects go before their kind does.
                events = cursor.next() => events,
                () = self.withdrawn.cancelled() => return None,
                () = tokio::time::sleep_until(wake) => {
                    let now = Instant::now();
                    if now >= self.deadline {
                        return None;
                    }
                    self.next_bookmark = next_bookmark(now, self.deadline);
                    if !self.bookmarks {
                        continue;
                    }
                    let progress = cursor.progress();
                    return Some(self.encoder.bookmark(progress, false));
                }
            };
            let events = match events {
                Ok(events) => events,
                Err(expired) => {
                    self.done = true;
                    let status = Status::expired(format!(
                        "too old resource version: {} ({})",
                        expired.revision, expired.floor
                    ));
                    return Some(self.encoder.error(&status));
                }
            };
            if let Err(status) = self.encoder.prepare(&events).await {
                self.done = true;
                return Some(self.encoder.error(&status));
            }
            let mut out = BytesMut::new();
            for event in &events {
                if let Err(status) = self.encode(event, &mut out) {
                    self.done = true;
                    out.extend_from_slice(&self.encoder.error(&status));
                    return Some(out.freeze());
                }
            }
            if !out.is_empty() {
                return Some(out.freeze());
            }
        }
    }

    fn initial_piece(&mut self) -> Bytes {
        let mut out = BytesMut::new();
        while out.len() < PIECE_BYTES {
            let Some(object) = self.initial.pop_front() else { break };
            if let Err(status) = self.encoder.object(EventType::Added, &object, &mut out) {
                self.done = true;
                out.extend_from_slice(&self.encoder.error(&status));
                return out.freeze();
            }
        }
        if self.initial.is_empty() && self.mark_initial {
            self.mark_initial = false;
            if let Some(cursor) = &self.cursor {
                let progress = cursor.progress();
                out.extend_from_slice(&self.encoder.bookmark(progress, true));
            }
        }
        out.freeze()
    }

    /// Writes an event as this watch sees it: what leaves its selection is deleted, what enters is added.
    fn encode(&mut self, event: &Event, out: &mut BytesMut) -> Result<(), Status> {
        let before = event.previous.as_ref().filter(|object| self.selection.has(object));
        let after = event.event_type != EventType::Deleted && self.selection.has(&event.object);
        match (before, after) {
            (None, false) => {}
            (None, true) => self.encoder.object(EventType::Added, &event.object, out)?,
            (Some(_), true) => self.encoder.object(EventType::Modified, &event.object, out)?,
            (Some(_), false) if event.event_type == EventType::Deleted => {
                self.encoder.object(EventType::Deleted, &event.object, out)?;
            }
            (Some(previous), false) => {
                let mut value = (*self.encoder.shown(previous)?).clone();
                if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
                    metadata.insert("resourceVersion".to_owned(), Value::from(event.revision.to_string()));
                }
                self.encoder
                    .value(EventType::Deleted.as_str(), &value, Some(event.revision), out);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn option_rules() {
        let parsed = |text: &str| options(&Query::parse(Some(text)).unwrap());
        let five = Revision::new(5);
        for (query, begin) in [
            ("watch=true", Begin::State { not_older: None }),
            ("resourceVersion=0", Begin::State { not_older: None }),
            ("resourceVersion=5", Begin::After(five.unwrap())),
            (
                "sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
                Begin::State { not_older: None },
            ),
            (
                "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=5",
                Begin::State { not_older: five },
            ),
            (
                "sendInitialEvents=false&resourceVersionMatch=NotOlderThan",
                Begin::Now { not_older: None },
            ),
        ] {
            assert_eq!(parsed(query).unwrap().begin, begin, "{query}");
        }
        for query in [
            "sendInitialEvents=true",
            "resourceVersionMatch=NotOlderThan&resourceVersion=5",
        ] {
            assert_eq!(parsed(query).unwrap_err().code, 422, "{query}");
        }
        assert_eq!(parsed("timeoutSeconds=7").unwrap().timeout, Duration::from_secs(7));
        let default = parsed("").unwrap().timeout;
        assert!(default >= TIMEOUT_DEFAULT && default <= TIMEOUT_DEFAULT * 2);
    }
}
