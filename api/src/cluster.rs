//! `Cluster`: a member of the federation, how it is reached, and what is known of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::capacity::Capacity;
use crate::metadata::{Condition, ConditionStatus, ObjectMeta, condition};
use crate::well_known::{CONDITION_FAILED, CONDITION_READY, CONDITION_SERVING, DRAIN_TAINT};

/// A member cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    /// Metadata; `name` is the cluster's name.
    pub metadata: ObjectMeta,
    /// How it is reached and where it is.
    #[serde(default)]
    pub spec: ClusterSpec,
    /// What is known of it.
    #[serde(default)]
    pub status: ClusterStatus,
}

impl Cluster {
    /// The *manageable* verdict: its API can be reached and used. Absent or unknown is not ready, but not proof of death.
    #[must_use]
    pub fn manageable(&self) -> ConditionStatus {
        condition(&self.status.conditions, CONDITION_READY).map_or(ConditionStatus::Unknown, |c| c.status)
    }

    /// When it failed, as RFC 3339, where it has: its replicas are moved elsewhere until it is back for good.
    #[must_use]
    pub fn failed(&self) -> Option<&Condition> {
        condition(&self.status.conditions, CONDITION_FAILED).filter(|failed| failed.status == ConditionStatus::True)
    }

    /// The taint of a drain, while it is being drained.
    #[must_use]
    pub fn drained(&self) -> Option<&Taint> {
        self.spec.drained()
    }

    /// The *serving* verdict: its data path answers.
    #[must_use]
    pub fn serving(&self) -> ConditionStatus {
        condition(&self.status.conditions, CONDITION_SERVING).map_or(ConditionStatus::Unknown, |c| c.status)
    }
}

/// How a member is reached and where it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterSpec {
    /// Uid of the member's `kube-system` namespace: its identity. A rebuilt cluster under an old name differs here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Where the syncer runs.
    pub sync_mode: SyncMode,
    /// URL of the member's Kubernetes API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_endpoint: Option<String>,
    /// PEM bundle, base64, of the authorities that signed the API's certificate; the system's where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<String>,
    /// The Secret with the credentials: keys `token`, or `tls.crt` and `tls.key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretRef>,
    /// Do not verify the API's certificate. Only for throw-away clusters.
    #[serde(rename = "insecureSkipTLSVerification", skip_serializing_if = "is_false")]
    pub insecure_skip_tls_verification: bool,
    /// Region the cluster is in; names a Region object where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Availability zones the cluster spans.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<String>,
    /// Cloud or room that runs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Taints that keep placements out unless they tolerate them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub taints: Vec<Taint>,
    /// Addresses for DNS where the member's Services have none of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns: Option<ClusterDns>,
}

impl ClusterSpec {
    /// The taint of a drain, while the cluster is being drained.
    #[must_use]
    pub fn drained(&self) -> Option<&Taint> {
        let is_drain = |taint: &&Taint| taint.key == DRAIN_TAINT && taint.effect == TaintEffect::NoExecute;
        self.taints.iter().find(is_drain)
    }
}

fn is_false(value: &bool) -> bool {
    !*value
}

/// Where a cluster's syncer runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SyncMode {
    /// Beside the hub, reaching into the member.
    #[default]
    Push,
    /// Inside the member, reaching out to the hub.
    Pull,
}

/// Namespace and name of a Secret on the hub.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretRef {
    /// Namespace of the Secret.
    pub namespace: String,
    /// Name of the Secret.
    pub name: String,
}

/// A taint of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Taint {
    /// Taint key.
    pub key: String,
    /// Taint value.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// What it does to placements that do not tolerate it.
    pub effect: TaintEffect,
    /// When it was added, as RFC 3339; `tolerationSeconds` count from then. Without it they never run out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_added: Option<String>,
}

/// What a taint does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TaintEffect {
    /// Nothing new is placed here; what runs stays.
    NoSchedule,
    /// As a preference.
    PreferNoSchedule,
    /// Nothing new is placed here, and what runs leaves.
    NoExecute,
}

/// DNS settings of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterDns {
    /// IP addresses that stand for every Service of the cluster that has none of its own.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// An operator's word on whether addresses of the cluster serve, believed until it expires.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<ServingOverride>,
}

/// An operator's word on whether addresses of a cluster serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServingOverride {
    /// The IP address it is about; every address of the cluster where absent. One for the address goes before one for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What is said.
    pub serving: ServingWord,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// When it expires, as RFC 3339, by the clock of each DNS server. One that cannot be read has expired.
    pub until: String,
    /// Who said so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
}

/// What an operator says of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ServingWord {
    /// It is not answered while another one may be.
    Down,
    /// It is answered; neither probes nor reports of endpoints are believed against it.
    Up,
}

/// What is known of a member.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterStatus {
    /// `Ready` (manageable), `Serving`, and others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// `gitVersion` of the member's API server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubernetes_version: Option<String>,
    /// Nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_summary: Option<NodeSummary>,
    /// Sums over the nodes, as Kubernetes quantities by resource name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_summary: Option<ResourceSummary>,
    /// What its nodes have room for; absent where that is not known, which is not none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,
    /// Kinds the member serves, `apiVersion/Kind`, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub api_enablements: Vec<String>,
    /// RFC 3339 time of the heartbeat that the conditions were judged by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_heartbeat: Option<String>,
}

/// Nodes of a member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeSummary {
    /// All nodes.
    pub total_num: i64,
    /// Nodes that are Ready.
    pub ready_num: i64,
}

/// Resources of a member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ResourceSummary {
    /// What the nodes offer to pods.
    pub allocatable: BTreeMap<String, String>,
    /// What scheduled pods request.
    pub allocated: BTreeMap<String, String>,
}
