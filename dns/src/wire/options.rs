//! The OPT record of a query (RFC 6891): what the client can take and what it asks for.
//! In: the record's fields and options. Out: an [`Edns`], or that an option breaks its rules. Absent: what is answered.

use super::cookies::Cookie;
use super::query::Reader;
use super::subnet::Subnet;

/// Option codes (the IANA registry "DNS EDNS0 Option Codes").
pub(super) mod codes {
    /// Name server identifier (RFC 5001).
    pub(in super::super) const NSID: u16 = 3;
    /// Client subnet (RFC 7871).
    pub(in super::super) const SUBNET: u16 = 8;
    /// Cookie (RFC 7873).
    pub(in super::super) const COOKIE: u16 = 10;
    /// Idle timeout of a connection (RFC 7828).
    pub(in super::super) const KEEPALIVE: u16 = 11;
    /// Padding (RFC 7830).
    pub(in super::super) const PADDING: u16 = 12;
    /// Extended error (RFC 8914).
    pub(in super::super) const EXTENDED_ERROR: u16 = 15;
}

/// The OPT record of a query.
#[derive(Clone, Copy, Debug, Default)]
pub struct Edns {
    /// The payload the client takes.
    pub size: u16,
    /// EDNS version.
    pub version: u8,
    /// The DO bit, copied into the answer.
    pub dnssec_ok: bool,
    /// The CO bit: the client knows compact proofs, so that NXDOMAIN may be said in words, too (RFC 9824 5.1).
    pub compact_ok: bool,
    /// The client's subnet.
    pub subnet: Option<Subnet>,
    /// The client's cookie.
    pub cookie: Option<Cookie>,
    /// The client asks which server answers.
    pub nsid: bool,
    /// The client asks for the idle timeout of the connection.
    pub keepalive: bool,
    /// The client pads its query, so that the answer is padded, too.
    pub padding: bool,
}

/// Reads the options; none where one breaks its rules. Unknown options are skipped (RFC 6891 6.1.2).
pub(super) fn read(options: &[u8], mut edns: Edns) -> Option<Edns> {
    let mut reader = Reader::new(options);
    while !reader.is_done() {
        let (code, length) = (reader.u16()?, reader.u16()?);
        let data = reader.take(usize::from(length))?;
        match code {
            // Options of a version that is not ours mean what they will.
            _ if edns.version > 0 => {}
            codes::SUBNET if edns.subnet.is_some() => return None,
            codes::SUBNET => edns.subnet = Some(Subnet::parse(data).ok()?),
            // The first cookie counts (RFC 7873 5.2), but none may be malformed.
            codes::COOKIE => edns.cookie = edns.cookie.or(Some(Cookie::parse(data)?)),
            codes::NSID => edns.nsid = true,
            codes::KEEPALIVE => edns.keepalive = true,
            codes::PADDING => edns.padding = true,
            _ => {}
        }
    }
    Some(edns)
}
