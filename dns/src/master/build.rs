//! A zone from its records: checked, sorted by name, delegations and their glue set apart.
//!
//! In: an origin and records in any order. Out: a zone to serve with remarks, or the first error and where it is. Absent: files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{MasterError, MasterRecord};
use crate::snapshot::{Answers, Level, NameServer, Node, NodeKind, Served, WireName, parents, raw_record, types};

/// Types that are questions, or belong to a signature that this server does not keep true.
const REFUSED: [(u16, &str); 9] = [
    (types::OPT, "OPT"),
    (types::RRSIG, "RRSIG"),
    (types::NSEC, "NSEC"),
    (types::NSEC3, "NSEC3"),
    (types::NSEC3PARAM, "NSEC3PARAM"),
    (types::TSIG, "TSIG"),
    (types::IXFR, "IXFR"),
    (types::AXFR, "AXFR"),
    (types::ANY, "ANY"),
];

/// A zone, and what is odd about it.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) zone: Served,
    pub(super) serial: u32,
    pub(super) remarks: Vec<String>,
}

/// The records of one type at a name.
struct Set<'a> {
    ttl: u32,
    records: Vec<&'a MasterRecord>,
}

type Sets<'a> = BTreeMap<u16, Set<'a>>;

/// Makes the zone.
pub(super) fn build(origin: &WireName, records: &[MasterRecord]) -> Result<Built, MasterError> {
    let mut remarks = Vec::new();
    let names = sorted(origin, records, &mut remarks)?;
    let whole = |detail: &str| MasterError::Whole(format!("zone {origin}"), detail.to_owned());
    let apex = names.get(origin).ok_or_else(|| whole("it has no record at its apex"))?;
    let soa = apex.get(&types::SOA).ok_or_else(|| whole("it has no SOA record"))?;
    let soa = match soa.records.as_slice() {
        [one] => one,
        [_, second, ..] => return Err(at(second, "a second SOA record")),
        [] => return Err(whole("it has no SOA record")),
    };
    if !apex.contains_key(&types::NS) {
        return Err(whole("it has no NS record at its apex"));
    }
    for (name, sets) in &names {
        check(origin, name, sets)?;
    }
    // Serial, refresh, retry, expiry, negative TTL: the last twenty bytes.
    let timer = |back: usize| -> Option<u32> {
        let start = soa.data.len().checked_sub(back)?;
        soa.data
            .get(start..)?
            .first_chunk()
            .map(|bytes| u32::from_be_bytes(*bytes))
    };
    let (Some(serial), Some(minimum)) = (timer(20), timer(4)) else {
        return Err(at(soa, "the SOA record is too short"));
    };
    let record = |ttl, record: &MasterRecord| raw_record(record.type_, ttl, &record.data);
    let mut zone = Served {
        standing: crate::snapshot::Standing::Served,
        soa: record(soa.ttl, soa),
        negative: record(soa.ttl.min(minimum), soa),
        any: crate::snapshot::any(soa.ttl),
        servers: servers(origin, origin, apex, &names, &mut remarks),
        ..Served::without_data(origin.clone(), crate::snapshot::Standing::Served)
    };
    let mut hidden = 0_usize;
    for (name, sets) in &names {
        if covered(origin, name, &names) {
            hidden += sets.values().filter(|set| !is_address(set)).count();
            continue;
        }
        zone.has_wildcards |= name.as_bytes().starts_with(b"\x01*");
        let kind = kind(origin, name, sets, &names, &mut remarks);
        zone.has_cuts |= matches!(kind, NodeKind::Cut { .. } | NodeKind::Redirect { .. });
        let node = Node {
            service: None,
            level: Level::Zone,
            kind,
        };
        zone.table.put(origin, name, Arc::new(node));
    }
    if hidden > 0 {
        remarks.push(format!(
            "{hidden} record sets are below delegations or DNAMEs and never answered"
        ));
    }
    Ok(Built { zone, serial, remarks })
}

fn at(record: &MasterRecord, detail: &str) -> MasterError {
    MasterError::At(record.at.clone(), detail.to_owned())
}

/// Records by name and type, without those that stand there twice. A set has one TTL (RFC 2181 5.2), the lowest.
fn sorted<'a>(
    origin: &WireName,
    records: &'a [MasterRecord],
    remarks: &mut Vec<String>,
) -> Result<BTreeMap<WireName, Sets<'a>>, MasterError> {
    let mut names: BTreeMap<WireName, Sets<'a>> = BTreeMap::new();
    let mut seen: BTreeSet<(&WireName, u16, &[u8])> = BTreeSet::new();
    for record in records {
        if !record.owner.is_within(origin) {
            return Err(at(record, &format!("{} is not in the zone {origin}", record.owner)));
        }
        if let Some((_, name)) = REFUSED.iter().find(|(type_, _)| *type_ == record.type_) {
            return Err(at(
                record,
                &format!("{name} records are not served from master files; take them out"),
            ));
        }
        if !seen.insert((&record.owner, record.type_, &record.data)) {
            continue;
        }
        let sets = names.entry(record.owner.clone()).or_default();
        let set = sets.entry(record.type_).or_insert_with(|| Set {
            ttl: record.ttl,
            records: Vec::new(),
        });
        if set.ttl != record.ttl {
            remarks.push(format!(
                "{}: a set has one TTL; the lowest of {}'s counts",
                record.at, record.owner
            ));
        }
        set.ttl = set.ttl.min(record.ttl);
        set.records.push(record);
    }
    Ok(names)
}

/// What may not stand at one name.
fn check(origin: &WireName, name: &WireName, sets: &Sets<'_>) -> Result<(), MasterError> {
    let second = |type_: u16| sets.get(&type_).and_then(|set| set.records.get(1));
    for (type_, word) in [(types::CNAME, "CNAME"), (types::DNAME, "DNAME")] {
        if let Some(record) = second(type_) {
            return Err(at(record, &format!("a second {word} record of {name}")));
        }
    }
    let first = |type_: u16| sets.get(&type_).and_then(|set| set.records.first());
    if let Some(alias) = first(types::CNAME)
        && sets.len() > 1
    {
        return Err(at(
            alias,
            &format!("{name} has a CNAME record and others (RFC 2181 10.1)"),
        ));
    }
    if let Some(soa) = first(types::SOA)
        && name != origin
    {
        return Err(at(soa, "a SOA record below the apex"));
    }
    Ok(())
}

/// Whether a name is below a delegation or a DNAME, so that it is not this zone's to answer.
fn covered(origin: &WireName, name: &WireName, names: &BTreeMap<WireName, Sets<'_>>) -> bool {
    let apex = origin.as_bytes().len();
    let mut above = parents(name.as_bytes()).take_while(|parent| parent.len() >= apex);
    above.any(|parent| {
        names.get(parent).is_some_and(|sets| {
            let cut = sets.contains_key(&types::NS) && parent.len() > apex && !parent.starts_with(b"\x01*");
            cut || sets.contains_key(&types::DNAME)
        })
    })
}

fn is_address(set: &Set<'_>) -> bool {
    set.records
        .iter()
        .all(|record| matches!(record.type_, types::A | types::AAAA))
}

fn kind(
    origin: &WireName,
    name: &WireName,
    sets: &Sets<'_>,
    names: &BTreeMap<WireName, Sets<'_>>,
    remarks: &mut Vec<String>,
) -> NodeKind {
    let one = |type_: u16| -> Option<(Box<[u8]>, WireName)> {
        let set = sets.get(&type_)?;
        let record = set.records.first()?;
        let target = WireName::from_wire(&record.data)?;
        Some((raw_record(record.type_, set.ttl, &record.data), target))
    };
    let answers = |set: &Set<'_>| {
        let record = |record: &&MasterRecord| raw_record(record.type_, set.ttl, &record.data);
        Answers::same(&set.records.iter().map(record).collect::<Vec<_>>())
    };
    if let Some((record, target)) = one(types::CNAME) {
        return NodeKind::Alias { record, target };
    }
    if sets.contains_key(&types::NS) && name != origin && !name.as_bytes().starts_with(b"\x01*") {
        return NodeKind::Cut {
            servers: servers(origin, name, sets, names, remarks),
            ds: sets.get(&types::DS).map(answers),
        };
    }
    // SOA and NS of the apex are written with the names of the servers.
    let own = |type_: &u16| name != origin || !matches!(*type_, types::SOA | types::NS);
    let data: Vec<(u16, Answers)> = sets
        .iter()
        .filter(|(type_, _)| own(type_))
        .map(|(type_, set)| (*type_, answers(set)))
        .collect();
    match one(types::DNAME) {
        Some((record, target)) => NodeKind::Redirect {
            record,
            target,
            sets: data,
        },
        None => NodeKind::Data(data),
    }
}

/// The NS records of a name with the addresses that the zone has of the servers, glue included.
fn servers(
    origin: &WireName,
    name: &WireName,
    sets: &Sets<'_>,
    names: &BTreeMap<WireName, Sets<'_>>,
    remarks: &mut Vec<String>,
) -> Vec<NameServer> {
    let Some(set) = sets.get(&types::NS) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    for record in &set.records {
        let Some(target) = WireName::from_wire(&record.data) else {
            continue;
        };
        let known = names.get(&target);
        let addresses = [types::A, types::AAAA]
            .into_iter()
            .filter_map(|type_| known?.get(&type_));
        let glue: Vec<Box<[u8]>> = addresses
            .flat_map(|set| {
                set.records
                    .iter()
                    .map(|record| raw_record(record.type_, set.ttl, &record.data))
            })
            .collect();
        if glue.is_empty() && target.is_within(if name == origin { origin } else { name }) {
            remarks.push(format!(
                "{}: name server {target} has no address in the zone",
                record.at
            ));
        }
        out.push(NameServer {
            record: raw_record(types::NS, set.ttl, &record.data),
            glue,
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::read::{Text, read};
    use super::*;

    fn built(text: &str) -> Result<Built, String> {
        let origin = WireName::parse("example.org").unwrap();
        let text = Text {
            file: "f".into(),
            bytes: text.into(),
        };
        let records = read(&origin, &text, &mut |_, _| Err("none".into())).map_err(|error| error.to_string())?;
        build(&origin, &records).map_err(|error| error.to_string())
    }

    const HEAD: &str = "$TTL 60\n@ SOA ns x 7 1 1 1 30\n@ NS ns\nns A 192.0.2.1\n";

    #[test]
    fn what_makes_no_zone() {
        for (text, error) in [
            ("", "zone example.org.: it has no record at its apex"),
            ("@ A 192.0.2.1", "zone example.org.: it has no SOA record"),
            (
                "@ SOA a b 1 2 3 4 5",
                "zone example.org.: it has no NS record at its apex",
            ),
            (
                "@ SOA a b 1 2 3 4 5\n@ SOA a b 2 2 3 4 5\n@ NS a",
                "f:2: a second SOA record",
            ),
            (
                "{}b.example.net. A 192.0.2.1",
                "f:5: b.example.net. is not in the zone example.org.",
            ),
            (
                "{}a CNAME b\na A 192.0.2.1",
                "f:5: a.example.org. has a CNAME record and others (RFC 2181 10.1)",
            ),
            (
                "{}@ CNAME b",
                "f:5: example.org. has a CNAME record and others (RFC 2181 10.1)",
            ),
            ("{}a CNAME b\na CNAME c", "f:6: a second CNAME record of a.example.org."),
            ("{}a DNAME b\na DNAME c", "f:6: a second DNAME record of a.example.org."),
            ("{}a SOA a b 1 2 3 4 5", "f:5: a SOA record below the apex"),
            (
                "{}a NSEC b A",
                "f:5: NSEC records are not served from master files; take them out",
            ),
        ] {
            assert_eq!(built(&text.replace("{}", HEAD)).unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn what_is_odd_is_said() {
        let built = built(&format!(
            "{HEAD}a 9 A 192.0.2.1\na 8 A 192.0.2.2\na A 192.0.2.2\nsub NS ns.sub\nsub NS other.\nx.sub TXT t\n\
             d DNAME e\ny.d TXT t\nns.sub2 A 192.0.2.3\nsub2 NS ns.sub2\n"
        ))
        .unwrap();
        assert_eq!(
            built.remarks,
            [
                "f:6: a set has one TTL; the lowest of a.example.org.'s counts",
                "f:8: name server ns.sub.example.org. has no address in the zone",
                "2 record sets are below delegations or DNAMEs and never answered"
            ]
        );
        assert_eq!(built.serial, 7);
        assert!(built.zone.has_cuts && !built.zone.has_wildcards);
        assert_eq!(
            built.zone.negative[6..10],
            [0, 0, 0, 30],
            "the lower of TTL and minimum"
        );
        assert_eq!(built.zone.soa[6..10], [0, 0, 0, 60]);
    }
}
