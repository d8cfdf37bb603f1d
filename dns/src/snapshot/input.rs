//! All that a snapshot may depend on, as plain values. Also what the disk keeps, so every field has a default and the
//! format may grow.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use api::DnsPolicySpec;
use api::cluster::ServingWord;
use serde::{Deserialize, Serialize};

/// Everything that is known, by key: `NAMESPACE/NAME` for Services, their placements and policies, the name for others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    /// Federated Services.
    pub services: BTreeMap<String, ServiceFacts>,
    /// Where the Services are; keyed by the Service, not by the Placement.
    pub placements: BTreeMap<String, PlacementFacts>,
    /// Members.
    pub clusters: BTreeMap<String, ClusterFacts>,
    /// Region objects.
    pub regions: BTreeMap<String, RegionFacts>,
    /// ServiceImports, by `NAMESPACE/NAME`, which is that of the Service, too.
    pub imports: BTreeMap<String, ImportFacts>,
    /// DNS policies.
    pub policies: BTreeMap<String, DnsPolicySpec>,
    /// The DNS server's clock when overrides were judged last, in milliseconds since the epoch.
    pub now: i64,
    /// What probes say; an address that is absent is unknown.
    pub probes: BTreeMap<SocketAddr, ProbeState>,
}

/// A federated Service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceFacts {
    /// Labels, for policies that select by them.
    pub labels: BTreeMap<String, String>,
    /// Ports.
    pub ports: Vec<PortFacts>,
}

/// A ServiceImport: the Service has names in `clusterset.local`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImportFacts {
    /// Its endpoints have names, it has no address of its own.
    pub headless: bool,
    /// Addresses of its own; with none, it is answered as the federation's name is.
    pub addresses: Vec<IpAddr>,
    /// Its ports.
    pub ports: Vec<PortFacts>,
}

/// A port of a Service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PortFacts {
    /// Its name; empty for the only port of a Service.
    pub name: String,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: String,
    /// The port clients use.
    pub port: u16,
    /// What is spoken there, where that is said.
    pub app_protocol: String,
}

impl PortFacts {
    /// The protocol as names have it.
    pub(super) fn protocol_label(&self) -> String {
        if self.protocol.is_empty() {
            "tcp".to_owned()
        } else {
            self.protocol.to_ascii_lowercase()
        }
    }
}

/// Where a Service is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PlacementFacts {
    /// The clusters it is placed in.
    pub clusters: Vec<String>,
    /// What each cluster said last.
    pub rows: Vec<RowFacts>,
}

/// What a cluster said last of a Service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RowFacts {
    /// The cluster.
    pub cluster: String,
    /// Its addresses of the Service.
    pub addresses: Vec<IpAddr>,
    /// Ready endpoints; absent where it never said.
    pub ready_endpoints: Option<i64>,
}

/// A member, as far as names and addresses go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterFacts {
    /// Its region.
    pub region: Option<String>,
    /// Its availability zones.
    pub zones: Vec<String>,
    /// Addresses for Services that have none of their own there.
    pub addresses: Vec<IpAddr>,
    /// Its API is reachable, so that its reports are fresh. Never removes an address by itself.
    pub fresh: bool,
    /// It is being drained.
    pub drained: bool,
    /// Overrides, by whom they are about.
    pub overrides: Vec<OverrideFacts>,
}

/// An operator's word on addresses of a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OverrideFacts {
    /// The address; all of the member where absent.
    pub address: Option<IpAddr>,
    /// What is said.
    pub serving: ServingWord,
    /// When it expires, in milliseconds since the epoch.
    pub until: i64,
    /// Why, until when and who said so, for people.
    pub note: String,
}

impl ClusterFacts {
    /// The override that counts for an address at a time.
    #[must_use]
    pub fn word_on(&self, address: IpAddr, now: i64) -> Option<&OverrideFacts> {
        let valid = || self.overrides.iter().filter(|word| word.until > now);
        let own = valid().find(|word| word.address == Some(address));
        own.or_else(|| valid().find(|word| word.address.is_none()))
    }

    /// Whether the passing of time from one moment to another changes which overrides count.
    #[must_use]
    pub fn turns(&self, before: i64, now: i64) -> bool {
        self.overrides
            .iter()
            .any(|word| (word.until > before) != (word.until > now))
    }
}

/// A Region object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RegionFacts {
    /// Client networks, as the object has them.
    pub cidrs: Vec<String>,
    /// Regions to go to while this one has no address.
    pub fallbacks: Vec<String>,
}

/// What probes say of an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProbeState {
    /// Not probed, not long enough, or without a result that says anything of the address.
    #[default]
    Unknown,
    /// It accepts connections.
    Up,
    /// It does not.
    Down,
}
