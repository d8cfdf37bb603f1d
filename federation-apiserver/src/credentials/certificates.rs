//! Signs approved requests for client certificates of this server; requests to other signers are left to these.

use api::well_known::CLUSTER_SIGNER;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use machinery::status::Status;
use serde_json::{Value, json};

use super::authority::Usages;
use super::clusters;
use super::intent;
use super::request::Request;
use crate::cache::CachedObject;
use crate::kinds::certificates::GROUP;
use crate::server::Shared;
use crate::write::{CLIENT_SIGNER, Change, Part, Patch};

/// Whether a request waits for us.
fn is_due(request: &Value) -> bool {
    let text = |pointer: &str| request.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let conditions = request.pointer("/status/conditions").and_then(Value::as_array);
    let said = |name: &str| {
        let mut all = conditions.into_iter().flatten();
        all.any(|condition| condition.get("type").and_then(Value::as_str) == Some(name))
    };
    matches!(text("/spec/signerName"), CLIENT_SIGNER | CLUSTER_SIGNER)
        && text("/status/certificate").is_empty()
        && said("Approved")
        && !said("Denied")
        && !said("Failed")
}

/// The usages that are asked for; an error where they are not those of a client.
fn usages(request: &Value) -> Result<Usages, String> {
    let asked = request.pointer("/spec/usages").and_then(Value::as_array);
    let mut usages = Usages::default();
    let mut client = false;
    for usage in asked.into_iter().flatten().filter_map(Value::as_str) {
        match usage {
            "client auth" => client = true,
            "digital signature" => usages.digital_signature = true,
            "key encipherment" => usages.key_encipherment = true,
            other => {
                return Err(format!(
                    "usages did not match: {other:?} is not one of a client certificate"
                ));
            }
        }
    }
    if client {
        Ok(usages)
    } else {
        Err("usages did not match: \"client auth\" is required".to_owned())
    }
}

/// Signs a request if it waits for us.
pub(super) async fn sign(
    server: &Shared,
    object: &CachedObject,
    request: &Value,
    now: Timestamp,
) -> Result<(), Status> {
    let Some(authority) = server.authority.as_deref().filter(|_| is_due(request)) else {
        return Ok(());
    };
    let encoded = request
        .pointer("/spec/request")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let pem = STANDARD.decode(encoded).unwrap_or_default();
    let seconds = request.pointer("/spec/expirationSeconds").and_then(Value::as_i64);
    let judged = usages(request).and_then(|usages| {
        let asked = Request::read(&pem)?;
        // Whoever approved it: this signer says of whom it signs that it is a cluster, and nothing else.
        if request.pointer("/spec/signerName").and_then(Value::as_str) == Some(CLUSTER_SIGNER) {
            clusters::of_subject(&asked)?;
        }
        Ok((usages, asked))
    });
    let status = match judged {
        Ok((usages, asked)) => {
            let signed = authority.sign(&asked, usages, seconds, now).map_err(|error| {
                tracing::error!(%error, "a certificate could not be signed");
                Status::internal("the certificate could not be signed")
            })?;
            json!({ "certificate": STANDARD.encode(signed) })
        }
        Err(fault) => {
            let mut conditions = request
                .pointer("/status/conditions")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            conditions.push(json!({
                "type": "Failed", "status": "True", "reason": "SignerValidationFailure", "message": fault,
            }));
            json!({ "conditions": conditions })
        }
    };
    let intent = intent(
        &server.engine,
        (GROUP, "certificatesigningrequests"),
        object,
        Part::Status,
    )?;
    let version = object.revision.to_string();
    let patch = json!({ "metadata": { "resourceVersion": version }, "status": status });
    let change = Change::Patch(Patch::Merge(patch));
    server.engine.update(&intent, &change).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_requests_wait() {
        let with = |signer: &str, conditions: &[&str]| {
            let conditions: Vec<Value> = conditions.iter().map(|name| json!({ "type": name })).collect();
            is_due(&json!({"spec": {"signerName": signer}, "status": {"conditions": conditions}}))
        };
        assert!(with(CLIENT_SIGNER, &["Approved"]) && with(CLUSTER_SIGNER, &["Approved"]));
        assert!(!with(CLIENT_SIGNER, &[]) && !with(CLIENT_SIGNER, &["Approved", "Failed"]));
        assert!(!with("example.com/other", &["Approved"]));
    }

    #[test]
    fn usages_of_a_client() {
        let of = |list: Value| usages(&json!({"spec": {"usages": list}}));
        assert!(of(json!(["client auth", "key encipherment"])).unwrap().key_encipherment);
        assert!(of(json!(["digital signature"])).is_err());
        assert!(of(json!(["client auth", "server auth"])).is_err());
    }
}
