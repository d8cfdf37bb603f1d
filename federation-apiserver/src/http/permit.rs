//! May they? Asked once a request, by what its path and query name.

use http::Method;
use http::request::Parts;
use machinery::select::FieldSelector;
use machinery::status::Status;

use super::path::ResourcePath;
use super::query::Query;
use crate::audit::Trail;
use crate::auth::{Asked, UserInfo};
use crate::server::Shared;

/// Goes on where the user may do that to a resource.
pub(super) fn permit(
    server: &Shared,
    user: &UserInfo,
    verb: &str,
    path: &ResourcePath,
    query: &Query,
    trail: Option<&Trail>,
) -> Result<(), Status> {
    // A namespace is in itself, so that a role in it may speak of it.
    let itself = path.group.is_empty() && path.resource == "namespaces";
    let namespace = if itself { &path.name } else { &path.namespace };
    // Who selects one object by its name asks for no more than that.
    let selected = match verb {
        "list" | "watch" | "deletecollection" if path.name.is_empty() => query
            .get("fieldSelector")
            .and_then(|text| FieldSelector::parse(text).ok())
            .and_then(|fields| fields.required("metadata.name").map(str::to_owned)),
        _ => None,
    };
    let asked = Asked::Resource {
        verb,
        group: &path.group,
        resource: &path.resource,
        subresource: &path.subresource,
        namespace,
        name: selected.as_ref().unwrap_or(&path.name),
    };
    decide(server, user, asked, trail).map_err(|why| Status::forbidden(&path.group, &path.resource, &path.name, &why))
}

/// Goes on or tells why not, and has it written down.
fn decide(server: &Shared, user: &UserInfo, asked: Asked<'_>, trail: Option<&Trail>) -> Result<(), String> {
    let decision = server.engine.authorizer.judge(user, asked);
    if let Some(trail) = trail {
        trail.decided(&decision);
    }
    decision.or_refusal(user, asked)
}

/// Goes on where the user may ask for a path that names no resource.
pub(super) fn permit_path(
    server: &Shared,
    user: &UserInfo,
    parts: &Parts,
    trail: Option<&Trail>,
) -> Result<(), Status> {
    let verb = match parts.method {
        // Answered as GET, so it is allowed as GET.
        Method::HEAD => "get".to_owned(),
        _ => parts.method.as_str().to_ascii_lowercase(),
    };
    let path = parts.uri.path();
    let asked = Asked::Path { verb: &verb, path };
    decide(server, user, asked, trail).map_err(|why| Status::forbidden("", "", "", &why))
}
