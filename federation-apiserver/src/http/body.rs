//! Request bodies: read with a limit and a deadline, decoded by their content type, checked to be of the expected kind.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use machinery::status::Status;
use machinery::{decode, protobuf};
use serde_json::{Map, Value};

use super::negotiate::{JSON, PROTOBUF, YAML};

/// Largest body, as kube-apiserver has it.
pub(crate) const BODY_BYTES_MAX: usize = 3 << 20;
/// How long a client may take to send a body.
const READ_WITHIN: Duration = Duration::from_secs(60);

/// A decoded body.
#[derive(Debug)]
pub(crate) struct Decoded {
    /// The value.
    pub(crate) value: Value,
    /// Paths of keys that were there twice.
    pub(crate) duplicates: Vec<String>,
}

/// Reads a whole body.
pub(crate) async fn read(body: Body) -> Result<Bytes, Status> {
    let collected = tokio::time::timeout(READ_WITHIN, Limited::new(body, BODY_BYTES_MAX).collect());
    match collected.await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.downcast_ref::<LengthLimitError>().is_some() => Err(Status::too_large(BODY_BYTES_MAX)),
        Ok(Err(error)) => Err(Status::bad_request(format!("the body could not be read: {error}"))),
        Err(_) => Err(Status::timeout("the body did not arrive in time", 1)),
    }
}

/// The media type of a body, without parameters; JSON where none is named.
pub(crate) fn media_type(headers: &HeaderMap) -> &str {
    let text = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or(JSON);
    let media = text.split(';').next().unwrap_or(text).trim();
    if media.is_empty() { JSON } else { media }
}

/// Decodes an object of some kind; `null` is an object that says nothing.
pub(crate) fn object(
    headers: &HeaderMap,
    bytes: &Bytes,
    protobuf_allowed: bool,
    kind: &str,
) -> Result<Decoded, Status> {
    let unrecognized = |fault: &str| {
        Status::bad_request(format!(
            "the object provided is unrecognized (must be of type {kind}): {fault}"
        ))
    };
    let mut decoded = match media_type(headers) {
        JSON => plain(decode::json(bytes))
            .map_err(|status| unrecognized(&format!("couldn't get version/kind; {}", status.message))),
        YAML | "application/x-yaml" | "text/yaml" => {
            plain(decode::yaml(bytes)).map_err(|status| unrecognized(&status.message))
        }
        PROTOBUF if protobuf_allowed => match protobuf::decode(bytes) {
            Ok(value) => Ok(Decoded {
                value,
                duplicates: Vec::new(),
            }),
            Err(error) => Err(unrecognized(&error.to_string())),
        },
        _ if protobuf_allowed => Err(Status::unsupported_media_type(&[JSON, YAML, PROTOBUF])),
        _ => Err(Status::unsupported_media_type(&[JSON, YAML])),
    }?;
    if decoded.value.is_null() {
        decoded.value = Value::Object(Map::new());
    }
    if decoded.value.is_object() {
        Ok(decoded)
    } else {
        Err(unrecognized("the body is not an object"))
    }
}

/// Decodes YAML, of which JSON is a part, whatever the content type says.
pub(crate) fn yaml(bytes: &Bytes) -> Result<Decoded, Status> {
    let first = bytes.iter().find(|b| !b.is_ascii_whitespace());
    let decoded = if first == Some(&b'{') {
        plain(decode::json(bytes))
    } else {
        plain(decode::yaml(bytes))
    }?;
    if decoded.value.is_object() {
        Ok(decoded)
    } else {
        Err(Status::bad_request("the body is not an object"))
    }
}

/// Decodes a patch.
pub(crate) fn patch(bytes: &Bytes) -> Result<Value, Status> {
    match plain(decode::json(bytes)) {
        Ok(decoded) => Ok(decoded.value),
        Err(status) => Err(Status::bad_request(format!("error decoding patch: {}", status.message))),
    }
}

fn plain(decoded: Result<decode::Decoded, decode::DecodeError>) -> Result<Decoded, Status> {
    match decoded {
        Ok(decode::Decoded { value, duplicates }) => Ok(Decoded { value, duplicates }),
        Err(error) => Err(Status::bad_request(error.to_string())),
    }
}

/// Checks that an object is of the expected kind; one that does not say is taken at the path's word.
pub(crate) fn expect_kind(value: &mut Value, api_version: &str, kind: &str) -> Result<(), Status> {
    let Some(object) = value.as_object_mut() else {
        return Err(Status::bad_request("the body is not an object"));
    };
    let text =
        |object: &Map<String, Value>, key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (found_version, found_kind) = (text(object, "apiVersion"), text(object, "kind"));
    if !found_kind.is_empty() && found_kind != kind {
        return Err(Status::bad_request(format!(
            "{found_kind} in version {found_version:?} cannot be handled as a {kind}: the kind in the data does not match the path"
        )));
    }
    if !found_version.is_empty() && found_version != api_version {
        return Err(Status::bad_request(format!(
            "the API version in the data ({found_version}) does not match the expected API version ({api_version})"
        )));
    }
    object.insert("apiVersion".to_owned(), Value::from(api_version));
    object.insert("kind".to_owned(), Value::from(kind));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn kinds_must_match() {
        let mut silent = json!({"data": {}});
        expect_kind(&mut silent, "v1", "ConfigMap").unwrap();
        assert_eq!(silent["kind"], "ConfigMap");
        let error = expect_kind(&mut json!({"kind": "Secret", "apiVersion": "v1"}), "v1", "ConfigMap").unwrap_err();
        assert_eq!(error.code, 400);
        let error = expect_kind(&mut json!({"kind": "ConfigMap", "apiVersion": "v2"}), "v1", "ConfigMap").unwrap_err();
        assert_eq!(
            error.message,
            "the API version in the data (v2) does not match the expected API version (v1)"
        );
    }
}
