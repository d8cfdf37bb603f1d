//! When a process ends: signals in, one cancellation token out.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Cancels the token at the first SIGINT or SIGTERM; a second one ends the process at once.
pub(crate) fn stop_on_signal(stop: CancellationToken) {
    let mut signals = match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
        (Ok(interrupt), Ok(terminate)) => (interrupt, terminate),
        (Err(error), _) | (_, Err(error)) => {
            tracing::warn!(%error, "signals cannot be handled; SIGKILL is the way to stop this process");
            return;
        }
    };
    tokio::spawn(async move {
        for round in 0..2 {
            tokio::select! {
                _ = signals.0.recv() => {}
                _ = signals.1.recv() => {}
            }
            if round == 0 {
                tracing::info!("stopping; once more to stop at once");
                stop.cancel();
            }
        }
        std::process::exit(130);
    });
}
