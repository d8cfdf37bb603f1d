//! Encryption of Secrets at rest: each body under a key of its own, that key under one of a key file.
//!
//! In: bodies, and the keys by name; the first of the file seals, the others only open what was sealed before, so a key is
//! rotated by putting a new one in front. Out: bytes that say by which key they can be opened, bound to their object: a row
//! that was moved to another name does not open. AES-256-GCM throughout (NIST SP 800-38D). Absent: which kinds are sealed
//! beyond [`is_secret`], and keys in a KMS.

use std::fmt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};

use crate::store::ObjectKey;

/// Bytes of a key.
const KEY_LEN: usize = 32;
/// Bytes of a key that another key sealed: nonce, key, tag.
const WRAPPED_LEN: usize = NONCE_LEN + KEY_LEN + 16;
/// Longest name of a key.
const NAME_MAX: usize = 64;

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// It cannot be read.
    #[error("it cannot be read; next: check that it exists and who may read it")]
    File(#[source] std::io::Error),
    /// A line is no key.
    #[error(
        "line {line} is not NAME:KEY with a key of 32 bytes in base64; next: mend it, or put back the file that was there"
    )]
    Line {
        /// Which, from 1.
        line: usize,
    },
    /// There is no key in it.
    #[error("it holds no key; next: put a line NAME:KEY into it, with a key of 32 random bytes in base64")]
    Empty,
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Random,
}

struct Key {
    name: String,
    cipher: LessSafeKey,
}

/// The keys of a key file.
pub struct Keyring {
    first: Key,
    others: Vec<Key>,
    random: SystemRandom,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("first", &self.first.name)
            .finish_non_exhaustive()
    }
}

/// Why sealed bytes do not open.
#[derive(Debug, thiserror::Error)]
pub(super) enum SealError {
    #[error(
        "it is sealed with the key {0:?}, which is not in the key file; next: put that key into the file of --encryption-key-file"
    )]
    UnknownKey(String),
    #[error("it is sealed, and no key file is given; next: give the key file with --encryption-key-file")]
    NoKeys,
    #[error(
        "it is sealed and does not open: it was changed, or the key {0:?} is another one of that name; next: put back the key file of before, or \
         restore a backup"
    )]
    Broken(String),
    #[error("it could not be sealed")]
    Failed,
}

/// Kinds whose objects are sealed: Secrets, and the keys that sign tokens.
pub(super) const SEALED_KINDS: [&str; 2] = ["/secrets", "internal.meridian.dev/signingkeys"];

/// Whether objects of this kind are sealed.
pub(super) fn is_secret(key: &ObjectKey) -> bool {
    SEALED_KINDS.contains(&key.kind.as_str())
}

impl Keyring {
    /// Reads a key file: one `NAME:KEY` a line, the one that seals first; empty lines and lines with `#` are passed over.
    ///
    /// # Errors
    /// [`KeyringError`]
    pub fn read(path: &Path) -> Result<Self, KeyringError> {
        let text = std::fs::read_to_string(path).map_err(KeyringError::File)?;
        Self::parse(&text)
    }

    /// Reads the text of a key file.
    ///
    /// # Errors
    /// [`KeyringError`]
    pub fn parse(text: &str) -> Result<Self, KeyringError> {
        let mut keys = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            keys.push(key_of(line).ok_or(KeyringError::Line { line: number + 1 })?);
        }
        let mut keys = keys.into_iter();
        Ok(Self {
            first: keys.next().ok_or(KeyringError::Empty)?,
            others: keys.collect(),
            random: SystemRandom::new(),
        })
    }

    /// The text of a key file with one new key.
    ///
    /// # Errors
    /// [`KeyringError::Random`]
    pub fn generate(name: &str) -> Result<String, KeyringError> {
        let mut key = [0; KEY_LEN];
        SystemRandom::new().fill(&mut key).map_err(|_| KeyringError::Random)?;
        Ok(format!("{name}:{}\n", STANDARD.encode(key)))
    }

    /// Whether a row was sealed with the key that seals now.
    pub(super) fn is_current(&self, sealed: &[u8]) -> bool {
        split_name(sealed).is_some_and(|(name, _)| name == self.first.name)
    }

    /// Seals a body for an object.
    pub(super) fn seal(&self, object: &ObjectKey, body: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut data_key = [0; KEY_LEN];
        self.random.fill(&mut data_key).map_err(|_| SealError::Failed)?;
        let bound = object.to_string();
        let mut sealed = Vec::with_capacity(1 + self.first.name.len() + WRAPPED_LEN + NONCE_LEN + body.len() + 16);
        sealed.push(u8::try_from(self.first.name.len()).map_err(|_| SealError::Failed)?);
        sealed.extend_from_slice(self.first.name.as_bytes());
        self.encrypt(&self.first.cipher, bound.as_bytes(), &data_key, &mut sealed)?;
        let cipher = cipher(&data_key).ok_or(SealError::Failed)?;
        self.encrypt(&cipher, bound.as_bytes(), body, &mut sealed)?;
        Ok(sealed)
    }

    /// Opens what was sealed for an object.
    pub(super) fn open(&self, object: &ObjectKey, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let broken = |name: &str| SealError::Broken(name.to_owned());
        let (name, rest) = split_name(sealed).ok_or_else(|| broken(""))?;
        let mut keys = std::iter::once(&self.first).chain(&self.others);
        let key = keys
            .find(|key| key.name == name)
            .ok_or_else(|| SealError::UnknownKey(name.to_owned()))?;
        let (wrapped, body) = rest.split_at_checked(WRAPPED_LEN).ok_or_else(|| broken(name))?;
        let bound = object.to_string();
        let data_key = decrypt(&key.cipher, bound.as_bytes(), wrapped).ok_or_else(|| broken(name))?;
        let cipher = cipher(&data_key).ok_or_else(|| broken(name))?;
        decrypt(&cipher, bound.as_bytes(), body).ok_or_else(|| broken(name))
    }

    /// Appends nonce, encrypted text and tag.
    fn encrypt(&self, cipher: &LessSafeKey, bound: &[u8], text: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| SealError::Failed)?;
        let mut buffer = text.to_vec();
        cipher
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bound), &mut buffer)
            .map_err(|_| SealError::Failed)?;
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&buffer);
        Ok(())
    }
}

fn cipher(key: &[u8]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key).ok().map(LessSafeKey::new)
}

fn decrypt(cipher: &LessSafeKey, bound: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut buffer = text.to_vec();
    let length = cipher.open_in_place(nonce, Aad::from(bound), &mut buffer).ok()?.len();
    buffer.truncate(length);
    Some(buffer)
}

fn split_name(sealed: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = sealed.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*length))?;
    Some((std::str::from_utf8(name).ok()?, rest))
}

fn key_of(line: &str) -> Option<Key> {
    let (name, key) = line.split_once(':')?;
    let key = STANDARD.decode(key.trim()).ok().filter(|key| key.len() == KEY_LEN)?;
    let good = !name.is_empty() && name.len() <= NAME_MAX;
    good.then(|| cipher(&key))?.map(|cipher| Key {
        name: name.to_owned(),
        cipher,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::KindKey;

    fn secret(name: &str) -> ObjectKey {
        ObjectKey::new(&KindKey::new("", "secrets"), "shop", name)
    }

    #[test]
    fn a_key_is_rotated_by_putting_another_in_front() {
        let old = Keyring::generate("2025").unwrap();
        let before = Keyring::parse(&old).unwrap();
        let sealed = before.seal(&secret("a"), b"{}").unwrap();
        let new = Keyring::generate("2026").unwrap();
        let after = Keyring::parse(&format!("# keys\n{new}\n{old}")).unwrap();
        assert_eq!(after.open(&secret("a"), &sealed).unwrap(), b"{}");
        assert!(before.is_current(&sealed) && !after.is_current(&sealed));
        let gone = Keyring::parse(&new).unwrap().open(&secret("a"), &sealed).unwrap_err();
        assert!(gone.to_string().contains("\"2025\""), "{gone}");
        let another = Keyring::generate("2025").unwrap();
        let another = Keyring::parse(&another)
            .unwrap()
            .open(&secret("a"), &sealed)
            .unwrap_err();
        assert!(matches!(another, SealError::Broken(_)), "{another}");
    }

    #[test]
    fn key_files_that_are_none() {
        for (text, error) in [
            ("", "no key"),
            ("a", "line 1"),
            ("\na:AAAA", "line 2"),
            (":AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "line 1"),
        ] {
            let found = Keyring::parse(text).unwrap_err().to_string();
            assert!(found.contains(error), "{text:?}: {found}");
        }
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_for_its_object_only(body in proptest::collection::vec(any::<u8>(), 0..300), flip in any::<(usize, u8)>()) {
            let keyring = Keyring::parse(&Keyring::generate("k").unwrap()).unwrap();
            let mut sealed = keyring.seal(&secret("a"), &body).unwrap();
            prop_assert_eq!(keyring.open(&secret("a"), &sealed).unwrap(), body);
            prop_assert!(keyring.open(&secret("b"), &sealed).is_err());
            let (at, bits) = flip;
            let at = at % sealed.len();
            sealed[at] ^= bits.max(1);
            prop_assert!(keyring.open(&secret("a"), &sealed).is_err());
        }

        #[test]
        fn any_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let keyring = Keyring::parse(&Keyring::generate("k").unwrap()).unwrap();
            prop_assert!(keyring.open(&secret("a"), &bytes).is_err());
        }
    }
}
