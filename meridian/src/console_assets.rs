//! The console's files, built from `web/` into the binary, served below `/console/`.

use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../web/dist"]
#[allow_missing = true]
struct Assets;

/// Scripts, styles and requests of the page's own origin, nothing else; nobody may frame it.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Routes of the console; it needs no login to be loaded, and shows nothing without one.
pub(crate) fn router() -> Router {
    Router::new()
        .route("/console", get(|| async { Redirect::permanent("/console/") }))
        .route("/console/", get(|| async { serve("index.html") }))
        .route(
            "/console/{*path}",
            get(|Path(path): Path<String>| async move { serve(&path) }),
        )
}

fn serve(path: &str) -> Response {
    let (name, file) = match Assets::get(path) {
        Some(file) => (path, file),
        // Pages of the single-page application have no file of their own; missing assets do not pretend to be pages.
        None if !path.starts_with("assets/") => match Assets::get("index.html") {
            Some(file) => ("index.html", file),
            None => return missing(),
        },
        None => return missing(),
    };
    let cached = if name.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    (
        [
            (header::CONTENT_TYPE, file.metadata.mimetype()),
            (header::CACHE_CONTROL, cached),
            (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
        ],
        file.data.into_owned(),
    )
        .into_response()
}

fn missing() -> Response {
    let text = if Assets::iter().next().is_none() {
        "this binary was built without the console; next: run `make web` and build again\n"
    } else {
        "no such page of the console\n"
    };
    (StatusCode::NOT_FOUND, text).into_response()
}
