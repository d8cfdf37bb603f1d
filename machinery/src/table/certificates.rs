//! Rows of requests for certificates.

use serde_json::Value;

use super::{AGE, Column, NAME, Printer, age, human_duration, list, name, or, text};

pub(super) static SIGNING_REQUEST: Printer = Printer {
    columns: &[
        NAME,
        AGE,
        Column::text("SignerName", "Who is asked to sign."),
        Column::text("Requestor", "Who asks."),
        Column::text("RequestedDuration", "How long the certificate is to be valid."),
        Column::text("Condition", "What was decided, and whether a certificate was issued."),
    ],
    cells: |object, now| {
        let seconds = object.pointer("/spec/expirationSeconds").and_then(Value::as_i64);
        vec![
            name(object),
            age(object, now),
            Value::from(or(text(object, "/spec/signerName"), "<none>")),
            Value::from(text(object, "/spec/username")),
            Value::from(seconds.map_or_else(|| "<none>".to_owned(), human_duration)),
            Value::from(state(object)),
        ]
    },
};

fn state(request: &Value) -> String {
    let conditions = list(request, "/status/conditions");
    let said = |wanted: &str| conditions.iter().any(|condition| text(condition, "/type") == wanted);
    let mut state = match (said("Denied"), said("Approved")) {
        (true, _) => "Denied",
        (false, true) => "Approved",
        (false, false) => "Pending",
    }
    .to_owned();
    if said("Failed") {
        state.push_str(",Failed");
    }
    if !text(request, "/status/certificate").is_empty() {
        state.push_str(",Issued");
    }
    state
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn states() {
        let of = |conditions: &[&str], certificate: &str| {
            let conditions: Vec<Value> = conditions.iter().map(|name| json!({ "type": name })).collect();
            state(&json!({"status": {"conditions": conditions, "certificate": certificate}}))
        };
        assert_eq!(of(&[], ""), "Pending");
        assert_eq!(of(&["Approved"], "eA=="), "Approved,Issued");
        assert_eq!(of(&["Approved", "Failed"], ""), "Approved,Failed");
        assert_eq!(of(&["Denied"], ""), "Denied");
    }
}
