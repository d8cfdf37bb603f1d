//! From an [`Input`] to a [`Snapshot`], all at once or only what changed. The result depends on the input alone: a test
//! compares both ways.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::clusterset;
use super::input::Input;
use super::map::{ClientMap, PlaceIndex};
use super::names::{NameError, WireName};
use super::node::{Answers, Level, NameServer, Node, NodeKind};
use super::records::{self, types};
use super::served::{self, Served, Standing, Zones};
use super::service::{self, CompiledService, Places};
use super::table::Table;
use crate::choose::Place;

/// TTL of the zone's own NS records and of its name server's addresses.
const ZONE_TTL: u32 = 3600;
/// Longest that "no such name" and "no data" may be kept: a Service made right after a miss must appear soon.
const NEGATIVE_TTL: u32 = 5;
/// Label that may be no region: its names would be those of cluster rows.
const RESERVED_LABEL: &str = "svc";

/// Why a zone cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ZoneError {
    /// The zone's or the name server's name is not a domain name.
    #[error("the DNS zone's settings")]
    Name(#[source] NameError),
    /// The federation's name cannot be a label.
    #[error("the federation name {0:?} is not a DNS label; choose letters, digits and '-', at most 63")]
    Federation(String),
}

/// The zone and what it says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Its apex.
    pub apex: WireName,
    /// The federation's label in names.
    pub federation: String,
    /// Its name server.
    pub ns: WireName,
    /// Addresses of the name server, where it is named in the zone.
    pub ns_addresses: Vec<IpAddr>,
    /// The apex of the names of exported Services.
    pub clusterset: WireName,
}

impl Zone {
    /// A zone with its federation label, the name of its server (`ns1.ZONE` where none is given) and the server's address.
    ///
    /// # Errors
    /// [`ZoneError`] where a name is none.
    pub fn new(zone: &str, federation: &str, ns: Option<&str>, address: Option<IpAddr>) -> Result<Self, ZoneError> {
        let apex = WireName::parse(zone).map_err(ZoneError::Name)?;
        if apex.below(&["svc", federation]).is_none() {
            return Err(ZoneError::Federation(federation.to_owned()));
        }
        let ns =
            WireName::parse(ns.unwrap_or(&format!("ns1.{}", zone.trim_end_matches('.')))).map_err(ZoneError::Name)?;
        let addresses = address
            .filter(|address| !address.is_unspecified())
            .into_iter()
            .collect();
        Ok(Self {
            apex,
            federation: federation.to_ascii_lowercase(),
            ns,
            ns_addresses: addresses,
            clusterset: WireName::parse(clusterset::APEX).map_err(ZoneError::Name)?,
        })
    }
}

/// What changed in an input since it was compiled last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dirty {
    /// Everything may have.
    pub all: bool,
    /// These Services.
    pub services: BTreeSet<String>,
    /// Zones beside the federation's.
    pub zones: bool,
}

impl Dirty {
    /// Everything.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            all: true,
            ..Self::default()
        }
    }

    /// Nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.all && !self.zones && self.services.is_empty()
    }

    /// Adds what another change made dirty.
    pub fn absorb(&mut self, other: Self) {
        self.all |= other.all;
        self.zones |= other.zones;
        self.services.extend(other.services);
    }
}

/// What the server answers from.
#[derive(Debug)]
pub struct Snapshot {
    /// Grows with each snapshot of one server, across restarts.
    pub version: u64,
    /// Something was known when it was made; otherwise every name of the zone is SERVFAIL, not "no such name".
    pub ready: bool,
    /// The zone.
    pub zone: Zone,
    /// Regions by name; place `n + 1` is the n-th.
    pub regions: Arc<Vec<Place>>,
    /// From client networks to places.
    pub map: Arc<ClientMap>,
    /// The federation's names.
    pub federation: Arc<Served>,
    /// All zones, the federation's included.
    pub zones: Zones,
    /// The Services by key.
    pub services: BTreeMap<Arc<str>, Arc<CompiledService>>,
}

/// Compiles all of an input.
#[must_use]
pub fn compile(zone: &Zone, input: &Input, version: u64) -> Snapshot {
    Compiler::new(zone.clone()).rebuild(input, &Dirty::everything(), version)
}

/// Compiles again and again, keeping what did not change.
#[derive(Debug)]
pub struct Compiler {
    zone: Zone,
    places: Places,
    regions: Arc<Vec<Place>>,
    map: Arc<ClientMap>,
    table: Table,
    /// Names of exported Services.
    imported: Table,
    services: BTreeMap<Arc<str>, Arc<CompiledService>>,
    /// Zones that are served beside the federation's.
    beside: Arc<[Arc<Served>]>,
    /// The federation's zone is not this server's.
    left: bool,
}

impl Compiler {
    /// A compiler that has seen nothing.
    #[must_use]
    pub fn new(zone: Zone) -> Self {
        let mut table = Table::default();
        for (name, node) in own_nodes(&zone.apex, &zone.ns, &zone) {
            table.put(&zone.apex, &name, Arc::new(node));
        }
        let mut imported = Table::default();
        let nodes =
            clusterset::version(&zone)
                .into_iter()
                .chain(own_nodes(&zone.clusterset, &ns_of(&zone.clusterset), &zone));
        for (name, node) in nodes {
            imported.put(&zone.clusterset, &name, Arc::new(node));
        }
        let map = Arc::new(ClientMap::build(&[]));
        Self {
            zone,
            places: Places::default(),
            regions: Arc::default(),
            map,
            table,
            imported,
            services: BTreeMap::new(),
            beside: Arc::default(),
            left: false,
        }
    }

    /// Serves these zones beside the federation's, from the next snapshot on.
    pub fn serve_beside(&mut self, zones: Arc<[Arc<Served>]>) {
        self.beside = zones;
    }

    /// Serves nothing of the federation: names of its zone are refused.
    pub fn leave_federation(&mut self) {
        self.left = true;
    }

    /// A snapshot of what was compiled last, before anything is known: not ready.
    #[must_use]
    pub fn unready(&self) -> Snapshot {
        self.snapshot(0, false)
    }

    /// The snapshot of an input of which only `dirty` changed since the last call.
    pub fn rebuild(&mut self, input: &Input, dirty: &Dirty, version: u64) -> Snapshot {
        if dirty.all {
            let places = places(input);
            self.map = Arc::new(client_map(input, &places));
            self.regions = Arc::new(places.regions.clone());
            self.places = places;
            let keys: BTreeSet<String> = self
                .services
                .keys()
                .map(ToString::to_string)
                .chain(input.services.keys().cloned())
                .collect();
            keys.iter().for_each(|key| self.renew(input, key));
        } else {
            dirty.services.iter().for_each(|key| self.renew(input, key));
        }
        self.snapshot(version, true)
    }

    fn renew(&mut self, input: &Input, key: &str) {
        let new = service::compile(&self.zone, input, &self.places, key).map(Arc::new);
        let old = self.services.remove(key);
        let empty = BTreeMap::new();
        let (before, after) = (old.as_deref(), new.as_deref());
        let gone = before.map_or(&empty, |service| &service.nodes);
        let come = after.map_or(&empty, |service| &service.nodes);
        exchange(&mut self.table, &self.zone.apex, gone, come);
        let gone = before.map_or(&empty, |service| &service.imported);
        let come = after.map_or(&empty, |service| &service.imported);
        exchange(&mut self.imported, &self.zone.clusterset, gone, come);
        if let Some(new) = new {
            self.services.insert(new.key.clone(), new);
        }
    }

    fn snapshot(&self, version: u64, ready: bool) -> Snapshot {
        // Serials compare modulo 2^32 (RFC 1982), so the truncation is harmless.
        let serial = (version & u64::from(u32::MAX)) as u32;
        let federation = Arc::new(self.served(&self.zone.apex, &self.zone.ns, &self.table, serial, ready));
        let imported = Arc::new(self.served(
            &self.zone.clusterset,
            &ns_of(&self.zone.clusterset),
            &self.imported,
            serial,
            ready,
        ));
        let own = [federation.clone(), imported].into_iter().filter(|_| !self.left);
        Snapshot {
            version,
            ready,
            zone: self.zone.clone(),
            regions: self.regions.clone(),
            map: self.map.clone(),
            zones: Zones::new(own.chain(self.beside.iter().cloned())),
            federation,
            services: self.services.clone(),
        }
    }

    fn served(&self, apex: &WireName, ns: &WireName, table: &Table, serial: u32, ready: bool) -> Served {
        let mailbox = apex.child("hostmaster").unwrap_or_else(WireName::root);
        let soa = records::soa(NEGATIVE_TTL, ns, &mailbox, serial, NEGATIVE_TTL).unwrap_or_default();
        let glue = self.zone.ns_addresses.iter().filter(|_| ns.is_within(apex));
        let glue = glue
            .filter_map(|address| records::address(ZONE_TTL, *address))
            .collect();
        let server = records::ns(ZONE_TTL, ns).map(|record| NameServer { record, glue });
        Served {
            apex: apex.clone(),
            standing: if ready { Standing::Served } else { Standing::NotReady },
            table: table.clone(),
            negative: soa.clone(),
            soa,
            any: served::any(ZONE_TTL),
            servers: server.into_iter().collect(),
            has_cuts: false,
            has_wildcards: false,
            follows_hub: true,
        }
    }
}

/// Puts new nodes in the place of old ones; what is the same stays.
fn exchange(
    table: &mut Table,
    apex: &WireName,
    old: &BTreeMap<WireName, Arc<Node>>,
    new: &BTreeMap<WireName, Arc<Node>>,
) {
    let gone = old.keys().filter(|name| !new.contains_key(*name));
    gone.for_each(|name| table.take(apex, name));
    for (name, node) in new {
        if old.get(name).is_none_or(|old| old != node) {
            table.put(apex, name, node.clone());
        }
    }
}

/// The name server's name in a zone that has none of its own.
fn ns_of(apex: &WireName) -> WireName {
    apex.child("ns1").unwrap_or_else(WireName::root)
}

/// Nodes of a zone itself: its apex and its name server.
fn own_nodes(apex: &WireName, ns: &WireName, zone: &Zone) -> Vec<(WireName, Node)> {
    let node = |sets| Node {
        service: None,
        level: Level::Zone,
        kind: NodeKind::Data(sets),
    };
    let mut nodes = vec![(apex.clone(), node(Vec::new()))];
    if ns.is_within(apex) && ns != apex {
        let of_family = |v4: bool| -> Vec<Box<[u8]>> {
            let addresses = zone.ns_addresses.iter().filter(|address| address.is_ipv4() == v4);
            addresses
                .filter_map(|address| records::address(ZONE_TTL, *address))
                .collect()
        };
        let sets = [(types::A, of_family(true)), (types::AAAA, of_family(false))];
        let sets = sets.map(|(type_, records)| (type_, Answers::same(&records)));
        nodes.push((ns.clone(), node(sets.into())));
    }
    nodes
}

/// Regions and zones that names may have: Region objects, and what clusters say of themselves, where they are labels.
fn places(input: &Input) -> Places {
    let is_label = |text: &&String| api::RegionName::parse(text).is_ok() && *text != RESERVED_LABEL;
    let of_clusters = input.clusters.values().filter_map(|cluster| cluster.region.as_ref());
    let names: BTreeSet<&String> = input.regions.keys().chain(of_clusters).filter(is_label).collect();
    let place = |name: &&String| Place {
        name: (*name).clone(),
        fallbacks: input
            .regions
            .get(*name)
            .map(|region| region.fallbacks.clone())
            .unwrap_or_default(),
    };
    // Places are numbered in 16 bits, 0 being elsewhere; names of regions beyond that are not served.
    let regions: Vec<Place> = names.iter().take(usize::from(PlaceIndex::MAX) - 1).map(place).collect();
    let mut zones = BTreeSet::new();
    for cluster in input.clusters.values() {
        let Some(region) = cluster.region.as_ref().filter(is_label) else {
            continue;
        };
        zones.extend(
            cluster
                .zones
                .iter()
                .filter(is_label)
                .map(|az| (az.clone(), region.clone())),
        );
    }
    Places { regions, zones }
}

fn client_map(input: &Input, places: &Places) -> ClientMap {
    let mut networks: Vec<(IpNet, PlaceIndex)> = Vec::new();
    for (place, index) in places.regions.iter().zip(1_u16..) {
        let Some(region) = input.regions.get(&place.name) else {
            continue;
        };
        for text in &region.cidrs {
            match text
                .parse::<IpNet>()
                .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
            {
                Ok(network) => networks.push((network, index)),
                Err(_) => tracing::warn!(
                    region = place.name,
                    cidr = text,
                    "Region {}: {text:?} is no network; it is ignored",
                    place.name
                ),
            }
        }
    }
    ClientMap::build(&networks)
}
