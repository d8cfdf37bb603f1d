//! Zones signed while they are answered (RFC 4034, 4035): ECDSA P-256 (RFC 6605), one key a zone, denial by one minimal NSEC record made for the question
//! (compact denial, RFC 9824).
//!
//! In: a key, a set of records, the time. Out: signatures and proofs as records. Answers that differ by place or draw are each signed as they are
//! given; a bounded cache keeps signatures of what is answered often. Absent: which records are answered; keys on disk.

mod key;
mod proof;
mod sign;

use std::collections::HashMap;

pub use key::{KeyError, ZoneKey};
pub(crate) use proof::{Names, nsec};
pub(crate) use sign::Set;

use crate::snapshot::WireName;
use sign::Cache;

/// Key and signatures of one zone.
#[derive(Debug)]
pub(crate) struct Signer {
    key: ZoneKey,
    apex: WireName,
    cache: Cache,
}

/// The signers of a server, by the apexes of their zones.
#[derive(Debug, Default)]
pub struct Signers {
    signers: HashMap<WireName, Signer>,
}

impl Signers {
    /// Signers with these keys.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = (WireName, ZoneKey)>) -> Self {
        let signer = |(apex, key): (WireName, ZoneKey)| {
            let signer = Signer {
                key,
                apex: apex.clone(),
                cache: Cache::default(),
            };
            (apex, signer)
        };
        Self {
            signers: keys.into_iter().map(signer).collect(),
        }
    }

    /// The signer of a zone.
    pub(crate) fn of(&self, apex: &WireName) -> Option<&Signer> {
        self.signers.get(apex)
    }
}

impl Signer {
    /// The DNSKEY record.
    pub(crate) fn dnskey(&self) -> &[u8] {
        self.key.record()
    }

    /// The signature of a set at a time in seconds, as a record; none where signing fails, which it does not.
    pub(crate) fn sign(&self, set: &Set<'_>, seconds: u64) -> Option<Box<[u8]>> {
        self.cache.sign(&self.key, &self.apex, set, seconds)
    }
}
