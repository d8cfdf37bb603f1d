//! `DNSPolicy`: how the names of selected Services answer.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::metadata::ObjectMeta;
use crate::selector::LabelSelector;

/// Seconds for which an answer may be kept where no policy says otherwise.
pub const TTL_DEFAULT: u32 = 30;
/// Longest TTL that is taken from a policy: a longer one would make failover a promise nobody keeps.
pub const TTL_MAX: u32 = 3600;

/// How the names of selected Services answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DnsPolicy {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// What it says.
    #[serde(default)]
    pub spec: DnsPolicySpec,
}

/// What a DNS policy says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct DnsPolicySpec {
    /// Services of the namespace it is for, by label; all where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
    /// Services it is for, by name; the name decides before the labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
    /// How addresses are chosen; `Geo` where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steering: Option<Steering>,
    /// Weights of clusters for `Weighted`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub weights: BTreeMap<String, u32>,
    /// Regions or clusters in order for `Failover`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<String>,
    /// Seconds for which an answer may be kept; 30 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
    /// Most addresses in one answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_answers: Option<u32>,
    /// The data-path probe of the addresses; a TCP connection to the first TCP port where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
}

/// How addresses are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Steering {
    /// The client's region, then its fallbacks in order, then everyone.
    #[default]
    Geo,
    /// The first of `order` that is healthy.
    Failover,
    /// By `weights`.
    Weighted,
    /// Everyone in rotation.
    RoundRobin,
}

/// A data-path probe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Probe {
    /// Do not probe; the member's own report decides alone.
    pub disabled: bool,
    /// What is asked; a TCP connection where absent.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub probe_type: Option<ProbeType>,
    /// Path of an HTTP probe; `/` where absent.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// Host that an HTTP probe asks for; the address where absent.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// Port; the Service's first TCP port where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Seconds between probes of one address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_seconds: Option<u32>,
    /// Seconds that one may take; 1 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u32>,
    /// Failures in a row that take an address down; 2 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_threshold: Option<u32>,
    /// Successes in a row that bring it back; 2 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_threshold: Option<u32>,
}

/// What a probe asks of an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ProbeType {
    /// A TCP connection.
    #[default]
    Tcp,
    /// A GET, answered with a status from 200 to 399.
    Http,
    /// The same over TLS; the certificate is not looked at.
    Https,
}
