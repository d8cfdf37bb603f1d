//! What the server does to requests for certificates: who asks is written down, what was decided is decided through `approval`
//! alone, and whoever approves or signs must be allowed to for that signer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use machinery::field::{self, Path};
use machinery::status::Status;
use serde_json::{Map, Value, json};

use super::identity::seconds;
use super::{Draft, Engine, Intent, Part};
use crate::auth::Asked;
use crate::credentials::request::Request;
use crate::kinds::certificates::GROUP;

/// Signer of clients of this very server.
pub(crate) const CLIENT_SIGNER: &str = "kubernetes.io/kube-apiserver-client";
const WHO: [&str; 4] = ["username", "uid", "groups", "extra"];

/// Writes down who asks, whatever the body says.
pub(super) fn name_requester(intent: &Intent, draft: &mut Draft) {
    if !intent.kind.is_signing_request() {
        return;
    }
    let Some(spec) = draft.value.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    for key in WHO {
        spec.remove(key);
    }
    if let Value::Object(who) = intent.user.to_value() {
        spec.extend(who);
    }
}

/// Restores what the write is not about.
pub(super) fn keep_the_rest(intent: &Intent, draft: &mut Draft, old: &Value) {
    if !intent.kind.is_signing_request() {
        return;
    }
    let Some(new) = draft.value.as_object_mut() else { return };
    if intent.part == Part::Object {
        new.insert("spec".to_owned(), old.get("spec").cloned().unwrap_or_default());
        return;
    }
    let mut status = new
        .get("status")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    let decided = |condition: &Value| matches!(kind_of(condition), "Approved" | "Denied");
    let before = conditions(old.get("status").and_then(Value::as_object));
    let after = conditions(Some(&status));
    let mut kept = match intent.part {
        Part::Approval => {
            let certificate = old.pointer("/status/certificate").cloned();
            status.remove("certificate");
            status.extend(certificate.map(|certificate| ("certificate".to_owned(), certificate)));
            after
        }
        Part::Object | Part::Status | Part::Scale | Part::Finalize => {
            let mut kept: Vec<Value> = before.iter().filter(|condition| decided(condition)).cloned().collect();
            kept.extend(after.into_iter().filter(|condition| !decided(condition)));
            kept
        }
    };
    let now = seconds(draft.now);
    for condition in &mut kept {
        date(condition, &before, &now);
    }
    if kept.is_empty() {
        status.remove("conditions");
    } else {
        status.insert("conditions".to_owned(), Value::Array(kept));
    }
    new.insert("status".to_owned(), Value::Object(status));
}

fn kind_of(condition: &Value) -> &str {
    condition.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn conditions(status: Option<&Map<String, Value>>) -> Vec<Value> {
    let list = status
        .and_then(|status| status.get("conditions"))
        .and_then(Value::as_array);
    list.cloned().unwrap_or_default()
}

/// Times that a condition lacks: as before where it says the same, else now.
fn date(condition: &mut Value, before: &[Value], now: &str) {
    let same = |other: &&Value| kind_of(other) == kind_of(condition) && other.get("status") == condition.get("status");
    let since = before
        .iter()
        .find(same)
        .and_then(|other| other.get("lastTransitionTime"))
        .cloned();
    let Some(condition) = condition.as_object_mut() else {
        return;
    };
    let mut fill = |key: &str, value: Value| {
        let place = condition.entry(key).or_insert(Value::Null);
        if place.is_null() {
            *place = value;
        }
    };
    fill("lastUpdateTime", Value::from(now));
    fill("lastTransitionTime", since.unwrap_or_else(|| Value::from(now)));
}

/// Refuses requests that cannot be read or ask for too much, and decisions of whoever may not decide.
pub(super) fn admit(engine: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    if !intent.kind.is_signing_request() {
        return Ok(());
    }
    let text = |pointer: &str| draft.value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let signer = text("/spec/signerName");
    let Some(old) = &draft.old else {
        return admit_new(intent, text("/spec/request"), signer);
    };
    let verb = match intent.part {
        Part::Approval => "approve",
        Part::Status if old.get("status") != draft.value.get("status") => "sign",
        Part::Object | Part::Status | Part::Scale | Part::Finalize => return Ok(()),
    };
    let domain = signer.split('/').next().unwrap_or_default();
    let may = |name: &str| {
        let asked = Asked::Resource {
            verb,
            group: GROUP,
            resource: "signers",
            subresource: "",
            namespace: "",
            name,
        };
        engine.authorizer.judge(&intent.user, asked).is_allowed()
    };
    if may(signer) || may(&format!("{domain}/*")) {
        return Ok(());
    }
    let why = format!("user not permitted to {verb} requests with signerName {signer:?}");
    Err(intent.forbidden(&why))
}

fn admit_new(intent: &Intent, encoded: &str, signer: &str) -> Result<(), Status> {
    let pem = STANDARD.decode(encoded).unwrap_or_default();
    let request = Request::read(&pem).map_err(|fault| {
        let path = Path::root("spec").child("request");
        let cause = field::invalid(&path, &json!(encoded), &fault);
        Status::invalid(GROUP, &intent.kind.kind, &intent.name, vec![cause])
    })?;
    let masters = api::well_known::MASTERS_GROUP;
    if signer == CLIENT_SIGNER && request.organizations.iter().any(|group| group == masters) {
        let why = format!("use of {CLIENT_SIGNER} signer with {masters} group is not allowed");
        return Err(intent.forbidden(&why));
    }
    Ok(())
}
