//! Who asks: an in-process caller or a verified certificate, else a bearer token, else nobody; and as whom.

use std::collections::BTreeMap;

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use machinery::status::Status;

use super::path::decode;
use crate::auth::claims::{groups as groups_of, of_subject};
use crate::auth::{ANONYMOUS, Asked, UserInfo};
use crate::server::Shared;

const AS_USER: HeaderName = HeaderName::from_static("impersonate-user");
const AS_GROUP: HeaderName = HeaderName::from_static("impersonate-group");
const AS_UID: HeaderName = HeaderName::from_static("impersonate-uid");
const AS_EXTRA: &str = "impersonate-extra-";
/// API group of uids and extras.
const AUTHENTICATION: &str = "authentication.k8s.io";

/// Who sent a request.
pub(super) async fn authenticated(server: &Shared, parts: &Parts) -> Result<UserInfo, Status> {
    if let Some(user) = parts.extensions.get::<UserInfo>() {
        return Ok(user.clone());
    }
    let Some(header) = parts.headers.get(AUTHORIZATION) else {
        return Ok(UserInfo::anonymous());
    };
    let token = header.to_str().ok().and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let token = token.ok_or_else(Status::unauthorized)?;
    server.authenticator.user(token).await.map_err(|why| {
        tracing::debug!(%why, "a bearer token was refused");
        Status::unauthorized()
    })
}

/// Whoever may act for others and asks to is taken for the other. To pass over these headers would give `kubectl --as`
/// the rights that it was used to give up.
pub(super) fn impersonated(server: &Shared, user: &UserInfo, parts: &Parts) -> Result<UserInfo, Status> {
    let text = |value: &HeaderValue| value.to_str().map(str::to_owned).unwrap_or_default();
    let name = parts.headers.get(AS_USER).map(text).unwrap_or_default();
    let groups: Vec<String> = parts.headers.get_all(AS_GROUP).iter().map(text).collect();
    if name.is_empty() {
        let more = parts.headers.keys().any(|header| {
            *header == AS_USER || *header == AS_GROUP || *header == AS_UID || header.as_str().starts_with(AS_EXTRA)
        });
        return if more {
            Err(Status::bad_request(
                "impersonation of groups, a uid or extras without a user name: set Impersonate-User",
            ))
        } else {
            Ok(user.clone())
        };
    }
    let uid = parts.headers.get(AS_UID).map(text).unwrap_or_default();
    let account = of_subject(&name);
    let as_user = match account {
        Some((namespace, account)) => to_be("", "serviceaccounts", namespace, account),
        None => to_be("", "users", "", &name),
    };
    permit(server, user, as_user)?;
    for group in &groups {
        permit(server, user, to_be("", "groups", "", group))?;
    }
    if !uid.is_empty() {
        permit(server, user, to_be(AUTHENTICATION, "uids", "", &uid))?;
    }
    let mut extra = BTreeMap::new();
    for (header, value) in &parts.headers {
        if let Some(key) = header.as_str().strip_prefix(AS_EXTRA) {
            let key = decode(key, false).unwrap_or_default();
            let value = text(value);
            let as_extra = Asked::Resource {
                verb: "impersonate",
                group: AUTHENTICATION,
                resource: "userextras",
                subresource: &key,
                namespace: "",
                name: &value,
            };
            permit(server, user, as_extra)?;
            extra.entry(key.into_owned()).or_insert_with(Vec::new).push(value);
        }
    }
    if name == ANONYMOUS {
        return Ok(UserInfo::anonymous());
    }
    let mut groups = groups;
    if let Some((namespace, _)) = account
        && groups.is_empty()
    {
        groups = groups_of(namespace).to_vec();
    }
    let mut other = UserInfo::new(name, groups);
    other.uid = uid;
    other.extra = extra;
    Ok(other)
}

fn to_be<'a>(group: &'a str, resource: &'a str, namespace: &'a str, name: &'a str) -> Asked<'a> {
    Asked::Resource {
        verb: "impersonate",
        group,
        resource,
        subresource: "",
        namespace,
        name,
    }
}

fn permit(server: &Shared, user: &UserInfo, asked: Asked<'_>) -> Result<(), Status> {
    let permitted = server.engine.authorizer.permit(user, asked);
    permitted.map_err(|why| match asked {
        Asked::Resource {
            group, resource, name, ..
        } => Status::forbidden(group, resource, name, &why),
        Asked::Path { .. } => Status::forbidden("", "", "", &why),
    })
}
