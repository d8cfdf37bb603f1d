//! Resource records as bytes, encoded by hickory-proto. The owner is a pointer to the question's name (offset 12), so one
//! encoding serves every query and whatever case it was asked in.

use hickory_proto::rr::RData;
use hickory_proto::rr::rdata::{A, AAAA, CNAME, HINFO, NS, SOA, SRV};
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder, NameEncoding};

use super::names::WireName;

/// Type numbers this server answers with (RFC 1035, 3596, 2782, 6891).
pub(crate) mod types {
    /// IPv4 address.
    pub(crate) const A: u16 = 1;
    /// Name server.
    pub(crate) const NS: u16 = 2;
    /// Alias.
    pub(crate) const CNAME: u16 = 5;
    /// Start of authority.
    pub(crate) const SOA: u16 = 6;
    /// Host information; stands for "not everything" in answers to ANY (RFC 8482).
    pub(crate) const HINFO: u16 = 13;
    /// Text.
    pub(crate) const TXT: u16 = 16;
    /// IPv6 address.
    pub(crate) const AAAA: u16 = 28;
    /// Service location.
    pub(crate) const SRV: u16 = 33;
    /// Alias of everything below (RFC 6672).
    pub(crate) const DNAME: u16 = 39;
    /// EDNS pseudo record.
    pub(crate) const OPT: u16 = 41;
    /// Delegation signer (RFC 4034).
    pub(crate) const DS: u16 = 43;
    /// How HTTPS is spoken (RFC 9460).
    pub(crate) const HTTPS: u16 = 65;
    /// A set's signature (RFC 4034).
    pub(crate) const RRSIG: u16 = 46;
    /// The next name (RFC 4034).
    pub(crate) const NSEC: u16 = 47;
    /// The next hash of a name (RFC 5155).
    pub(crate) const NSEC3: u16 = 50;
    /// A zone's key (RFC 4034).
    pub(crate) const DNSKEY: u16 = 48;
    /// How names are hashed (RFC 5155).
    pub(crate) const NSEC3PARAM: u16 = 51;
    /// Keys to be agreed on (RFC 2930).
    pub(crate) const TKEY: u16 = 249;
    /// A message's signature (RFC 8945).
    pub(crate) const TSIG: u16 = 250;
    /// Changes of a zone (RFC 1995).
    pub(crate) const IXFR: u16 = 251;
    /// A whole zone (RFC 5936).
    pub(crate) const AXFR: u16 = 252;
    /// Mailboxes, long gone.
    pub(crate) const MAILB: u16 = 253;
    /// Mail agents, long gone.
    pub(crate) const MAILA: u16 = 254;
    /// Everything.
    pub(crate) const ANY: u16 = 255;
}

/// Bytes of a record before its data: owner pointer, type, class, TTL, length.
pub(crate) const RECORD_HEAD: usize = 12;

/// One record with the owner pointer 0xC00C, from the bytes of its data, which are at most 65,535.
pub(crate) fn raw(type_: u16, ttl: u32, data: &[u8]) -> Box<[u8]> {
    let mut bytes = Vec::with_capacity(RECORD_HEAD + data.len());
    bytes.extend_from_slice(&[0xC0, 0x0C]);
    bytes.extend_from_slice(&type_.to_be_bytes());
    bytes.extend_from_slice(&1_u16.to_be_bytes());
    bytes.extend_from_slice(&ttl.to_be_bytes());
    bytes.extend_from_slice(&(data.len() as u16).to_be_bytes());
    bytes.extend_from_slice(data);
    bytes.into()
}

/// One record with the owner pointer 0xC00C.
fn record(type_: u16, ttl: u32, data: &RData) -> Option<Box<[u8]>> {
    let mut rdata = Vec::with_capacity(64);
    let mut encoder = BinEncoder::new(&mut rdata);
    encoder.set_name_encoding(NameEncoding::UncompressedLowercase);
    data.emit(&mut encoder).ok()?;
    Some(raw(type_, ttl, &rdata))
}

/// A or AAAA, by the address.
pub(super) fn address(ttl: u32, address: std::net::IpAddr) -> Option<Box<[u8]>> {
    match address {
        std::net::IpAddr::V4(ip) => record(types::A, ttl, &RData::A(A(ip))),
        std::net::IpAddr::V6(ip) => record(types::AAAA, ttl, &RData::AAAA(AAAA(ip))),
    }
}

/// NS.
pub(super) fn ns(ttl: u32, target: &WireName) -> Option<Box<[u8]>> {
    record(types::NS, ttl, &RData::NS(NS(target.to_hickory()?)))
}

/// CNAME.
pub(super) fn cname(ttl: u32, target: &WireName) -> Option<Box<[u8]>> {
    record(types::CNAME, ttl, &RData::CNAME(CNAME(target.to_hickory()?)))
}

/// SRV; priority and weight are the same for all, as there is one target.
pub(super) fn srv(ttl: u32, port: u16, target: &WireName) -> Option<Box<[u8]>> {
    record(
        types::SRV,
        ttl,
        &RData::SRV(SRV::new(0, 100, port, target.to_hickory()?)),
    )
}

/// The HINFO that answers ANY (RFC 8482 4.2).
pub(super) fn rfc8482(ttl: u32) -> Option<Box<[u8]>> {
    record(
        types::HINFO,
        ttl,
        &RData::HINFO(HINFO::new("RFC8482".into(), String::new())),
    )
}

/// SOA. Refresh, retry and expiry are for secondaries; the last number is the negative TTL.
pub(super) fn soa(ttl: u32, ns: &WireName, mailbox: &WireName, serial: u32, negative: u32) -> Option<Box<[u8]>> {
    let (mname, rname) = (ns.to_hickory()?, mailbox.to_hickory()?);
    record(
        types::SOA,
        ttl,
        &RData::SOA(SOA::new(mname, rname, serial, 60, 10, 86_400, negative)),
    )
}
