//! What others need to prove tokens of our service accounts: who issues them, and the public keys.

use axum::response::Response;
use http::header::{CACHE_CONTROL, HOST};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::negotiate::JSON;
use super::respond;
use crate::server::Shared;

const KEY_SET: &str = "application/jwk-set+json";
const FRESH_FOR: HeaderValue = HeaderValue::from_static("public, max-age=3600");

fn fresh(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, FRESH_FOR);
    response
}

/// Answers `/.well-known/openid-configuration`.
pub(super) fn configuration(server: &Shared, parts: &Parts) -> Response {
    let keys = if server.jwks_uri.is_empty() {
        // HTTP/2 says it in the URI, HTTP/1.1 in a header.
        let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = parts.uri.authority().map(|host| host.as_str()).or(host);
        format!("https://{}/openid/v1/jwks", host.unwrap_or("kubernetes.default.svc"))
    } else {
        server.jwks_uri.clone()
    };
    let document = json!({
        "issuer": server.authenticator.accounts.issuer(),
        "jwks_uri": keys,
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    });
    fresh(respond::content(StatusCode::OK, JSON, document.to_string()))
}

/// Answers `/openid/v1/jwks`.
pub(super) fn keys(server: &Shared) -> Response {
    let keys = server.authenticator.accounts.jwks();
    fresh(respond::content(StatusCode::OK, KEY_SET, keys.to_string()))
}
