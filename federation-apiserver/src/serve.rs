//! Sockets and TLS: connections in, requests with an identity to the router, an orderly end.
//!
//! Decided: ALPN, limits and deadlines of connections. In: a listener, a router, TLS material. Out: nothing but served
//! requests. Absent: where certificates come from, and what a certificate's holder may do.

mod silent;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use nix::sys::resource::{Resource, getrlimit};
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::auth::{UserInfo, certificate};
use crate::http::Drain;
use silent::{Place, Silent};

/// Connections at once, where the process may have the descriptors. For one more the longest silent one is cut; where all
/// spoke, it waits.
const CONNECTIONS_MAX: u64 = 16_384;
/// Connections that are served in any case.
const CONNECTIONS_MIN: u64 = 128;
/// Descriptors for everything else: the database, members, files.
const DESCRIPTORS_RESERVED: u64 = 1024;
/// A client that does not finish its handshake in this time is cut.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// A client that does not finish its request's head in this time, or begins none for as long, is cut.
const HEAD_WITHIN: Duration = Duration::from_secs(30);
/// HTTP/2 pings, so that half-open connections end.
const PING_EVERY: Duration = Duration::from_secs(30);
const PONG_WITHIN: Duration = Duration::from_secs(20);
/// Streams of one HTTP/2 connection: an informer-heavy client keeps one open for each kind.
const STREAMS_MAX: u32 = 1000;
const WINDOW: u32 = 1 << 20;
/// Requests in flight have this long once the server stops.
const DRAIN_WITHIN: Duration = Duration::from_secs(10);
/// Pause after a failed accept: most failures are about descriptors and do not go at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Beside a request: the address it came from.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub std::net::SocketAddr);

/// TLS material could not be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM text could not be read.
    #[error("read the {what}; check that it is PEM")]
    Pem {
        /// Which one.
        what: &'static str,
        /// Why.
        #[source]
        source: rustls_pki_types::pem::Error,
    },
    /// The clients' authority cannot be used.
    #[error("use the authority of client certificates")]
    ClientAuthority(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Certificate and key cannot be used.
    #[error("use the server's certificate and key; check that they belong together")]
    Certificate(#[source] rustls::Error),
}

/// TLS settings of a server: HTTP/2 and HTTP/1.1, client certificates of `client_ca` taken where they are shown.
///
/// # Errors
/// Malformed PEM, or a key that is not the certificate's.
pub fn tls_config(chain: &str, key: &str, client_ca: Option<&str>) -> Result<Arc<rustls::ServerConfig>, TlsError> {
    let certificates = |text: &str, what: &'static str| {
        CertificateDer::pem_slice_iter(text.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|source| TlsError::Pem { what, source })
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Certificate)?;
    let builder = match client_ca {
        Some(ca) => {
            let mut roots = rustls::RootCertStore::empty();
            for certificate in certificates(ca, "authority of client certificates")? {
                roots
                    .add(certificate)
                    .map_err(|error| TlsError::ClientAuthority(error.into()))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .allow_unauthenticated()
                .build()
                .map_err(|error| TlsError::ClientAuthority(error.into()))?;
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    let chain = certificates(chain, "server's certificate")?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|source| TlsError::Pem {
        what: "server's key",
        source,
    })?;
    let mut config = builder.with_single_cert(chain, key).map_err(TlsError::Certificate)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Serves a router over TLS until `shutdown`; then watches end, requests in flight finish, and it returns.
pub async fn serve_tls(
    listener: TcpListener,
    router: Router,
    tls: Arc<rustls::ServerConfig>,
    shutdown: CancellationToken,
) {
    let acceptor = TlsAcceptor::from(tls);
    let most = connections_max(descriptors());
    let slots = Arc::new(Semaphore::new(most));
    let silent = Arc::new(Silent::default());
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accept(&listener, &slots, &silent) => accepted,
        };
        let Some((stream, slot)) = accepted else { break };
        let place = Arc::new(silent.enter());
        let (acceptor, router, shutdown) = (acceptor.clone(), router.clone(), shutdown.clone());
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = connection(acceptor, router, stream, place.clone(), shutdown.clone()) => {}
                () = place.cut() => tracing::debug!("a silent connection was cut to make room"),
                () = late(shutdown.clone()) => {}
            }
            drop(slot);
        });
    }
    // Each connection ends by itself, at the latest when its own share of the drain is over.
    let all = u32::try_from(most).unwrap_or(u32::MAX);
    if tokio::time::timeout(DRAIN_WITHIN, slots.acquire_many(all))
        .await
        .is_err()
    {
        tracing::warn!("connections were cut that did not end in time");
    }
}

/// Over when a connection brought no first request in time; never once it did. Header timeouts begin with a first byte.
async fn silence(spoke: &CancellationToken, within: Duration) {
    if tokio::time::timeout(within, spoke.cancelled()).await.is_ok() {
        std::future::pending::<()>().await;
    }
}

/// Some time after the server began to stop.
async fn late(shutdown: CancellationToken) {
    shutdown.cancelled().await;
    tokio::time::sleep(DRAIN_WITHIN).await;
}

/// How many connections fit into a number of descriptors.
fn connections_max(descriptors: u64) -> usize {
    let fit = descriptors.saturating_sub(DESCRIPTORS_RESERVED);
    usize::try_from(fit.clamp(CONNECTIONS_MIN, CONNECTIONS_MAX)).unwrap_or(usize::MAX)
}

/// How many descriptors the process may have.
fn descriptors() -> u64 {
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((soft, _)) => soft,
        Err(error) => {
            tracing::warn!(%error, "the limit of descriptors cannot be read");
            DESCRIPTORS_RESERVED
        }
    }
}

/// The next connection, with room for it.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
    silent: &Silent,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection ended as it began");
                }
                if slots.available_permits() == 0 {
                    silent.cut_oldest();
                }
                let slot = slots.clone().acquire_owned().await.ok()?;
                return Some((stream, slot));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(
    acceptor: TlsAcceptor,
    router: Router,
    stream: TcpStream,
    place: Arc<Place>,
    drain: CancellationToken,
) {
    let stream = match tokio::time::timeout(HANDSHAKE_WITHIN, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::debug!(%error, "TLS handshake failed");
            return;
        }
        Err(_) => {
            tracing::debug!("TLS handshake took too long");
            return;
        }
    };
    let peer = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let agreed_on_two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let user: Option<UserInfo> = peer.and_then(|certificate| certificate::identity(certificate));
    let from = stream.get_ref().0.peer_addr().ok().map(Peer);
    let beside = Drain(drain.clone());
    let spoke = CancellationToken::new();
    let heard = spoke.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        if !heard.is_cancelled() {
            heard.cancel();
            place.spoke();
        }
        let mut request = request.map(Body::new);
        if let Some(user) = &user {
            request.extensions_mut().insert(user.clone());
        }
        request.extensions_mut().insert(beside.clone());
        if let Some(from) = from {
            request.extensions_mut().insert(from);
        }
        router.clone().oneshot(request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PONG_WITHIN)
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(4 * WINDOW)
        .max_header_list_size(64 << 10);
    // The protocol was agreed on in the handshake. So nothing is guessed from its first bytes.
    let builder = if agreed_on_two {
        builder.http2_only()
    } else {
        builder.http1_only()
    };
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = silence(&spoke, HEAD_WITHIN) => {
            tracing::debug!("a connection brought no request in time");
            return;
        }
        () = drain.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = %error, "a connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_the_rest() {
        for (descriptors, want) in [
            (0, 128),
            (1024, 128),
            (4096, 3072),
            (20_000, 16_384),
            (u64::MAX, 16_384),
        ] {
            assert_eq!(connections_max(descriptors), want, "{descriptors}");
        }
    }

    #[tokio::test]
    async fn only_connections_without_any_request_are_cut() {
        let (short, long) = (Duration::from_millis(20), Duration::from_secs(20));
        let spoke = CancellationToken::new();
        assert!(tokio::time::timeout(long, silence(&spoke, short)).await.is_ok());
        spoke.cancel();
        assert!(tokio::time::timeout(short * 4, silence(&spoke, short)).await.is_err());
    }
}
