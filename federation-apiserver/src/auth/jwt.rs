//! JSON Web Tokens in their compact form, and the public keys that prove them.
//!
//! Decided: which signatures count (ES256, ES384, RS256 to RS512, PS256 to PS512), and that a key says which of them it is for, never
//! the token alone. In: a token's text, keys as JSON Web Keys. Out: claims. Absent: what claims mean, where keys come from. The
//! arithmetic is ring's, which TLS brings along; libraries for tokens would bring a second one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::Value;

/// Longest token that is looked at; service account tokens have about a kilobyte.
const TOKEN_BYTES_MAX: usize = 64 << 10;
/// Shortest RSA modulus that counts, in bytes.
const RSA_BYTES_MIN: usize = 256;

/// A signature algorithm, by its registered name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Es256,
    Es384,
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
}

impl Algorithm {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            _ => return None,
        })
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: String,
}

/// A token taken apart; nothing in it is proved yet.
#[derive(Debug)]
pub(crate) struct Unproved<'a> {
    pub(crate) algorithm: Algorithm,
    /// Which key it names; empty for none.
    pub(crate) key_id: String,
    /// What it claims.
    pub(crate) claims: Value,
    signed: &'a str,
    signature: Vec<u8>,
}

/// Takes a token apart. None for text that is no token of these.
pub(crate) fn take_apart(token: &str) -> Option<Unproved<'_>> {
    if token.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
    let header: Header = serde_json::from_slice(&bytes(header)?).ok()?;
    let claims: Value = serde_json::from_slice(&bytes(claims)?).ok()?;
    if !claims.is_object() {
        return None;
    }
    Some(Unproved {
        algorithm: Algorithm::parse(&header.alg)?,
        key_id: header.kid,
        claims,
        signed,
        signature: bytes(signature)?,
    })
}

impl Unproved<'_> {
    /// Whether the holder of this key's private half signed it.
    pub(crate) fn proved_by(&self, key: &PublicKey) -> bool {
        key.algorithm.is_none_or(|only| only == self.algorithm)
            && key
                .material
                .proves(self.algorithm, self.signed.as_bytes(), &self.signature)
    }
}

#[derive(Clone, Debug)]
enum Material {
    /// An uncompressed point.
    P256(Vec<u8>),
    P384(Vec<u8>),
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
}

impl Material {
    fn proves(&self, algorithm: Algorithm, signed: &[u8], proof: &[u8]) -> bool {
        let point = |with, point: &[u8]| UnparsedPublicKey::new(with, point).verify(signed, proof).is_ok();
        match (self, algorithm) {
            (Self::P256(at), Algorithm::Es256) => point(&signature::ECDSA_P256_SHA256_FIXED, at),
            (Self::P384(at), Algorithm::Es384) => point(&signature::ECDSA_P384_SHA384_FIXED, at),
            (Self::Rsa { n, e }, _) => {
                let with = match algorithm {
                    Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
                    Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
                    Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
                    Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
                    Algorithm::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
                    Algorithm::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
                    Algorithm::Es256 | Algorithm::Es384 => return false,
                };
                RsaPublicKeyComponents { n, e }.verify(with, signed, proof).is_ok()
            }
            (Self::P256(_) | Self::P384(_), _) => false,
        }
    }
}

/// A public key.
#[derive(Clone, Debug)]
pub(crate) struct PublicKey {
    /// Its name; empty for none.
    pub(crate) id: String,
    algorithm: Option<Algorithm>,
    material: Material,
}

impl PublicKey {
    /// The key of an uncompressed point on P-256.
    pub(crate) fn p256(id: &str, point: &[u8]) -> Self {
        Self {
            id: id.to_owned(),
            algorithm: Some(Algorithm::Es256),
            material: Material::P256(point.to_vec()),
        }
    }

    /// Reads a JSON Web Key that is for signatures. None for others, and for keys that are too weak.
    pub(crate) fn of_jwk(jwk: &Value) -> Option<Self> {
        let text = |key: &str| jwk.get(key).and_then(Value::as_str);
        let number = |key: &str| URL_SAFE_NO_PAD.decode(text(key)?).ok();
        if text("use").is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let algorithm = match text("alg") {
            Some(name) => Some(Algorithm::parse(name)?),
            None => None,
        };
        let point = |width: usize| {
            let (x, y) = (number("x")?, number("y")?);
            (x.len() == width && y.len() == width).then(|| [&[4], &*x, &*y].concat())
        };
        let material = match (text("kty")?, text("crv")) {
            ("EC", Some("P-256")) => Material::P256(point(32)?),
            ("EC", Some("P-384")) => Material::P384(point(48)?),
            ("RSA", _) => {
                let (n, e) = (number("n")?, number("e")?);
                let significant = n.iter().skip_while(|byte| **byte == 0).count();
                if significant < RSA_BYTES_MIN {
                    return None;
                }
                Material::Rsa { n, e }
            }
            _ => return None,
        };
        Some(Self {
            id: text("kid").unwrap_or_default().to_owned(),
            algorithm,
            material,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::auth::signing::SigningKey;

    #[test]
    fn only_the_signers_key_proves() {
        let (key, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let token = key.sign(&json!({"sub": "a"})).unwrap();
        let apart = take_apart(&token).unwrap();
        assert_eq!(apart.claims["sub"], "a");
        assert_eq!(apart.key_id, key.id());
        assert!(apart.proved_by(key.public()));
        assert!(!apart.proved_by(other.public()));
        let jwk = PublicKey::of_jwk(&key.jwk()).unwrap();
        assert!(apart.proved_by(&jwk) && jwk.id == key.id());
    }

    #[test]
    fn what_is_no_token() {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let none = format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode("{}"));
        let secret = format!("{}.{}.AA", encode(r#"{"alg":"HS256"}"#), encode("{}"));
        let list = format!("{}.{}.AA", encode(r#"{"alg":"ES256"}"#), encode("[]"));
        for text in ["", ".", "..", "a.b.c", "a", &none, &secret, &list] {
            assert!(take_apart(text).is_none(), "{text}");
        }
        assert!(take_apart(&"a".repeat(TOKEN_BYTES_MAX + 1)).is_none());
    }

    #[test]
    fn keys_say_what_they_are_for() {
        let key = SigningKey::generate().unwrap();
        let with = |change: &dyn Fn(&mut Value)| {
            let mut jwk = key.jwk();
            change(&mut jwk);
            PublicKey::of_jwk(&jwk)
        };
        assert!(with(&|_| {}).is_some());
        assert!(with(&|jwk| jwk["use"] = json!("enc")).is_none());
        assert!(with(&|jwk| jwk["alg"] = json!("HS256")).is_none());
        assert!(with(&|jwk| jwk["crv"] = json!("P-384")).is_none());
        let token = key.sign(&json!({})).unwrap();
        let other = with(&|jwk| jwk["alg"] = json!("ES384")).unwrap();
        assert!(!take_apart(&token).unwrap().proved_by(&other));
        let weak = json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode([0xff; 128]), "e": "AQAB"});
        assert!(PublicKey::of_jwk(&weak).is_none());
    }

    proptest! {
        #[test]
        fn any_changed_byte_breaks_the_proof(at in 0_usize..200, to in 0_u8..64) {
            const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            let key = SigningKey::generate().unwrap();
            let token = key.sign(&json!({"sub": "system:serviceaccount:a:b", "exp": 1})).unwrap();
            let mut changed = token.clone().into_bytes();
            let at = at % changed.len();
            changed[at] = LETTERS[usize::from(to)];
            let changed = String::from_utf8(changed).unwrap();
            // The last letter of base64 has bits that mean nothing; the decoder refuses them.
            let proved = take_apart(&changed).is_some_and(|apart| apart.proved_by(key.public()));
            prop_assert_eq!(proved, changed == token);
        }
    }
}
