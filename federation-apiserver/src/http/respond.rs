//! Answers: bytes of objects and lists in the negotiated form, and failures as Status.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WARNING};
use http::{HeaderName, StatusCode};
use machinery::protobuf;
use machinery::status::Status;
use serde_json::Value;

use super::negotiate::{self, Encoding, Form, JSON, Offer, PROTOBUF, YAML};

/// Warnings in all beyond which each is cut short, as kube-apiserver does.
const WARNING_BYTES_MAX: usize = 4096;
const WARNING_CUT: usize = 256;

/// A response of a content type.
pub(crate) fn content(code: StatusCode, media: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = code;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(media));
    response
}

/// The JSON of an object or a list, spelled as asked.
pub(crate) fn json_bytes(code: StatusCode, form: Form, bytes: Bytes) -> Result<Response, Status> {
    if form.encoding == Encoding::Json && !form.pretty {
        return Ok(content(code, JSON, bytes));
    }
    let value: Value = serde_json::from_slice(&bytes).map_err(|error| {
        tracing::error!(%error, "bytes to answer are not JSON");
        Status::internal("the answer could not be encoded")
    })?;
    self::value(code, form, &value)
}

/// A JSON value, spelled as asked.
pub(crate) fn value(code: StatusCode, form: Form, value: &Value) -> Result<Response, Status> {
    match form.encoding {
        Encoding::Json if form.pretty => {
            let text = serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string());
            Ok(content(code, JSON, text + "\n"))
        }
        Encoding::Json => Ok(content(code, JSON, value.to_string())),
        Encoding::Yaml => match serde_saphyr::to_string(value) {
            Ok(text) => Ok(content(code, YAML, text)),
            Err(error) => {
                tracing::error!(%error, "an answer could not be written as YAML");
                Err(Status::internal("the answer could not be encoded as YAML"))
            }
        },
        Encoding::Protobuf => match protobuf::encode(value) {
            Ok(bytes) => Ok(content(code, PROTOBUF, bytes)),
            Err(error) => {
                tracing::error!(%error, "an answer could not be written as protobuf");
                Err(Status::internal("the answer could not be encoded as protobuf"))
            }
        },
    }
}

/// A failure, spelled as objects would have been; JSON where that cannot be told.
pub(crate) fn failure(status: &Status, accept: Option<&str>) -> Response {
    let code = StatusCode::from_u16(status.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let offer = Offer {
        protobuf: true,
        yaml: true,
        shapes: true,
    };
    let form = negotiate::form(accept, offer).unwrap_or(Form::JSON);
    let told = status.to_value();
    let mut response = value(code, form, &told).unwrap_or_else(|_| content(code, JSON, told.to_string()));
    let retry = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
    if retry > 0 {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry));
    }
    response
}

/// Plain text.
pub(crate) fn text(code: StatusCode, body: impl Into<Body>) -> Response {
    content(code, "text/plain; charset=utf-8", body)
}

/// Adds warnings as headers.
pub(crate) fn warn(response: &mut Response, warnings: &[String]) {
    let total: usize = warnings.iter().map(String::len).sum();
    for warning in warnings {
        let kept: String = if total > WARNING_BYTES_MAX {
            warning.chars().take(WARNING_CUT).collect()
        } else {
            warning.clone()
        };
        let quoted = kept.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
            response.headers_mut().append(WARNING, value);
        }
    }
}

/// Sets a header to a text that may not be a header value; then nothing is set.
pub(crate) fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
