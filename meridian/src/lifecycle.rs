//! When a process ends: signals in, one cancellation token out.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Cancels the token at the first SIGINT or SIGTERM; a second one ends the process at once.
pub(crate) fn stop_on_signal(stop: CancellationToken) {
    leave_on_signal(CancellationToken::new(), stop, Duration::ZERO);
}

/// The same, but `leaving` is cancelled at the signal and `stop` some time later, so that whoever balances load sees it in between.
pub(crate) fn leave_on_signal(leaving: CancellationToken, stop: CancellationToken, delay: Duration) {
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
                leaving.cancel();
                let stop = stop.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    stop.cancel();
                });
            }
        }
        std::process::exit(130);
    });
}
