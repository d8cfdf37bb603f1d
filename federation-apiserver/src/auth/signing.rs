//! The keys that sign service account tokens.
//!
//! Decided: where keys live when no files are given (in the store, under a name that no API serves, so that all servers of one
//! database sign and prove alike), which one signs (the newest), and when a new one is made (once a year, at start). In: PEM, a
//! cache. Out: signatures, public keys. Absent: what is signed.

use std::sync::Arc;

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::jwt::PublicKey;
use crate::cache::{KindCache, canonical};
use crate::store::{Change, Expect, KindKey, ObjectKey, StoreError, Write, WriteError};
use crate::write::Backend;

/// What stands before a point in the `SubjectPublicKeyInfo` of a P-256 key.
const P256_INFO: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// Group of objects that are stored and never served.
const INTERNAL_GROUP: &str = "internal.meridian.dev";
/// A key that signed for so long is followed by another; it goes on proving what it signed.
const SIGNS_FOR: SignedDuration = SignedDuration::from_hours(365 * 24);

/// A key could not be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The text is no key of the kind that signs.
    #[error(
        "read a key that signs service account tokens; give an unencrypted PKCS#8 PEM of a P-256 key, as `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256` makes it"
    )]
    Unreadable,
    /// No key could be made.
    #[error("make a key that signs service account tokens; the system gives no randomness")]
    Random,
    /// The store could not be read or written.
    #[error("keep a key that signs service account tokens; check that the store is up")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A private key with its public half.
pub struct SigningKey {
    pair: EcdsaKeyPair,
    public: PublicKey,
    jwk: Value,
    random: SystemRandom,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.public.id)
            .finish_non_exhaustive()
    }
}

impl SigningKey {
    /// A new key.
    ///
    /// # Errors
    /// [`KeyError::Random`].
    pub fn generate() -> Result<Self, KeyError> {
        Self::of_pkcs8(&generate()?)
    }

    /// Reads a PKCS#8 PEM.
    ///
    /// # Errors
    /// [`KeyError::Unreadable`].
    pub fn of_pem(pem: &str) -> Result<Self, KeyError> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| KeyError::Unreadable)?;
        Self::of_pkcs8(der.secret_pkcs8_der())
    }

    fn of_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &random)
            .map_err(|_| KeyError::Unreadable)?;
        let point = pair.public_key().as_ref();
        let info = [P256_INFO, point].concat();
        let id = URL_SAFE_NO_PAD.encode(Sha256::digest(info));
        let half = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(point.get(range).unwrap_or_default());
        let jwk = json!({
            "use": "sig", "kty": "EC", "kid": id, "crv": "P-256", "alg": "ES256", "x": half(1..33), "y": half(33..65),
        });
        Ok(Self {
            public: PublicKey::p256(&id, point),
            pair,
            jwk,
            random,
        })
    }

    /// Its name: a hash of the public half.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.public.id
    }

    /// The public half.
    pub(crate) fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The public half as a JSON Web Key.
    #[must_use]
    pub fn jwk(&self) -> Value {
        self.jwk.clone()
    }

    /// A token with these claims.
    ///
    /// # Errors
    /// [`KeyError::Random`].
    pub fn sign(&self, claims: &Value) -> Result<String, KeyError> {
        let header = json!({ "alg": "ES256", "kid": self.id() });
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let mut token = format!("{}.{}", encode(&header), encode(claims));
        let proof = self
            .pair
            .sign(&self.random, token.as_bytes())
            .map_err(|_| KeyError::Random)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(proof, &mut token);
        Ok(token)
    }
}

fn generate() -> Result<Vec<u8>, KeyError> {
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
    Ok(document.map_err(|_| KeyError::Random)?.as_ref().to_vec())
}

/// The keys of a server: those of its configuration, else those in the store, followed as they change.
#[derive(Debug)]
pub(crate) struct KeyRing {
    stored: Option<Arc<KindCache>>,
    keys: ArcSwap<Vec<Arc<SigningKey>>>,
}

impl KeyRing {
    /// Keys that were given; the first signs.
    pub(crate) fn fixed(keys: &[Arc<SigningKey>]) -> Self {
        Self {
            stored: None,
            keys: ArcSwap::from_pointee(keys.to_vec()),
        }
    }

    /// The keys in a store. One is made where there is none, or none that is young enough to sign.
    ///
    /// # Errors
    /// [`KeyError`] where the store fails.
    pub(crate) async fn stored(backend: &Backend, now: Timestamp) -> Result<Self, KeyError> {
        let kind = KindKey::new(INTERNAL_GROUP, "signingkeys");
        let cache = backend.cache.kind(&kind);
        let newest = cache.snapshot().iter().map(|object| made(&object.value())).max();
        if newest.is_none_or(|made| made < now - SIGNS_FOR) {
            add(backend, &kind, now).await?;
        }
        let ring = Self {
            stored: Some(cache),
            keys: ArcSwap::default(),
        };
        ring.look();
        if ring.keys.load().is_empty() {
            return Err(KeyError::Unreadable);
        }
        Ok(ring)
    }

    /// Reads what is stored now.
    fn look(&self) {
        let Some(cache) = &self.stored else { return };
        let mut found: Vec<(Timestamp, Arc<SigningKey>)> = Vec::new();
        for object in cache.snapshot().iter() {
            let value = object.value();
            match SigningKey::of_stored(&value) {
                Ok(key) => found.push((made(&value), Arc::new(key))),
                Err(error) => tracing::error!(%error, key = %object.key, "a stored key is left out"),
            }
        }
        // Of two servers that started at once, each made one: all must agree on which signs.
        found.sort_by(|(one_made, one), (two_made, two)| (two_made, two.id()).cmp(&(one_made, one.id())));
        self.keys
            .store(Arc::new(found.into_iter().map(|(_, key)| key).collect()));
    }

    /// The key that signs.
    pub(crate) fn signer(&self) -> Option<Arc<SigningKey>> {
        self.keys.load().first().cloned()
    }

    /// The key of a name; another server may have made it just now.
    pub(crate) fn key(&self, id: &str) -> Option<Arc<SigningKey>> {
        let find = || self.keys.load().iter().find(|key| key.id() == id).cloned();
        find().or_else(|| {
            let stored = self.stored.as_ref().map_or(0, |cache| cache.snapshot().len());
            if stored == self.keys.load().len() {
                return None;
            }
            self.look();
            find()
        })
    }

    /// The public halves as a JSON Web Key Set.
    pub(crate) fn jwks(&self) -> Value {
        self.look();
        json!({ "keys": self.keys.load().iter().map(|key| key.jwk()).collect::<Vec<_>>() })
    }
}

impl SigningKey {
    fn of_stored(value: &Value) -> Result<Self, KeyError> {
        let text = value.get("pkcs8").and_then(Value::as_str).unwrap_or_default();
        let der = URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyError::Unreadable)?;
        Self::of_pkcs8(&der)
    }
}

fn made(value: &Value) -> Timestamp {
    let text = value.pointer("/metadata/creationTimestamp").and_then(Value::as_str);
    text.and_then(|text| text.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH)
}

async fn add(backend: &Backend, kind: &KindKey, now: Timestamp) -> Result<(), KeyError> {
    let der = generate()?;
    let key = SigningKey::of_pkcs8(&der)?;
    let uid = uuid::Uuid::new_v4().to_string();
    let object = json!({
        "apiVersion": format!("{INTERNAL_GROUP}/v1"), "kind": "SigningKey",
        "metadata": { "name": key.id(), "uid": uid, "creationTimestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string() },
        "pkcs8": URL_SAFE_NO_PAD.encode(&der),
    });
    let write = Write {
        key: ObjectKey::new(kind, "", key.id()),
        uid: uid.into(),
        expect: Expect::Absent,
        based_on: None,
        change: Change::Put(canonical(&object)),
    };
    let committed = backend
        .store
        .write(write)
        .await
        .map_err(|error: WriteError| KeyError::Store(error.into()))?;
    if !backend
        .cache
        .wait_for(committed.revision, std::time::Duration::from_secs(10))
        .await
    {
        return Err(KeyError::Store(Box::new(StoreError::Closed)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::{Cache, CacheConfig};
    use crate::store::{MemoryStore, Store};

    async fn backend(store: &Arc<dyn Store>) -> Backend {
        Backend {
            store: store.clone(),
            cache: Arc::new(Cache::start(store.clone(), CacheConfig::default()).await.unwrap()),
        }
    }

    #[tokio::test]
    async fn servers_of_one_store_share_their_keys() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let (one, two) = (backend(&store).await, backend(&store).await);
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let first = KeyRing::stored(&one, now).await.unwrap();
        two.cache
            .wait_for(one.cache.revision(), std::time::Duration::from_secs(5))
            .await;
        let second = KeyRing::stored(&two, now + SignedDuration::from_hours(1))
            .await
            .unwrap();
        let signer = first.signer().unwrap();
        assert_eq!(signer.id(), second.signer().unwrap().id());

        let later = KeyRing::stored(&two, now + SIGNS_FOR + SignedDuration::from_hours(1))
            .await
            .unwrap();
        let new = later.signer().unwrap();
        assert_ne!(new.id(), signer.id(), "after a year another signs");
        assert!(later.key(signer.id()).is_some(), "and the old one goes on proving");
        one.cache
            .wait_for(two.cache.revision(), std::time::Duration::from_secs(5))
            .await;
        assert!(first.key(new.id()).is_some(), "elsewhere too");
        assert!(first.key("unknown").is_none());
        assert_eq!(first.jwks()["keys"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn names_are_hashes_of_the_public_half() {
        let pem = rcgen::KeyPair::generate().unwrap();
        let key = SigningKey::of_pem(&pem.serialize_pem()).unwrap();
        let info = rcgen::PublicKeyData::subject_public_key_info(&pem);
        assert_eq!(key.id(), URL_SAFE_NO_PAD.encode(Sha256::digest(info)));
        assert!(SigningKey::of_pem("nonsense").is_err());
    }
}
