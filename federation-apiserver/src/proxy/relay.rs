//! One Pod's logs, shell, ports and end, or whatever a member has at a path: the request goes to it as it is, the answer comes back
//! as it comes.
//!
//! exec, attach and port forwarding switch protocols, to WebSocket or SPDY. What follows the switch is passed on both ways
//! byte for byte, so that the hub need not know either.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{HeaderMap, Method, StatusCode};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use machinery::status::Status;
use tokio_util::sync::CancellationToken;

use super::circle::{self, Circle};
use super::read::{self, Found};
use super::{Member, ask};
use crate::auth::Asked;
use crate::http::{Ask, body as bodies};

/// How long both sides have for the switch once the member agreed to it.
const SWITCH_WITHIN: Duration = Duration::from_secs(10);
/// Headers of a request that mean this connection, or who asks.
const OWN: [HeaderName; 6] = [
    header::AUTHORIZATION,
    header::COOKIE,
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    HeaderName::from_static("audit-id"),
];

/// Answers a request for something of a Pod.
pub(super) async fn relay(ask: Ask, body: Body) -> Result<Response, Status> {
    if switches(&ask) {
        permit_switch(&ask)?;
    }
    let (member, name) = whose(&ask).await?;
    let mut uri = format!("{}/{}", read::collection(&ask), read::segment(&name));
    if !ask.path.subresource.is_empty() {
        uri = format!("{uri}/{}", ask.path.subresource);
    }
    pass_on(ask, body, &member, uri).await
}

/// Answers a request for whatever a member has at the rest of its path.
pub(super) async fn through(ask: Ask, body: Body) -> Result<Response, Status> {
    if switches(&ask) {
        permit_switch(&ask)?;
    }
    let member = circle::named(&ask.server, &ask.path.name).ok_or_else(|| ask.not_found())?;
    let uri = rest_of(ask.parts.uri.path()).ok_or_else(|| ask.not_found())?;
    pass_on(ask, body, &member, uri).await
}

/// What follows `/apis/GROUP/VERSION/clusters/NAME/proxy`, as it was written.
fn rest_of(path: &str) -> Option<String> {
    let mut parts = path.splitn(8, '/').skip(6);
    if parts.next() != Some("proxy") {
        return None;
    }
    Some(format!("/{}", parts.next().unwrap_or_default()))
}

fn switches(ask: &Ask) -> bool {
    ask.parts.headers.contains_key(header::UPGRADE)
}

/// Sends a request on to a member and its answer back, a switch of protocols included.
async fn pass_on(mut ask: Ask, body: Body, member: &Member, mut uri: String) -> Result<Response, Status> {
    let switch = ask.parts.extensions.remove::<OnUpgrade>();
    let switches = switches(&ask);
    let body = if switches {
        Bytes::new()
    } else {
        bodies::read(body).await?
    };
    if let Some(query) = ask.parts.uri.query() {
        uri = format!("{uri}?{query}");
    }
    let method = ask.parts.method.clone();
    let request = ask::request(&ask.user, method, &uri, theirs(&ask.parts.headers, switches), body)?;
    let cluster = member.name();
    let silent = |failure: ask::Failure| Status::service_unavailable(format!("cluster {cluster}: {failure}"));
    let mut answer = ask::send(read::members(&ask)?, member, request).await.map_err(silent)?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        for header in [
            header::CONNECTION,
            header::TRANSFER_ENCODING,
            HeaderName::from_static("audit-id"),
        ] {
            answer.headers_mut().remove(header);
        }
        return Ok(answer);
    }
    let here = switch.ok_or_else(|| Status::bad_request("this connection cannot switch protocols; use HTTP/1.1"))?;
    let Some(there) = answer.extensions_mut().remove::<OnUpgrade>() else {
        return Err(Status::internal(format!(
            "cluster {cluster} switched protocols unasked"
        )));
    };
    tokio::spawn(pass(here, there, ask.drain(), cluster.to_owned()));
    let (parts, _) = answer.into_parts();
    Ok(Response::from_parts(parts, Body::empty()))
}

/// A stream into a Pod is something that is made, by whatever method it is asked for.
fn permit_switch(ask: &Ask) -> Result<(), Status> {
    if ask.parts.method == Method::POST {
        return Ok(());
    }
    let asked = Asked::Resource {
        verb: "create",
        group: &ask.path.group,
        resource: &ask.path.resource,
        subresource: &ask.path.subresource,
        namespace: &ask.path.namespace,
        name: &ask.path.name,
    };
    let permitted = ask.server.engine.authorizer.permit(&ask.user, asked);
    permitted.map_err(|why| Status::forbidden(&ask.path.group, &ask.path.resource, &ask.path.name, &why))
}

/// The member that runs a Pod, and the Pod's name there.
async fn whose(ask: &Ask) -> Result<(Member, String), Status> {
    if circle::held(ask).is_none() {
        let Found { member, name, .. } = read::find(ask).await?;
        return Ok((member, name));
    }
    let name = &ask.path.name;
    let Some(cluster) = read::cluster_of_held(ask, &ask.path.namespace, name) else {
        return Err(Status::bad_request(format!("pod {name} is in no cluster yet")));
    };
    let Circle { members, warnings } = circle::of(ask, &machinery::select::LabelSelector::everything());
    let found = members.into_iter().find(|member| member.name() == cluster);
    let away = || {
        Status::service_unavailable(format!(
            "pod {name} is in the cluster {cluster}; {}",
            warnings.join("; ")
        ))
    };
    found.map(|member| (member, name.clone())).ok_or_else(away)
}

/// The headers that the member is to see.
fn theirs(headers: &HeaderMap, switches: bool) -> HeaderMap {
    let mut kept = HeaderMap::new();
    for (name, value) in headers {
        let impersonates = name.as_str().starts_with("impersonate-");
        let hop = !switches && (*name == header::CONNECTION || *name == header::UPGRADE);
        if !OWN.contains(name) && !impersonates && !hop {
            kept.append(name, value.clone());
        }
    }
    kept
}

/// Passes bytes both ways until one side ends, or the server does.
async fn pass(here: OnUpgrade, there: OnUpgrade, drain: CancellationToken, cluster: String) {
    let switched = tokio::time::timeout(SWITCH_WITHIN, async { tokio::try_join!(here, there) });
    let (here, there) = match switched.await {
        Ok(Ok(both)) => both,
        Ok(Err(error)) => {
            tracing::debug!(cluster, %error, "protocols were not switched");
            return;
        }
        Err(_) => {
            tracing::debug!(cluster, "protocols were not switched in time");
            return;
        }
    };
    let (mut here, mut there) = (TokioIo::new(here), TokioIo::new(there));
    tokio::select! {
        () = drain.cancelled() => {}
        passed = tokio::io::copy_bidirectional(&mut here, &mut there) => {
            if let Err(error) = passed {
                tracing::debug!(cluster, %error, "a stream into a pod ended early");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_a_path() {
        let base = "/apis/federation.meridian.dev/v1alpha1/clusters";
        for (path, rest) in [
            ("/eu-1/proxy", Some("/")),
            ("/eu-1/proxy/", Some("/")),
            (
                "/eu-1/proxy/api/v1/namespaces/a%2Fb/pods",
                Some("/api/v1/namespaces/a%2Fb/pods"),
            ),
            ("/proxy/proxy/version", Some("/version")),
            ("/eu-1/proxy//version", Some("//version")),
            ("//eu-1/proxy/version", None),
        ] {
            assert_eq!(rest_of(&format!("{base}{path}")).as_deref(), rest, "{path}");
        }
    }
}
