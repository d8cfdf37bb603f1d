//! Rows of Meridian's own kinds.

use api::well_known::{GROUP, VERSION};

use super::{GenerationRule, PLAIN, Row, Strategy};

const WITH_STATUS: Strategy = Strategy {
    status: true,
    generation: GenerationRule::Spec,
    unconditional_update: false,
    ..PLAIN
};
const WITHOUT_STATUS: Strategy = Strategy {
    status: false,
    ..WITH_STATUS
};
/// Last-known truth: replaced whole by whoever says it, gone with the process.
const IN_MEMORY: Strategy = Strategy {
    ephemeral: true,
    create_on_update: true,
    ..PLAIN
};

fn ours(kind: &'static str, plural: &'static str, singular: &'static str, short: &'static [&'static str]) -> Row {
    Row {
        group: GROUP,
        version: VERSION,
        kind,
        plural,
        singular,
        short_names: short,
        categories: &["meridian"],
        namespaced: true,
        fields: &[],
        built_in: false,
        strategy: WITHOUT_STATUS,
    }
}

/// All rows of the group.
pub(super) fn rows() -> Vec<Row> {
    vec![
        Row {
            namespaced: false,
            ..ours(
                "ClusterOverridePolicy",
                "clusteroverridepolicies",
                "clusteroverridepolicy",
                &["cop"],
            )
        },
        Row {
            namespaced: false,
            ..ours(
                "ClusterPropagationPolicy",
                "clusterpropagationpolicies",
                "clusterpropagationpolicy",
                &["cpp"],
            )
        },
        Row {
            namespaced: false,
            strategy: WITH_STATUS,
            ..ours("Cluster", "clusters", "cluster", &["cl"])
        },
        ours("DNSPolicy", "dnspolicies", "dnspolicy", &["dp"]),
        Row {
            namespaced: false,
            strategy: IN_MEMORY,
            ..ours("Heartbeat", "heartbeats", "heartbeat", &[])
        },
        ours("OverridePolicy", "overridepolicies", "overridepolicy", &["op"]),
        Row {
            strategy: WITH_STATUS,
            ..ours("Placement", "placements", "placement", &["pl"])
        },
        ours("PropagationPolicy", "propagationpolicies", "propagationpolicy", &["pp"]),
        Row {
            namespaced: false,
            ..ours("Region", "regions", "region", &["rg"])
        },
        Row {
            strategy: IN_MEMORY,
            ..ours("Report", "reports", "report", &[])
        },
        Row {
            strategy: IN_MEMORY,
            ..ours("Resolution", "resolutions", "resolution", &[])
        },
    ]
}
