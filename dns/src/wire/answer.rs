//! A packet answered from a snapshot. The same function serves datagrams, streams, tests and `explain`.

use std::net::IpAddr;

use super::chase::Chase;
use super::identity::CHAOS;
use super::limit::{About, Verdict};
use super::options::Edns;
use super::query::{Query, Rcode, Rejected, parse};
use super::reply::{Extended, Ours, Reply, Transport};
use super::seal::Seal;
use super::settings::{Settings, SubnetUse};
use crate::snapshot::{Served, Snapshot, Standing, Zones, parents, types};

/// Class IN.
const IN: u16 = 1;
/// Seconds without a word of the hub after which answers say so.
const STALE_AFTER: u32 = 60;

/// A packet and what came with it.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The packet.
    pub packet: &'a [u8],
    /// Where it came from.
    pub source: IpAddr,
    /// How it came.
    pub transport: Transport,
    /// Turns and draws; equal asks get equal answers.
    pub entropy: u32,
    /// The time, in milliseconds since the epoch.
    pub millis: u64,
    /// Seconds since the hub was heard last.
    pub age: u32,
}

/// What became of a packet that was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Type that was asked for; 0 where the question could not be read.
    pub type_: u16,
    /// The code.
    pub rcode: Rcode,
    /// Whether it is to be sent.
    pub verdict: Verdict,
}

impl Outcome {
    /// Of a message of a transfer.
    pub(crate) const TRANSFER: Self = Self {
        type_: types::AXFR,
        rcode: Rcode::NoError,
        verdict: Verdict::Send,
    };
    /// Of a message whose signature does not count.
    pub(crate) const NOT_AUTHENTIC: Self = Self {
        type_: types::TSIG,
        rcode: Rcode::Refused,
        verdict: Verdict::Send,
    };
}

/// What a packet asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// An answer, which [`answer`] gives.
    Answer,
    /// An answer to a message that is signed.
    SignedAnswer,
    /// A zone.
    Transfer,
}

/// What a packet asks for, where a server does more than answer.
#[must_use]
pub fn wish(packet: &[u8]) -> Wish {
    match parse(packet) {
        Ok(query) if query.class == IN && matches!(query.type_, types::IXFR | types::AXFR) => Wish::Transfer,
        Ok(query) if query.signed => Wish::SignedAnswer,
        Ok(_) | Err(_) => Wish::Answer,
    }
}

/// Answers a packet into `out`; none if it must stay without an answer.
pub fn answer(snapshot: &Snapshot, settings: &Settings, ask: &Ask<'_>, out: &mut Vec<u8>) -> Option<Outcome> {
    match parse(ask.packet) {
        Err(Rejected::Drop) => None,
        Err(Rejected::Error {
            id,
            flags,
            question,
            rcode,
            mut edns,
        }) => {
            let mut reply = Reply::new(out, question, rcode);
            if rcode == Rcode::NotImp {
                reply.extended = Some(Extended::NotSupported);
            }
            forget_subnet(settings, &mut edns);
            let verdict = send(
                settings,
                ask,
                reply,
                (id, flags),
                edns.as_ref(),
                About::Error(rcode.number()),
            );
            Some(Outcome {
                type_: 0,
                rcode,
                verdict,
            })
        }
        Ok(mut query) => {
            forget_subnet(settings, &mut query.edns);
            let mut reply = Reply::new(out, query.question, Rcode::NoError);
            let zone = fill(snapshot, settings, &query, ask, &mut reply);
            let rcode = reply.rcode;
            let about = match (rcode, zone) {
                (_, Some(zone)) if reply.missing => About::Missing(zone.apex.as_bytes()),
                (Rcode::NoError, _) => About::Name(query.name.as_bytes()),
                (_, _) => About::Error(rcode.number()),
            };
            let verdict = send(
                settings,
                ask,
                reply,
                (query.id, query.flags),
                query.edns.as_ref(),
                about,
            );
            Some(Outcome {
                type_: query.type_,
                rcode,
                verdict,
            })
        }
    }
}

fn forget_subnet(settings: &Settings, edns: &mut Option<Edns>) {
    if settings.subnet == SubnetUse::Ignore
        && let Some(edns) = edns
    {
        edns.subnet = None;
    }
}

/// Ends an answer, within the limits of who asked. A cookie of ours, or a connection, proves that the client is where it says.
fn send(
    settings: &Settings,
    ask: &Ask<'_>,
    reply: Reply<'_>,
    head: (u16, u16),
    edns: Option<&Edns>,
    about: About<'_>,
) -> Verdict {
    let mut ours = Ours {
        cookie: None,
        nsid: settings.identity.nsid(),
    };
    let mut proven = ask.transport != Transport::Udp;
    if let (Some(secrets), Some(cookie)) = (&settings.cookies, edns.and_then(|edns| edns.cookie)) {
        // Cookies count seconds modulo 2^32.
        let (counts, given) = secrets.judge(&cookie, ask.source, ((ask.millis / 1000) & u64::from(u32::MAX)) as u32);
        proven |= counts;
        ours.cookie = Some(given);
    }
    let verdict = match &settings.limiter {
        Some(limiter) if !proven => limiter.judge(ask.source, about, ask.millis, ask.entropy),
        Some(_) | None => Verdict::Send,
    };
    if verdict != Verdict::Drop {
        reply.finish(head, edns, &ours, ask.transport, verdict == Verdict::Truncate);
    }
    verdict
}

/// Types that are questions to the server, not records (RFC 6895 3.1), other than ANY and the transfers.
fn is_meta(type_: u16) -> bool {
    type_ == types::OPT || matches!(type_, types::TKEY | types::TSIG | types::MAILB | types::MAILA)
}

/// Fills the reply; returns the zone that it is from.
fn fill<'s>(
    snapshot: &'s Snapshot,
    settings: &Settings,
    query: &Query<'_>,
    ask: &Ask<'_>,
    reply: &mut Reply<'_>,
) -> Option<&'s Served> {
    let refuse = |reply: &mut Reply<'_>, why| {
        reply.rcode = Rcode::Refused;
        reply.extended = Some(why);
        None
    };
    if is_meta(query.type_) {
        reply.rcode = Rcode::NotImp;
        reply.extended = Some(Extended::NotSupported);
        return None;
    }
    if query.class == CHAOS {
        let Some(chaos) = settings.identity.chaos(query) else {
            return refuse(reply, Extended::Prohibited);
        };
        reply.authoritative = true;
        chaos.write(reply);
        return None;
    }
    if query.class != IN {
        return refuse(reply, Extended::NotSupported);
    }
    let Some(zone) = zone_of(&snapshot.zones, query) else {
        return refuse(reply, Extended::NotAuthoritative);
    };
    if matches!(query.type_, types::IXFR | types::AXFR) {
        return refuse(reply, Extended::Prohibited);
    }
    match zone.standing {
        Standing::Served => {
            reply.authoritative = true;
            if zone.follows_hub && ask.age >= STALE_AFTER {
                reply.extended = Some(Extended::StaleAnswer(ask.age));
            }
            let at = Chase {
                snapshot,
                settings,
                query,
                ask,
                zone,
                seal: seal(settings, query, ask, zone),
            };
            at.chase(reply);
        }
        Standing::NotReady => {
            reply.rcode = Rcode::ServFail;
            reply.extended = Some(Extended::NotReady);
        }
        Standing::Broken => {
            reply.rcode = Rcode::ServFail;
            reply.extended = Some(Extended::InvalidData);
        }
    }
    Some(zone)
}

/// What signs the answer, where the zone has a key and the client asks for signatures.
fn seal<'a>(settings: &'a Settings, query: &Query<'_>, ask: &Ask<'_>, zone: &Served) -> Option<Seal<'a>> {
    let edns = query.edns.filter(|edns| edns.dnssec_ok)?;
    Some(Seal {
        signer: settings.signers.of(&zone.apex)?,
        seconds: ask.millis / 1000,
        compact_ok: edns.compact_ok,
    })
}

/// The zone that answers: the deepest that holds the name; for the DS set of a zone's apex the one above, where that is here, too
/// (RFC 4035 3.1.4.1).
fn zone_of<'s>(zones: &'s Zones, query: &Query<'_>) -> Option<&'s Served> {
    let name = query.name.as_bytes();
    let zone = zones.find(name)?;
    if query.type_ == types::DS
        && name.len() == zone.apex.as_bytes().len()
        && let Some(above) = parents(name).next().and_then(|parent| zones.find(parent))
        && above.has_cuts
    {
        return Some(above);
    }
    Some(zone)
}
