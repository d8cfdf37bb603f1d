//! One request to one member, or the same to many: under the name of who asks, in bounded time and size.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header::{ACCEPT, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use machinery::status::Status;
use serde_json::Value;

use super::{Member, Members};
use crate::auth::UserInfo;

/// A member that has not begun to answer by then is left out.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// A whole answer comes within this time.
const WHOLE_WITHIN: Duration = Duration::from_secs(20);
/// Largest answer of one member to a list.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Members that are asked at once.
const AT_ONCE: usize = 64;
/// The member adds this group itself.
const AUTHENTICATED: &str = "system:authenticated";
const ACCOUNT: &str = "system:serviceaccount:";
const ACCOUNTS: &str = "system:serviceaccounts";

/// Why a member did not give what it was asked for.
#[derive(Debug)]
pub(super) enum Failure {
    /// It said so.
    Said(u16, String),
    /// It said nothing, or nothing that can be understood.
    Silent(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Said(_, message) => f.write_str(message),
            Self::Silent(why) => write!(f, "no answer ({why})"),
        }
    }
}

/// How a member is told who asks. A service account of the hub is not the member's of the same name, which may be allowed more
/// than whoever may make accounts on the hub.
fn told(user: &UserInfo) -> (String, Vec<&str>) {
    let own = |group: &&str| *group != AUTHENTICATED && !group.starts_with(ACCOUNTS);
    let groups = user.groups.iter().map(String::as_str).filter(own).collect();
    let name = if user.name.starts_with(ACCOUNT) {
        format!("federation:{}", user.name)
    } else {
        user.name.clone()
    };
    (name, groups)
}

/// A request under somebody's name. A credential that may not speak for others is refused by the member.
///
/// # Errors
/// A name that no header can carry.
pub(super) fn request(
    user: &UserInfo,
    method: Method,
    uri: &str,
    mut headers: HeaderMap,
    body: Bytes,
) -> Result<Request<Bytes>, Status> {
    let unfit = || Status::bad_request(format!("the user name {:?} cannot be told to a member", user.name));
    let text = |text: &str| HeaderValue::from_str(text).map_err(|_| unfit());
    let (name, groups) = told(user);
    headers.insert(HeaderName::from_static("impersonate-user"), text(&name)?);
    for group in groups {
        headers.append(HeaderName::from_static("impersonate-group"), text(group)?);
    }
    let mut request = Request::builder()
        .method(method)
        .uri(uri)
        .body(body)
        .map_err(|_| unfit())?;
    *request.headers_mut() = headers;
    Ok(request)
}

/// A reading request for JSON.
pub(super) fn reading(user: &UserInfo, uri: &str) -> Result<Request<Bytes>, Status> {
    let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
    request(user, Method::GET, uri, headers, Bytes::new())
}

/// Sends a request; the answer as it begins.
pub(super) async fn send(
    members: &dyn Members,
    member: &Member,
    request: Request<Bytes>,
) -> Result<http::Response<Body>, Failure> {
    let sent = tokio::time::timeout(ANSWER_WITHIN, members.send(member, request)).await;
    match sent {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(error)) => Err(Failure::Silent(innermost(&*error))),
        Err(_) => Err(Failure::Silent(format!("within {} s", ANSWER_WITHIN.as_secs()))),
    }
}

/// Sends a request and reads the JSON of its answer.
pub(super) async fn value(members: &dyn Members, member: &Member, request: Request<Bytes>) -> Result<Value, Failure> {
    let whole = async {
        let response = send(members, member, request).await?;
        let code = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX);
        let bytes = body
            .collect()
            .await
            .map_err(|error| Failure::Silent(error.to_string()))?;
        read(code, &bytes.to_bytes())
    };
    let within = tokio::time::timeout(WHOLE_WITHIN, whole).await;
    within.unwrap_or_else(|_| Err(Failure::Silent(format!("within {} s", WHOLE_WITHIN.as_secs()))))
}

fn read(code: StatusCode, bytes: &[u8]) -> Result<Value, Failure> {
    match serde_json::from_slice(bytes) {
        Ok(value) if code.is_success() => Ok(value),
        Ok(value) => Err(said(code, &value)),
        // API servers say in plain text that they do not serve a kind.
        Err(_) if code == StatusCode::NOT_FOUND => {
            Err(Failure::Said(code.as_u16(), "it does not serve them".to_owned()))
        }
        Err(error) => Err(Failure::Silent(error.to_string())),
    }
}

fn said(code: StatusCode, status: &Value) -> Failure {
    let message = status.get("message").and_then(Value::as_str).unwrap_or_default();
    Failure::Said(code.as_u16(), message.to_owned())
}

/// Asks each member its request, many at once.
pub(super) async fn each<'a>(
    members: &dyn Members,
    asked: &'a [Member],
    requests: Vec<Request<Bytes>>,
) -> Vec<(&'a Member, Result<Value, Failure>)> {
    let mut waiting: Vec<_> = asked.iter().zip(requests).collect();
    let mut answers = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let rest = waiting.split_off(waiting.len().min(AT_ONCE));
        let (now, requests): (Vec<_>, Vec<_>) = std::mem::replace(&mut waiting, rest).into_iter().unzip();
        let asking: Vec<_> = now
            .iter()
            .zip(requests)
            .map(|(member, request)| value(members, member, request))
            .collect();
        answers.extend(now.iter().copied().zip(futures::future::join_all(asking).await));
    }
    answers
}

/// The cause that says most.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_they_are_meant() {
        let answer = |code: u16, text: &str| match read(StatusCode::from_u16(code).unwrap(), text.as_bytes()) {
            Ok(value) => value.to_string(),
            Err(failure) => failure.to_string(),
        };
        assert_eq!(answer(200, "[1]"), "[1]");
        assert_eq!(answer(403, r#"{"message": "no"}"#), "no");
        assert_eq!(answer(404, "404 page not found"), "it does not serve them");
        assert!(answer(502, "<html>").starts_with("no answer ("));
    }

    #[test]
    fn accounts_of_the_hub_are_not_those_of_the_member() {
        let account = UserInfo::new(
            "system:serviceaccount:shop:robot",
            ["system:serviceaccounts", "system:serviceaccounts:shop", "team"],
        );
        assert_eq!(
            told(&account),
            ("federation:system:serviceaccount:shop:robot".to_owned(), vec!["team"])
        );
        let person = UserInfo::new("alice", ["devs"]);
        assert_eq!(told(&person), ("alice".to_owned(), vec!["devs"]));
        let unfit = UserInfo::new("a\nb", ["devs"]);
        assert_eq!(reading(&unfit, "/api").unwrap_err().code, 400);
    }
}
