//! The hub's way into a member that it cannot reach: a connection that is opened from here, through which requests come back.
//!
//! In: streams of the hub, each one HTTP/1.1 request to the member. Out: the member's answers; a switch of protocols is passed on
//! byte for byte. Absent: judging what is asked (each request names its user, and the member judges).

use std::sync::Arc;
use std::time::Duration;

use api::well_known::{API_VERSION, TUNNEL_PROTOCOL};
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING, UPGRADE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Either, Empty, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use kube::Client;
use tokio_util::sync::CancellationToken;

use crate::access::MemberSource;
use crate::backoff::Backoff;
use crate::error::chain;

type Cause = Box<dyn std::error::Error + Send + Sync>;
type Body = Either<kube::client::Body, Either<Full<Bytes>, Empty<Bytes>>>;

/// Longest wait for the hub to agree, and for both sides of a switch.
const SWITCH_WITHIN: Duration = Duration::from_secs(10);
/// Streams at once; the hub waits with more.
const STREAMS_MAX: u32 = 256;
/// How often a silent connection is asked whether it lives, and how long the answer may take.
const PING_EVERY: Duration = Duration::from_secs(5);
const PONG_WITHIN: Duration = Duration::from_secs(5);
/// Largest body of a request; those of the hub have a few hundred bytes.
const BODY_BYTES_MAX: usize = 3 << 20;

/// Keeps a tunnel open until shutdown.
pub(crate) async fn run(hub: MemberSource, cluster: Arc<str>, member: MemberSource, shutdown: CancellationToken) {
    let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(10));
    loop {
        let ended = tokio::select! {
            () = shutdown.cancelled() => return,
            ended = once(&hub, &cluster, &member, &mut backoff, &shutdown) => ended,
        };
        if let Err(error) = ended
            && backoff.attempts() == 0
        {
            tracing::warn!(%cluster, error = chain(&*error), "there is no tunnel to the hub; it is opened again, the hub shows no Pods of here meanwhile");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(backoff.next()) => {}
        }
    }
}

async fn once(
    hub: &MemberSource,
    cluster: &str,
    member: &MemberSource,
    backoff: &mut Backoff,
    shutdown: &CancellationToken,
) -> Result<(), Cause> {
    let member = member.client_without_silence_limit().await?;
    let connection = open(&hub.client_without_silence_limit().await?, cluster).await?;
    backoff.reset();
    tracing::info!(cluster, "a tunnel to the hub is open");
    let streams = shutdown.child_token();
    let _end_streams = streams.clone().drop_guard();
    let service = service_fn(move |request| answer(request, member.clone(), streams.clone()));
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PONG_WITHIN);
    Ok(builder.serve_connection(connection, service).await?)
}

/// Asks the hub to switch a connection.
async fn open(hub: &Client, cluster: &str) -> Result<Upgraded, Cause> {
    let request = Request::get(format!("/apis/{API_VERSION}/clusters/{cluster}/tunnel"))
        .header(CONNECTION, "upgrade")
        .header(UPGRADE, TUNNEL_PROTOCOL)
        .body(kube::client::Body::empty())?;
    let opened = async {
        let response = hub.send(request).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(format!("the hub answers {} instead of a tunnel", response.status()).into());
        }
        Ok::<_, Cause>(hyper::upgrade::on(response).await?)
    };
    tokio::time::timeout(SWITCH_WITHIN, opened).await?
}

/// Takes a stream of the hub.
async fn answer(
    request: Request<Incoming>,
    member: Client,
    end: CancellationToken,
) -> Result<Response<Empty<Bytes>>, std::convert::Infallible> {
    let mut response = Response::new(Empty::new());
    if request.method() != Method::CONNECT {
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        return Ok(response);
    }
    tokio::spawn(end.clone().run_until_cancelled_owned(async move {
        let stream = match hyper::upgrade::on(request).await {
            Ok(stream) => stream,
            Err(error) => {
                tracing::debug!(%error, "a stream of the hub did not begin");
                return;
            }
        };
        let service = service_fn(move |request| forward(request, member.clone(), end.clone()));
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(stream, service)
            .with_upgrades()
            .await;
        if let Err(error) = served {
            tracing::debug!(%error, "a stream of the hub ended early");
        }
    }));
    Ok(response)
}

/// Sends a request on to the member. What it does not answer is told in its place.
async fn forward(
    request: Request<Incoming>,
    member: Client,
    end: CancellationToken,
) -> Result<Response<Body>, std::convert::Infallible> {
    let passed = pass(request, &member, end).await;
    Ok(passed.unwrap_or_else(|error| {
        let message = format!("its syncer has no answer: {}", chain(&*error));
        let status = serde_json::json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "reason": "ServiceUnavailable", "code": 503, "message": message});
        let mut response = Response::new(Either::Right(Either::Left(Full::from(status.to_string()))));
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        let json = http::HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        response
    }))
}

async fn pass(
    mut request: Request<Incoming>,
    member: &Client,
    end: CancellationToken,
) -> Result<Response<Body>, Cause> {
    let here = request.extensions_mut().remove::<OnUpgrade>();
    let (mut parts, body) = request.into_parts();
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await?.to_bytes();
    for header in [HOST, CONTENT_LENGTH, TRANSFER_ENCODING] {
        parts.headers.remove(header);
    }
    let mut answer = member.send(Request::from_parts(parts, body.into())).await?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        for header in [CONNECTION, TRANSFER_ENCODING] {
            answer.headers_mut().remove(header);
        }
        return Ok(answer.map(Either::Left));
    }
    let there = answer.extensions_mut().remove::<OnUpgrade>();
    let (Some(here), Some(there)) = (here, there) else {
        return Err("the member switched protocols unasked".into());
    };
    tokio::spawn(end.run_until_cancelled_owned(async move {
        let both = tokio::time::timeout(SWITCH_WITHIN, async { tokio::try_join!(here, there) });
        let Ok(Ok((here, there))) = both.await else {
            tracing::debug!("protocols were not switched");
            return;
        };
        let (mut here, mut there) = (TokioIo::new(here), TokioIo::new(there));
        if let Err(error) = tokio::io::copy_bidirectional(&mut here, &mut there).await {
            tracing::debug!(%error, "a stream into a pod ended early");
        }
    }));
    Ok(answer.map(|_| Either::Right(Either::Right(Empty::new()))))
}
