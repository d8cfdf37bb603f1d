//! Metrics and health of a part that runs alone: `/metrics`, `/livez`, `/readyz` over plain HTTP, loopback unless told otherwise.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::telemetry;
use crate::up::{Parts, UpError};

/// Connections at once; a scraper and a prober need two.
const CONNECTIONS_MAX: usize = 32;
/// How long a client may take to send its request.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);

/// Serves until stopped.
pub(crate) async fn serve(
    parts: &mut Parts,
    address: SocketAddr,
    ready: impl Fn() -> bool + Send + Sync + 'static,
    stop: CancellationToken,
) -> Result<(), UpError> {
    let metrics = telemetry::metrics()?;
    let ready = Arc::new(ready);
    let router = Router::new()
        .route("/metrics", get(move || async move { metrics.render() }))
        .route("/livez", get(|| async { "ok" }))
        .route(
            "/readyz",
            get(move || async move {
                if ready() {
                    (StatusCode::OK, "ok")
                } else {
                    (StatusCode::SERVICE_UNAVAILABLE, "not ready")
                }
            }),
        );
    let listener = TcpListener::bind(address).await.map_err(|source| UpError::Listen {
        what: "the metrics server",
        address,
        flag: "--metrics-address",
        source,
    })?;
    parts.spawn(async move {
        let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
                break;
            };
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a connection to the metrics server failed");
                    continue;
                }
            };
            let service = TowerToHyperService::new(router.clone());
            tokio::spawn(async move {
                let connection = hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEADERS_WITHIN)
                    .serve_connection(TokioIo::new(stream), service);
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection of the metrics server ended");
                }
                drop(slot);
            });
        }
        ("the metrics server", Ok(()))
    });
    Ok(())
}
