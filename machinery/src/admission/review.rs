//! AdmissionReview: what webhooks are asked, and what their answers mean.
//!
//! In: a request's parts; the bytes of an answer. Out: JSON of `admission.k8s.io/v1`; a [`Verdict`], or why the answer is none,
//! in kube-apiserver's words.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::status::{Cause, CauseReason, Details, Status, well_known_reason};

/// API version of reviews.
pub const API_VERSION: &str = "admission.k8s.io/v1";
const KIND: &str = "AdmissionReview";
/// Longest warning, and all of an answer together, in characters.
const WARNING_MAX: usize = 256;
const WARNINGS_MAX: usize = 4096;

/// A review that asks about a request; the uid and the objects stand in it.
#[must_use]
pub fn asking(request: &Value) -> Value {
    json!({ "kind": KIND, "apiVersion": API_VERSION, "request": request })
}

/// What a webhook says.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// A JSON patch of the object; none where it stays as it is.
    pub patch: Option<Value>,
    /// What the client is to be told.
    pub warnings: Vec<String>,
    /// What the audit log is to be told.
    pub annotations: Vec<(String, String)>,
    /// Why it is refused; none where it is not.
    pub refusal: Option<Status>,
}

/// Reads an answer of the webhook `name` to the review `uid`.
///
/// # Errors
/// It is no answer.
pub fn verdict(name: &str, uid: &str, mutating: bool, answer: &[u8]) -> Result<Verdict, String> {
    let review: Value = serde_json::from_slice(answer)
        .map_err(|error| format!("failed to call webhook: couldn't get version/kind; json parse error: {error}"))?;
    let invalid = |why: String| Err(format!("received invalid webhook response: {why}"));
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (version, kind) = (text(&review, "apiVersion"), text(&review, "kind"));
    let Some(response) = review.get("response").filter(|response| !response.is_null()) else {
        return invalid("webhook response was absent".to_owned());
    };
    if version != API_VERSION || kind != KIND {
        let version = if version.is_empty() { "/".to_owned() } else { version };
        return invalid(format!(
            "expected webhook response of {API_VERSION}, Kind={KIND}, got {version}, Kind={kind}"
        ));
    }
    let own = text(response, "uid");
    if own != uid {
        return invalid(format!("expected response.uid={uid:?}, got {own:?}"));
    }
    let (patch, patch_type) = (text(response, "patch"), text(response, "patchType"));
    if !mutating && !patch.is_empty() {
        return invalid("validating webhook may not return response.patch".to_owned());
    }
    if !mutating && !patch_type.is_empty() {
        return invalid("validating webhook may not return response.patchType".to_owned());
    }
    if !patch.is_empty() && patch_type.is_empty() {
        return invalid("webhook returned response.patch but not response.patchType".to_owned());
    }
    if patch.is_empty() && !patch_type.is_empty() {
        return invalid("webhook returned response.patchType but not response.patch".to_owned());
    }
    let patch = decoded(&patch)?;
    let changes = patch
        .as_ref()
        .is_some_and(|patch| patch.as_array().is_none_or(|patch| !patch.is_empty()));
    if changes && patch_type != "JSONPatch" {
        return Err(format!("unsupported patch type {patch_type:?}"));
    }
    Ok(Verdict {
        patch,
        warnings: warnings(response),
        annotations: annotations(response),
        refusal: (response.get("allowed").and_then(Value::as_bool) != Some(true))
            .then(|| refusal(name, response.get("status").unwrap_or(&Value::Null))),
    })
}

fn decoded(patch: &str) -> Result<Option<Value>, String> {
    if patch.is_empty() {
        return Ok(None);
    }
    let undecodable = |why: String| format!("received undecodable patch in webhook response: {why}");
    let bytes = STANDARD.decode(patch).map_err(|error| undecodable(error.to_string()))?;
    let patch = serde_json::from_slice(&bytes).map_err(|error| undecodable(error.to_string()))?;
    Ok(Some(patch))
}

fn warnings(response: &Value) -> Vec<String> {
    let said = response.get("warnings").and_then(Value::as_array).into_iter().flatten();
    let mut left = WARNINGS_MAX;
    let mut out = Vec::new();
    for warning in said.filter_map(Value::as_str).filter(|said| !said.is_empty()) {
        let warning: String = warning.chars().take(WARNING_MAX.min(left)).collect();
        left = left.saturating_sub(warning.chars().count());
        if !warning.is_empty() {
            out.push(warning);
        }
    }
    out
}

fn annotations(response: &Value) -> Vec<(String, String)> {
    let said = response.get("auditAnnotations").and_then(Value::as_object);
    let each = said.into_iter().flatten();
    each.map(|(key, said)| (key.clone(), said.as_str().unwrap_or_default().to_owned()))
        .collect()
}

/// The failure that a client sees when a webhook refuses.
fn refusal(name: &str, status: &Value) -> Status {
    let text = |key: &str| status.get(key).and_then(Value::as_str).unwrap_or_default();
    let why = Some(text("message"))
        .filter(|said| !said.is_empty())
        .unwrap_or(text("reason"));
    let message = if why.is_empty() {
        format!("admission webhook {name:?} denied the request without explanation")
    } else {
        format!("admission webhook {name:?} denied the request: {why}")
    };
    let code = status
        .get("code")
        .and_then(Value::as_u64)
        .and_then(|code| u16::try_from(code).ok());
    Status {
        code: code.filter(|code| (400..600).contains(code)).unwrap_or(400),
        reason: well_known_reason(text("reason")),
        message,
        details: status.get("details").and_then(details),
    }
}

fn details(said: &Value) -> Option<Details> {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let causes = said.get("causes").and_then(Value::as_array).into_iter().flatten();
    let details = Details {
        name: text(said, "name"),
        group: text(said, "group"),
        kind: text(said, "kind"),
        uid: text(said, "uid"),
        causes: causes
            .map(|cause| Cause::new(CauseReason::None, text(cause, "field"), text(cause, "message")))
            .collect(),
        retry_after_seconds: 0,
    };
    (details != Details::default()).then_some(details)
}

/// The failure of a webhook that did not answer as it must.
#[must_use]
pub fn failed(name: &str, why: &str) -> Status {
    Status::internal(format!("failed calling webhook {name:?}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(mutating: bool, response: Value) -> Result<Verdict, String> {
        let review = json!({"apiVersion": API_VERSION, "kind": KIND, "response": response});
        verdict("h.example.com", "u", mutating, review.to_string().as_bytes())
    }

    /// Answers and words as a real kube-apiserver 1.36.3 took them.
    #[test]
    fn refusals_as_upstream() {
        let refused = |status: Value| {
            let verdict = judged(false, json!({"uid": "u", "allowed": false, "status": status})).unwrap();
            verdict.refusal.unwrap().to_value()
        };
        assert_eq!(
            refused(Value::Null),
            json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 400,
                "message": "admission webhook \"h.example.com\" denied the request without explanation"})
        );
        let conflict = refused(json!({"message": "no way", "code": 409, "reason": "Conflict"}));
        assert_eq!(
            conflict["message"],
            "admission webhook \"h.example.com\" denied the request: no way"
        );
        assert_eq!(
            (&conflict["code"], &conflict["reason"]),
            (&json!(409), &json!("Conflict"))
        );
        let own = refused(json!({"reason": "because", "code": 418}));
        assert_eq!(
            own["message"],
            "admission webhook \"h.example.com\" denied the request: because"
        );
        let causes =
            refused(json!({"message": "gone", "code": 410, "details": {"causes": [{"message": "m", "field": "f"}]}}));
        assert_eq!(causes["details"]["causes"], json!([{"message": "m", "field": "f"}]));
    }

    #[test]
    fn what_is_no_answer() {
        let fault = |mutating: bool, response: Value| judged(mutating, response).unwrap_err();
        let invalid = |why: &str| format!("received invalid webhook response: {why}");
        assert_eq!(
            fault(false, json!({"uid": "x", "allowed": true})),
            invalid("expected response.uid=\"u\", got \"x\"")
        );
        assert_eq!(
            fault(false, json!({"uid": "u", "patch": "W10=", "patchType": "JSONPatch"})),
            invalid("validating webhook may not return response.patch")
        );
        assert_eq!(
            fault(true, json!({"uid": "u", "patch": "W10="})),
            invalid("webhook returned response.patch but not response.patchType")
        );
        assert_eq!(fault(false, Value::Null), invalid("webhook response was absent"));
        let nameless = verdict("h", "u", false, br#"{"response": {"uid": "u"}}"#).unwrap_err();
        assert_eq!(
            nameless,
            invalid("expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got /, Kind=")
        );
        assert_eq!(
            failed("h", "why").message,
            "Internal error occurred: failed calling webhook \"h\": why"
        );
    }
}
