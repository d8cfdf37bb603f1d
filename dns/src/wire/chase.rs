//! From the question's name to data, a referral or nothing, along aliases within one zone.
//! In: a zone, a query. Out: records of a reply. Absent: whether the zone may be asked at all; `answer.rs` says.

use super::answer::Ask;
use super::query::{HEADER, LowerName, Query, Rcode};
use super::reply::{Reply, Section};
use super::settings::{Settings, SubnetUse};
use crate::snapshot::{Answers, Look, NameServer, NodeKind, RECORD_HEAD, Served, Snapshot, WireName, types};

/// Longest alias chain that is followed in one answer.
const CHAIN_MAX: usize = 16;

/// A query on its way through a zone.
pub(super) struct Chase<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) settings: &'a Settings,
    pub(super) query: &'a Query<'a>,
    pub(super) ask: &'a Ask<'a>,
    pub(super) zone: &'a Served,
}

impl Chase<'_> {
    /// Follows aliases to their end.
    pub(super) fn chase(&self, reply: &mut Reply<'_>) {
        let mut owner = HEADER;
        let mut name = self.query.name;
        // Where the names stand that were passed, in the message.
        let mut passed = [HEADER; CHAIN_MAX];
        for step in 0..CHAIN_MAX {
            let node = match self.zone.look(name.as_bytes()) {
                Look::Node(node) => node,
                Look::Empty => return self.negative(reply),
                Look::Missing => {
                    reply.rcode = Rcode::NxDomain;
                    return self.negative(reply);
                }
                Look::Cut { length, servers, ds } => {
                    let here = length == name.as_bytes().len();
                    if self.query.type_ == types::DS && here {
                        return self.data(reply, owner, ds);
                    }
                    // Only what comes before a referral is said with authority.
                    reply.authoritative = step > 0;
                    let cut = owner + name.as_bytes().len() - length;
                    return name_servers(reply, Section::Authority, cut, servers);
                }
                Look::Redirect { length, record, target } => {
                    let at = owner + name.as_bytes().len() - length;
                    reply.push(Section::Answer, at, record);
                    let Some(next) = redirected(&name, length, target) else {
                        reply.rcode = Rcode::YxDomain;
                        return;
                    };
                    let ttl = record.get(6..RECORD_HEAD - 2).unwrap_or_default();
                    owner = reply.push_alias(owner, ttl, next.as_bytes());
                    if self.query.type_ == types::CNAME || !self.holds(&next) {
                        return;
                    }
                    name = next;
                    continue;
                }
            };
            match &node.kind {
                NodeKind::Alias { record, target } => {
                    owner = reply.push(Section::Answer, owner, record);
                    let Some(next) = LowerName::of(target) else { return };
                    if matches!(self.query.type_, types::CNAME | types::ANY) || !self.holds(&next) {
                        return;
                    }
                    // A loop is answered once around; who asks will find its end.
                    if passed.iter().any(|at| reply.has_name(*at, next.as_bytes())) {
                        return;
                    }
                    if let Some(slot) = passed.get_mut(step) {
                        *slot = owner;
                    }
                    name = next;
                }
                NodeKind::Data(sets) | NodeKind::Redirect { sets, .. } => return self.sets(reply, owner, &name, sets),
                // A delegation is found before its node is.
                NodeKind::Cut { .. } => return self.negative(reply),
            }
        }
    }

    /// Whether a name is this zone's, or below it: another zone's answer is another query.
    fn holds(&self, name: &LowerName) -> bool {
        let found = self.snapshot.zones.find(name.as_bytes());
        found.is_some_and(|zone| std::ptr::eq(zone, self.zone))
    }

    fn sets(&self, reply: &mut Reply<'_>, owner: usize, name: &LowerName, sets: &[(u16, Answers)]) {
        let at_apex = name.as_bytes().len() == self.zone.apex.as_bytes().len();
        match self.query.type_ {
            types::SOA if at_apex => {
                reply.push(Section::Answer, owner, &self.zone.soa);
            }
            types::NS if at_apex => name_servers(reply, Section::Answer, owner, &self.zone.servers),
            types::ANY => {
                reply.push(Section::Answer, owner, &self.zone.any);
            }
            wanted => {
                let set = sets.iter().find(|(type_, _)| *type_ == wanted);
                self.data(reply, owner, set.map(|(_, answers)| answers));
            }
        }
    }

    fn data(&self, reply: &mut Reply<'_>, owner: usize, answers: Option<&Answers>) {
        let Some(answers) = answers else {
            return self.negative(reply);
        };
        let (place, scope) = if answers.tailored {
            let told = self
                .query
                .edns
                .filter(|_| self.settings.subnet == SubnetUse::Use)
                .and_then(|edns| edns.subnet)
                .and_then(|subnet| Some((subnet, subnet.client()?)));
            let located = self
                .snapshot
                .map
                .locate(told.map_or(self.ask.source, |(_, client)| client));
            // A client that opted out is placed by its resolver, and the answer holds for whoever asks it (RFC 7871 7.1.2).
            (located.place, told.map_or(0, |(subnet, _)| subnet.scope(located.scope)))
        } else {
            (0, 0)
        };
        let written = answers
            .variant(place)
            .map_or(0, |variant| reply.push_variant(owner, variant, self.ask.entropy));
        if written == 0 {
            return self.negative(reply);
        }
        reply.scope = scope;
    }

    /// The SOA that says how long "nothing" may be kept. Negative answers are the same for everyone: scope 0.
    fn negative(&self, reply: &mut Reply<'_>) {
        let apex = self.zone.apex.as_bytes().len();
        let owner = HEADER + self.query.name_length() - apex.min(self.query.name_length());
        reply.push(Section::Authority, owner, &self.zone.negative);
    }
}

/// NS records, and address records of the servers as far as they are known. The data of an NS record, an uncompressed name, is what
/// the addresses belong to.
fn name_servers(reply: &mut Reply<'_>, section: Section, owner: usize, servers: &[NameServer]) {
    let mut at = reply.length();
    for server in servers {
        reply.push(section, owner, &server.record);
    }
    for server in servers {
        for address in &server.glue {
            reply.push(Section::Additional, at + RECORD_HEAD, address);
        }
        at += server.record.len();
    }
}

/// Where a name below a DNAME leads; none where that would be too long (RFC 6672 2.2).
fn redirected(name: &LowerName, length: usize, target: &WireName) -> Option<LowerName> {
    let name = name.as_bytes();
    let prefix = name.get(..name.len().checked_sub(length)?)?;
    LowerName::joined(prefix, target.as_bytes())
}
