//! Bootstrap tokens: `ID.SECRET`, kept in Secrets of `kube-system` of their own type, for whoever has no other credential yet.
//!
//! In: such a Secret, the time. Out: the user `system:bootstrap:ID`, and whether the Secret is over. Pure but for one look into the cache.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::UserInfo;
use crate::cache::{Cache, KindCache};
use crate::store::KindKey;

/// Type of the Secrets.
pub(crate) const SECRET_TYPE: &str = "bootstrap.kubernetes.io/token";
/// Where they live.
pub(crate) const NAMESPACE: &str = "kube-system";
const NAME_PREFIX: &str = "bootstrap-token-";
const USER_PREFIX: &str = "system:bootstrap:";
const GROUP: &str = "system:bootstrappers";
const EXTRA_GROUP_PREFIX: &str = "system:bootstrappers:";
const EXTRA_GROUP_MAX: usize = 256;

/// Knows bootstrap tokens.
#[derive(Debug)]
pub(crate) struct BootstrapTokens {
    secrets: Arc<KindCache>,
}

/// Identity and secret of a token's text.
fn parts(token: &str) -> Option<(&str, &str)> {
    let (id, secret) = token.split_once('.')?;
    let letters = |text: &str, count: usize| {
        text.len() == count
            && text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
    };
    (letters(id, 6) && letters(secret, 16)).then_some((id, secret))
}

fn data(secret: &Value, key: &str) -> Option<String> {
    let text = secret.get("data")?.get(key)?.as_str()?;
    String::from_utf8(STANDARD.decode(text).ok()?).ok()
}

/// Whether the time of a Secret is over. One that cannot be read counts as over, as for kube-apiserver.
pub(crate) fn is_expired(secret: &Value, now: Timestamp) -> bool {
    match data(secret, "expiration").filter(|text| !text.is_empty()) {
        None => false,
        Some(text) => text.parse::<Timestamp>().map_or(true, |until| until <= now),
    }
}

/// When a Secret's time is over, where it says so.
pub(crate) fn expires(secret: &Value) -> Option<Timestamp> {
    data(secret, "expiration")?.parse().ok()
}

fn extra_group(group: &str) -> bool {
    let Some(rest) = group.strip_prefix(EXTRA_GROUP_PREFIX) else {
        return false;
    };
    let plain = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
    (1..=EXTRA_GROUP_MAX).contains(&rest.len())
        && rest.bytes().all(|byte| plain(byte) || matches!(byte, b':' | b'-'))
        && rest.bytes().last().is_some_and(plain)
}

/// The user of a token, by its Secret.
fn user(secret: &Value, id: &str, proof: &str, now: Timestamp) -> Option<UserInfo> {
    let says = |key: &str, wanted: &str| data(secret, key).is_some_and(|text| text == wanted);
    if secret.get("type").and_then(Value::as_str) != Some(SECRET_TYPE)
        || secret.pointer("/metadata/deletionTimestamp").is_some()
        || !says("token-id", id)
        || !says("usage-bootstrap-authentication", "true")
        || is_expired(secret, now)
    {
        return None;
    }
    let kept = data(secret, "token-secret").filter(|kept| !kept.is_empty())?;
    // By their hashes, so that the time this takes says nothing about them.
    if Sha256::digest(kept.as_bytes()) != Sha256::digest(proof.as_bytes()) {
        return None;
    }
    let mut groups = vec![GROUP.to_owned()];
    let more = data(secret, "auth-extra-groups").unwrap_or_default();
    for group in more.split(',').map(str::trim).filter(|group| !group.is_empty()) {
        if !extra_group(group) {
            tracing::warn!(
                id,
                group,
                "a bootstrap token is refused: its groups must begin with system:bootstrappers:"
            );
            return None;
        }
        if !groups.iter().any(|had| had == group) {
            groups.push(group.to_owned());
        }
    }
    Some(UserInfo::new(format!("{USER_PREFIX}{id}"), groups))
}

impl BootstrapTokens {
    pub(crate) fn new(cache: &Cache) -> Self {
        Self {
            secrets: cache.kind(&KindKey::new("", "secrets")),
        }
    }

    /// The user of a token.
    pub(crate) fn user(&self, token: &str, now: Timestamp) -> Option<UserInfo> {
        let (id, proof) = parts(token)?;
        let secret = self.secrets.get(NAMESPACE, &format!("{NAME_PREFIX}{id}"))?;
        user(&secret.value(), id, proof, now)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn secret(changes: &[(&str, &str)]) -> Value {
        let mut secret = json!({"type": SECRET_TYPE, "metadata": {"name": "bootstrap-token-abcdef"}, "data": {}});
        let plain = [
            ("token-id", "abcdef"),
            ("token-secret", "0123456789abcdef"),
            ("usage-bootstrap-authentication", "true"),
        ];
        for (key, text) in plain.iter().chain(changes) {
            secret["data"][*key] = json!(STANDARD.encode(text));
        }
        secret
    }

    #[test]
    fn whom_a_token_proves() {
        let now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
        let of = |changes: &[(&str, &str)]| user(&secret(changes), "abcdef", "0123456789abcdef", now);
        let plain = of(&[]).unwrap();
        assert_eq!(plain.name, "system:bootstrap:abcdef");
        assert_eq!(plain.groups, ["system:bootstrappers", "system:authenticated"]);
        let more = of(&[("auth-extra-groups", "system:bootstrappers:kubeadm:default-node-token")]).unwrap();
        assert!(more.in_group("system:bootstrappers:kubeadm:default-node-token"));
        for refused in [
            ("auth-extra-groups", "system:masters"),
            ("auth-extra-groups", "system:bootstrappers:"),
            ("auth-extra-groups", "system:bootstrappers:a-"),
            ("usage-bootstrap-authentication", "false"),
            ("token-id", "other0"),
            ("token-secret", "0123456789abcdeg"),
            ("expiration", "2026-05-31T23:59:59Z"),
            ("expiration", "soon"),
        ] {
            assert!(of(&[refused]).is_none(), "{refused:?}");
        }
        assert!(of(&[("expiration", "2026-06-01T02:00:00+01:00")]).is_some());
        let mut other = secret(&[]);
        other["type"] = json!("Opaque");
        assert!(user(&other, "abcdef", "0123456789abcdef", now).is_none());
    }

    #[test]
    fn their_form() {
        assert_eq!(parts("abcdef.0123456789abcdef"), Some(("abcdef", "0123456789abcdef")));
        for wrong in [
            "abcdef",
            "abcdef.",
            "ABCDEF.0123456789abcdef",
            "abcdef.0123456789abcde",
            "abcdef.0123456789abcdef.x",
        ] {
            assert_eq!(parts(wrong), None, "{wrong}");
        }
    }
}
