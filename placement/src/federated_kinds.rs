//! Which objects of the hub are federated, and what each kind does where no policy says otherwise. One row a kind.
//! In: kind and object. Out: whether it leaves the hub, and its default [`Spread`]. Absent: policies (`decide`).

use api::names::is_built_in;
use api::well_known::{GROUP, HUB_ONLY_LABEL, MULTICLUSTER_GROUP, SYSTEM_NAMESPACE};
use serde_json::Value;

/// What a kind does with no policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// A copy in every cluster.
    Duplicated,
    /// Replicas divided evenly.
    Divided,
    /// One cluster, for as long as it can stay there.
    One,
    /// Wherever something in it is placed.
    Follows,
    /// Where the target of its `scaleTargetRef` has replicas.
    WithTarget,
    /// Where a workload that mounts it is.
    WithMounts,
}

/// A federated kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FederatedKind {
    /// Group and version, as in an object's `apiVersion`.
    pub api_version: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// Plural, as in URLs.
    pub plural: &'static str,
    /// Default spread.
    pub spread: Spread,
}

const fn row(api_version: &'static str, kind: &'static str, plural: &'static str, spread: Spread) -> FederatedKind {
    FederatedKind {
        api_version,
        kind,
        plural,
        spread,
    }
}

/// The kinds that are federated by default.
pub const KINDS: [FederatedKind; 25] = [
    row("v1", "Namespace", "namespaces", Spread::Follows),
    row(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        "customresourcedefinitions",
        Spread::Duplicated,
    ),
    row("apps/v1", "Deployment", "deployments", Spread::Divided),
    row("apps/v1", "ReplicaSet", "replicasets", Spread::Divided),
    row("v1", "Service", "services", Spread::Duplicated),
    row("v1", "ConfigMap", "configmaps", Spread::Duplicated),
    row("v1", "Secret", "secrets", Spread::Duplicated),
    row("v1", "ServiceAccount", "serviceaccounts", Spread::Duplicated),
    row("v1", "LimitRange", "limitranges", Spread::Duplicated),
    row("v1", "ResourceQuota", "resourcequotas", Spread::Duplicated),
    row("v1", "PersistentVolume", "persistentvolumes", Spread::Duplicated),
    row(
        "v1",
        "PersistentVolumeClaim",
        "persistentvolumeclaims",
        Spread::WithMounts,
    ),
    row(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        Spread::WithTarget,
    ),
    row("v1", "Pod", "pods", Spread::One),
    row("v1", "PodTemplate", "podtemplates", Spread::Duplicated),
    row("apps/v1", "StatefulSet", "statefulsets", Spread::One),
    row("apps/v1", "DaemonSet", "daemonsets", Spread::Duplicated),
    row("batch/v1", "Job", "jobs", Spread::Divided),
    row("batch/v1", "CronJob", "cronjobs", Spread::One),
    row("networking.k8s.io/v1", "Ingress", "ingresses", Spread::Duplicated),
    row(
        "networking.k8s.io/v1",
        "IngressClass",
        "ingressclasses",
        Spread::Duplicated,
    ),
    row(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        "networkpolicies",
        Spread::Duplicated,
    ),
    row(
        "policy/v1",
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        Spread::Duplicated,
    ),
    row(
        "scheduling.k8s.io/v1",
        "PriorityClass",
        "priorityclasses",
        Spread::Duplicated,
    ),
    row(
        "storage.k8s.io/v1",
        "StorageClass",
        "storageclasses",
        Spread::Duplicated,
    ),
];

/// Kinds that are born in one cluster and stay there, wherever a policy or a row above does not say otherwise.
const ONE_CLUSTER_KINDS: [&str; 3] = ["StatefulSet", "CronJob", "Pod"];

/// Types of Secrets that belong to one control plane and mean nothing in another.
const LOCAL_SECRET_TYPES: [&str; 3] = [
    "kubernetes.io/service-account-token",
    "bootstrap.kubernetes.io/token",
    "helm.sh/release.v1",
];

/// What of an object is divided between clusters, one by default; none for kinds without anything of the sort.
#[must_use]
pub fn replicas_of(kind: &str, object: &Value) -> Option<i64> {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64);
    match kind {
        "Deployment" | "ReplicaSet" | "StatefulSet" => Some(number("/spec/replicas").unwrap_or(1)),
        // Without completions it is a queue that any number of pods empty.
        "Job" => Some(number("/spec/completions").or(number("/spec/parallelism")).unwrap_or(1)),
        _ => None,
    }
}

/// How far an object may be divided, and divided again.
#[must_use]
pub fn division_of(kind: &str, object: &Value) -> Division {
    if kind != "Job" {
        return Division::Free;
    }
    let indexed = object.pointer("/spec/completionMode").and_then(Value::as_str) == Some("Indexed");
    match object.pointer("/spec/completions").and_then(Value::as_i64) {
        _ if indexed => Division::Whole,
        Some(_) => Division::Once,
        None => Division::Free,
    }
}

/// How far an object may be divided, and divided again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Division {
    /// At any time.
    #[default]
    Free,
    /// When it is placed; the share of a copy that stands can never change, such as a Job's completions.
    Once,
    /// Not at all: every copy would do the same part, as an indexed Job's would.
    Whole,
}

/// What the kind does with no policy.
#[must_use]
pub fn default_spread(api_version: &str, kind: &str) -> Spread {
    if let Some(row) = KINDS
        .iter()
        .find(|row| row.api_version == api_version && row.kind == kind)
    {
        return row.spread;
    }
    if ONE_CLUSTER_KINDS.contains(&kind) {
        Spread::One
    } else {
        Spread::Duplicated
    }
}

/// Whether a group is one that CustomResourceDefinitions bring: neither Kubernetes' nor Meridian's.
#[must_use]
pub fn is_custom_group(group: &str) -> bool {
    group != GROUP && !is_built_in(group)
}

/// Whether objects of a kind leave the hub where no policy selects them: the kinds of [`KINDS`] and custom ones.
fn is_federated_kind(api_version: &str, kind: &str) -> bool {
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    // Exports and imports are about what all members hold: the hub makes names of them.
    (is_custom_group(group) && group != MULTICLUSTER_GROUP)
        || KINDS
            .iter()
            .any(|row| row.api_version == api_version && row.kind == kind)
}

/// Whether a namespace and what is in it stays on the hub.
#[must_use]
pub fn is_hub_namespace(namespace: &str) -> bool {
    namespace == SYSTEM_NAMESPACE || namespace.starts_with("kube-")
}

/// Whether the object leaves the hub where no policy selects it. `object` is its JSON, with `apiVersion` and `kind`.
#[must_use]
pub fn is_federated(object: &Value) -> bool {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (kind, name) = (text("/kind"), text("/metadata/name"));
    if !is_federated_kind(text("/apiVersion"), kind) {
        return false;
    }
    let hub_only = object
        .pointer("/metadata/labels")
        .and_then(|labels| labels.get(HUB_ONLY_LABEL));
    if hub_only.and_then(Value::as_str) == Some("true") || is_hub_namespace(text("/metadata/namespace")) {
        return false;
    }
    match kind {
        // `default` is in every cluster already.
        "Namespace" => name != "default" && !is_hub_namespace(name),
        "ConfigMap" => name != "kube-root-ca.crt",
        "ServiceAccount" => name != "default",
        "Secret" => !LOCAL_SECRET_TYPES.contains(&text("/type")),
        // History of a Deployment: the members keep their own.
        "ReplicaSet" => !owned_by_deployment(object),
        // Every cluster has these of its own.
        "PriorityClass" => !name.starts_with("system-"),
        // The API server of each cluster is behind it.
        "Service" => !(name == "kubernetes" && text("/metadata/namespace") == "default"),
        _ => true,
    }
}

fn owned_by_deployment(object: &Value) -> bool {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners
        .into_iter()
        .flatten()
        .any(|owner| owner.get("kind").and_then(Value::as_str) == Some("Deployment"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_stays_on_the_hub() {
        let object = |api_version: &str, kind: &str, namespace: &str, name: &str| json!({"apiVersion": api_version, "kind": kind, "metadata": {"namespace": namespace, "name": name}});
        let mut hub_only = object("v1", "ConfigMap", "shop", "a");
        hub_only["metadata"]["labels"] = json!({HUB_ONLY_LABEL: "true"});
        let mut token = object("v1", "Secret", "shop", "a");
        token["type"] = json!("kubernetes.io/service-account-token");
        let mut release = object("v1", "Secret", "shop", "a");
        release["type"] = json!("helm.sh/release.v1");
        let mut history = object("apps/v1", "ReplicaSet", "shop", "a");
        history["metadata"]["ownerReferences"] = json!([{"kind": "Deployment", "name": "web"}]);
        let mut run = object("batch/v1", "Job", "shop", "nightly-1");
        run["metadata"]["ownerReferences"] = json!([{"kind": "CronJob", "name": "nightly"}]);
        let rows = [
            (object("apps/v1", "Deployment", "shop", "web"), true),
            (object("apps/v1", "ReplicaSet", "shop", "web"), true),
            (object("v1", "Secret", "shop", "a"), true),
            (object("v1", "Namespace", "", "shop"), true),
            (object("v1", "Namespace", "", "default"), false),
            (object("v1", "Namespace", "", "kube-public"), false),
            (object("v1", "Namespace", "", "meridian-system"), false),
            (object("v1", "ConfigMap", "kube-system", "a"), false),
            (object("v1", "ConfigMap", "shop", "kube-root-ca.crt"), false),
            (object("v1", "ServiceAccount", "shop", "default"), false),
            (object("v1", "ServiceAccount", "shop", "web"), true),
            (object("v1", "Service", "default", "kubernetes"), false),
            (object("v1", "Event", "shop", "a"), false),
            (object("v1", "Endpoints", "shop", "a"), false),
            (object("apps/v1", "StatefulSet", "shop", "db"), true),
            (object("batch/v1", "Job", "shop", "once"), true),
            (object("batch/v1", "Job", "kube-system", "once"), false),
            // The hub runs no CronJobs: this one was made by hand, with `kubectl create job --from`.
            (run, true),
            (object("storage.k8s.io/v1", "StorageClass", "", "fast"), true),
            (
                object(
                    "apiextensions.k8s.io/v1",
                    "CustomResourceDefinition",
                    "",
                    "widgets.example.com",
                ),
                true,
            ),
            (object("example.com/v1", "Widget", "shop", "a"), true),
            (object("example.com/v1", "Widget", "kube-system", "a"), false),
            (
                object("multicluster.x-k8s.io/v1beta1", "ServiceExport", "shop", "web"),
                false,
            ),
            (object("gateway.networking.k8s.io/v1", "Gateway", "shop", "a"), true),
            (object("coordination.k8s.io/v1", "Lease", "shop", "a"), false),
            (
                object("federation.meridian.dev/v1alpha1", "DNSPolicy", "shop", "a"),
                false,
            ),
            (object("scheduling.k8s.io/v1", "PriorityClass", "", "high"), true),
            (
                object("scheduling.k8s.io/v1", "PriorityClass", "", "system-node-critical"),
                false,
            ),
            (object("apps/v1", "ControllerRevision", "shop", "a"), false),
            (object("autoscaling/v2", "HorizontalPodAutoscaler", "shop", "a"), true),
            (hub_only, false),
            (token, false),
            (release, false),
            (history, false),
        ];
        for (object, expected) in rows {
            assert_eq!(is_federated(&object), expected, "{object}");
        }
    }
}
