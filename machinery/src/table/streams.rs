//! Rows of what the hub streams or keeps in memory: manifests, reports, heartbeats, resolutions.

use serde_json::Value;

use super::{AGE, Column, NAME, Printer, age, age::since, list, name, or, text};

pub(super) fn printer(kind: &str) -> Option<&'static Printer> {
    match kind {
        "Manifest" => Some(&MANIFEST),
        "Report" => Some(&REPORT),
        "Heartbeat" => Some(&HEARTBEAT),
        "Resolution" => Some(&RESOLUTION),
        _ => None,
    }
}

static MANIFEST: Printer = Printer {
    columns: &[
        NAME,
        Column::text("Action", "What the cluster should do."),
        Column::text("Kind", "Kind of the object in the cluster."),
        Column::text("Resource", "Name of the object in the cluster."),
        Column::text("Error", "Why the object could not be rendered.").wide(),
    ],
    cells: |object, _| {
        vec![
            name(object),
            Value::from(text(object, "/spec/action")),
            Value::from(text(object, "/spec/resource/kind")),
            Value::from(text(object, "/spec/resource/name")),
            Value::from(text(object, "/spec/error")),
        ]
    },
};

static REPORT: Printer = Printer {
    columns: &[
        NAME,
        Column::text("Cluster", "Who reports."),
        Column::text("State", "What is so in the cluster."),
        Column::text("Ready", "Whether the copy does its work."),
        Column::text("Message", "The cluster's words where something failed.").wide(),
        AGE,
    ],
    cells: |object, now| {
        let ready = match object.pointer("/spec/ready").and_then(Value::as_bool) {
            Some(true) => "True",
            Some(false) => "False",
            None => "<none>",
        };
        vec![
            name(object),
            Value::from(text(object, "/spec/cluster")),
            Value::from(text(object, "/spec/state")),
            Value::from(ready),
            Value::from(text(object, "/spec/message")),
            age(object, now),
        ]
    },
};

static HEARTBEAT: Printer = Printer {
    columns: &[
        NAME,
        Column::text("Reachable", "Whether the cluster's API answered its syncer."),
        Column::text("Version", "Kubernetes version of the cluster."),
        Column::text("Last Seen", "Time since the last heartbeat."),
    ],
    cells: |object, now| {
        let reachable = if object.pointer("/spec/reachable") == Some(&Value::Bool(true)) {
            "True"
        } else {
            "False"
        };
        vec![
            name(object),
            Value::from(reachable),
            Value::from(or(text(object, "/spec/kubernetesVersion"), "<unknown>")),
            Value::from(since(text(object, "/spec/received"), now)),
        ]
    },
};

static RESOLUTION: Printer = Printer {
    columns: &[
        NAME,
        Column::text("Host", "The name that is answered."),
        Column::text("Serving", "How many of the known addresses may be answered."),
        AGE,
    ],
    cells: |object, now| {
        let candidates = list(object, "/spec/candidates");
        let serving = candidates
            .iter()
            .filter(|c| c.get("serving") == Some(&Value::Bool(true)))
            .count();
        vec![
            name(object),
            Value::from(text(object, "/spec/name")),
            Value::from(format!("{serving}/{}", candidates.len())),
            age(object, now),
        ]
    },
};
