//! The zone `clusterset.local`: names of Services that are exported (the Multi-Cluster Services API's DNS specification, 1.0.0).
//!
//! In: a Service's ServiceImport, and its compiled answers. Out: nodes. `SVC.NS.svc.clusterset.local` has the import's own addresses,
//! or, as there are no addresses common to all clusters, those that the federation's name has, by the same choice for the same client.
//! Absent: names of clusters below it, which the specification forbids; headless Services, whose endpoints the hub does not know.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::compile::Zone;
use super::https;
use super::input::ImportFacts;
use super::names::WireName;
use super::node::{Answers, Level, Node, NodeKind};
use super::records::{self, types};

/// Its apex.
pub(super) const APEX: &str = "clusterset.local";
/// Version of the specification, answered at `dns-version`.
const VERSION: &str = "1.0.0";
/// TTL of that answer.
const VERSION_TTL: u32 = 28_800;

/// The nodes of one imported Service. `sets` are the address sets of its federation's name.
pub(super) fn nodes(
    zone: &Zone,
    key: &str,
    ttl: u32,
    import: &ImportFacts,
    sets: impl FnOnce() -> Vec<(u16, Answers)>,
) -> BTreeMap<WireName, Arc<Node>> {
    let mut nodes = BTreeMap::new();
    let Some((namespace, name)) = key.split_once('/') else {
        return nodes;
    };
    let Some(owner) = zone.clusterset.below(&[name, namespace, "svc"]) else {
        return nodes;
    };
    if import.headless {
        return nodes;
    }
    let sets = if import.addresses.is_empty() {
        sets()
    } else {
        let of_family = |v4: bool| -> Vec<Box<[u8]>> {
            let addresses = import.addresses.iter().filter(|address| address.is_ipv4() == v4);
            addresses
                .filter_map(|address| records::address(ttl, *address))
                .collect()
        };
        let mut sets = vec![
            (types::A, Answers::same(&of_family(true))),
            (types::AAAA, Answers::same(&of_family(false))),
        ];
        if let Some(port) = https::port(&import.ports) {
            let record = https::record(ttl, port, &import.addresses);
            sets.push((types::HTTPS, Answers::same(&[record])));
        }
        sets
    };
    let alive = sets.iter().any(|(_, answers)| !answers.is_empty());
    let mut put = |name: &WireName, sets| {
        let node = Node {
            service: Some(Arc::from(key)),
            level: Level::ClusterSet,
            kind: NodeKind::Data(sets),
        };
        nodes.insert(name.clone(), Arc::new(node));
    };
    put(&owner, sets);
    for port in import.ports.iter().filter(|port| !port.name.is_empty()) {
        let Some(name) = owner.below(&[&format!("_{}", port.name), &format!("_{}", port.protocol_label())]) else {
            continue;
        };
        let record = alive.then(|| records::srv(ttl, port.port, &owner)).flatten();
        put(&name, vec![(types::SRV, Answers::same(record.as_slice()))]);
    }
    nodes
}

/// The node that says which version of the specification the names follow.
pub(super) fn version(zone: &Zone) -> Option<(WireName, Node)> {
    let mut text = vec![u8::try_from(VERSION.len()).ok()?];
    text.extend_from_slice(VERSION.as_bytes());
    let record = records::raw(types::TXT, VERSION_TTL, &text);
    let node = Node {
        service: None,
        level: Level::Zone,
        kind: NodeKind::Data(vec![(types::TXT, Answers::same(&[record]))]),
    };
    Some((zone.clusterset.child("dns-version")?, node))
}
