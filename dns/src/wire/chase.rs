//! From the question's name to data, a referral or nothing, along aliases within one zone.
//! In: a zone, a query. Out: records of a reply. Absent: whether the zone may be asked at all; `answer.rs` says.

use super::answer::Ask;
use super::query::{HEADER, LowerName, Query, Rcode};
use super::reply::{Reply, Section};
use super::seal::{Seal, beside};
use super::settings::{Settings, SubnetUse};
use crate::dnssec::Names;
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
    /// Signs what is answered, where the zone has a key and the client asks for it.
    pub(super) seal: Option<Seal<'a>>,
}

/// A name on the way, and where it stands in the message.
#[derive(Clone, Copy)]
struct Spot {
    name: LowerName,
    at: usize,
}

impl Chase<'_> {
    /// Follows aliases to their end.
    pub(super) fn chase(&self, reply: &mut Reply<'_>) {
        let mut spot = Spot {
            name: self.query.name,
            at: HEADER,
        };
        // Where the names stand that were passed, in the message.
        let mut passed = [HEADER; CHAIN_MAX];
        for step in 0..CHAIN_MAX {
            let name = spot.name.as_bytes();
            let node = match self.zone.look(name) {
                Look::Node(node) => node,
                Look::Empty => return self.negative(reply, &spot, || beside(self.query.type_, std::iter::empty())),
                Look::Missing => {
                    reply.rcode = Rcode::NxDomain;
                    reply.missing = true;
                    return self.negative(reply, &spot, || Names::Missing);
                }
                Look::Cut { length, servers, ds } => {
                    if self.query.type_ == types::DS && length == name.len() {
                        return self.data(reply, &spot, ds, || std::iter::once(types::NS));
                    }
                    // Only what comes before a referral is said with authority.
                    reply.authoritative = step > 0;
                    return self.referral(reply, &spot, length, servers, ds);
                }
                Look::Redirect { length, record, target } => {
                    let Some(next) = self.redirect(reply, &spot, length, record, target) else {
                        return;
                    };
                    if self.query.type_ == types::CNAME || !self.holds(&next.name) {
                        return;
                    }
                    spot = next;
                    continue;
                }
            };
            match &node.kind {
                NodeKind::Alias { record, target } => {
                    let mark = reply.length();
                    let at = reply.push(Section::Answer, spot.at, record);
                    self.seal(reply, Section::Answer, &spot, mark);
                    let Some(next) = LowerName::of(target) else { return };
                    if matches!(self.query.type_, types::CNAME | types::ANY) || !self.holds(&next) {
                        return;
                    }
                    // A loop is answered once around; who asks will find its end.
                    if passed.iter().any(|at| reply.has_name(*at, next.as_bytes())) {
                        return;
                    }
                    if let Some(slot) = passed.get_mut(step) {
                        *slot = at;
                    }
                    spot = Spot { name: next, at };
                }
                NodeKind::Data(sets) | NodeKind::Redirect { sets, .. } => return self.sets(reply, &spot, sets),
                // A delegation is found before its node is.
                NodeKind::Cut { .. } => return,
            }
        }
    }

    /// Signs what was written from `mark` on, if signatures are wanted.
    fn seal(&self, reply: &mut Reply<'_>, section: Section, spot: &Spot, mark: usize) {
        if let Some(seal) = &self.seal {
            seal.set(reply, section, spot.at, &spot.name, mark);
        }
    }

    /// Whether a name is this zone's, or below it: another zone's answer is another query.
    fn holds(&self, name: &LowerName) -> bool {
        let found = self.snapshot.zones.find(name.as_bytes());
        found.is_some_and(|zone| std::ptr::eq(zone, self.zone))
    }

    /// A name above a spot, whose wire form is as long as this.
    fn above(spot: &Spot, length: usize) -> Option<Spot> {
        let before = spot.name.as_bytes().len().checked_sub(length)?;
        let name = LowerName::joined(&[], spot.name.as_bytes().get(before..)?)?;
        Some(Spot {
            name,
            at: spot.at + before,
        })
    }

    /// The way to another zone's servers, with proof whether they sign (RFC 4035 3.1.4).
    fn referral(
        &self,
        reply: &mut Reply<'_>,
        spot: &Spot,
        length: usize,
        servers: &[NameServer],
        ds: Option<&Answers>,
    ) {
        let Some(cut) = Self::above(spot, length) else { return };
        let first = reply.length();
        for server in servers {
            reply.push(Section::Authority, cut.at, &server.record);
        }
        if let Some(seal) = &self.seal {
            let mark = reply.length();
            match ds.and_then(|ds| ds.variant(0)) {
                Some(ds) => {
                    reply.push_set(Section::Authority, cut.at, ds, 0);
                    seal.set(reply, Section::Authority, cut.at, &cut.name, mark);
                }
                None => {
                    let names = beside(types::DS, std::iter::once(types::NS));
                    seal.nothing(reply, cut.at, &cut.name, &names, self.negative_ttl());
                }
            }
        }
        glue(reply, first, servers);
    }

    /// A DNAME above the name, and the alias it makes (RFC 6672 3.1), which is not signed: the DNAME proves it.
    fn redirect(
        &self,
        reply: &mut Reply<'_>,
        spot: &Spot,
        length: usize,
        record: &[u8],
        target: &WireName,
    ) -> Option<Spot> {
        let above = Self::above(spot, length)?;
        let mark = reply.length();
        reply.push(Section::Answer, above.at, record);
        self.seal(reply, Section::Answer, &above, mark);
        let Some(name) = redirected(&spot.name, length, target) else {
            reply.rcode = Rcode::YxDomain;
            return None;
        };
        let ttl = record.get(6..RECORD_HEAD - 2).unwrap_or_default();
        let at = reply.push_alias(spot.at, ttl, name.as_bytes());
        Some(Spot { name, at })
    }

    fn sets(&self, reply: &mut Reply<'_>, spot: &Spot, sets: &[(u16, Answers)]) {
        let at_apex = spot.name.as_bytes().len() == self.zone.apex.as_bytes().len();
        let mark = reply.length();
        match self.query.type_ {
            types::SOA if at_apex => {
                reply.push(Section::Answer, spot.at, &self.zone.soa);
            }
            types::NS if at_apex => {
                for server in &self.zone.servers {
                    reply.push(Section::Answer, spot.at, &server.record);
                }
                self.seal(reply, Section::Answer, spot, mark);
                return glue(reply, mark, &self.zone.servers);
            }
            types::DNSKEY if at_apex && self.settings.signers.of(&self.zone.apex).is_some() => {
                let signer = self.settings.signers.of(&self.zone.apex);
                reply.push(Section::Answer, spot.at, signer.map_or(&[], |signer| signer.dnskey()));
            }
            types::ANY => {
                reply.push(Section::Answer, spot.at, &self.zone.any);
            }
            wanted => {
                let set = sets.iter().find(|(type_, _)| *type_ == wanted);
                let there = || {
                    let apex = [types::SOA, types::NS, types::DNSKEY]
                        .into_iter()
                        .filter(move |_| at_apex);
                    let own = sets.iter().filter(|(_, answers)| !answers.is_empty());
                    apex.chain(own.map(|(type_, _)| *type_))
                };
                return self.data(reply, spot, set.map(|(_, answers)| answers), there);
            }
        }
        self.seal(reply, Section::Answer, spot, mark);
    }

    /// A set, or that there is none; `there` are all types that the name has.
    fn data<T: Iterator<Item = u16>>(
        &self,
        reply: &mut Reply<'_>,
        spot: &Spot,
        answers: Option<&Answers>,
        there: impl FnOnce() -> T,
    ) {
        let (place, scope) = answers.map_or((0, 0), |answers| self.place(answers));
        let mark = reply.length();
        let variant = answers.and_then(|answers| answers.variant(place));
        let written = variant.map_or(0, |variant| {
            reply.push_set(Section::Answer, spot.at, variant, self.ask.entropy)
        });
        if written == 0 {
            return self.negative(reply, spot, || beside(self.query.type_, there()));
        }
        self.seal(reply, Section::Answer, spot, mark);
        reply.scope = scope;
    }

    /// The client's place and the scope of an answer for it.
    fn place(&self, answers: &Answers) -> (u16, u8) {
        if !answers.tailored {
            return (0, 0);
        }
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
    }

    /// The SOA that says how long "nothing" may be kept, and the proof of it. Negative answers are the same for everyone: scope 0.
    fn negative(&self, reply: &mut Reply<'_>, spot: &Spot, names: impl FnOnce() -> Names) {
        let Some(apex) = LowerName::of(&self.zone.apex) else {
            return;
        };
        let asked = self.query.name_length();
        let apex = Spot {
            at: HEADER + asked - apex.as_bytes().len().min(asked),
            name: apex,
        };
        let mark = reply.length();
        reply.push(Section::Authority, apex.at, &self.zone.negative);
        if let Some(seal) = &self.seal {
            seal.set(reply, Section::Authority, apex.at, &apex.name, mark);
            seal.nothing(reply, spot.at, &spot.name, &names(), self.negative_ttl());
        }
    }

    fn negative_ttl(&self) -> u32 {
        let ttl = self.zone.negative.get(6..).and_then(<[u8]>::first_chunk);
        ttl.map_or(0, |ttl| u32::from_be_bytes(*ttl))
    }
}

/// Address records of name servers, as far as they are known; the NS records stand from `at` on. The data of an NS record, an uncompressed name, is what the
/// addresses belong to.
fn glue(reply: &mut Reply<'_>, mut at: usize, servers: &[NameServer]) {
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
