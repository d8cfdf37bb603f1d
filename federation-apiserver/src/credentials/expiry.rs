//! Whose time is over: bootstrap tokens past their expiration, and requests for certificates that are decided, forgotten or expired.
//! Pure: the time is an argument.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use x509_parser::pem::parse_x509_pem;

use crate::auth::bootstrap_tokens::{self, SECRET_TYPE};

/// How long a decided request stays, and one that nobody decided.
const DECIDED_FOR: SignedDuration = SignedDuration::from_hours(1);
const PENDING_FOR: SignedDuration = SignedDuration::from_hours(24);

/// Whether a Secret is a bootstrap token whose time is over. One that cannot be read stays, for somebody to see it.
pub(super) fn secret(secret: &Value, now: Timestamp) -> bool {
    let of_kind = secret.get("type").and_then(Value::as_str) == Some(SECRET_TYPE)
        && secret.pointer("/metadata/namespace").and_then(Value::as_str) == Some(bootstrap_tokens::NAMESPACE);
    of_kind && bootstrap_tokens::expires(secret).is_some_and(|until| until <= now)
}

/// Whether a request for a certificate is over.
pub(super) fn request(request: &Value, now: Timestamp) -> bool {
    let conditions = request.pointer("/status/conditions").and_then(Value::as_array);
    let conditions = conditions.map(Vec::as_slice).unwrap_or_default();
    let time = |value: Option<&Value>| {
        value
            .and_then(Value::as_str)
            .and_then(|text| text.parse::<Timestamp>().ok())
    };
    if conditions.is_empty() {
        let made = time(request.pointer("/metadata/creationTimestamp"));
        return made.is_some_and(|made| made < now - PENDING_FOR);
    }
    let decided = |condition: &Value| {
        let of_kind = matches!(
            condition.get("type").and_then(Value::as_str),
            Some("Approved" | "Denied" | "Failed")
        );
        of_kind && time(condition.get("lastUpdateTime")).is_some_and(|at| at < now - DECIDED_FOR)
    };
    conditions.iter().any(decided) || has_expired(request, now)
}

fn has_expired(request: &Value, now: Timestamp) -> bool {
    let certificate = request.pointer("/status/certificate").and_then(Value::as_str);
    let pem = certificate
        .and_then(|encoded| STANDARD.decode(encoded).ok())
        .unwrap_or_default();
    parse_x509_pem(&pem).is_ok_and(|(_, pem)| {
        pem.parse_x509()
            .is_ok_and(|x509| x509.validity().not_after.timestamp() < now.as_second())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bootstrap_tokens_end_when_they_say() {
        let now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
        let token = |namespace: &str, until: &str| json!({"type": SECRET_TYPE, "metadata": {"namespace": namespace}, "data": {"expiration": STANDARD.encode(until)}});
        assert!(secret(&token("kube-system", "2026-06-01T00:00:00Z"), now));
        assert!(!secret(&token("kube-system", "2026-06-01T00:00:01Z"), now));
        assert!(!secret(&token("kube-system", "soon"), now));
        assert!(!secret(&token("default", "2026-05-01T00:00:00Z"), now));
        assert!(!secret(&json!({"type": "Opaque"}), now));
    }

    #[test]
    fn requests_do_not_pile_up() {
        let now: Timestamp = "2026-06-02T00:00:00Z".parse().unwrap();
        let pending = |made: &str| json!({"metadata": {"creationTimestamp": made}});
        assert!(!request(&pending("2026-06-01T00:00:00Z"), now));
        assert!(request(&pending("2026-05-31T23:59:59Z"), now));
        let decided = |kind: &str, at: &str| json!({"status": {"conditions": [{"type": kind, "lastUpdateTime": at}]}});
        for kind in ["Approved", "Denied", "Failed"] {
            assert!(!request(&decided(kind, "2026-06-01T23:00:00Z"), now));
            assert!(request(&decided(kind, "2026-06-01T22:59:59Z"), now));
        }
        assert!(!request(&decided("Noted", "2026-01-01T00:00:00Z"), now));
    }
}
