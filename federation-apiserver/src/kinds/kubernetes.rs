//! Rows of the core kinds that Kubernetes builds in, and of those that belong to how a cluster runs.

use super::{GenerationRule, PLAIN, Profile, Row, Strategy};

/// Namespaces cannot be deleted as a collection.
pub(super) const READING_VERBS: &[&str] = &["get", "list", "watch"];
pub(super) const NAMESPACE_VERBS: &[&str] = &["create", "delete", "get", "list", "patch", "update", "watch"];

/// Kinds with a status, whose deletion answers the object.
const CLAIMED: Strategy = Strategy {
    status: true,
    delete_returns_object: true,
    ..PLAIN
};

const EVENT_FIELDS: &[&str] = &[
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
];

/// Group of what Pods and Nodes use.
pub(crate) const METRICS: &str = "metrics.k8s.io";
/// Verbs of it: nobody watches it.
pub(super) const USAGE_VERBS: &[&str] = &["get", "list"];

/// What Pods and Nodes use, as the members' metrics servers say: only read through, and nothing is known of its shape here.
fn usage() -> [Row; 2] {
    let row = |kind, plural, namespaced| Row {
        group: METRICS,
        version: "v1beta1",
        namespaced,
        built_in: false,
        strategy: Strategy {
            read_only: true,
            ..PLAIN
        },
        ..core(kind, plural, "", &[])
    };
    [row("PodMetrics", "pods", true), row("NodeMetrics", "nodes", false)]
}

pub(super) fn core(
    kind: &'static str,
    plural: &'static str,
    singular: &'static str,
    short: &'static [&'static str],
) -> Row {
    Row {
        group: "",
        version: "v1",
        kind,
        plural,
        singular,
        short_names: short,
        categories: &[],
        namespaced: true,
        fields: &[],
        built_in: true,
        strategy: PLAIN,
    }
}

/// The rows of a profile, core first.
pub(super) fn rows(profile: Profile) -> Vec<Row> {
    let mut rows = vec![
        Row {
            group: "apiextensions.k8s.io",
            categories: &["api-extensions"],
            namespaced: false,
            strategy: Strategy {
                status: true,
                generation: GenerationRule::Spec,
                unconditional_update: false,
                ..PLAIN
            },
            ..core(
                "CustomResourceDefinition",
                "customresourcedefinitions",
                "customresourcedefinition",
                &["crd", "crds"],
            )
        },
        core("ConfigMap", "configmaps", "configmap", &["cm"]),
        Row {
            strategy: Strategy {
                create_on_update: true,
                ..PLAIN
            },
            ..core("LimitRange", "limitranges", "limitrange", &["limits"])
        },
        Row {
            namespaced: false,
            strategy: CLAIMED,
            ..core("PersistentVolume", "persistentvolumes", "persistentvolume", &["pv"])
        },
        Row {
            strategy: CLAIMED,
            ..core(
                "PersistentVolumeClaim",
                "persistentvolumeclaims",
                "persistentvolumeclaim",
                &["pvc"],
            )
        },
        Row {
            categories: &["all"],
            fields: &[
                "spec.nodeName",
                "spec.restartPolicy",
                "spec.schedulerName",
                "spec.serviceAccountName",
                "status.phase",
                "status.podIP",
                "status.nominatedNodeName",
            ],
            strategy: Strategy {
                status: true,
                generation: GenerationRule::Spec,
                delete_returns_object: true,
                ..PLAIN
            },
            ..core("Pod", "pods", "pod", &["po"])
        },
        Row {
            strategy: Strategy {
                generation: GenerationRule::Content,
                delete_returns_object: true,
                ..PLAIN
            },
            ..core("PodTemplate", "podtemplates", "podtemplate", &[])
        },
        Row {
            strategy: CLAIMED,
            ..core("ResourceQuota", "resourcequotas", "resourcequota", &["quota"])
        },
        Row {
            strategy: Strategy {
                create_on_update: true,
                ..PLAIN
            },
            ..core("Endpoints", "endpoints", "endpoints", &["ep"])
        },
        Row {
            fields: EVENT_FIELDS,
            strategy: Strategy {
                create_on_update: true,
                ..PLAIN
            },
            ..core("Event", "events", "event", &["ev"])
        },
        Row {
            group: "events.k8s.io",
            strategy: Strategy {
                create_on_update: true,
                ..PLAIN
            },
            ..core("Event", "events", "event", &["ev"])
        },
        Row {
            namespaced: false,
            fields: &["status.phase"],
            strategy: Strategy {
                status: true,
                delete_returns_object: true,
                ..PLAIN
            },
            ..core("Namespace", "namespaces", "namespace", &["ns"])
        },
        Row {
            fields: &["type"],
            ..core("Secret", "secrets", "secret", &[])
        },
        Row {
            strategy: Strategy {
                delete_returns_object: true,
                ..PLAIN
            },
            ..core("ServiceAccount", "serviceaccounts", "serviceaccount", &["sa"])
        },
        Row {
            categories: &["all"],
            fields: &["spec.clusterIP", "spec.type"],
            strategy: Strategy {
                status: true,
                create_on_update: true,
                delete_returns_object: true,
                ..PLAIN
            },
            ..core("Service", "services", "service", &["svc"])
        },
    ];
    match profile {
        // Those of the members, read through.
        Profile::Hub => {
            rows.push(Row {
                namespaced: false,
                fields: &["spec.unschedulable"],
                strategy: Strategy {
                    read_only: true,
                    ..PLAIN
                },
                ..core("Node", "nodes", "node", &["no"])
            });
            rows.extend(usage());
        }
        Profile::Member => rows.push(Row {
            namespaced: false,
            fields: &["spec.unschedulable"],
            strategy: Strategy { status: true, ..PLAIN },
            ..core("Node", "nodes", "node", &["no"])
        }),
    }
    rows.extend([
        Row {
            group: "coordination.k8s.io",
            strategy: Strategy {
                create_on_update: true,
                unconditional_update: false,
                ..PLAIN
            },
            ..core("Lease", "leases", "lease", &[])
        },
        Row {
            group: "discovery.k8s.io",
            strategy: Strategy {
                generation: GenerationRule::Content,
                ..PLAIN
            },
            ..core("EndpointSlice", "endpointslices", "endpointslice", &[])
        },
    ]);
    rows
}
