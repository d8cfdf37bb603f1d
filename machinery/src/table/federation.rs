//! Rows of Meridian's stored kinds: clusters, placements, policies, regions.

use serde_json::Value;

use api::well_known::{CONDITION_APPLIED, CONDITION_HEALTHY, CONDITION_READY, CONDITION_SERVING};

use super::{AGE, Column, NAME, Printer, age, condition, integer, joined, labels, list, name, or, text};

pub(super) fn printer(kind: &str) -> Option<&'static Printer> {
    match kind {
        "Cluster" => Some(&CLUSTER),
        "Placement" => Some(&PLACEMENT),
        "PropagationPolicy" | "ClusterPropagationPolicy" => Some(&PROPAGATION_POLICY),
        "OverridePolicy" | "ClusterOverridePolicy" => Some(&OVERRIDE_POLICY),
        "Region" => Some(&REGION),
        "DNSPolicy" => Some(&DNS_POLICY),
        _ => None,
    }
}

static CLUSTER: Printer = Printer {
    columns: &[
        NAME,
        Column::text(
            "Mode",
            "Where the syncer runs: Push beside the hub, Pull in the member.",
        ),
        Column::text("Ready", "Whether the cluster's API can be reached and used."),
        Column::text("Serving", "Whether the cluster's data path answers."),
        Column::text("Version", "Kubernetes version of the cluster."),
        Column::text("Region", "Region the cluster is in."),
        Column::text("Zones", "Availability zones the cluster spans.").wide(),
        AGE,
    ],
    cells: |object, now| {
        vec![
            name(object),
            Value::from(or(text(object, "/spec/syncMode"), "Push")),
            Value::from(condition(object, CONDITION_READY)),
            Value::from(condition(object, CONDITION_SERVING)),
            Value::from(or(text(object, "/status/kubernetesVersion"), "<unknown>")),
            Value::from(or(text(object, "/spec/region"), "<none>")),
            Value::from(texts(object, "/spec/zones")),
            age(object, now),
        ]
    },
};

static PLACEMENT: Printer = Printer {
    columns: &[
        NAME,
        Column::text("Kind", "Kind of the federated object."),
        Column::text("Resource", "Name of the federated object."),
        Column::text("Clusters", "Clusters that hold it, with their replicas."),
        Column::text("Applied", "Whether every chosen cluster holds the object as rendered."),
        Column::text("Healthy", "Whether every chosen cluster's copy is healthy."),
        Column::text("Reason", "Why it is where it is.").wide(),
        AGE,
    ],
    cells: |object, now| {
        let clusters: Vec<String> = list(object, "/spec/clusters")
            .iter()
            .map(|cluster| match cluster.get("replicas").and_then(Value::as_i64) {
                Some(replicas) => format!("{}={replicas}", text(cluster, "/name")),
                None => text(cluster, "/name").to_owned(),
            })
            .collect();
        vec![
            name(object),
            Value::from(text(object, "/spec/resource/kind")),
            Value::from(text(object, "/spec/resource/name")),
            Value::from(joined(clusters.iter().map(String::as_str))),
            Value::from(condition(object, CONDITION_APPLIED)),
            Value::from(condition(object, CONDITION_HEALTHY)),
            Value::from(text(object, "/spec/reason")),
            age(object, now),
        ]
    },
};

static PROPAGATION_POLICY: Printer = Printer {
    columns: &[
        NAME,
        Column::text("Selects", "Objects that the policy is for."),
        Column::text("Clusters", "Clusters that may hold them."),
        Column::text("Replicas", "How replicas are divided."),
        Column::integer("Priority", "Precedence among policies; higher wins."),
        AGE,
    ],
    cells: |object, now| {
        vec![
            name(object),
            Value::from(selects(object)),
            Value::from(affinities(object)),
            Value::from(or(
                text(object, "/spec/placement/replicaScheduling/replicaSchedulingType"),
                "<default>",
            )),
            Value::from(integer(object, "/spec/priority")),
            age(object, now),
        ]
    },
};

/// The clusters of a policy; ordered groups by their names, `own > rented`.
fn affinities(object: &Value) -> String {
    let terms = list(object, "/spec/placement/clusterAffinities");
    if terms.is_empty() {
        return affinity(object.pointer("/spec/placement/clusterAffinity"));
    }
    let names: Vec<&str> = terms.iter().map(|term| text(term, "/affinityName")).collect();
    names.join(" > ")
}

static OVERRIDE_POLICY: Printer = Printer {
    columns: &[
        NAME,
        Column::text("Selects", "Objects that differ."),
        Column::text("Clusters", "Clusters in which they differ."),
        AGE,
    ],
    cells: |object, now| {
        let rules = list(object, "/spec/overrideRules").iter();
        let clusters: Vec<String> = rules.map(|rule| affinity(rule.get("targetCluster"))).collect();
        vec![
            name(object),
            Value::from(selects(object)),
            Value::from(joined(clusters.iter().map(String::as_str))),
            age(object, now),
        ]
    },
};

static REGION: Printer = Printer {
    columns: &[
        NAME,
        Column {
            type_: "number",
            ..Column::text("Latitude", "Degrees north.")
        },
        Column {
            type_: "number",
            ..Column::text("Longitude", "Degrees east.")
        },
        Column::text(
            "Fallbacks",
            "Regions that answer while this one has no address, in order.",
        ),
        Column::text("CIDRs", "Client networks that belong here.").wide(),
        AGE,
    ],
    cells: |object, now| {
        let number = |pointer: &str| object.pointer(pointer).cloned().unwrap_or(Value::Null);
        vec![
            name(object),
            number("/spec/latitude"),
            number("/spec/longitude"),
            Value::from(texts(object, "/spec/fallbacks")),
            Value::from(texts(object, "/spec/cidrs")),
            age(object, now),
        ]
    },
};

static DNS_POLICY: Printer = Printer {
    columns: &[
        NAME,
        Column::text("Services", "Services whose names it is for."),
        Column::text("Steering", "How addresses are chosen."),
        Column::integer("TTL", "Seconds for which an answer may be kept."),
        AGE,
    ],
    cells: |object, now| {
        let services = match (
            list(object, "/spec/services").is_empty(),
            object.pointer("/spec/selector/matchLabels"),
        ) {
            (false, _) => texts(object, "/spec/services"),
            (true, Some(_)) => labels(object, "/spec/selector/matchLabels"),
            (true, None) => "<all>".to_owned(),
        };
        vec![
            name(object),
            Value::from(services),
            Value::from(or(text(object, "/spec/steering"), "Geo")),
            object.pointer("/spec/ttl").cloned().unwrap_or_else(|| Value::from(30)),
            age(object, now),
        ]
    },
};

fn texts(object: &Value, pointer: &str) -> String {
    joined(list(object, pointer).iter().filter_map(Value::as_str))
}

/// `Deployment/web,Service`: what a policy selects.
fn selects(policy: &Value) -> String {
    let selectors: Vec<String> = list(policy, "/spec/resourceSelectors")
        .iter()
        .map(|selector| match text(selector, "/name") {
            "" => text(selector, "/kind").to_owned(),
            name => format!("{}/{name}", text(selector, "/kind")),
        })
        .collect();
    joined(selectors.iter().map(String::as_str))
}

/// Names, labels and exceptions of a cluster affinity.
fn affinity(affinity: Option<&Value>) -> String {
    let Some(affinity) = affinity.filter(|affinity| !affinity.is_null()) else {
        return "<all>".to_owned();
    };
    let mut parts: Vec<String> = Vec::new();
    parts.extend(
        list(affinity, "/clusterNames")
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned),
    );
    if affinity.pointer("/labelSelector/matchLabels").is_some() {
        parts.push(labels(affinity, "/labelSelector/matchLabels"));
    }
    let without = list(affinity, "/exclude")
        .iter()
        .chain(list(affinity, "/excludeClusters"));
    parts.extend(without.filter_map(Value::as_str).map(|name| format!("!{name}")));
    if parts.is_empty() {
        "<all>".to_owned()
    } else {
        parts.join(",")
    }
}
