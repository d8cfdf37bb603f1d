//! Streams (RFC 7766), plain or over TLS (RFC 7858): any number of queries on a connection, pipelined, answered in order. Bounded: connections, the
//! time one may idle or dawdle, the size of a query, the bytes that wait to be sent. Answers of queries that came together are sent
//! together.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::metric::QueryCounters;
use crate::server::Desk;
use crate::wire::{Outcome, Transport};

use super::accept::accept;
use super::connections::{Bounds, Place};
use super::desk::Served;

/// How many connections there may be at once.
pub(super) const BOUNDS: Bounds = Bounds {
    all: 1024,
    client: 256,
    idle: Duration::from_secs(1),
};
/// How long a connection may be without a whole query (also what keepalive answers say).
pub(super) const IDLE: Duration = Duration::from_secs(10);
/// How long a client may take to agree on keys.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(5);
/// How long a client may take to read what it was sent.
const WRITE: Duration = Duration::from_secs(5);
/// Bytes read at once; with the longest query it bounds what a connection holds.
const READ: usize = 4096;
/// Bytes of answers after which they are sent before further queries are answered.
const REPLIES_MAX: usize = 64 * 1024;
/// Longest query that is read; queries have one question and an OPT record.
pub(super) const QUERY_MAX: usize = 4096;

/// Accepts until stopped; then connections end with what they have begun.
pub(crate) async fn serve(listener: TcpListener, desk: Desk, tls: Option<TlsAcceptor>, stop: CancellationToken) {
    let transport = if tls.is_some() { Transport::Tls } else { Transport::Tcp };
    let counters = QueryCounters::new(transport);
    accept(listener, BOUNDS, stop, |stream, peer, place| {
        let (desk, tls, counters) = (desk.clone(), tls.clone(), counters.clone());
        async move {
            let served = async {
                stream.set_nodelay(true)?;
                let from = From {
                    source: peer.ip(),
                    transport,
                    place: &place,
                };
                match tls {
                    Some(tls) => {
                        let stream = timeout(HANDSHAKE, tls.accept(stream)).await??;
                        connection(stream, &from, &desk, &counters).await
                    }
                    None => connection(stream, &from, &desk, &counters).await,
                }
            };
            if let Err(error) = served.await {
                tracing::debug!(%error, %peer, "a DNS connection ended");
            }
        }
    })
    .await;
}

/// Who is at the other end.
struct From<'a> {
    source: IpAddr,
    transport: Transport,
    place: &'a Place,
}

async fn connection(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    from: &From<'_>,
    desk: &Desk,
    counters: &QueryCounters,
) -> std::io::Result<()> {
    let mut buffer: Vec<u8> = Vec::with_capacity(READ);
    let mut replies: Vec<u8> = Vec::new();
    let mut out = Vec::new();
    let mut deadline = tokio::time::Instant::now() + IDLE;
    loop {
        let mut at = 0;
        while let Some((query, next)) = frame(&buffer, at) {
            at = next;
            match desk.serve(query, from.source, from.transport, &mut out) {
                Served::Answered(outcome) => {
                    counters.count(outcome);
                    if outcome.is_some() {
                        put(&mut replies, &out);
                    }
                }
                Served::Transfer(transfer) => {
                    // A zone is sent a message at a time: what waits is one message, whatever the zone's size.
                    for message in *transfer {
                        put(&mut replies, &message);
                        timeout(WRITE, stream.write_all(&replies)).await??;
                        replies.clear();
                        from.place.active(Instant::now());
                    }
                    counters.count(Some(Outcome::TRANSFER));
                }
            }
            deadline = tokio::time::Instant::now() + IDLE;
            if replies.len() >= REPLIES_MAX {
                timeout(WRITE, stream.write_all(&replies)).await??;
                replies.clear();
            }
        }
        if at > 0 {
            from.place.active(Instant::now());
        }
        buffer.drain(..at);
        if declared(&buffer).is_some_and(|length| length > QUERY_MAX) {
            return Err(std::io::Error::new(
                std::io::ErrorKind::InvalidData,
                "a query longer than any query",
            ));
        }
        if !replies.is_empty() {
            timeout(WRITE, stream.write_all(&replies)).await??;
            replies.clear();
        }
        buffer.reserve(READ);
        let read = tokio::time::timeout_at(deadline, stream.read_buf(&mut buffer)).await??;
        if read == 0 {
            return Ok(());
        }
    }
}

/// Adds a message with its length; messages are at most 65,535 bytes.
fn put(replies: &mut Vec<u8>, message: &[u8]) {
    replies.extend_from_slice(&(message.len() as u16).to_be_bytes());
    replies.extend_from_slice(message);
}

/// The length that a frame's head declares.
fn declared(bytes: &[u8]) -> Option<usize> {
    bytes
        .first_chunk()
        .map(|length| usize::from(u16::from_be_bytes(*length)))
}

/// The whole query that begins at an offset, and where the next one does.
fn frame(buffer: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = buffer.get(at..)?;
    let end = 2 + declared(rest).filter(|length| *length <= QUERY_MAX)?;
    Some((rest.get(2..end)?, at + end))
}
