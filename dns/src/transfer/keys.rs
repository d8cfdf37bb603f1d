//! Keys of TSIG, in the form that dig and kdig take.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::tsig::{Algorithm, Key, KeyName};

/// Keys by name and algorithm.
#[derive(Clone, Default)]
pub struct TransferKeys {
    keys: HashMap<(KeyName, Algorithm), Key>,
    first: Option<(KeyName, Algorithm)>,
}

/// A text that holds no keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is no key ({what}); one is written ALGORITHM:NAME:SECRET, as tsig-keygen's and dig -y have it")]
pub struct TransferKeyError {
    /// The line, from 1.
    pub line: usize,
    /// What of it.
    pub what: &'static str,
}

impl fmt::Debug for TransferKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} keys", self.keys.len())
    }
}

impl TransferKeys {
    /// Reads keys, one a line: `hmac-sha256:NAME:SECRET` with the secret in base64; empty lines and those after `#` are skipped.
    ///
    /// # Errors
    /// [`TransferKeyError`] for another line.
    pub fn parse(text: &str) -> Result<Self, TransferKeyError> {
        let mut all = Self::default();
        for (line, words) in (1..).zip(text.lines().map(str::trim)) {
            if words.is_empty() || words.starts_with('#') {
                continue;
            }
            let wrong = |what| TransferKeyError { line, what };
            let mut parts = words.splitn(3, ':');
            let mut part = |what| parts.next().ok_or_else(|| wrong(what));
            let (algorithm, name, secret) = (part("no algorithm")?, part("no name")?, part("no secret")?);
            let algorithm = Algorithm::from_str(algorithm)
                .ok()
                .filter(|algorithm| *algorithm != Algorithm::Sha1)
                .ok_or_else(|| wrong("hmac-sha256, hmac-sha384 and hmac-sha512 are known"))?;
            let name =
                KeyName::from_str(&name.to_ascii_lowercase()).map_err(|_| wrong("the name is no domain name"))?;
            let secret = STANDARD
                .decode(secret.trim())
                .map_err(|_| wrong("the secret is no base64"))?;
            if secret.len() < 16 {
                return Err(wrong("the secret has less than 16 bytes"));
            }
            let key = Key::new(algorithm, &secret, name.clone(), None, None);
            let key = key.map_err(|_| wrong("it cannot be used"))?;
            all.first.get_or_insert((name.clone(), algorithm));
            all.keys.insert((name, algorithm), key);
        }
        Ok(all)
    }

    /// There are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// As TSIG looks for them.
    pub(super) fn store(&self) -> &HashMap<(KeyName, Algorithm), Key> {
        &self.keys
    }

    /// The key that own messages are signed with.
    pub(super) fn own(&self) -> Option<&Key> {
        self.keys.get(self.first.as_ref()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_and_faults_named() {
        let keys = TransferKeys::parse(
            "# two\nhmac-sha256:Key.One:MDEyMzQ1Njc4OWFiY2RlZg==\n\nhmac-sha512:two:MDEyMzQ1Njc4OWFiY2RlZg==\n",
        )
        .unwrap();
        assert_eq!(format!("{keys:?}"), "2 keys");
        assert_eq!(keys.own().unwrap().name().to_string(), "key.one");
        assert!(TransferKeys::parse("\n").unwrap().is_empty());
        for (text, what) in [
            (
                "hmac-md5:a:MDEyMzQ1Njc4OWFiY2RlZg==",
                "hmac-sha256, hmac-sha384 and hmac-sha512 are known",
            ),
            ("hmac-sha256:a", "no secret"),
            ("hmac-sha256:a:???", "the secret is no base64"),
            ("hmac-sha256:a:MDEy", "the secret has less than 16 bytes"),
            (
                "hmac-sha256:a..b:MDEyMzQ1Njc4OWFiY2RlZg==",
                "the name is no domain name",
            ),
        ] {
            assert_eq!(
                TransferKeys::parse(text).unwrap_err(),
                TransferKeyError { line: 1, what },
                "{text}"
            );
        }
    }
}
