//! Queries in streams of QUIC (RFC 9250): one a stream, each answered on its own, so that a lost packet delays no other answer.
//! In: a bound endpoint. Out: answers and counters. Bounded: connections, streams of each, the length of a query and its time. Who
//! comes while many are there proves its address first.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{Connection, Endpoint, Incoming, RecvStream, SendStream, TransportConfig, VarInt};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::connections::{Connections, Place};
use super::tcp::{BOUNDS, HANDSHAKE, IDLE, QUERY_MAX};
use crate::metric::QueryCounters;
use crate::server::Desk;
use crate::wire::Transport;

/// Streams of one connection at a time.
const STREAMS_MAX: u32 = 128;
/// Error codes (RFC 9250 4.3).
const NO_ERROR: VarInt = VarInt::from_u32(0);
const PROTOCOL_ERROR: VarInt = VarInt::from_u32(2);
const EXCESSIVE_LOAD: VarInt = VarInt::from_u32(4);

/// Binds an endpoint with TLS settings that name the protocol `doq`.
pub(crate) fn bind(address: SocketAddr, tls: rustls::ServerConfig) -> std::io::Result<Endpoint> {
    let tls = QuicServerConfig::try_from(tls).map_err(std::io::Error::other)?;
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(tls));
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(STREAMS_MAX.into())
        .max_concurrent_uni_streams(0_u32.into())
        .max_idle_timeout(IDLE.try_into().ok())
        // What a client may have under way that was not read: a query a stream.
        .receive_window(VarInt::from_u32(STREAMS_MAX * 8192))
        .stream_receive_window(8192_u32.into());
    config.transport_config(Arc::new(transport));
    Endpoint::server(config, address)
}

/// Accepts until stopped.
pub(crate) async fn serve(endpoint: Endpoint, desk: Desk, stop: CancellationToken) {
    let counters = QueryCounters::new(Transport::Quic);
    let places = Connections::new(BOUNDS);
    let mut connections: JoinSet<()> = JoinSet::new();
    loop {
        let incoming = tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            incoming = endpoint.accept() => incoming,
        };
        let Some(incoming) = incoming else { break };
        if connections.len() >= BOUNDS.all / 2 && !incoming.remote_address_validated() {
            if incoming.retry().is_err() {
                tracing::debug!("a QUIC client could not be asked to prove its address");
            }
            continue;
        }
        let Some(place) = places.enter(incoming.remote_address(), stop.child_token(), Instant::now()) else {
            incoming.refuse();
            continue;
        };
        let (desk, counters) = (desk.clone(), counters.clone());
        connections.spawn(connection(incoming, desk, place, counters));
    }
    endpoint.close(NO_ERROR, b"");
    connections.shutdown().await;
    // Clients are told that it ends.
    if timeout(HANDSHAKE, endpoint.wait_idle()).await.is_err() {
        tracing::debug!("QUIC clients did not hear the end in time");
    }
}

async fn connection(incoming: Incoming, desk: Desk, place: Place, counters: QueryCounters) {
    let Ok(Ok(connection)) = timeout(HANDSHAKE, incoming).await else {
        return;
    };
    let mut streams: JoinSet<()> = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = place.ended.cancelled() => {
                connection.close(EXCESSIVE_LOAD, b"");
                break;
            }
            Some(_) = streams.join_next(), if !streams.is_empty() => continue,
            accepted = connection.accept_bi() => accepted,
        };
        let Ok((send, receive)) = accepted else { break };
        place.active(Instant::now());
        let (connection, desk, counters) = (connection.clone(), desk.clone(), counters.clone());
        streams.spawn(async move {
            if let Err(error) = stream(&connection, send, receive, &desk, &counters).await {
                tracing::debug!(%error, "a stream of DNS over QUIC ended");
            }
        });
    }
    streams.shutdown().await;
}

/// One query and its answer.
async fn stream(
    connection: &Connection,
    mut send: SendStream,
    mut receive: RecvStream,
    desk: &Desk,
    counters: &QueryCounters,
) -> std::io::Result<()> {
    let Ok(Ok(bytes)) = timeout(HANDSHAKE, receive.read_to_end(2 + QUERY_MAX)).await else {
        connection.close(PROTOCOL_ERROR, b"");
        return Ok(());
    };
    let query = bytes.split_first_chunk::<2>();
    let query = query.filter(|(length, query)| usize::from(u16::from_be_bytes(**length)) == query.len());
    // The stream tells queries apart, so their id is 0 (RFC 9250 4.2.1).
    let Some((_, query)) = query.filter(|(_, query)| query.starts_with(&[0, 0])) else {
        connection.close(PROTOCOL_ERROR, b"");
        return Ok(());
    };
    let mut out = Vec::new();
    let outcome = desk.serve_one(query, connection.remote_address().ip(), Transport::Quic, &mut out);
    counters.count(outcome);
    if outcome.is_none() {
        connection.close(PROTOCOL_ERROR, b"");
        return Ok(());
    }
    // Answers are at most 65,535 bytes.
    let framed = [&(out.len() as u16).to_be_bytes()[..], &out].concat();
    timeout(IDLE, send.write_all(&framed)).await??;
    send.finish().map_err(std::io::Error::other)
}
