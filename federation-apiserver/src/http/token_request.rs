//! `serviceaccounts/NAME/token`: a token for a service account, answered and not kept.

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use machinery::field::{self, Path};
use machinery::status::Status;
use serde_json::{Value, json};

use super::{Ask, body, respond};
use crate::audit::Trail;

const API_VERSION: &str = "authentication.k8s.io/v1";
const GROUP: &str = "authentication.k8s.io";
const KIND: &str = "TokenRequest";

/// Answers a request for a token.
pub(super) async fn serve(ask: Ask, verb: &'static str, body: Body) -> Result<Response, Status> {
    if verb != "create" {
        return Err(Status::method_not_allowed("", "", ""));
    }
    let form = ask.form(true)?;
    ask.write_options("CreateOptions")?;
    let bytes = body::read(body).await?;
    let mut value = body::object(&ask.parts.headers, &bytes, true, KIND)?.value;
    body::expect_kind(&mut value, API_VERSION, KIND)?;
    let (namespace, name) = (&ask.path.namespace, &ask.path.name);
    let said = |key: &str| value.pointer(key).and_then(Value::as_str).unwrap_or_default();
    let place = said("/metadata/namespace");
    if !place.is_empty() && place != namespace {
        return Err(Status::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    let called = said("/metadata/name");
    if !called.is_empty() && called != name {
        let path = Path::root("metadata").child("name");
        let cause = field::invalid(
            &path,
            &Value::from(called),
            "must match the service account name if specified",
        );
        return Err(Status::invalid(GROUP, KIND, name, vec![cause]));
    }
    let spec = value.get("spec").cloned().unwrap_or_else(|| json!({}));
    let now = Timestamp::now();
    let issued = ask.server.authenticator.accounts.issue(namespace, name, &spec, now)?;
    let time = |time: Timestamp| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let answer = json!({
        "kind": KIND,
        "apiVersion": API_VERSION,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": issued.account_uid,
            "creationTimestamp": time(now),
        },
        "spec": {
            "audiences": issued.audiences,
            "expirationSeconds": issued.seconds,
            "boundObjectRef": spec.get("boundObjectRef").cloned().unwrap_or_default(),
        },
        "status": { "token": issued.token, "expirationTimestamp": time(issued.expires) },
    });
    if let Some(trail) = ask.parts.extensions.get::<Trail>() {
        trail.annotate(
            "authentication.kubernetes.io/issued-credential-id",
            &format!("JTI={}", issued.id),
        );
    }
    tracing::debug!(
        namespace,
        name,
        credential = issued.id,
        "a service account token was issued"
    );
    respond::value(StatusCode::CREATED, form, &answer)
}
