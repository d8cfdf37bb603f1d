//! Secrets that ask for a token of a service account: filled in, and gone with the account.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use machinery::status::Status;
use serde_json::{Map, Value, json};

use super::{delete, intent};
use crate::auth::claims::Reference;
use crate::cache::{CachedObject, KindCache};
use crate::server::Shared;
use crate::write::{Change, Part, Patch};

/// Type of these Secrets.
pub(super) const TYPE: &str = "kubernetes.io/service-account-token";
const NAME: &str = "kubernetes.io/service-account.name";
const UID: &str = "kubernetes.io/service-account.uid";

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
enum Due {
    Nothing,
    /// Its account is gone, or is another by now.
    Delete,
    /// Keys of `data` that it lacks.
    Fill(Reference, Vec<&'static str>),
}

/// Decides, by the Secret and the uid of the account that it names.
fn due(secret: &Value, account_uid: Option<&str>, authority: Option<&str>) -> Due {
    let text = |pointer: &str| secret.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    if text("/type") != TYPE || secret.pointer("/metadata/deletionTimestamp").is_some() {
        return Due::Nothing;
    }
    let annotation = |name: &str| {
        let found = secret.pointer("/metadata/annotations").and_then(|all| all.get(name));
        found.and_then(Value::as_str).unwrap_or_default()
    };
    let Some(uid) =
        account_uid.filter(|uid| matches!(annotation(UID), "" if !uid.is_empty()) || annotation(UID) == *uid)
    else {
        return Due::Delete;
    };
    let has = |key: &str| {
        secret
            .get("data")
            .and_then(|data| data.get(key))
            .and_then(Value::as_str)
    };
    let mut lacking = Vec::new();
    if has("token").is_none_or(str::is_empty) {
        lacking.push("token");
    }
    if authority.is_some_and(|pem| has("ca.crt") != Some(&STANDARD.encode(pem))) {
        lacking.push("ca.crt");
    }
    if has("namespace").is_none_or(str::is_empty) {
        lacking.push("namespace");
    }
    if lacking.is_empty() && annotation(UID) == uid {
        return Due::Nothing;
    }
    let account = Reference {
        name: annotation(NAME).to_owned(),
        uid: uid.to_owned(),
    };
    Due::Fill(account, lacking)
}

/// Fills a Secret in, or deletes it.
pub(super) async fn complete(
    server: &Shared,
    accounts: &Arc<KindCache>,
    secret: &CachedObject,
    value: &Value,
) -> Result<(), Status> {
    let named = value
        .pointer("/metadata/annotations")
        .and_then(|all| all.get(NAME))
        .and_then(Value::as_str);
    let account = accounts.get(&secret.key.namespace, named.unwrap_or_default());
    let authority = server.authority.as_deref().map(super::Authority::certificate_pem);
    let kind = ("", "secrets");
    let (account, lacking) = match due(value, account.as_ref().map(|account| &*account.uid), authority) {
        Due::Nothing => return Ok(()),
        Due::Delete => return delete(&server.engine, kind, secret).await,
        Due::Fill(account, lacking) => (account, lacking),
    };
    let mut data = Map::new();
    for key in lacking {
        let content = match key {
            "token" => {
                let tokens = &server.authenticator.accounts;
                tokens.for_secret(&secret.key.namespace, &secret.key.name, &account)?
            }
            "ca.crt" => authority.unwrap_or_default().to_owned(),
            _ => secret.key.namespace.to_string(),
        };
        data.insert(key.to_owned(), Value::from(STANDARD.encode(content)));
    }
    let patch = json!({ "metadata": { "annotations": { (UID): account.uid } }, "data": data });
    let intent = intent(&server.engine, kind, secret, Part::Object)?;
    let change = Change::Patch(Patch::Merge(patch));
    server.engine.update(&intent, &change).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due() {
        let secret = |uid: &str, data: Value| {
            let mut secret = json!({"type": TYPE, "metadata": {"annotations": {(NAME): "bot"}}, "data": data});
            if !uid.is_empty() {
                secret["metadata"]["annotations"][UID] = json!(uid);
            }
            secret
        };
        let bot = Reference {
            name: "bot".into(),
            uid: "u".into(),
        };
        let full = json!({"token": "dA==", "ca.crt": STANDARD.encode("ca"), "namespace": "bg=="});
        assert_eq!(
            due(&secret("", json!({})), Some("u"), Some("ca")),
            Due::Fill(bot.clone(), vec!["token", "ca.crt", "namespace"])
        );
        assert_eq!(
            due(&secret("", full.clone()), Some("u"), Some("ca")),
            Due::Fill(bot.clone(), vec![])
        );
        assert_eq!(due(&secret("u", full.clone()), Some("u"), Some("ca")), Due::Nothing);
        assert_eq!(due(&secret("u", full.clone()), Some("u"), None), Due::Nothing);
        assert_eq!(
            due(&secret("u", full.clone()), Some("u"), Some("new")),
            Due::Fill(bot, vec!["ca.crt"])
        );
        assert_eq!(due(&secret("u", full.clone()), Some("other"), None), Due::Delete);
        assert_eq!(due(&secret("", json!({})), None, None), Due::Delete);
        let mut going = secret("", json!({}));
        going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        assert_eq!(due(&going, None, None), Due::Nothing);
        assert_eq!(due(&json!({"type": "Opaque"}), None, None), Due::Nothing);
    }
}
