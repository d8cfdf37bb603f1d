//! Rows of ConfigMap, Secret, Namespace, ServiceAccount, Event, Node and Lease.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{AGE, Column, NAME, Printer, age, age::since, condition, entries, integer, joined, list, name, or, text};

pub(super) static CONFIG_MAP: Printer = Printer {
    columns: &[NAME, Column::text("Data", "Number of entries, text and binary."), AGE],
    cells: |object, now| {
        let count = entries(object, "/data") + entries(object, "/binaryData");
        vec![name(object), Value::from(count), age(object, now)]
    },
};

pub(super) static SECRET: Printer = Printer {
    columns: &[
        NAME,
        Column::text("Type", "What the data is for."),
        Column::text("Data", "Number of entries."),
        AGE,
    ],
    cells: |object, now| {
        vec![
            name(object),
            Value::from(text(object, "/type")),
            Value::from(entries(object, "/data")),
            age(object, now),
        ]
    },
};

pub(super) static NAMESPACE: Printer = Printer {
    columns: &[NAME, Column::text("Status", "The status of the namespace"), AGE],
    cells: |object, now| {
        vec![
            name(object),
            Value::from(text(object, "/status/phase")),
            age(object, now),
        ]
    },
};

pub(super) static SERVICE_ACCOUNT: Printer = Printer {
    columns: &[NAME, AGE],
    cells: |object, now| vec![name(object), age(object, now)],
};

pub(super) static LEASE: Printer = Printer {
    columns: &[NAME, Column::text("Holder", "Who holds the lease."), AGE],
    cells: |object, now| {
        vec![
            name(object),
            Value::from(text(object, "/spec/holderIdentity")),
            age(object, now),
        ]
    },
};

pub(super) static EVENT: Printer = Printer {
    columns: &[
        Column::text("Last Seen", "Time since it happened last."),
        Column::text("Type", "Normal or Warning."),
        Column::text("Reason", "Why, a word for machines."),
        Column::text("Object", "What it is about."),
        Column::text("Subobject", "The part of the object that it is about.").wide(),
        Column::text("Source", "Who says so.").wide(),
        Column::text("Message", "What happened, for people."),
        Column::text("First Seen", "Time since it happened first.").wide(),
        Column::text("Count", "How often it happened.").wide(),
        NAME.wide(),
    ],
    cells: |object, now| {
        let since = |pointer: &str| since(text(object, pointer), now);
        let first = if text(object, "/firstTimestamp").is_empty() {
            since("/eventTime")
        } else {
            since("/firstTimestamp")
        };
        let series = object.get("series").filter(|series| !series.is_null());
        let (last, count) = match (series, text(object, "/lastTimestamp")) {
            (Some(_), _) => (since("/series/lastObservedTime"), integer(object, "/series/count")),
            (None, "") => (first.clone(), integer(object, "/count").max(1)),
            (None, _) => (since("/lastTimestamp"), integer(object, "/count").max(1)),
        };
        let kind = text(object, "/involvedObject/kind").to_lowercase();
        let target = match text(object, "/involvedObject/name") {
            "" => kind,
            name => format!("{kind}/{name}"),
        };
        let component = or(text(object, "/source/component"), text(object, "/reportingComponent"));
        let source = match or(text(object, "/source/host"), text(object, "/reportingInstance")) {
            "" => component.to_owned(),
            instance => format!("{component}, {instance}"),
        };
        vec![
            Value::from(last),
            Value::from(text(object, "/type")),
            Value::from(text(object, "/reason")),
            Value::from(target),
            Value::from(text(object, "/involvedObject/fieldPath")),
            Value::from(source),
            Value::from(text(object, "/message").trim()),
            Value::from(first),
            Value::from(count),
            name(object),
        ]
    },
};

pub(super) static NODE: Printer = Printer {
    columns: &[
        NAME,
        Column::text("Status", "The status of the node"),
        Column::text("Roles", "The roles of the node"),
        AGE,
        Column::text("Version", "Version of the kubelet."),
        Column::text("Internal-IP", "Address inside of the cluster.").wide(),
        Column::text("External-IP", "Address outside of the cluster.").wide(),
        Column::text("OS-Image", "Operating system.").wide(),
        Column::text("Kernel-Version", "Kernel and architecture.").wide(),
        Column::text("Container-Runtime", "Container runtime and its version.").wide(),
    ],
    cells: |object, now| {
        let address = |type_: &str| {
            let found = list(object, "/status/addresses")
                .iter()
                .find(|address| text(address, "/type") == type_);
            found.map_or("<none>", |address| text(address, "/address"))
        };
        let has_ready = list(object, "/status/conditions")
            .iter()
            .any(|c| text(c, "/type") == "Ready");
        let mut status = match (has_ready, condition(object, "Ready")) {
            (true, "True") => "Ready".to_owned(),
            (true, _) => "NotReady".to_owned(),
            (false, _) => "Unknown".to_owned(),
        };
        if object.pointer("/spec/unschedulable") == Some(&Value::Bool(true)) {
            status.push_str(",SchedulingDisabled");
        }
        let info = |field: &str| text(object, &format!("/status/nodeInfo/{field}")).to_owned();
        let known = |field: &str| or(&info(field), "<unknown>").to_owned();
        let kernel = match info("architecture").as_str() {
            "" => known("kernelVersion"),
            architecture => format!("{} ({architecture})", known("kernelVersion")),
        };
        vec![
            name(object),
            Value::from(status),
            Value::from(joined(roles(object))),
            age(object, now),
            Value::from(info("kubeletVersion")),
            Value::from(address("InternalIP")),
            Value::from(address("ExternalIP")),
            Value::from(known("osImage")),
            Value::from(kernel),
            Value::from(known("containerRuntimeVersion")),
        ]
    },
};

fn roles(node: &Value) -> BTreeSet<&str> {
    let labels = node
        .pointer("/metadata/labels")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    labels
        .filter_map(|(key, value)| match key.strip_prefix("node-role.kubernetes.io/") {
            Some(role) => Some(role),
            None if key == "kubernetes.io/role" => value.as_str(),
            None => None,
        })
        .filter(|role| !role.is_empty())
        .collect()
}
