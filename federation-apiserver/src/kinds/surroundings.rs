//! Rows of what surrounds workloads in a cluster: ways in, walls, storage and priorities.

use super::kubernetes::core;
use super::workloads::OBSERVED;
use super::{GenerationRule, PLAIN, Row, Strategy};

const COUNTED: Strategy = Strategy {
    generation: GenerationRule::Spec,
    ..PLAIN
};

/// The rows, one group after the other.
pub(super) fn rows() -> Vec<Row> {
    vec![
        Row {
            group: "networking.k8s.io",
            strategy: OBSERVED,
            ..core("Ingress", "ingresses", "ingress", &["ing"])
        },
        Row {
            group: "networking.k8s.io",
            namespaced: false,
            strategy: COUNTED,
            ..core("IngressClass", "ingressclasses", "ingressclass", &[])
        },
        Row {
            group: "networking.k8s.io",
            strategy: COUNTED,
            ..core("NetworkPolicy", "networkpolicies", "networkpolicy", &["netpol"])
        },
        Row {
            group: "scheduling.k8s.io",
            namespaced: false,
            // It has no spec, and its generation stays 1.
            strategy: COUNTED,
            ..core("PriorityClass", "priorityclasses", "priorityclass", &["pc"])
        },
        Row {
            group: "storage.k8s.io",
            namespaced: false,
            strategy: Strategy {
                delete_returns_object: true,
                ..PLAIN
            },
            ..core("StorageClass", "storageclasses", "storageclass", &["sc"])
        },
    ]
}
