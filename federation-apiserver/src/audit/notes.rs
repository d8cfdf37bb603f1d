//! What those deep inside a request, who know nothing of it as such, have to tell the log.

use std::future::Future;

use super::Trail;

tokio::task_local! {
    static FOLLOWED: Trail;
}

/// Runs what handles a request, so that it may leave notes.
pub(crate) async fn following<F: Future>(trail: Option<Trail>, handler: F) -> F::Output {
    match trail {
        Some(trail) => FOLLOWED.scope(trail, handler).await,
        None => handler.await,
    }
}

/// Notes something about the request at hand; nothing where it is not followed.
pub(crate) fn note(key: &str, said: &str) {
    // Outside of a request, or where no policy wants it, nobody listens.
    let _unheard = FOLLOWED.try_with(|trail| trail.annotate(key, said));
}
