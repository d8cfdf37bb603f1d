//! Accepts connections of TCP, for whatever is spoken on them: each gets a place or is closed, and ends when its place is needed for
//! another. In: a bound listener. Out: connections, each in a task of its own. Absent: what is spoken.

use std::future::Future;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::connections::{Bounds, Connections, Place};

/// After an error that says nothing of the next connection, such as no descriptor left.
const PAUSE: Duration = Duration::from_millis(50);

/// Accepts until stopped; then connections end with what they have begun.
pub(super) async fn accept<F>(
    listener: TcpListener,
    bounds: Bounds,
    stop: CancellationToken,
    serve: impl Fn(TcpStream, SocketAddr, Place) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let places = Connections::new(bounds);
    let mut connections: JoinSet<()> = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let Some(place) = places.enter(peer, stop.child_token(), Instant::now()) else {
                    continue;
                };
                let ended = place.ended.clone();
                let served = serve(stream, peer, place);
                connections.spawn(async move {
                    tokio::select! {
                        () = ended.cancelled() => {}
                        () = served => {}
                    }
                });
            }
            Err(error) => {
                let address = listener.local_addr().ok();
                tracing::warn!(%error, ?address, "DNS cannot accept a connection; next: look at the limit of open files");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    connections.shutdown().await;
}
