//! Rules about requests for certificates: what is asked, and what was decided about it.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::field;
use crate::status::Cause;

use super::at::At;
use super::format;

/// Seconds below which no certificate is asked for.
const SECONDS_MIN: i64 = 600;
const USAGES: &[&str] = &[
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
];
const APPROVED: &str = "Approved";
const DENIED: &str = "Denied";
/// Conditions that are said once and stay.
const LASTING: [&str; 3] = [APPROVED, DENIED, "Failed"];
/// A signer that only older versions of the API know.
const LEGACY_SIGNER: &str = "kubernetes.io/legacy-unknown";

/// The PEM text of a block of bytes, if it holds a block of this label.
fn holds_block(encoded: &str, label: &str) -> bool {
    let bytes = STANDARD.decode(encoded).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    text.find(&begin)
        .is_some_and(|at| text.get(at..).is_some_and(|rest| rest.contains(&end)))
}

pub(super) fn request(object: &Value, faults: &mut Vec<Cause>) {
    let spec = At::root(object, "spec");
    let request = spec.get("request");
    if !holds_block(request.text(), "CERTIFICATE REQUEST") {
        let detail = "PEM block type must be CERTIFICATE REQUEST";
        faults.push(field::invalid(&request.path, request.value, detail));
    }
    let usages = spec.get("usages");
    if usages.len() == 0 {
        faults.push(field::required(&usages.path, ""));
    }
    let mut seen = BTreeSet::new();
    for usage in usages.items() {
        if !USAGES.contains(&usage.text()) {
            faults.push(field::not_supported(&usage.path, usage.value, USAGES));
        } else if !seen.insert(usage.text()) {
            faults.push(field::duplicate(&usage.path, usage.value));
        }
    }
    signer(&spec.get("signerName"), faults);
    let seconds = spec.get("expirationSeconds");
    if seconds.number().is_some_and(|number| number < SECONDS_MIN) {
        let detail = "may not specify a duration less than 600 seconds (10 minutes)";
        faults.push(field::invalid(&seconds.path, seconds.value, detail));
    }
    conditions(object, faults);
}

fn signer(at: &At<'_>, faults: &mut Vec<Cause>) {
    let mut refuse = |value: &str, detail: &str| faults.push(field::invalid(&at.path, &Value::from(value), detail));
    match at.text() {
        "" => faults.push(field::required(&at.path, "")),
        LEGACY_SIGNER => refuse(
            LEGACY_SIGNER,
            "the legacy signerName is not allowed via this API version",
        ),
        name => match name.split('/').collect::<Vec<_>>().as_slice() {
            [domain, path] => {
                for label in domain.split('.') {
                    for detail in format::dns_label(label) {
                        refuse(domain, &format!("validating label {label:?}: {detail}"));
                    }
                }
                if !domain.contains('.') {
                    refuse(
                        domain,
                        "should be a domain with at least two segments separated by dots",
                    );
                }
                for detail in format::dns_subdomain(path) {
                    refuse(path, &format!("validating label {path:?}: {detail}"));
                }
            }
            _ => refuse(
                name,
                "must be a fully qualified domain and path of the form 'example.com/signer-name'",
            ),
        },
    }
}

fn conditions(object: &Value, faults: &mut Vec<Cause>) {
    let status = At::root(object, "status");
    let all = status.get("conditions");
    let mut seen = BTreeSet::new();
    for condition in all.items() {
        let (name, holds) = (condition.get("type"), condition.get("status"));
        if name.text().is_empty() {
            faults.push(field::required(&name.path, ""));
        }
        let allowed: &[&str] = if LASTING.contains(&name.text()) {
            &["True"]
        } else {
            &["False", "True", "Unknown"]
        };
        if holds.text().is_empty() {
            faults.push(field::required(&holds.path, ""));
        } else if !allowed.contains(&holds.text()) {
            faults.push(field::not_supported(&holds.path, holds.value, allowed));
        }
        if !seen.insert(name.text()) {
            faults.push(field::duplicate(&name.path, name.value));
        }
    }
    if seen.contains(APPROVED) && seen.contains(DENIED) {
        let detail = "Approved and Denied conditions are mutually exclusive";
        faults.push(field::invalid(&all.path, &Value::from(DENIED), detail));
    }
    let certificate = status.get("certificate");
    if !certificate.text().is_empty() && !holds_block(certificate.text(), "CERTIFICATE") {
        let detail = "must contain at least one CERTIFICATE PEM block";
        let shown = Value::from("<certificate data>");
        faults.push(field::invalid(&certificate.path, &shown, detail));
    }
}

pub(super) fn update(new: &Value, old: &Value, faults: &mut Vec<Cause>) {
    let of = |object| At::root(object, "status").get("conditions");
    let holds = |object, name: &str| of(object).items().any(|condition| condition.get("type").text() == name);
    for name in LASTING {
        if holds(old, name) && !holds(new, name) {
            let detail = format!("updates may not remove a condition of type {name:?}");
            faults.push(field::forbidden(&of(new).path, &detail));
        }
    }
    let certificate = |object| At::root(object, "status").get("certificate");
    let (now, then) = (certificate(new), certificate(old));
    if !then.text().is_empty() && now.text() != then.text() {
        let detail = "updates may not modify existing certificate content";
        faults.push(field::forbidden(&now.path, detail));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(spec: Value) -> Vec<String> {
        let mut faults = Vec::new();
        request(&json!({ "spec": spec }), &mut faults);
        faults.iter().map(ToString::to_string).collect()
    }

    fn pem(label: &str) -> String {
        STANDARD.encode(format!("-----BEGIN {label}-----\nYWJj\n-----END {label}-----\n"))
    }

    #[test]
    fn as_kube_apiserver_says_it() {
        assert_eq!(
            told(json!({})),
            [
                "spec.request: Invalid value: null: PEM block type must be CERTIFICATE REQUEST",
                "spec.usages: Required value",
                "spec.signerName: Required value",
            ]
        );
        let good =
            json!({"request": pem("CERTIFICATE REQUEST"), "usages": ["client auth"], "signerName": "example.com/a"});
        assert!(told(good.clone()).is_empty());
        let with = |key: &str, value: Value| {
            let mut spec = good.clone();
            spec[key] = value;
            told(spec)
        };
        assert_eq!(
            with("signerName", json!("kubernetes.io/legacy-unknown")),
            [
                "spec.signerName: Invalid value: \"kubernetes.io/legacy-unknown\": the legacy signerName is not allowed via this API version"
            ]
        );
        for wrong in ["foo", "example.com/a/b"] {
            assert_eq!(
                with("signerName", json!(wrong)),
                [format!(
                    "spec.signerName: Invalid value: {wrong:?}: must be a fully qualified domain and path of the form 'example.com/signer-name'"
                )]
            );
        }
        assert_eq!(with("signerName", json!("Example_com/A")).len(), 3);
        assert_eq!(
            with("usages", json!(["client auth", "client auth"])),
            ["spec.usages[1]: Duplicate value: \"client auth\""]
        );
        assert_eq!(
            with("expirationSeconds", json!(10)),
            [
                "spec.expirationSeconds: Invalid value: 10: may not specify a duration less than 600 seconds (10 minutes)"
            ]
        );
        assert!(
            with("usages", json!(["bad usage"]))[0]
                .starts_with("spec.usages[0]: Unsupported value: \"bad usage\": supported values: \"any\", ")
        );
    }

    #[test]
    fn what_was_decided_stays() {
        let with = |conditions: Value| json!({"status": {"conditions": conditions}});
        let approved = json!({"type": "Approved", "status": "True"});
        let told = |new: &Value, old: &Value| {
            let mut faults = Vec::new();
            conditions(new, &mut faults);
            update(new, old, &mut faults);
            faults.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            told(&with(json!([])), &with(json!([approved]))),
            ["status.conditions: Forbidden: updates may not remove a condition of type \"Approved\""]
        );
        assert_eq!(
            told(
                &with(json!([{"type": "Approved", "status": "False"}, approved])),
                &with(json!([]))
            ),
            [
                "status.conditions[0].status: Unsupported value: \"False\": supported values: \"True\"",
                "status.conditions[1].type: Duplicate value: \"Approved\"",
            ]
        );
        assert_eq!(
            told(
                &with(json!([approved, {"type": "Denied", "status": "True"}])),
                &with(json!([]))
            ),
            ["status.conditions: Invalid value: \"Denied\": Approved and Denied conditions are mutually exclusive"]
        );
        assert_eq!(
            told(&json!({"status": {"certificate": "YWJj"}}), &json!({})),
            [
                "status.certificate: Invalid value: \"<certificate data>\": must contain at least one CERTIFICATE PEM block"
            ]
        );
        let issued = json!({"status": {"certificate": pem("CERTIFICATE")}});
        assert!(told(&issued, &json!({})).is_empty() && told(&issued, &issued).is_empty());
        assert_eq!(told(&json!({"status": {}}), &issued).len(), 1);
    }
}
