//! Queries in HTTP requests (RFC 8484): GET and POST of `/dns-query`, over HTTP/2 and HTTP/1.1, always TLS.
//! In: bound sockets. Out: answers and counters. Bounded as streams are: connections, requests at once, their length and time.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::accept::accept;
use super::connections::Place;
use super::tcp::{BOUNDS, HANDSHAKE, IDLE, QUERY_MAX};
use crate::metric::QueryCounters;
use crate::server::Desk;
use crate::wire::{Transport, lifetime};

/// The one path (RFC 8484 4.1.1 leaves it open; all clients take this for granted).
const PATH: &str = "/dns-query";
/// The one media type (RFC 8484 6).
const MESSAGE: &str = "application/dns-message";
/// Requests of one connection at a time.
const STREAMS_MAX: u32 = 128;
/// How long the whole of a request may take to come.
const REQUEST: Duration = Duration::from_secs(5);

/// Accepts until stopped.
pub(crate) async fn serve(listener: TcpListener, desk: Desk, tls: TlsAcceptor, stop: CancellationToken) {
    let counters = QueryCounters::new(Transport::Https);
    accept(listener, BOUNDS, stop, |stream, peer, place| {
        let (desk, tls, counters) = (desk.clone(), tls.clone(), counters.clone());
        async move { connection(stream, peer.ip(), desk, &tls, place, counters).await }
    })
    .await;
}

async fn connection(
    stream: TcpStream,
    source: IpAddr,
    desk: Desk,
    tls: &TlsAcceptor,
    place: Place,
    counters: QueryCounters,
) {
    let Ok(Ok(stream)) = timeout(HANDSHAKE, tls.accept(stream)).await else {
        return;
    };
    let two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let shared = Arc::new((desk, place, counters));
    let service = service_fn(move |request: Request<Incoming>| {
        let shared = shared.clone();
        async move {
            let (desk, place, counters) = &*shared;
            place.active(Instant::now());
            Ok::<_, Infallible>(respond(request, source, desk, counters).await)
        }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(IDLE);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(IDLE)
        .keep_alive_timeout(IDLE)
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(16 << 10);
    let builder = if two {
        builder.http2_only()
    } else {
        builder.http1_only()
    };
    if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, %source, "a connection of DNS over HTTPS ended");
    }
}

/// Answers one request.
async fn respond(
    request: Request<Incoming>,
    source: IpAddr,
    desk: &Desk,
    counters: &QueryCounters,
) -> Response<Full<Bytes>> {
    let query = match query(request).await {
        Ok(query) => query,
        Err(status) => return refusal(status),
    };
    let mut out = Vec::new();
    let outcome = desk.serve_one(&query, source, Transport::Https, &mut out);
    counters.count(outcome);
    if outcome.is_none() {
        return refusal(StatusCode::BAD_REQUEST);
    }
    // Nobody may keep it longer than its shortest record (RFC 8484 5.1).
    let age = format!("max-age={}", lifetime(&out));
    let response = Response::builder()
        .header(CONTENT_TYPE, MESSAGE)
        .header(CACHE_CONTROL, age)
        .body(Full::from(out));
    response.unwrap_or_else(|_| refusal(StatusCode::INTERNAL_SERVER_ERROR))
}

/// The query in a request, or how it is refused. What a request brings is taken in before it is refused, within bounds: clients that are still
/// sending may take the answer for a broken connection.
async fn query(request: Request<Incoming>) -> Result<Bytes, StatusCode> {
    let (head, body) = request.into_parts();
    let body = match timeout(REQUEST, Limited::new(body, QUERY_MAX).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) => return Err(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => return Err(StatusCode::REQUEST_TIMEOUT),
    };
    if head.uri.path() != PATH {
        return Err(StatusCode::NOT_FOUND);
    }
    match head.method {
        Method::GET => {
            let mut parameters = form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes());
            let text = parameters
                .find(|(name, _)| name == "dns")
                .ok_or(StatusCode::BAD_REQUEST)?
                .1;
            if text.len() > QUERY_MAX.div_ceil(3) * 4 {
                return Err(StatusCode::URI_TOO_LONG);
            }
            let bytes = URL_SAFE_NO_PAD.decode(text.as_bytes());
            bytes.map(Bytes::from).map_err(|_| StatusCode::BAD_REQUEST)
        }
        Method::POST => {
            let type_ = head.headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
            if type_ == Some(MESSAGE.as_bytes()) {
                Ok(body)
            } else {
                Err(StatusCode::UNSUPPORTED_MEDIA_TYPE)
            }
        }
        _ => Err(StatusCode::METHOD_NOT_ALLOWED),
    }
}

fn refusal(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response
            .headers_mut()
            .insert(ALLOW, http::HeaderValue::from_static("GET, POST"));
    }
    response
}
