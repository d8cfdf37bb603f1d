//! Which kinds there are, and where they are served.
//! In: group version, kind, plural. Out: paths. Absent: whether a hub serves them.

use std::borrow::Cow;

use ::placement::federated_kinds;
use api::well_known::{API_VERSION, MULTICLUSTER_API_VERSION};
use kube::core::ApiResource;

/// A served kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Kind {
    pub(crate) api_version: Cow<'static, str>,
    pub(crate) kind: Cow<'static, str>,
    pub(crate) plural: Cow<'static, str>,
}

const fn kind(api_version: &'static str, kind: &'static str, plural: &'static str) -> Kind {
    Kind {
        api_version: Cow::Borrowed(api_version),
        kind: Cow::Borrowed(kind),
        plural: Cow::Borrowed(plural),
    }
}

pub(crate) const CLUSTER: Kind = kind(API_VERSION, "Cluster", "clusters");
pub(crate) const PLACEMENT: Kind = kind(API_VERSION, "Placement", "placements");
pub(crate) const POLICY: Kind = kind(API_VERSION, "PropagationPolicy", "propagationpolicies");
pub(crate) const CLUSTER_POLICY: Kind = kind(API_VERSION, "ClusterPropagationPolicy", "clusterpropagationpolicies");
pub(crate) const REPORT: Kind = kind(API_VERSION, "Report", "reports");
pub(crate) const HEARTBEAT: Kind = kind(API_VERSION, "Heartbeat", "heartbeats");
pub(crate) const RESOLUTION: Kind = kind(API_VERSION, "Resolution", "resolutions");
pub(crate) const NAMESPACE: Kind = kind("v1", "Namespace", "namespaces");
pub(crate) const SERVICE: Kind = kind("v1", "Service", "services");
pub(crate) const SERVICE_EXPORT: Kind = kind(MULTICLUSTER_API_VERSION, "ServiceExport", "serviceexports");
pub(crate) const SERVICE_IMPORT: Kind = kind(MULTICLUSTER_API_VERSION, "ServiceImport", "serviceimports");
pub(crate) const SERVICE_ACCOUNT: Kind = kind("v1", "ServiceAccount", "serviceaccounts");
pub(crate) const RESOURCE_QUOTA: Kind = kind("v1", "ResourceQuota", "resourcequotas");
pub(crate) const DEPLOYMENT: Kind = kind("apps/v1", "Deployment", "deployments");
pub(crate) const STATEFUL_SET: Kind = kind("apps/v1", "StatefulSet", "statefulsets");
pub(crate) const DAEMON_SET: Kind = kind("apps/v1", "DaemonSet", "daemonsets");
pub(crate) const REPLICA_SET: Kind = kind("apps/v1", "ReplicaSet", "replicasets");
pub(crate) const CONTROLLER_REVISION: Kind = kind("apps/v1", "ControllerRevision", "controllerrevisions");
pub(crate) const EVENT: Kind = kind("v1", "Event", "events");
pub(crate) const DEFINITION: Kind = kind(
    "apiextensions.k8s.io/v1",
    "CustomResourceDefinition",
    "customresourcedefinitions",
);

/// The kinds that are federated by default.
pub(crate) fn federated() -> Vec<Kind> {
    federated_kinds::KINDS
        .iter()
        .map(|row| kind(row.api_version, row.kind, row.plural))
        .collect()
}

impl Kind {
    /// API group, empty for the core.
    pub(crate) fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// Path of the collection, in a namespace where one is given.
    pub(crate) fn collection(&self, namespace: &str) -> String {
        let root = if self.api_version.contains('/') {
            "/apis"
        } else {
            "/api"
        };
        if namespace.is_empty() {
            format!("{root}/{}/{}", self.api_version, self.plural)
        } else {
            format!("{root}/{}/namespaces/{namespace}/{}", self.api_version, self.plural)
        }
    }

    /// As kube wants it.
    pub(crate) fn api_resource(&self) -> ApiResource {
        let (group, version) = self.api_version.split_once('/').unwrap_or(("", &self.api_version));
        ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version: self.api_version.to_string(),
            kind: self.kind.to_string(),
            plural: self.plural.to_string(),
        }
    }
}
