//! A packet answered from a snapshot. The same function serves datagrams, streams, tests and `explain`.

use std::net::IpAddr;

use super::query::{HEADER, Query, Rcode, Rejected, parse};
use super::reply::{Reply, Section};
use crate::snapshot::{Answers, Found, NodeKind, Snapshot, types};

pub use super::reply::Transport;

/// Longest alias chain: zone, region, global, and one to spare.
const CHAIN_MAX: usize = 4;

/// What became of a packet that was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Type that was asked for; 0 where the question could not be read.
    pub type_: u16,
    /// The code.
    pub rcode: Rcode,
}

/// Answers a packet into `out`; none if it must stay without an answer. `entropy` turns and draws; equal arguments give
/// equal bytes.
pub fn answer(
    snapshot: &Snapshot,
    packet: &[u8],
    source: IpAddr,
    transport: Transport,
    entropy: u32,
    out: &mut Vec<u8>,
) -> Option<Outcome> {
    match parse(packet) {
        Err(Rejected::Drop) => None,
        Err(Rejected::Error {
            id,
            flags,
            question,
            rcode,
            edns,
        }) => {
            Reply::new(out, question, rcode).finish(id, flags, edns.as_ref(), transport);
            Some(Outcome { type_: 0, rcode })
        }
        Ok(query) => {
            let mut reply = Reply::new(out, query.question, Rcode::NoError);
            fill(snapshot, &query, source, entropy, &mut reply);
            let rcode = reply.rcode;
            reply.finish(query.id, query.flags, query.edns.as_ref(), transport);
            Some(Outcome {
                type_: query.type_,
                rcode,
            })
        }
    }
}

/// Types that are questions to the server, not records (RFC 6895 3.1), other than ANY and the transfers.
fn is_meta(type_: u16) -> bool {
    type_ == types::OPT || matches!(type_, 249 | 250 | 253 | 254)
}

fn fill(snapshot: &Snapshot, query: &Query<'_>, source: IpAddr, entropy: u32, reply: &mut Reply<'_>) {
    let refused = query.class != 1 || matches!(query.type_, 251 | 252) || !query.is_within(&snapshot.zone.apex);
    if is_meta(query.type_) {
        reply.rcode = Rcode::NotImp;
    } else if refused {
        reply.rcode = Rcode::Refused;
    } else if !snapshot.ready {
        reply.rcode = Rcode::ServFail;
    } else {
        reply.authoritative = true;
        chain(snapshot, query, source, entropy, reply);
    }
}

/// Follows aliases within the zone, from the question's name to data or to the end of it.
fn chain(snapshot: &Snapshot, query: &Query<'_>, source: IpAddr, entropy: u32, reply: &mut Reply<'_>) {
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
                    data(snapshot, query, source, entropy, reply, owner, answers);
                }
                return;
            }
        }
    }
}

fn data(
    snapshot: &Snapshot,
    query: &Query<'_>,
    source: IpAddr,
    entropy: u32,
    reply: &mut Reply<'_>,
    owner: usize,
    answers: Option<&Answers>,
) {
    let Some(answers) = answers else {
        return negative(snapshot, query, reply);
    };
    let (place, scope) = if answers.tailored {
        let subnet = query
            .edns
            .and_then(|edns| edns.subnet)
            .and_then(|subnet| subnet.client());
        let located = snapshot.map.locate(subnet.unwrap_or(source));
        // A client that opted out is placed by its resolver, and the answer holds for whoever asks it (RFC 7871 7.1.2).
        (located.place, if subnet.is_some() { located.scope } else { 0 })
    } else {
        (0, 0)
    };
    let written = answers
        .variant(place)
        .map_or(0, |variant| reply.push_variant(owner, variant, entropy));
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
