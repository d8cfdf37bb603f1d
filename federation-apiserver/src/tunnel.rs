//! Ways to members that the hub cannot reach: their syncers open a connection to the hub, and requests go back through it.
//!
//! In: a request for `clusters/NAME/tunnel` that switches protocols, then requests for that member. Out: the member's answers.
//! The switched connection speaks HTTP/2 with the hub as the client; each request has a stream of its own (CONNECT), which is
//! HTTP/1.1 again, so that a request in it may switch protocols itself. Absent: what may be asked (the member judges), and a
//! way through another process of the same hub.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::SyncMode;
use api::well_known::{GROUP, TUNNEL_PROTOCOL};
use async_trait::async_trait;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONNECTION, HOST, HeaderValue, UPGRADE};
use http::{Request, StatusCode};
use http_body_util::{Empty, Full};
use hyper::client::conn::{http1, http2};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use machinery::status::Status;
use tokio_util::sync::CancellationToken;

use crate::http::Ask;
use crate::proxy::{Member, Members};
use crate::store::Cause;

/// How long a syncer has for the switch.
const SWITCH_WITHIN: Duration = Duration::from_secs(10);
/// How often a silent connection is asked whether it lives, and how long it has for the answer.
const PING_EVERY: Duration = Duration::from_secs(5);
const PONG_WITHIN: Duration = Duration::from_secs(5);
/// The member's name within a tunnel, where there is no other.
const MEMBER: HeaderValue = HeaderValue::from_static("member");

type Sender = http2::SendRequest<Empty<Bytes>>;

/// The connections that are open, one a cluster: the newest.
#[derive(Debug, Default)]
pub(crate) struct Tunnels {
    open: Mutex<HashMap<String, (u64, Sender)>>,
    opened: AtomicU64,
}

/// Taken out again however its connection ends.
struct Opened {
    tunnels: Arc<Tunnels>,
    cluster: String,
    number: u64,
}

impl Drop for Opened {
    fn drop(&mut self) {
        let mut open = self.tunnels.open();
        if open
            .get(&self.cluster)
            .is_some_and(|(number, _)| *number == self.number)
        {
            open.remove(&self.cluster);
        }
    }
}

impl Tunnels {
    fn open(&self) -> MutexGuard<'_, HashMap<String, (u64, Sender)>> {
        // A panic while the lock was held leaves a map that is still a map.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(self: &Arc<Self>, cluster: &str, sender: Sender) -> Opened {
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        self.open().insert(cluster.to_owned(), (number, sender));
        Opened {
            tunnels: self.clone(),
            cluster: cluster.to_owned(),
            number,
        }
    }

    async fn send(&self, cluster: &str, request: Request<Bytes>) -> Result<http::Response<Body>, Cause> {
        let sender = self.open().get(cluster).map(|(_, sender)| sender.clone());
        let mut sender = sender.ok_or("its syncer has no connection to this process of the hub")?;
        sender.ready().await?;
        let connect = Request::connect("member:443").body(Empty::new())?;
        let agreed = sender.send_request(connect).await?;
        if agreed.status() != StatusCode::OK {
            return Err(format!("its syncer refused a stream ({})", agreed.status()).into());
        }
        let stream = hyper::upgrade::on(agreed).await?;
        let (mut member, connection) = http1::handshake(stream).await?;
        // It ends when the answer was read, or nobody reads it any more.
        tokio::spawn(async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%error, "a stream to a member ended early");
            }
        });
        let mut request = request.map(Full::new);
        request.headers_mut().insert(HOST, MEMBER);
        let answer = member.send_request(request).await?;
        Ok(answer.map(Body::new))
    }
}

/// Ways to all members: through their tunnels to those whose syncers run in them, to the others as the binary knows.
pub(crate) struct AllMembers {
    pub(crate) reached: Arc<dyn Members>,
    pub(crate) tunnels: Arc<Tunnels>,
}

#[async_trait]
impl Members for AllMembers {
    async fn send(&self, member: &Member, request: Request<Bytes>) -> Result<http::Response<Body>, Cause> {
        match member.cluster.spec.sync_mode {
            SyncMode::Push => self.reached.send(member, request).await,
            SyncMode::Pull => self.tunnels.send(member.cluster.metadata.name(), request).await,
        }
    }
}

/// Answers a syncer that opens a tunnel.
pub(crate) fn serve(mut ask: Ask, verb: &str) -> Result<Response, Status> {
    if verb != "get" {
        return Err(Status::method_not_allowed(GROUP, "clusters/tunnel", verb));
    }
    if ask.server.engine.cache_of(&ask.kind).get("", &ask.path.name).is_none() {
        return Err(ask.not_found());
    }
    let protocol = ask.parts.headers.get(UPGRADE).and_then(|value| value.to_str().ok());
    if !protocol.is_some_and(|protocol| protocol.eq_ignore_ascii_case(TUNNEL_PROTOCOL)) {
        return Err(Status::bad_request(format!(
            "a tunnel is a switch to {TUNNEL_PROTOCOL}"
        )));
    }
    let switch = ask.parts.extensions.remove::<OnUpgrade>();
    let switch = switch.ok_or_else(|| Status::bad_request("this connection cannot switch protocols; use HTTP/1.1"))?;
    let (tunnels, cluster, drain) = (ask.server.tunnels.clone(), ask.path.name.clone(), ask.drain());
    tokio::spawn(async move {
        let switched = tokio::time::timeout(SWITCH_WITHIN, switch).await;
        let ended = match switched {
            Ok(Ok(connection)) => keep(tunnels, &cluster, connection, drain).await,
            Ok(Err(error)) => Err(error),
            Err(_) => return,
        };
        match ended {
            Ok(()) => tracing::info!(cluster, "the tunnel was closed"),
            Err(error) => tracing::warn!(cluster, %error, "the tunnel broke; its syncer opens another"),
        }
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static(TUNNEL_PROTOCOL));
    Ok(response)
}

/// Keeps a tunnel for as long as it lives, or the server does.
async fn keep(
    tunnels: Arc<Tunnels>,
    cluster: &str,
    connection: Upgraded,
    drain: CancellationToken,
) -> Result<(), hyper::Error> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PONG_WITHIN)
        .keep_alive_while_idle(true);
    let (sender, connection) = builder.handshake(connection).await?;
    let _opened = tunnels.put(cluster, sender);
    tracing::info!(cluster, "a tunnel to the member is open");
    tokio::select! {
        () = drain.cancelled() => Ok(()),
        ended = connection => ended,
    }
}
