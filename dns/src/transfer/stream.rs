//! A transfer from its request to its messages, made as they are sent.
//! In: a request, who asks, the snapshot. Out: messages, signed where the request was. Absent: sockets.

use std::net::IpAddr;

use domain::base::iana::{Class, Opcode, Rcode, Rtype};
use domain::base::message_builder::{AdditionalBuilder, MessageBuilder};
use domain::base::name::Name;
use domain::base::{Message, ToName, Ttl, UnknownRecordData};
use domain::rdata::Soa;
use domain::rdata::tsig::Time48;
use domain::tsig::{Key, ServerSequence};

use super::Transfers;
use super::content::{Owned, records, serial, soa};
use super::signed::refusal;
use crate::snapshot::{Served, Snapshot, Standing, WireName};
use crate::wire::Transport;

/// Bytes of records after which a message ends; what a signature adds fits behind.
const MESSAGE_MAX: usize = 32 * 1024;

/// A request and what came with it.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) packet: &'a [u8],
    pub(crate) source: IpAddr,
    pub(crate) transport: Transport,
    /// Seconds since the epoch.
    pub(crate) seconds: u64,
}

/// The messages that are still to be sent.
pub(crate) struct Transfer {
    request: Message<Vec<u8>>,
    sequence: Option<ServerSequence<Key>>,
    rcode: Rcode,
    records: std::vec::IntoIter<Owned>,
    seconds: u64,
    /// A message that is made already: an error of the signature.
    made: Option<Vec<u8>>,
    begun: bool,
}

impl Transfer {
    /// Begins a transfer, or its refusal; none for what is no message.
    pub(crate) fn begin(policy: &Transfers, snapshot: &Snapshot, request: &Request<'_>) -> Option<Self> {
        let Request {
            packet,
            source,
            transport,
            seconds,
        } = *request;
        let original = Message::from_octets(packet.to_vec()).ok()?;
        let mut message = original.clone();
        let mut transfer = Self {
            request: original.clone(),
            sequence: None,
            rcode: Rcode::NOERROR,
            records: Vec::new().into_iter(),
            seconds,
            made: None,
            begun: false,
        };
        match ServerSequence::request(policy.keys.store(), &mut message, Time48::from_u64(seconds)) {
            Ok(sequence) => transfer.sequence = sequence,
            Err(error) => {
                tracing::warn!(%source, error = ?error.error(), "a transfer was asked for with a signature that does not count");
                transfer.made = Some(refusal(error, &original)?);
                transfer.rcode = Rcode::NOTAUTH;
                return Some(transfer);
            }
        }
        transfer.request = message;
        let allowed = policy
            .allow
            .iter()
            .any(|network| network.contains(&source.to_canonical()));
        if transfer.sequence.is_none() && !allowed {
            transfer.rcode = Rcode::REFUSED;
            return Some(transfer);
        }
        transfer.fill(snapshot, transport);
        Some(transfer)
    }

    /// The code of the first message.
    pub(crate) fn is_given(&self) -> bool {
        self.rcode == Rcode::NOERROR
    }

    fn fill(&mut self, snapshot: &Snapshot, transport: Transport) {
        let Ok(question) = self.request.sole_question() else {
            self.rcode = Rcode::FORMERR;
            return;
        };
        let incremental = question.qtype() == Rtype::IXFR;
        let apex = WireName::from_wire(question.qname().to_vec().as_octets());
        let found = apex.and_then(|apex| snapshot.zones.find(apex.as_bytes()).filter(|zone| zone.apex == apex));
        let Some(zone) = found else {
            self.rcode = Rcode::NOTAUTH;
            return;
        };
        if zone.standing != Standing::Served {
            self.rcode = Rcode::SERVFAIL;
            return;
        }
        let streamed = matches!(transport, Transport::Tcp | Transport::Tls);
        self.records = match (incremental, streamed) {
            // Who has the present version, or asks by datagram, gets the SOA alone (RFC 1995 2).
            (true, false) => vec![soa(zone)],
            (true, true) if self.has_present(zone) => vec![soa(zone)],
            (_, true) => records(zone),
            (false, false) => {
                self.rcode = Rcode::REFUSED;
                return;
            }
        }
        .into_iter();
    }

    /// Whether who asks has this version, or a newer one, by the SOA record it shows.
    fn has_present(&self, zone: &Served) -> bool {
        let Ok(authority) = self.request.authority() else {
            return false;
        };
        let shown = authority.limit_to::<Soa<_>>().flatten().next();
        match (shown, serial(zone)) {
            (Some(shown), Some(now)) => is_at_least(shown.data().serial().into_int(), now),
            (_, _) => false,
        }
    }

    fn message(&mut self) -> Option<Vec<u8>> {
        let builder = MessageBuilder::from_target(Vec::with_capacity(MESSAGE_MAX)).ok()?;
        let mut answer = builder.start_answer(&self.request, self.rcode).ok()?;
        answer.header_mut().set_aa(self.rcode == Rcode::NOERROR);
        answer.header_mut().set_opcode(Opcode::QUERY);
        while answer.as_slice().len() < MESSAGE_MAX {
            let Some(Owned { owner, body }) = self.records.next() else {
                break;
            };
            let owner = Name::from_octets(owner.as_bytes().to_vec()).ok()?;
            let (&[t0, t1, c0, c1, l0, l1, l2, l3, _, _], data) = body.split_first_chunk::<10>()?;
            let type_ = Rtype::from_int(u16::from_be_bytes([t0, t1]));
            let data = UnknownRecordData::from_octets(type_, data).ok()?;
            let class = Class::from_int(u16::from_be_bytes([c0, c1]));
            let ttl = Ttl::from_secs(u32::from_be_bytes([l0, l1, l2, l3]));
            answer.push((owner, class, ttl, data)).ok()?;
        }
        let mut whole: AdditionalBuilder<Vec<u8>> = answer.additional();
        if let Some(sequence) = &mut self.sequence {
            sequence.answer(&mut whole, Time48::from_u64(self.seconds)).ok()?;
        }
        Some(whole.finish())
    }
}

/// Whether a serial is that of a version, or of a later one; serials compare modulo 2^32 (RFC 1982).
fn is_at_least(shown: u32, now: u32) -> bool {
    shown.wrapping_sub(now) < 1 << 31
}

impl Iterator for Transfer {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        if self.begun && self.records.len() == 0 {
            return None;
        }
        self.begun = true;
        match self.made.take() {
            Some(made) => Some(made),
            None => self.message(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_go_round() {
        for (shown, now, expected) in [
            (7, 7, true),
            (8, 7, true),
            (6, 7, false),
            (0, u32::MAX, true),
            (u32::MAX, 0, false),
            (1 << 30, u32::MAX - 5, true),
        ] {
            assert_eq!(is_at_least(shown, now), expected, "{shown} {now}");
        }
    }
}
