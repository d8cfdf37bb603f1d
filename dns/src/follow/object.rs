//! Objects of the hub read into plain facts: one function a kind. What cannot be read is logged and leaves the last good
//! version in place. Absent: what the facts mean.

use std::net::IpAddr;

use api::cluster::ServingOverride;
use api::{ClusterSpec, ClusterStatus, DnsPolicySpec, PlacementSpec, PlacementStatus, RegionSpec, well_known};
use jiff::Timestamp;
use kube::core::DynamicObject;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::snapshot::{
    ClusterFacts, ImportFacts, OverrideFacts, PlacementFacts, PortFacts, RegionFacts, RowFacts, ServiceFacts,
};

/// Kinds that are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Kind {
    Service,
    Placement,
    Cluster,
    Region,
    DnsPolicy,
    ServiceImport,
}

impl Kind {
    /// All of them; clusters and regions first, so that a first list of Services finds them.
    pub(crate) const ALL: [Self; 6] = [
        Self::Cluster,
        Self::Region,
        Self::DnsPolicy,
        Self::ServiceImport,
        Self::Placement,
        Self::Service,
    ];

    /// Whether every hub serves it. What a hub may lack is not waited for, and not missed.
    pub(crate) fn is_everywhere(self) -> bool {
        self != Self::ServiceImport
    }

    /// Name in messages.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Service => "Service",
            Self::Placement => "Placement",
            Self::Cluster => "Cluster",
            Self::Region => "Region",
            Self::DnsPolicy => "DNSPolicy",
            Self::ServiceImport => "ServiceImport",
        }
    }
}

/// What an object says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Facts {
    Service(ServiceFacts),
    Placement(PlacementFacts),
    Cluster(ClusterFacts),
    Region(RegionFacts),
    DnsPolicy(Box<DnsPolicySpec>),
    Import(ImportFacts),
    /// It is not for names: a Service that stays on the hub, a Placement of something else, one of a deleted Service.
    NotOurs,
}

/// An object as the world keeps it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    /// Key of its facts.
    pub(crate) key: String,
    /// Namespace and name of the object itself.
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) uid: String,
    /// The hub's revision of it; 0 where it is not a number.
    pub(crate) revision: u64,
    pub(crate) facts: Facts,
}

/// Why an object cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{} {object} cannot be read ({part}); its last good version stays", kind.as_str())]
pub(crate) struct UnreadableError {
    kind: Kind,
    object: String,
    part: &'static str,
    #[source]
    source: serde_json::Error,
}

/// Reads an object of a kind.
pub(crate) fn read(kind: Kind, object: &DynamicObject) -> Result<Seen, UnreadableError> {
    let namespace = object.metadata.namespace.clone().unwrap_or_default();
    let name = object.metadata.name.clone().unwrap_or_default();
    let own_key = if namespace.is_empty() {
        name.clone()
    } else {
        format!("{namespace}/{name}")
    };
    let part = |name: &str| part_of(object, name);
    let (key, facts) = match kind {
        Kind::Service => (own_key.clone(), service(object, &namespace, &own_key)?),
        Kind::Placement => {
            let spec: PlacementSpec = decode(kind, &own_key, "spec", part("spec"))?;
            let key = format!("{}/{}", spec.resource.namespace, spec.resource.name);
            (key, placement(&spec, decode(kind, &own_key, "status", part("status"))?))
        }
        Kind::Cluster => {
            let spec = decode(kind, &own_key, "spec", part("spec"))?;
            (
                own_key.clone(),
                Facts::Cluster(cluster(spec, decode(kind, &own_key, "status", part("status"))?)),
            )
        }
        Kind::Region => {
            let RegionSpec { cidrs, fallbacks, .. } = decode(kind, &own_key, "spec", part("spec"))?;
            (own_key.clone(), Facts::Region(RegionFacts { cidrs, fallbacks }))
        }
        Kind::ServiceImport => (
            own_key.clone(),
            Facts::Import(import(decode(kind, &own_key, "spec", part("spec"))?)),
        ),
        Kind::DnsPolicy => (
            own_key.clone(),
            Facts::DnsPolicy(Box::new(decode(kind, &own_key, "spec", part("spec"))?)),
        ),
    };
    let revision = object
        .metadata
        .resource_version
        .as_deref()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    let uid = object.metadata.uid.clone().unwrap_or_default();
    Ok(Seen {
        key,
        namespace,
        name,
        uid,
        revision,
        facts,
    })
}

/// A part of an object; what is absent reads as empty.
fn part_of(object: &DynamicObject, name: &str) -> Value {
    let part = object.data.get(name).cloned().filter(|value| !value.is_null());
    part.unwrap_or_else(|| Value::Object(Default::default()))
}

fn decode<T: DeserializeOwned>(kind: Kind, key: &str, part: &'static str, value: Value) -> Result<T, UnreadableError> {
    serde_json::from_value(value).map_err(|source| UnreadableError {
        kind,
        object: key.to_owned(),
        part,
        source,
    })
}

/// Namespaces whose objects stay on the hub.
fn stays_on_hub(namespace: &str) -> bool {
    namespace == well_known::SYSTEM_NAMESPACE || namespace.starts_with("kube-")
}

fn service(object: &DynamicObject, namespace: &str, key: &str) -> Result<Facts, UnreadableError> {
    let labels = object.metadata.labels.clone().unwrap_or_default();
    let hub_only = labels
        .get(well_known::HUB_ONLY_LABEL)
        .is_some_and(|value| value == "true");
    if hub_only || stays_on_hub(namespace) {
        return Ok(Facts::NotOurs);
    }
    let ports = object
        .data
        .pointer("/spec/ports")
        .cloned()
        .filter(|value| !value.is_null());
    let ports: Vec<PortFacts> = decode(
        Kind::Service,
        key,
        "spec.ports",
        ports.unwrap_or_else(|| Value::Array(Vec::new())),
    )?;
    Ok(Facts::Service(ServiceFacts { labels, ports }))
}

fn placement(spec: &PlacementSpec, status: PlacementStatus) -> Facts {
    let of_service = spec.resource.kind == "Service" && spec.resource.group().is_empty();
    if !of_service || spec.deleted {
        return Facts::NotOurs;
    }
    let mut rows: Vec<RowFacts> = status
        .clusters
        .into_iter()
        .map(|row| RowFacts {
            cluster: row.name,
            addresses: addresses(&row.addresses),
            ready_endpoints: row.ready_endpoints,
        })
        .collect();
    rows.sort_by(|a, b| a.cluster.cmp(&b.cluster));
    Facts::Placement(PlacementFacts {
        clusters: spec.clusters.iter().map(|target| target.name.clone()).collect(),
        rows,
    })
}

/// What names depend on in a ServiceImport.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ImportSpec {
    #[serde(rename = "type")]
    type_: String,
    ips: Vec<String>,
    ports: Vec<PortFacts>,
}

fn import(spec: ImportSpec) -> ImportFacts {
    ImportFacts {
        headless: spec.type_ == "Headless",
        addresses: addresses(&spec.ips),
        ports: spec.ports,
    }
}

/// IP addresses; host names of load balancers are not answered.
fn addresses(texts: &[String]) -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = texts.iter().filter_map(|text| text.parse().ok()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

fn cluster(spec: ClusterSpec, status: ClusterStatus) -> ClusterFacts {
    let ready = api::metadata::condition(&status.conditions, well_known::CONDITION_READY);
    let drained = spec.drained().is_some();
    let dns = spec.dns.unwrap_or_default();
    ClusterFacts {
        drained,
        overrides: dns.overrides.iter().filter_map(said).collect(),
        region: spec.region,
        zones: spec.zones,
        addresses: addresses(&dns.addresses),
        fresh: ready.is_some_and(|condition| condition.status == api::ConditionStatus::True),
    }
}

/// An override; none where it can never count, because nobody can tell when it ends or what it is about.
fn said(word: &ServingOverride) -> Option<OverrideFacts> {
    let until: Timestamp = word.until.parse().ok()?;
    let address = match &word.address {
        Some(text) => Some(text.parse().ok()?),
        None => None,
    };
    let by = if word.by.is_empty() { "somebody" } else { &word.by };
    Some(OverrideFacts {
        address,
        serving: word.serving,
        until: until.as_millisecond(),
        note: format!("{} (until {}, by {by})", word.reason, word.until),
    })
}
