//! `Resolution`: what the DNS server answers for one federated Service, per region. Put by the DNS server when answers
//! change, kept in memory on the hub, read by the console.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::metadata::ObjectMeta;

/// What is answered for one federated Service; named as the Service, in its namespace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Resolution {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// The answers.
    pub spec: ResolutionSpec,
}

/// What is answered for one federated Service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResolutionSpec {
    /// The name at the top: `SVC.NS.FED.svc.ZONE`.
    pub name: String,
    /// Addresses for clients of each region.
    pub regions: BTreeMap<String, Vec<String>>,
    /// Addresses for clients whose place is unknown.
    pub elsewhere: Vec<String>,
    /// Every address that could be answered, and the verdict on it.
    pub candidates: Vec<Candidate>,
}

/// An address that could be answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Candidate {
    /// IP address.
    pub address: String,
    /// The cluster it belongs to.
    pub cluster: String,
    /// It may be answered.
    pub serving: bool,
    /// Why, in a few words.
    pub reason: String,
    /// Probes of it fail, whatever its cluster says.
    #[serde(skip_serializing_if = "is_false")]
    pub probes_fail: bool,
}

fn is_false(value: &bool) -> bool {
    !*value
}
