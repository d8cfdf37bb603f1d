//! Signatures over sets of records (RFC 4034 3.1.8.1, 6).
//! In: a set as it is answered. Out: its RRSIG record. Absent: messages.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use ring::digest;

use super::key::{ALGORITHM, ZoneKey};
use crate::snapshot::{WireName, parents, raw_record, types};

/// Signatures begin to count at a whole hour, the one before the last, and do so for a week: they are the same for an hour, and clocks may differ.
const STEP: u64 = 3600;
const LIFE: u64 = 7 * 24 * 3600;
/// Signatures that are kept; when so many are, all are forgotten.
const KEPT_MAX: usize = 4096;
/// Parts of the cache, so that threads seldom wait for each other.
const PARTS: usize = 16;

/// A set of records with one owner and type.
pub(crate) struct Set<'a> {
    /// Owner, lower case.
    pub(crate) owner: &'a [u8],
    pub(crate) type_: u16,
    pub(crate) ttl: u32,
    /// Data of each, in canonical form.
    pub(crate) data: Vec<&'a [u8]>,
}

/// RRSIG records by the hash of what they sign.
type Made = HashMap<[u8; 32], Box<[u8]>>;

/// Signatures that were made, by what they are over.
#[derive(Debug, Default)]
pub(super) struct Cache {
    parts: [Mutex<Made>; PARTS],
}

impl Cache {
    /// The RRSIG record of a set.
    pub(super) fn sign(&self, key: &ZoneKey, apex: &WireName, set: &Set<'_>, seconds: u64) -> Option<Box<[u8]>> {
        let (mut data, message) = message(key, apex, set, seconds)?;
        let hash: [u8; 32] = digest::digest(&digest::SHA256, &message).as_ref().try_into().ok()?;
        let [first, ..] = hash;
        let part = self.parts.get(usize::from(first) % PARTS)?;
        if let Some(known) = part.lock().unwrap_or_else(PoisonError::into_inner).get(&hash) {
            return Some(known.clone());
        }
        data.extend(key.sign(&message)?);
        let record = raw_record(types::RRSIG, set.ttl, &data);
        let mut part = part.lock().unwrap_or_else(PoisonError::into_inner);
        if part.len() >= KEPT_MAX / PARTS {
            part.clear();
        }
        part.insert(hash, record.clone());
        Some(record)
    }
}

/// The data of the RRSIG record without its signature, and what is signed.
fn message(key: &ZoneKey, apex: &WireName, set: &Set<'_>, seconds: u64) -> Option<(Vec<u8>, Vec<u8>)> {
    // Labels without the root, and without the asterisk of a wildcard (RFC 4034 3.1.3).
    let labels = parents(set.owner).count() - usize::from(set.owner.starts_with(b"\x01*"));
    let from = (seconds / STEP).saturating_sub(1) * STEP;
    let mut data = set.type_.to_be_bytes().to_vec();
    data.extend_from_slice(&[ALGORITHM, u8::try_from(labels).ok()?]);
    data.extend_from_slice(&set.ttl.to_be_bytes());
    // Times compare modulo 2^32 (RFC 4034 3.1.5).
    for time in [from + LIFE, from] {
        data.extend_from_slice(&((time & u64::from(u32::MAX)) as u32).to_be_bytes());
    }
    data.extend_from_slice(&key.tag().to_be_bytes());
    data.extend_from_slice(apex.as_bytes());
    let mut message = data.clone();
    let mut sorted = set.data.clone();
    sorted.sort_unstable();
    sorted.dedup();
    for record in sorted {
        message.extend_from_slice(set.owner);
        message.extend_from_slice(&set.type_.to_be_bytes());
        message.extend_from_slice(&1_u16.to_be_bytes());
        message.extend_from_slice(&set.ttl.to_be_bytes());
        message.extend_from_slice(&u16::try_from(record.len()).ok()?.to_be_bytes());
        message.extend_from_slice(record);
    }
    Some((data, message))
}

#[cfg(test)]
mod tests {
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    use super::*;

    fn set<'a>(owner: &'a WireName, data: &[&'a [u8]]) -> Set<'a> {
        Set {
            owner: owner.as_bytes(),
            type_: types::A,
            ttl: 30,
            data: data.to_vec(),
        }
    }

    #[test]
    fn signatures_hold_whatever_the_order_and_for_an_hour_are_the_same() {
        let key = ZoneKey::read(&ZoneKey::generate().unwrap()).unwrap();
        let (apex, owner) = (WireName::parse("z").unwrap(), WireName::parse("a.b.z").unwrap());
        let cache = Cache::default();
        let (one, two): (&[u8], &[u8]) = (&[192, 0, 2, 1], &[192, 0, 2, 2]);
        let now = 1_700_000_000;
        let record = cache.sign(&key, &apex, &set(&owner, &[one, two]), now).unwrap();
        assert_eq!(record, cache.sign(&key, &apex, &set(&owner, &[two, one]), now).unwrap());
        assert_eq!(
            record,
            cache
                .sign(&key, &apex, &set(&owner, &[two, one, two]), now + 1000)
                .unwrap()
        );
        assert_ne!(record, cache.sign(&key, &apex, &set(&owner, &[two]), now).unwrap());
        assert_ne!(
            record,
            cache.sign(&key, &apex, &set(&owner, &[one, two]), now + 3600).unwrap()
        );
        let (data, message) = super::message(&key, &apex, &set(&owner, &[two, one]), now).unwrap();
        assert_eq!(data[3], 3, "labels");
        let signature = &record[12 + data.len()..];
        assert_eq!(signature.len(), 64);
        let point = [&[4][..], &key.record()[16..]].concat();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(&message, signature)
            .unwrap();
        let wildcard = WireName::parse("*.b.z").unwrap();
        assert_eq!(
            super::message(&key, &apex, &set(&wildcard, &[one]), now).unwrap().0[3],
            2
        );
        assert!(key.ds(&apex).starts_with(&format!("z. IN DS {} 13 2 ", key.tag())));
        assert!(ZoneKey::read(b"nonsense").is_err());
    }
}
