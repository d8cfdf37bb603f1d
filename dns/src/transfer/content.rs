//! All records of a zone, as a secondary keeps them.
//! In: a zone as it is served. Out: records with their owners, the SOA first and last (RFC 5936 2.2). Absent: messages.

use std::collections::BTreeSet;

use crate::snapshot::{Answers, Found, NameServer, NodeKind, RECORD_HEAD, Served, WireName};

/// The place of clients of no known place.
const ANYWHERE: u16 = 0;

/// A record: its owner, and its bytes from the type on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Owned {
    pub(super) owner: WireName,
    /// Type, class, TTL, length, data.
    pub(super) body: Box<[u8]>,
}

/// Serial of a zone, from its SOA record.
pub(super) fn serial(zone: &Served) -> Option<u32> {
    let start = zone.soa.len().checked_sub(20)?;
    zone.soa
        .get(start..)?
        .first_chunk()
        .map(|bytes| u32::from_be_bytes(*bytes))
}

/// The SOA record.
pub(super) fn soa(zone: &Served) -> Owned {
    owned(&zone.apex, &zone.soa)
}

/// The records, sorted by name between the two SOA records.
pub(super) fn records(zone: &Served) -> Vec<Owned> {
    let mut all: BTreeSet<Owned> = BTreeSet::new();
    servers(zone, &zone.apex, &zone.servers, &mut all);
    for (name, node) in zone.table.iter() {
        let Some(owner) = WireName::from_wire(name) else {
            continue;
        };
        match &node.kind {
            NodeKind::Alias { record, .. } => drop(all.insert(owned(&owner, record))),
            NodeKind::Data(sets) | NodeKind::Redirect { sets, .. } => {
                sets.iter().for_each(|(_, answers)| set(&owner, answers, &mut all));
            }
            NodeKind::Cut { servers: those, ds } => {
                servers(zone, &owner, those, &mut all);
                ds.iter().for_each(|answers| set(&owner, answers, &mut all));
            }
        }
    }
    let mut records = Vec::with_capacity(all.len() + 2);
    records.push(soa(zone));
    records.extend(all);
    records.push(soa(zone));
    records
}

fn owned(owner: &WireName, record: &[u8]) -> Owned {
    Owned {
        owner: owner.clone(),
        body: record.get(2..).unwrap_or_default().into(),
    }
}

/// Every record that clients of no known place may be answered, whatever is drawn.
fn set(owner: &WireName, answers: &Answers, all: &mut BTreeSet<Owned>) {
    for group in answers
        .variant(ANYWHERE)
        .into_iter()
        .flat_map(|variant| variant.groups.iter())
    {
        let records = (0..group.count()).filter_map(|index| group.record(index));
        all.extend(records.map(|record| owned(owner, record)));
    }
}

/// NS records, and the addresses of servers that stand at no name of the zone: glue.
fn servers(zone: &Served, owner: &WireName, servers: &[NameServer], all: &mut BTreeSet<Owned>) {
    for server in servers {
        all.insert(owned(owner, &server.record));
        let target = server.record.get(RECORD_HEAD..).and_then(WireName::from_wire);
        let Some(target) = target.filter(|target| target.is_within(&zone.apex)) else {
            continue;
        };
        if matches!(zone.table.find(target.as_bytes()), Found::Node(_)) {
            continue;
        }
        all.extend(server.glue.iter().map(|record| owned(&target, record)));
    }
}
