//! The key of a zone: made, kept as PKCS #8, and shown as DNSKEY and DS records.

use std::fmt;

use ring::digest;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};

use crate::snapshot::{WireName, raw_record, types};

/// TTL of the DNSKEY record.
const TTL: u32 = 3600;
/// A zone key that is also its entry point (RFC 4034 2.1.1).
const FLAGS: u16 = 257;
/// The one protocol (RFC 4034 2.1.2).
const PROTOCOL: u8 = 3;
/// ECDSA P-256 with SHA-256 (RFC 6605).
pub(super) const ALGORITHM: u8 = 13;
/// SHA-256 of DS records (RFC 4509).
const DIGEST: u8 = 2;

/// Why there is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no ECDSA P-256 key in PKCS #8")]
pub struct KeyError;

/// A zone's key.
pub struct ZoneKey {
    pair: EcdsaKeyPair,
    /// Data of the DNSKEY record.
    data: Vec<u8>,
    record: Box<[u8]>,
    random: SystemRandom,
}

impl fmt::Debug for ZoneKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {}", self.tag())
    }
}

impl ZoneKey {
    /// A new key, as it is to be kept: PKCS #8, secret.
    ///
    /// # Errors
    /// Where the system has no randomness.
    pub fn generate() -> Result<Vec<u8>, KeyError> {
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        made.map(|document| document.as_ref().to_vec()).map_err(|_| KeyError)
    }

    /// Reads a key.
    ///
    /// # Errors
    /// [`KeyError`] for anything else.
    pub fn read(pkcs8: &[u8]) -> Result<Self, KeyError> {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &random).map_err(|_| KeyError)?;
        let mut data = FLAGS.to_be_bytes().to_vec();
        data.extend_from_slice(&[PROTOCOL, ALGORITHM]);
        // The point without the byte that says it is uncompressed (RFC 6605 4).
        data.extend_from_slice(pair.public_key().as_ref().get(1..).ok_or(KeyError)?);
        let record = raw_record(types::DNSKEY, TTL, &data);
        Ok(Self {
            pair,
            data,
            record,
            random,
        })
    }

    /// The DNSKEY record.
    pub(super) fn record(&self) -> &[u8] {
        &self.record
    }

    /// The key's tag (RFC 4034 appendix B).
    #[must_use]
    pub fn tag(&self) -> u16 {
        let sum: u32 = self
            .data
            .chunks(2)
            .map(|pair| {
                u32::from(pair.first().copied().unwrap_or(0)) << 8 | u32::from(pair.get(1).copied().unwrap_or(0))
            })
            .sum();
        // Truncation is the algorithm's.
        ((sum + (sum >> 16)) & 0xFFFF) as u16
    }

    /// The DS record of the key for the zone above, as text.
    #[must_use]
    pub fn ds(&self, apex: &WireName) -> String {
        let digest = digest::digest(&digest::SHA256, &[apex.as_bytes(), &self.data].concat());
        let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
        format!("{apex} IN DS {} {ALGORITHM} {DIGEST} {hex}", self.tag())
    }

    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let signature = self.pair.sign(&self.random, message).ok()?;
        Some(signature.as_ref().to_vec())
    }
}
