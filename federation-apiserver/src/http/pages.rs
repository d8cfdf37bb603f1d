//! Fixed pages: discovery, OpenAPI, version, health, metrics, the list of paths.

use std::sync::Arc;

use axum::response::Response;
use http::header::{ACCEPT, CACHE_CONTROL, ETAG, EXPIRES, IF_NONE_MATCH, LOCATION, VARY};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use machinery::status::Status;
use serde_json::json;

use super::negotiate::{JSON, clauses};
use super::path::DiscoveryPath;
use super::query::Query;
use super::{health, issuer, respond};
use crate::kinds::discovery::{AGGREGATED_MEDIA, Document};
use crate::server::Shared;

const OPENAPI_V2_PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
/// The same as answers spell it, where `@` may not stand.
const OPENAPI_V2_PROTOBUF_REPLY: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
const OPENAPI_V3_PROTOBUF: &str = "application/com.github.proto-openapi.spec.v3@v1.0+protobuf";

/// kube-apiserver's word for a path that is nothing.
pub(crate) fn not_found() -> Response {
    respond::text(StatusCode::NOT_FOUND, "404 page not found\n")
}

fn readable(parts: &Parts) -> Result<(), Status> {
    if parts.method == Method::GET || parts.method == Method::HEAD {
        return Ok(());
    }
    Err(Status::method_not_allowed("", "", ""))
}

/// Answers a discovery document.
pub(crate) fn discovery(server: &Shared, parts: &Parts, path: &DiscoveryPath) -> Result<Response, Status> {
    readable(parts)?;
    let accept = parts
        .headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let aggregated = wants_aggregated(accept);
    let registry = server.engine.catalog.registry();
    let documents = registry.discovery();
    let document = match path {
        DiscoveryPath::Core if aggregated => &documents.core_aggregated,
        DiscoveryPath::Groups if aggregated => &documents.groups_aggregated,
        DiscoveryPath::Core => &documents.core,
        DiscoveryPath::Groups => &documents.groups,
        DiscoveryPath::Group(group) => match documents.group(group) {
            Some(document) => document,
            None => return Ok(not_found()),
        },
        DiscoveryPath::Version(group, version) => match documents.version(group, version) {
            Some(document) => document,
            // A group that is there answers for its versions.
            None if group.is_empty() || documents.group(group).is_some() => return Err(Status::resource_not_found()),
            None => return Ok(not_found()),
        },
    };
    let both = matches!(path, DiscoveryPath::Core | DiscoveryPath::Groups);
    let media = if aggregated && both { AGGREGATED_MEDIA } else { JSON };
    let mut response = tagged(parts, document, media);
    if both {
        response.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
        response
            .headers_mut()
            .insert(CACHE_CONTROL, HeaderValue::from_static("public"));
    }
    Ok(response)
}

/// Whether the first clause that can be served asks for aggregated discovery v2.
fn wants_aggregated(accept: &str) -> bool {
    for clause in clauses(accept) {
        match (clause.get("as"), clause.get("g"), clause.get("v")) {
            (Some("APIGroupDiscoveryList"), Some("apidiscovery.k8s.io"), Some("v2")) => return clause.media == JSON,
            (None, _, _) if matches!(clause.media, JSON | "*/*" | "application/*") => return false,
            _ => {}
        }
    }
    false
}

/// A document with its tag: 304 where the client has it already.
fn tagged(parts: &Parts, document: &Document, media: &'static str) -> Response {
    let etag = format!("\"{}\"", document.hash);
    let known = parts.headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let mut response = if known.is_some_and(|known| known.split(',').any(|tag| tag.trim() == etag)) {
        respond::content(StatusCode::NOT_MODIFIED, media, "")
    } else {
        respond::content(StatusCode::OK, media, document.body.clone())
    };
    respond::set(&mut response, ETAG, &etag);
    response
}

/// Answers any other page.
pub(crate) async fn page(server: &Arc<Shared>, parts: &Parts, query: &Query, path: &str) -> Result<Response, Status> {
    readable(parts)?;
    let trimmed = if path.len() > 1 {
        path.trim_end_matches('/')
    } else {
        path
    };
    match trimmed {
        "/" => Ok(respond::content(
            StatusCode::OK,
            JSON,
            json!({ "paths": paths(server) }).to_string(),
        )),
        "/version" => Ok(respond::content(StatusCode::OK, JSON, server.version.to_string())),
        "/metrics" => Ok(match &server.metrics {
            Some(render) => respond::content(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", render()),
            None => not_found(),
        }),
        "/.well-known/openid-configuration" => Ok(issuer::configuration(server, parts)),
        "/openid/v1/jwks" => Ok(issuer::keys(server)),
        "/openapi/v2" => Ok(openapi_v2(server, parts)),
        "/openapi/v3" => {
            let mut response = tagged(parts, &server.engine.catalog.registry().openapi().root, JSON);
            response
                .headers_mut()
                .insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
            Ok(response)
        }
        _ => {
            if let Some(group_version) = trimmed.strip_prefix("/openapi/v3/") {
                return openapi_v3(server, parts, query, group_version);
            }
            match health::page(server, query, trimmed).await {
                Some(response) => Ok(response),
                None => Ok(not_found()),
            }
        }
    }
}

fn openapi_v2(server: &Shared, parts: &Parts) -> Response {
    let accept = parts
        .headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let protobuf = clauses(accept)
        .iter()
        .find(|clause| {
            matches!(
                clause.media,
                JSON | "*/*" | "application/*" | OPENAPI_V2_PROTOBUF | OPENAPI_V2_PROTOBUF_REPLY
            )
        })
        .is_some_and(|clause| matches!(clause.media, OPENAPI_V2_PROTOBUF | OPENAPI_V2_PROTOBUF_REPLY));
    let registry = server.engine.catalog.registry();
    let openapi = registry.openapi();
    let mut response = if protobuf {
        tagged(parts, openapi.v2_protobuf(), OPENAPI_V2_PROTOBUF_REPLY)
    } else {
        tagged(parts, &openapi.v2, JSON)
    };
    response.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
    response
}

fn openapi_v3(server: &Shared, parts: &Parts, query: &Query, group_version: &str) -> Result<Response, Status> {
    let accept = parts
        .headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    refuse_protobuf_only(accept, OPENAPI_V3_PROTOBUF)?;
    let registry = server.engine.catalog.registry();
    let Some(document) = registry.openapi().v3.get(group_version) else {
        return Ok(not_found());
    };
    match query.get("hash") {
        Some(hash) if hash != document.hash => {
            let mut response = respond::text(StatusCode::MOVED_PERMANENTLY, "");
            respond::set(
                &mut response,
                LOCATION,
                &format!("/openapi/v3/{group_version}?hash={}", document.hash),
            );
            Ok(response)
        }
        Some(_) => {
            let mut response = tagged(parts, document, JSON);
            response
                .headers_mut()
                .insert(CACHE_CONTROL, HeaderValue::from_static("public, immutable"));
            let year = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(365 * 24);
            respond::set(
                &mut response,
                EXPIRES,
                &year.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
            );
            Ok(response)
        }
        None => {
            let mut response = tagged(parts, document, JSON);
            response
                .headers_mut()
                .insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
            Ok(response)
        }
    }
}

/// A client that reads protobuf alone is told what there is.
fn refuse_protobuf_only(accept: &str, protobuf: &str) -> Result<(), Status> {
    let clauses = clauses(accept);
    let only = !clauses.is_empty() && clauses.iter().all(|clause| clause.media == protobuf);
    if only {
        Err(Status::not_acceptable(&[JSON]))
    } else {
        Ok(())
    }
}

fn paths(server: &Shared) -> Vec<String> {
    let mut paths: Vec<String> = ["/api", "/api/v1", "/apis"].map(str::to_owned).into();
    for (group, versions) in server.engine.catalog.registry().groups() {
        paths.push(format!("/apis/{group}"));
        paths.extend(versions.iter().map(|version| format!("/apis/{group}/{version}")));
    }
    let fixed = [
        "/.well-known/openid-configuration",
        "/healthz",
        "/livez",
        "/metrics",
        "/openapi/v2",
        "/openapi/v3",
        "/openid/v1/jwks",
        "/readyz",
        "/version",
    ];
    paths.extend(fixed.map(str::to_owned));
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aggregated_is_asked_for() {
        let kubectl = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";
        assert!(wants_aggregated(kubectl));
        assert!(!wants_aggregated("application/json"));
        assert!(!wants_aggregated(""));
        let old = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";
        assert!(!wants_aggregated(old));
    }
}
