//! A packet answered from a snapshot. The same function serves datagrams, streams, tests and `explain`.

use std::net::IpAddr;

use super::identity::CHAOS;
use super::limit::{About, Verdict};
use super::options::Edns;
use super::query::{HEADER, Query, Rcode, Rejected, parse};
use super::reply::{Extended, Ours, Reply, Section, Transport};
use super::settings::{Settings, SubnetUse};
use crate::snapshot::{Answers, Found, NodeKind, Snapshot, types};

/// Class IN.
const IN: u16 = 1;
/// Longest alias chain: zone, region, global, and one to spare.
const CHAIN_MAX: usize = 4;
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
            fill(snapshot, settings, &query, ask, &mut reply);
            let rcode = reply.rcode;
            let about = match rcode {
                Rcode::NoError => About::Name(query.name.as_bytes()),
                Rcode::NxDomain => About::Missing(snapshot.zone.apex.as_bytes()),
                _ => About::Error(rcode.number()),
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

fn fill(snapshot: &Snapshot, settings: &Settings, query: &Query<'_>, ask: &Ask<'_>, reply: &mut Reply<'_>) {
    let refused = |reply: &mut Reply<'_>, why| {
        reply.rcode = Rcode::Refused;
        reply.extended = Some(why);
    };
    if is_meta(query.type_) {
        reply.rcode = Rcode::NotImp;
        reply.extended = Some(Extended::NotSupported);
    } else if query.class == CHAOS {
        match settings.identity.chaos(query) {
            Some(chaos) => {
                reply.authoritative = true;
                chaos.write(reply);
            }
            None => refused(reply, Extended::Prohibited),
        }
    } else if query.class != IN {
        refused(reply, Extended::NotSupported);
    } else if !query.is_within(&snapshot.zone.apex) {
        refused(reply, Extended::NotAuthoritative);
    } else if matches!(query.type_, types::IXFR | types::AXFR) {
        refused(reply, Extended::Prohibited);
    } else if !snapshot.ready {
        reply.rcode = Rcode::ServFail;
        reply.extended = Some(Extended::NotReady);
    } else {
        reply.authoritative = true;
        if ask.age >= STALE_AFTER {
            reply.extended = Some(Extended::StaleAnswer(ask.age));
        }
        chain(snapshot, settings, query, ask, reply);
    }
}

/// Follows aliases within the zone, from the question's name to data or to the end of it.
fn chain(snapshot: &Snapshot, settings: &Settings, query: &Query<'_>, ask: &Ask<'_>, reply: &mut Reply<'_>) {
    let mut owner = HEADER;
    let mut name = query.name.as_bytes();
    for _ in 0..CHAIN_MAX {
        let node = match snapshot.table.find(name) {
            Found::Node(node) => node,
            Found::Empty => return negative(snapshot, query, reply),
            Found::Missing => {
                reply.rcode = Rcode::NxDomain;
                return negative(snapshot, query, reply);
            }
        };
        match &node.kind {
            NodeKind::Alias { record, target } => {
                owner = reply.push(Section::Answer, owner, record);
                if matches!(query.type_, types::CNAME | types::ANY) {
                    return;
                }
                name = target.as_bytes();
            }
            NodeKind::Data(sets) => {
                let at_apex = name.len() == snapshot.zone.apex.as_bytes().len();
                if query.type_ == types::SOA && at_apex {
                    reply.push(Section::Answer, owner, &snapshot.soa);
                } else if query.type_ == types::ANY {
                    reply.push(Section::Answer, owner, &snapshot.any);
                } else {
                    let answers = sets
                        .iter()
                        .find(|(type_, _)| *type_ == query.type_)
                        .map(|(_, answers)| answers);
                    data(snapshot, settings, (query, ask), reply, owner, answers);
                }
                return;
            }
        }
    }
}

fn data(
    snapshot: &Snapshot,
    settings: &Settings,
    (query, ask): (&Query<'_>, &Ask<'_>),
    reply: &mut Reply<'_>,
    owner: usize,
    answers: Option<&Answers>,
) {
    let Some(answers) = answers else {
        return negative(snapshot, query, reply);
    };
    let (place, scope) = if answers.tailored {
        let told = query
            .edns
            .filter(|_| settings.subnet == SubnetUse::Use)
            .and_then(|edns| edns.subnet)
            .and_then(|subnet| Some((subnet, subnet.client()?)));
        let located = snapshot.map.locate(told.map_or(ask.source, |(_, client)| client));
        // A client that opted out is placed by its resolver, and the answer holds for whoever asks it (RFC 7871 7.1.2).
        (located.place, told.map_or(0, |(subnet, _)| subnet.scope(located.scope)))
    } else {
        (0, 0)
    };
    let written = answers
        .variant(place)
        .map_or(0, |variant| reply.push_variant(owner, variant, ask.entropy));
    if written == 0 {
        return negative(snapshot, query, reply);
    }
    reply.scope = scope;
    if query.type_ == types::NS {
        // The NS record's data, an uncompressed name, is what the glue belongs to.
        let target = HEADER + query.question.len() + crate::snapshot::RECORD_HEAD;
        for record in &snapshot.glue {
            reply.push(Section::Additional, target, record);
        }
    }
}

/// The SOA that says how long "nothing" may be kept. Negative answers are the same for everyone: scope 0.
fn negative(snapshot: &Snapshot, query: &Query<'_>, reply: &mut Reply<'_>) {
    let apex = HEADER + query.name_length() - snapshot.zone.apex.as_bytes().len().min(query.name_length());
    reply.push(Section::Authority, apex, &snapshot.soa);
}
