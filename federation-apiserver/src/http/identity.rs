//! Who asks: an in-process caller or a verified certificate, else a bearer token, else nobody; and as whom.

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use machinery::status::Status;

use crate::auth::{ANONYMOUS, Asked, Decision, UserInfo, authorize};
use crate::server::Shared;

const AS_USER: HeaderName = HeaderName::from_static("impersonate-user");
const AS_GROUP: HeaderName = HeaderName::from_static("impersonate-group");
const AS_UID: HeaderName = HeaderName::from_static("impersonate-uid");
const AS_EXTRA: &str = "impersonate-extra-";

/// The identity that counts for a request.
pub(super) fn of(server: &Shared, parts: &Parts) -> Result<UserInfo, Status> {
    let user = authenticated(server, parts)?;
    impersonated(user, parts)
}

fn authenticated(server: &Shared, parts: &Parts) -> Result<UserInfo, Status> {
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
    token
        .and_then(|token| server.tokens.user(token))
        .ok_or_else(Status::unauthorized)
}

/// Whoever may act for others and asks to is taken for the other. To pass over these headers would give `kubectl --as`
/// the rights that it was used to give up.
fn impersonated(user: UserInfo, parts: &Parts) -> Result<UserInfo, Status> {
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
            Ok(user)
        };
    }
    let wanted = std::iter::once(("users", &name)).chain(groups.iter().map(|group| ("groups", group)));
    for (resource, name) in wanted {
        let asked = Asked::Resource {
            verb: "impersonate",
            group: "",
            resource,
            subresource: "",
            namespace: "",
            name,
        };
        match authorize(&user, asked) {
            Decision::Allowed => {}
            Decision::Denied(why) => return Err(Status::forbidden("", resource, name, &why)),
        }
    }
    if name == ANONYMOUS {
        return Ok(UserInfo::anonymous());
    }
    let mut other = UserInfo::new(name, groups);
    other.uid = parts.headers.get(AS_UID).map(text).unwrap_or_default();
    Ok(other)
}
