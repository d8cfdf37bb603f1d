//! One Service compiled: its candidates, what each place gets, and a node for every name it has.
//! In: the [`Input`], the places, the Service's key. Out: a [`CompiledService`]. Absent: other Services; what this file
//! decides for one never depends on another.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::clusterset;
use super::compile::Zone;
use super::https;
use super::input::{ClusterFacts, Input, PlacementFacts, ProbeState, ServiceFacts};
use super::names::WireName;
use super::node::{Answers, Level, Node, NodeKind, Variant};
use super::policy::{Effective, effective};
use super::records::{self, types};
use crate::choose::{Candidate, Choice, Family, Place, Reported, Steer, Usable, Word, select, usable};
use api::cluster::ServingWord;
use api::dns_policy::Steering;

/// Everything outside the Services that their names depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    /// Regions by name.
    pub(super) regions: Vec<Place>,
    /// Availability zones with their regions.
    pub(super) zones: BTreeSet<(String, String)>,
}

/// What one place gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionChoice {
    /// Among IPv4 addresses.
    pub v4: Choice,
    /// Among IPv6 addresses.
    pub v6: Choice,
}

/// One Service, compiled.
#[derive(Debug, PartialEq, Eq)]
pub struct CompiledService {
    /// `NAMESPACE/NAME`.
    pub key: Arc<str>,
    /// `SVC.NS.FED.svc.ZONE`.
    pub name: WireName,
    /// Every address that could be answered.
    pub candidates: Vec<Candidate>,
    /// Those that may be, IPv4.
    pub usable_v4: Usable,
    /// Those that may be, IPv6.
    pub usable_v6: Usable,
    /// The policy that applies, `NAMESPACE/NAME`.
    pub policy: Option<String>,
    /// How it steers.
    pub steer: Steer,
    /// By place: elsewhere first, then the regions by name.
    pub choices: Vec<RegionChoice>,
    /// What to probe, with the seconds between probes where the policy says.
    pub targets: Vec<(SocketAddr, Option<u32>)>,
    /// Its names.
    pub(super) nodes: BTreeMap<WireName, Arc<Node>>,
    /// Its names in `clusterset.local`.
    pub(super) imported: BTreeMap<WireName, Arc<Node>>,
}

/// Compiles the Service `NAMESPACE/NAME`; none where its name cannot be a DNS name.
pub(super) fn compile(zone: &Zone, input: &Input, places: &Places, key: &str) -> Option<CompiledService> {
    let service = input.services.get(key)?;
    let (namespace, name) = key.split_once('/')?;
    let policy = effective(&input.policies, namespace, name, service);
    let empty = PlacementFacts::default();
    let placement = input.placements.get(key).unwrap_or(&empty);
    let port = probe_port(service, &policy);
    let candidates = candidates(input, placement, port);
    let names = Names {
        zone,
        service: [name, namespace, &zone.federation, "svc"],
    };
    let mut compiled = CompiledService {
        key: Arc::from(key),
        name: names.global()?,
        usable_v4: usable(&candidates, Family::V4),
        usable_v6: usable(&candidates, Family::V6),
        choices: Vec::with_capacity(places.regions.len() + 1),
        targets: targets(&candidates, port, policy.probe_interval),
        candidates,
        policy: policy.policy.clone(),
        steer: policy.steer.clone(),
        nodes: BTreeMap::new(),
        imported: BTreeMap::new(),
    };
    for place in std::iter::once(None).chain(places.regions.iter().map(Some)) {
        let choice = |usable| select(&policy.steer, &compiled.candidates, usable, place);
        let choice = RegionChoice {
            v4: choice(&compiled.usable_v4),
            v6: choice(&compiled.usable_v6),
        };
        compiled.choices.push(choice);
    }
    let draft = Draft {
        compiled: &mut compiled,
        policy: &policy,
        service,
        names,
    };
    let imported = input
        .imports
        .get(key)
        .map(|import| clusterset::nodes(zone, key, policy.ttl, import, || draft.global_sets()));
    draft.draw(places, placement);
    compiled.imported = imported.unwrap_or_default();
    Some(compiled)
}

/// The port that is probed, if any.
fn probe_port(service: &ServiceFacts, policy: &Effective) -> Option<u16> {
    if !policy.probe {
        return None;
    }
    let first = service
        .ports
        .iter()
        .find(|port| port.protocol == "TCP" || port.protocol.is_empty());
    policy
        .probe_port
        .or_else(|| first.map(|port| port.port))
        .filter(|port| *port != 0)
}

fn candidates(input: &Input, placement: &PlacementFacts, port: Option<u16>) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for row in &placement.rows {
        let cluster = input.clusters.get(&row.cluster);
        let stays = placement.clusters.is_empty() || placement.clusters.contains(&row.cluster);
        let reported = match (cluster, row.ready_endpoints) {
            (None, _) => Reported::Unjoined,
            (Some(_), _) if !stays => Reported::Leaving,
            (Some(_), None) => Reported::Unknown,
            (Some(_), Some(ready)) if ready > 0 => Reported::Ready(ready),
            (Some(cluster), Some(_)) if cluster.fresh => Reported::Empty,
            (Some(_), Some(_)) => Reported::EmptyStale,
        };
        let shared = cluster.map_or(&[][..], |cluster| cluster.addresses.as_slice());
        let addresses = if row.addresses.is_empty() {
            shared
        } else {
            row.addresses.as_slice()
        };
        for address in addresses {
            let (word, note) = cluster.map_or_else(Default::default, |cluster| word(cluster, *address, input.now));
            let probed = port.and_then(|port| input.probes.get(&SocketAddr::new(*address, port)).copied());
            candidates.push(Candidate {
                address: *address,
                cluster: row.cluster.clone(),
                region: cluster.and_then(|cluster| cluster.region.clone()),
                zones: cluster.map(|cluster| cluster.zones.clone()).unwrap_or_default(),
                reported,
                probe: probed.unwrap_or(ProbeState::Unknown),
                word,
                note,
            });
        }
    }
    candidates
}

/// What an operator says of an address of a cluster, and the words of an override. A drain goes before an override that says up:
/// what runs there is about to leave.
fn word(cluster: &ClusterFacts, address: IpAddr, now: i64) -> (Word, String) {
    match cluster.word_on(address, now) {
        Some(said) if said.serving == ServingWord::Down => (Word::Down, said.note.clone()),
        _ if cluster.drained => (Word::Drained, String::new()),
        Some(said) => (Word::Up, said.note.clone()),
        None => (Word::None, String::new()),
    }
}

fn targets(candidates: &[Candidate], port: Option<u16>, interval: Option<u32>) -> Vec<(SocketAddr, Option<u32>)> {
    let Some(port) = port else { return Vec::new() };
    let wanted = candidates
        .iter()
        .filter(|c| !matches!(c.reported, Reported::Leaving | Reported::Unjoined));
    wanted
        .map(|candidate| (SocketAddr::new(candidate.address, port), interval))
        .collect()
}

/// The name schema (contract: Federation v1's rows, and cluster names).
struct Names<'a> {
    zone: &'a Zone,
    /// `SVC`, `NS`, `FED`, `svc`.
    service: [&'a str; 4],
}

impl Names<'_> {
    fn global(&self) -> Option<WireName> {
        self.zone.apex.below(&self.service)
    }

    fn region(&self, region: &str) -> Option<WireName> {
        self.zone.apex.child(region)?.below(&self.service)
    }

    fn availability_zone(&self, az: &str, region: &str) -> Option<WireName> {
        self.zone.apex.child(region)?.child(az)?.below(&self.service)
    }
}

/// Draws the nodes of one Service.
struct Draft<'a> {
    compiled: &'a mut CompiledService,
    policy: &'a Effective,
    service: &'a ServiceFacts,
    names: Names<'a>,
}

impl Draft<'_> {
    fn draw(mut self, places: &Places, placement: &PlacementFacts) {
        let global = self.compiled.name.clone();
        let sets = self.global_sets();
        let alive = sets.iter().any(|(_, answers)| !answers.is_empty());
        self.put(&global, Level::Global, NodeKind::Data(sets));
        self.srv(&global, &Level::Global, alive.then_some(&global));
        // Where the names of a region lead: to itself, or up where it has nothing.
        let mut homes: BTreeMap<&str, WireName> = BTreeMap::new();
        for place in &places.regions {
            let Some(name) = self.names.region(&place.name) else {
                continue;
            };
            let in_region = |c: &Candidate| c.region.as_deref() == Some(place.name.as_str());
            let level = Level::Region(place.name.clone());
            let home = self.pinned(&name, &level, &global, &global, in_region);
            self.srv(&name, &level, alive.then_some(&home));
            homes.insert(&place.name, home);
        }
        for (az, region) in &places.zones {
            let Some(name) = self.names.availability_zone(az, region) else {
                continue;
            };
            let (Some(above), Some(home)) = (self.names.region(region), homes.get(region.as_str())) else {
                continue;
            };
            let in_zone = |c: &Candidate| c.region.as_ref() == Some(region) && c.zones.contains(az);
            let level = Level::AvailabilityZone(az.clone(), region.clone());
            let home = self.pinned(&name, &level, &above, home, in_zone);
            self.srv(&name, &level, alive.then_some(&home));
        }
        let rows = placement.rows.iter().map(|row| &row.cluster);
        let clusters: BTreeSet<&String> = placement.clusters.iter().chain(rows).collect();
        for cluster in clusters {
            let Some(name) = global.child(cluster) else { continue };
            let level = Level::Cluster(cluster.clone());
            let (v4, v6) = self.usable_within(|c| c.cluster == *cluster);
            let any = !v4.is_empty() || !v6.is_empty();
            self.put(&name, level.clone(), self.data(&v4, &v6));
            self.srv(&name, &level, any.then_some(&name));
        }
    }

    /// A name for part of the candidates: their addresses, or an alias to the name above. Returns where it leads in the end.
    fn pinned(
        &mut self,
        name: &WireName,
        level: &Level,
        above: &WireName,
        above_home: &WireName,
        within: impl Fn(&Candidate) -> bool,
    ) -> WireName {
        let (v4, v6) = self.usable_within(within);
        if v4.is_empty() && v6.is_empty() {
            if let Some(record) = records::cname(self.policy.ttl, above) {
                self.put(
                    name,
                    level.clone(),
                    NodeKind::Alias {
                        record,
                        target: above.clone(),
                    },
                );
            }
            return above_home.clone();
        }
        let data = self.data(&v4, &v6);
        self.put(name, level.clone(), data);
        name.clone()
    }

    /// The usable candidates of each family that satisfy a predicate.
    fn usable_within(&self, within: impl Fn(&Candidate) -> bool) -> (Vec<usize>, Vec<usize>) {
        let those = |usable: &Usable| -> Vec<usize> {
            let members = usable.members.iter().copied();
            members
                .filter(|index| self.compiled.candidates.get(*index).is_some_and(&within))
                .collect()
        };
        (those(&self.compiled.usable_v4), those(&self.compiled.usable_v6))
    }

    fn put(&mut self, name: &WireName, level: Level, kind: NodeKind) {
        let service = Some(self.compiled.key.clone());
        self.compiled
            .nodes
            .insert(name.clone(), Arc::new(Node { service, level, kind }));
    }

    /// Plain address sets, the same for every place.
    fn data(&self, v4: &[usize], v6: &[usize]) -> NodeKind {
        let answers = |members: &[usize]| Answers {
            tailored: false,
            by_place: Box::default(),
            variants: Box::new([self.variant(&[(1, members)])]),
        };
        let mut sets = vec![(types::A, answers(v4)), (types::AAAA, answers(v6))];
        if let Some(port) = https::port(&self.service.ports).filter(|_| !v4.is_empty() || !v6.is_empty()) {
            let addresses = self.addresses(v4.iter().chain(v6));
            let record = https::record(self.policy.ttl, port, &addresses);
            sets.push((types::HTTPS, Answers::same(&[record])));
        }
        NodeKind::Data(sets)
    }

    /// Addresses of candidates.
    fn addresses<'i>(&self, members: impl Iterator<Item = &'i usize>) -> Vec<IpAddr> {
        let found = members.filter_map(|index| self.compiled.candidates.get(*index));
        found.map(|candidate| candidate.address).collect()
    }

    /// The sets of the global name.
    fn global_sets(&self) -> Vec<(u16, Answers)> {
        let families = [(types::A, Family::V4), (types::AAAA, Family::V6)];
        let mut sets: Vec<(u16, Answers)> = families.map(|(type_, family)| (type_, self.steered(family))).into();
        let alive = sets.iter().any(|(_, answers)| !answers.is_empty());
        if let Some(port) = https::port(&self.service.ports).filter(|_| alive) {
            sets.push((types::HTTPS, self.steered_https(port)));
        }
        sets
    }

    /// The HTTPS record of the global name: hints are what the client's place is given, where that is one group of addresses.
    fn steered_https(&self, port: u16) -> Answers {
        let mut distinct: Vec<Box<[u8]>> = Vec::new();
        let mut by_place = Vec::with_capacity(self.compiled.choices.len());
        for choice in &self.compiled.choices {
            let whole = choice.v4.groups.len() <= 1 && choice.v6.groups.len() <= 1;
            let groups = choice.v4.groups.iter().chain(&choice.v6.groups).filter(|_| whole);
            let addresses = self.addresses(groups.flat_map(|group| &group.members));
            let record = https::record(self.policy.ttl, port, &addresses);
            let known = distinct.iter().position(|other| *other == record);
            let index = known.unwrap_or_else(|| {
                distinct.push(record);
                distinct.len() - 1
            });
            by_place.push(u16::try_from(index).unwrap_or(0));
        }
        Answers {
            tailored: self.policy.steer.steering == Steering::Geo,
            by_place: by_place.into(),
            variants: distinct
                .iter()
                .map(|record| Variant::plain(std::slice::from_ref(record)))
                .collect(),
        }
    }

    /// The address set of the global name: a variant for each place, equal ones shared.
    fn steered(&self, family: Family) -> Answers {
        let choices = self.compiled.choices.iter().map(|choice| match family {
            Family::V4 => &choice.v4.groups,
            Family::V6 => &choice.v6.groups,
        });
        let mut distinct: Vec<&Vec<_>> = Vec::new();
        let mut by_place = Vec::with_capacity(self.compiled.choices.len());
        for groups in choices {
            let known = distinct.iter().position(|other| *other == groups);
            let index = known.unwrap_or_else(|| {
                distinct.push(groups);
                distinct.len() - 1
            });
            by_place.push(u16::try_from(index).unwrap_or(0));
        }
        let variant = |groups: &&Vec<crate::choose::Group>| {
            let groups: Vec<(u32, &[usize])> = groups.iter().map(|g| (g.weight, g.members.as_slice())).collect();
            self.variant(&groups)
        };
        Answers {
            tailored: self.policy.steer.steering == Steering::Geo,
            by_place: by_place.into(),
            variants: distinct.iter().map(variant).collect(),
        }
    }

    fn variant(&self, groups: &[(u32, &[usize])]) -> Variant {
        let compiled: Vec<(u32, Vec<Box<[u8]>>)> = groups
            .iter()
            .map(|(weight, members)| {
                let found = members.iter().filter_map(|index| self.compiled.candidates.get(*index));
                let mut seen: BTreeSet<IpAddr> = BTreeSet::new();
                let addresses = found
                    .map(|candidate| candidate.address)
                    .filter(|address| seen.insert(*address));
                let records: Vec<Box<[u8]>> = addresses
                    .filter_map(|address| records::address(self.policy.ttl, address))
                    .collect();
                (*weight, records)
            })
            .filter(|(_, records)| !records.is_empty())
            .collect();
        Variant::weighted(&compiled, self.policy.limit)
    }

    /// `_PORT._PROTO.` names below `name`, for named ports. The target must own addresses itself (RFC 2782), so it is
    /// where `name` leads in the end; with no address anywhere there is no target, and the names have no data.
    fn srv(&mut self, name: &WireName, level: &Level, target: Option<&WireName>) {
        for port in self.service.ports.iter().filter(|port| !port.name.is_empty()) {
            let owner = name.below(&[&format!("_{}", port.name), &format!("_{}", port.protocol_label())]);
            let Some(owner) = owner else { continue };
            let record = target.and_then(|target| records::srv(self.policy.ttl, port.port, target));
            let answers = Answers::same(record.as_slice());
            self.put(&owner, level.clone(), NodeKind::Data(vec![(types::SRV, answers)]));
        }
    }
}
