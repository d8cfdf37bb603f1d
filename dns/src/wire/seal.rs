//! Signatures and proofs in an answer, right behind what they are about, for clients that ask for them (DO) of zones that are signed.
//! In: records as they were just written. Out: RRSIG and NSEC records behind them. Absent: keys.

use std::collections::BTreeSet;

use super::query::{LowerName, Rcode};
use super::reply::{Reply, Section};
use crate::dnssec::{Names, Set, Signer, nsec};
use crate::snapshot::{RECORD_HEAD, types};

/// What seals the answers to one query.
#[derive(Clone, Copy)]
pub(super) struct Seal<'a> {
    pub(super) signer: &'a Signer,
    /// Seconds since the epoch.
    pub(super) seconds: u64,
    /// The client understands NXDOMAIN beside a compact proof.
    pub(super) compact_ok: bool,
}

impl Seal<'_> {
    /// Signs the set that was written from `mark` on: records of one owner, `name`, which stands at `owner`.
    pub(super) fn set(&self, reply: &mut Reply<'_>, section: Section, owner: usize, name: &LowerName, mark: usize) {
        let written = reply.since(mark);
        let Some((type_, ttl, data)) = split(written) else {
            return;
        };
        let set = Set {
            owner: name.as_bytes(),
            type_,
            ttl,
            data,
        };
        if let Some(signature) = self.signer.sign(&set, self.seconds) {
            reply.push(section, owner, &signature);
        }
    }

    /// Proves that what was asked for is not there. A name that is missing is proven by a record of that name, so it is there in a way, and the code
    /// says so to clients that would take anything else for a contradiction (RFC 9824 3.1).
    pub(super) fn nothing(&self, reply: &mut Reply<'_>, owner: usize, name: &LowerName, names: &Names, ttl: u32) {
        if matches!(names, Names::Missing) && !self.compact_ok {
            reply.rcode = Rcode::NoError;
        }
        let mark = reply.length();
        reply.push(Section::Authority, owner, &nsec(name.as_bytes(), names, ttl));
        self.set(reply, Section::Authority, owner, name, mark);
    }
}

/// Type, TTL and data of records that stand one after another.
fn split(mut records: &[u8]) -> Option<(u16, u32, Vec<&[u8]>)> {
    let mut all = Vec::new();
    let mut head = None;
    while let Some((&[_, _, t0, t1, _, _, l0, l1, l2, l3, n0, n1], rest)) = records.split_first_chunk::<RECORD_HEAD>() {
        let (data, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([n0, n1])))?;
        all.push(data);
        head = Some((u16::from_be_bytes([t0, t1]), u32::from_be_bytes([l0, l1, l2, l3])));
        records = rest;
    }
    head.map(|(type_, ttl)| (type_, ttl, all))
}

/// The types at a name that answers to another one, of those that it may have.
pub(super) fn beside(asked: u16, there: impl Iterator<Item = u16>) -> Names {
    let mut types_: BTreeSet<u16> = there.collect();
    // Whatever is there for others: this client was told that there is none.
    if !matches!(asked, types::RRSIG | types::NSEC) {
        types_.remove(&asked);
    }
    Names::There(types_)
}
