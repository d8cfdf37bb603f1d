//! An answer, written into a buffer: header, question, records with their owners, OPT, within what the client takes.
//! In: records with the owner pointer 0xC00C. Out: the message. Absent: which records; `answer.rs` says.

use std::io::Write as _;

use super::options::{Edns, codes};
use super::query::{HEADER, Rcode};
use crate::snapshot::{OPT, RECORD_HEAD, Variant, types};

/// Most bytes of a UDP answer, and what the OPT record says this server takes (RFC 9715).
const UDP_MAX: usize = 1232;
/// Most bytes of a UDP answer to a client without EDNS (RFC 1035 4.2.1).
const UDP_PLAIN: usize = 512;
/// Block length of padded answers (RFC 8467 4.1).
const PADDED_TO: usize = 468;
/// What an answer says of the connection's idle timeout, in units of 100 ms.
const KEEPALIVE_UNITS: u16 = 100;

/// How a query came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// In a datagram.
    Udp,
    /// In a stream.
    Tcp,
    /// In a stream over TLS (RFC 7858).
    Tls,
    /// In an HTTP request (RFC 8484).
    Https,
    /// In a stream of QUIC (RFC 9250).
    Quic,
}

impl Transport {
    /// The name, as in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Https => "https",
            Self::Quic => "quic",
        }
    }

    /// The flag that says where it is served.
    pub(crate) fn flag(self) -> &'static str {
        match self {
            Self::Udp | Self::Tcp => "--dns-address",
            Self::Tls => "--dot-address",
            Self::Https => "--doh-address",
            Self::Quic => "--doq-address",
        }
    }

    /// Nobody on the way reads it, so lengths are hidden on request, too (RFC 8467).
    fn is_encrypted(self) -> bool {
        match self {
            Self::Udp | Self::Tcp => false,
            Self::Tls | Self::Https | Self::Quic => true,
        }
    }

    /// It has an idle timeout to tell of (RFC 7828); HTTP and QUIC have their own ways.
    fn has_keepalive(self) -> bool {
        matches!(self, Self::Tcp | Self::Tls)
    }
}

/// Why an answer is as it is (RFC 8914 4).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extended {
    /// The hub has not been heard for so many seconds.
    StaleAnswer(u32),
    /// Nothing is known yet.
    NotReady,
    /// It is not given to this client, or this way.
    Prohibited,
    /// The name is in no zone of this server.
    NotAuthoritative,
    /// The zone's data cannot be used.
    InvalidData,
    /// This server does not do that.
    NotSupported,
}

impl Extended {
    fn code(self) -> u16 {
        match self {
            Self::StaleAnswer(_) => 3,
            Self::NotReady => 14,
            Self::Prohibited => 18,
            Self::NotAuthoritative => 20,
            Self::NotSupported => 21,
            Self::InvalidData => 24,
        }
    }
}

/// What goes into the OPT record beside what the query said.
#[derive(Clone, Copy, Default)]
pub(super) struct Ours<'a> {
    /// The server's cookie for the client.
    pub(super) cookie: Option<[u8; 16]>,
    /// The server's id.
    pub(super) nsid: Option<&'a [u8]>,
}

/// Section of a record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Answer,
    Authority,
    Additional,
}

/// A message being written.
pub(super) struct Reply<'a> {
    out: &'a mut Vec<u8>,
    question: usize,
    counts: [u16; 3],
    /// The answer is authoritative.
    pub(super) authoritative: bool,
    /// Its code.
    pub(super) rcode: Rcode,
    /// The scope of the client subnet.
    pub(super) scope: u8,
    /// The name is not there, whatever the code says.
    pub(super) missing: bool,
    /// Why it is so.
    pub(super) extended: Option<Extended>,
}

impl<'a> Reply<'a> {
    /// Begins with room for the header and the question as it came.
    pub(super) fn new(out: &'a mut Vec<u8>, question: &[u8], rcode: Rcode) -> Self {
        out.clear();
        out.resize(HEADER, 0);
        out.extend_from_slice(question);
        Self {
            out,
            question: question.len(),
            counts: [0; 3],
            authoritative: false,
            rcode,
            scope: 0,
            missing: false,
            extended: None,
        }
    }

    /// Adds a record; `owner` is the offset of its owner's name in the message. Returns the offset of its data.
    pub(super) fn push(&mut self, section: Section, owner: usize, record: &[u8]) -> usize {
        let start = self.out.len();
        let Some(body) = record.get(2..) else { return start };
        // Offsets of names are below 2^14: the question and at most a few names of 255 bytes stand before.
        self.out
            .extend_from_slice(&(0xC000 | (owner & 0x3FFF) as u16).to_be_bytes());
        self.out.extend_from_slice(body);
        let count = match section {
            Section::Answer => &mut self.counts[0],
            Section::Authority => &mut self.counts[1],
            Section::Additional => &mut self.counts[2],
        };
        *count = count.saturating_add(1);
        start + RECORD_HEAD
    }

    /// The message from an offset on.
    pub(super) fn since(&self, at: usize) -> &[u8] {
        self.out.get(at..).unwrap_or_default()
    }

    /// Whether this name, uncompressed, stands at an offset.
    pub(super) fn has_name(&self, at: usize, name: &[u8]) -> bool {
        let there = self.out.get(at..at + name.len());
        there.is_some_and(|there| there.eq_ignore_ascii_case(name))
    }

    /// How long the message is so far.
    pub(super) fn length(&self) -> usize {
        self.out.len()
    }

    /// Adds a CNAME record that is made for this answer. Returns the offset of its data.
    pub(super) fn push_alias(&mut self, owner: usize, ttl: &[u8], target: &[u8]) -> usize {
        let start = self.push(Section::Answer, owner, &[0xC0, 0x0C, 0, types::CNAME as u8, 0, 1]);
        self.out.extend_from_slice(ttl);
        // Names are at most 255 bytes.
        self.out.extend_from_slice(&(target.len() as u16).to_be_bytes());
        self.out.extend_from_slice(target);
        start
    }

    /// Adds the records that a draw falls on, in rotation. Returns how many.
    pub(super) fn push_set(&mut self, section: Section, owner: usize, variant: &Variant, entropy: u32) -> usize {
        let Some(group) = variant.draw(entropy) else { return 0 };
        let count = group.count();
        // The draw used the upper bits; the rotation takes them mixed.
        let turn = entropy.wrapping_mul(0x9E37_79B1) >> 8;
        let first = (turn as usize).checked_rem(count).unwrap_or(0);
        let wanted = count.min(variant.limit);
        for index in (first..count).chain(0..first).take(wanted) {
            if let Some(record) = group.record(index) {
                self.push(section, owner, record);
            }
        }
        wanted
    }

    /// Writes OPT and header; an answer the client cannot take, or that it must ask for again by TCP, becomes an empty one that says
    /// so.
    pub(super) fn finish(
        mut self,
        (id, flags): (u16, u16),
        edns: Option<&Edns>,
        ours: &Ours<'_>,
        transport: Transport,
        again: bool,
    ) {
        let limit = match (transport, edns) {
            (Transport::Tcp | Transport::Tls | Transport::Https | Transport::Quic, _) => usize::from(u16::MAX),
            (Transport::Udp, Some(edns)) => usize::from(edns.size).clamp(UDP_PLAIN, UDP_MAX),
            (Transport::Udp, None) => UDP_PLAIN,
        };
        self.opt(edns, ours, transport);
        let truncated = again || self.out.len() > limit;
        if truncated {
            self.out.truncate(HEADER + self.question);
            self.counts = [0; 3];
            self.scope = 0;
            self.opt(edns, ours, transport);
        }
        // QR; opcode, RD and CD as they came (RFC 4035 3.2.2 for CD); RA and AD never.
        let mut answer = 0x8000 | flags & 0x7910 | self.rcode.number() & 0x000F;
        if self.authoritative {
            answer |= 0x0400;
        }
        if truncated {
            answer |= 0x0200;
        }
        let [answers, authorities, additionals] = self.counts;
        let questions = u16::from(self.question > 0);
        let header = [id, answer, questions, answers, authorities, additionals];
        for (slot, field) in self.out.chunks_exact_mut(2).zip(header) {
            slot.copy_from_slice(&field.to_be_bytes());
        }
    }

    /// Writes the OPT record, if the query had one.
    fn opt(&mut self, edns: Option<&Edns>, ours: &Ours<'_>, transport: Transport) {
        let Some(edns) = edns else { return };
        self.out.push(0);
        self.out.extend_from_slice(&OPT.to_be_bytes());
        self.out.extend_from_slice(&(UDP_MAX as u16).to_be_bytes());
        let upper = (self.rcode.number() >> 4) as u8;
        let length_at = self.out.len() + 4;
        self.out
            .extend_from_slice(&[upper, 0, if edns.dnssec_ok { 0x80 } else { 0 }, 0, 0, 0]);
        if let Some(subnet) = &edns.subnet {
            subnet.write(self.scope, self.out);
        }
        if let (Some(cookie), Some(server)) = (&edns.cookie, &ours.cookie) {
            self.option(codes::COOKIE, &[&cookie.client(), server]);
        }
        if let Some(nsid) = ours.nsid.filter(|_| edns.nsid) {
            self.option(codes::NSID, &[nsid]);
        }
        if edns.keepalive && transport.has_keepalive() {
            self.option(codes::KEEPALIVE, &[&KEEPALIVE_UNITS.to_be_bytes()]);
        }
        if let Some(extended) = self.extended {
            self.option(codes::EXTENDED_ERROR, &[&extended.code().to_be_bytes()]);
            if let Extended::StaleAnswer(seconds) = extended {
                let before = self.out.len();
                // Writing into a vector does not fail.
                let written = write!(self.out, "hub not heard for {seconds} s");
                let text = self.out.len() - before;
                debug_assert!(written.is_ok());
                self.patch(before - 4, 2 + text);
            }
        }
        if edns.padding && transport.is_encrypted() {
            self.pad();
        }
        let options = self.out.len() - length_at - 2;
        self.patch(length_at, options);
        let [_, _, additionals] = &mut self.counts;
        *additionals = additionals.saturating_add(1);
    }

    /// Pads the message to whole blocks (RFC 8467 4.1). The option is the last of it.
    fn pad(&mut self) {
        let unpadded = self.out.len() + 4;
        let zeros = unpadded.next_multiple_of(PADDED_TO) - unpadded;
        // An answer that is as long as can be has no room.
        if unpadded + zeros > usize::from(u16::MAX) {
            return;
        }
        self.option(codes::PADDING, &[&[0; PADDED_TO][..zeros]]);
    }

    fn option(&mut self, code: u16, parts: &[&[u8]]) {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        self.out.extend_from_slice(&code.to_be_bytes());
        // Options of ours are short.
        self.out.extend_from_slice(&(length as u16).to_be_bytes());
        parts.iter().for_each(|part| self.out.extend_from_slice(part));
    }

    /// Writes a length where it was left open.
    fn patch(&mut self, at: usize, length: usize) {
        if let Some(slot) = self.out.get_mut(at..at + 2) {
            slot.copy_from_slice(&(length as u16).to_be_bytes());
        }
    }
}
