//! `TokenReview`: whose a token is, told to whoever serves others with it.

use machinery::status::Status;
use serde_json::{Value, json};

use super::Ask;

/// The spec as it came to be, and the status.
pub(super) async fn status(ask: &Ask, spec: &Value) -> Result<(Value, Value), Status> {
    let token = spec.get("token").and_then(Value::as_str).unwrap_or_default();
    if token.is_empty() {
        return Err(Status::bad_request(
            "token is required for TokenReview in authentication",
        ));
    }
    let asked = spec.get("audiences").and_then(Value::as_array).into_iter().flatten();
    let asked: Vec<String> = asked.filter_map(Value::as_str).map(str::to_owned).collect();
    let authenticator = &ask.server.authenticator;
    let wanted = if asked.is_empty() {
        authenticator.accounts.audiences()
    } else {
        &asked
    };
    let status = match authenticator.review(token, wanted).await {
        Ok(proved) => json!({ "authenticated": true, "user": proved.user.to_value(), "audiences": proved.audiences }),
        Err(why) => json!({ "user": {}, "error": why }),
    };
    let mut said = json!({ "token": token });
    if let (false, Some(said)) = (asked.is_empty(), said.as_object_mut()) {
        said.insert("audiences".to_owned(), json!(asked));
    }
    Ok((said, status))
}
