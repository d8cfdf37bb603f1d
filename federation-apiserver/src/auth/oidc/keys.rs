//! The public keys of an issuer: fetched when a token needs one, kept, and fetched again for a key that is not known yet, not too
//! often: whoever sends tokens with invented key names must not make us a nuisance to the issuer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::config::{IssuerConfig, OidcError};
use super::fetch::Fetcher;
use crate::auth::jwt::{PublicKey, Unproved};

/// Least time between two attempts.
const ATTEMPT_EVERY: Duration = Duration::from_secs(10);
/// Keys older than this are fetched again, so that one that was taken back ends.
const FRESH_FOR: Duration = Duration::from_secs(3_600);
/// Most keys of an issuer that are kept.
const KEYS_MAX: usize = 64;

#[derive(Clone, Debug, Default)]
struct Known {
    keys: Arc<[PublicKey]>,
    fetched: Option<Instant>,
}

/// The keys of one issuer.
#[derive(Debug)]
pub(super) struct KeySet {
    issuer: String,
    discovery: String,
    fetcher: Fetcher,
    known: Mutex<Known>,
    /// When the last attempt was; held during one.
    attempt: tokio::sync::Mutex<Option<Instant>>,
}

impl KeySet {
    pub(super) fn new(config: &IssuerConfig) -> Result<Self, OidcError> {
        let below = || format!("{}/.well-known/openid-configuration", config.url.trim_end_matches('/'));
        Ok(Self {
            issuer: config.url.clone(),
            discovery: config.discovery_url.clone().unwrap_or_else(below),
            fetcher: Fetcher::new(config.authority_pem.as_deref())?,
            known: Mutex::default(),
            attempt: tokio::sync::Mutex::new(None),
        })
    }

    /// Whether one of the keys proves a token.
    pub(super) async fn prove(&self, token: &Unproved<'_>) -> Result<bool, String> {
        let before = self.known();
        let fresh = before.fetched.is_some_and(|at| at.elapsed() < FRESH_FOR);
        if fresh && named(&before.keys, token).next().is_some() {
            return Ok(named(&before.keys, token).any(|key| token.proved_by(key)));
        }
        let failed = self.refresh(before.fetched).await.err();
        let after = self.known();
        match (failed, after.fetched) {
            (Some(error), None) => Err(format!("oidc: authenticator not initialized: {error}")),
            // Old keys are better than none while the issuer is away.
            _ => Ok(named(&after.keys, token).any(|key| token.proved_by(key))),
        }
    }

    fn known(&self) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fetches once, however many wait for it.
    async fn refresh(&self, seen: Option<Instant>) -> Result<(), String> {
        let mut attempt = self.attempt.lock().await;
        if self.known().fetched != seen {
            return Ok(());
        }
        if attempt.is_some_and(|at| at.elapsed() < ATTEMPT_EVERY) {
            return Err("the issuer was asked a moment ago".to_owned());
        }
        *attempt = Some(Instant::now());
        let fetched = self.fetch().await.inspect_err(|error| {
            tracing::warn!(
                issuer = self.issuer,
                error,
                "the keys of an issuer could not be fetched"
            );
        })?;
        tracing::debug!(
            issuer = self.issuer,
            keys = fetched.len(),
            "the keys of an issuer were fetched"
        );
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Known {
            keys: fetched.into(),
            fetched: Some(Instant::now()),
        };
        Ok(())
    }

    async fn fetch(&self) -> Result<Vec<PublicKey>, String> {
        let configuration = self.fetcher.json(&self.discovery).await?;
        let text = |key: &str| configuration.get(key).and_then(Value::as_str).unwrap_or_default();
        if text("issuer") != self.issuer {
            let (wanted, got) = (&self.issuer, text("issuer"));
            return Err(format!(
                "issuer did not match the issuer returned by provider, expected {wanted:?} got {got:?}"
            ));
        }
        let set = self.fetcher.json(text("jwks_uri")).await?;
        let keys = set
            .get("keys")
            .and_then(Value::as_array)
            .ok_or("the key set has no keys")?;
        Ok(keys.iter().filter_map(PublicKey::of_jwk).take(KEYS_MAX).collect())
    }
}

/// The keys that a token may mean.
fn named<'a>(keys: &'a [PublicKey], token: &Unproved<'_>) -> impl Iterator<Item = &'a PublicKey> {
    let id = token.key_id.clone();
    keys.iter().filter(move |key| id.is_empty() || key.id == id)
}
