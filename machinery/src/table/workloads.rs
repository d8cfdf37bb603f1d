//! Rows of Pod, Deployment, ReplicaSet, StatefulSet, DaemonSet and of the scale of anything.

use jiff::Timestamp;
use serde_json::Value;

use super::{AGE, Column, NAME, Printer, age, age::since, integer, labels, list, name, or, text};
use crate::select::LabelSelector;

pub(super) const CONTAINERS: Column = Column::text("Containers", "Names of each container in the template.").wide();
pub(super) const IMAGES: Column = Column::text("Images", "Images referenced by each container in the template.").wide();
pub(super) const SELECTOR: Column = Column::text("Selector", "Labels of the pods that are counted.").wide();

pub(super) static DEPLOYMENT: Printer = Printer {
    columns: &[
        NAME,
        Column::text("Ready", "Number of the pod with ready state"),
        Column::text("Up-to-date", "Number of pods of the newest template."),
        Column::text("Available", "Number of pods that have been ready long enough."),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ],
    cells: |object, now| {
        let ready = format!(
            "{}/{}",
            integer(object, "/status/readyReplicas"),
            integer(object, "/spec/replicas")
        );
        vec![
            name(object),
            Value::from(ready),
            Value::from(integer(object, "/status/updatedReplicas")),
            Value::from(integer(object, "/status/availableReplicas")),
            age(object, now),
            containers(object, "/name"),
            containers(object, "/image"),
            Value::from(selector(object)),
        ]
    },
};

pub(super) static REPLICA_SET: Printer = Printer {
    columns: &[
        NAME,
        Column::integer("Desired", "Number of pods that there should be."),
        Column::integer("Current", "Number of pods that there are."),
        Column::integer("Ready", "Number of pods that are ready."),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ],
    cells: |object, now| {
        vec![
            name(object),
            Value::from(integer(object, "/spec/replicas")),
            Value::from(integer(object, "/status/replicas")),
            Value::from(integer(object, "/status/readyReplicas")),
            age(object, now),
            containers(object, "/name"),
            containers(object, "/image"),
            Value::from(or(&selector(object), "<none>")),
        ]
    },
};

pub(super) static STATEFUL_SET: Printer = Printer {
    columns: &[
        NAME,
        Column::text("Ready", "Number of the pod with ready state"),
        AGE,
        CONTAINERS,
        IMAGES,
    ],
    cells: |object, now| {
        let ready = format!(
            "{}/{}",
            integer(object, "/status/readyReplicas"),
            integer(object, "/spec/replicas")
        );
        vec![
            name(object),
            Value::from(ready),
            age(object, now),
            containers(object, "/name"),
            containers(object, "/image"),
        ]
    },
};

pub(super) static DAEMON_SET: Printer = Printer {
    columns: &[
        NAME,
        Column::integer("Desired", "Number of nodes that a pod should run on."),
        Column::integer("Current", "Number of nodes that a pod runs on."),
        Column::integer("Ready", "Number of nodes whose pod is ready."),
        Column::integer("Up-to-date", "Number of nodes whose pod is of the newest template."),
        Column::integer("Available", "Number of nodes whose pod has been ready long enough."),
        Column::text("Node Selector", "Labels of the nodes that are chosen."),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ],
    cells: |object, now| {
        let count = |field: &str| Value::from(integer(object, &format!("/status/{field}")));
        vec![
            name(object),
            count("desiredNumberScheduled"),
            count("currentNumberScheduled"),
            count("numberReady"),
            count("updatedNumberScheduled"),
            count("numberAvailable"),
            Value::from(labels(object, "/spec/template/spec/nodeSelector")),
            age(object, now),
            containers(object, "/name"),
            containers(object, "/image"),
            Value::from(or(&selector(object), "<none>")),
        ]
    },
};

pub(super) static POD_TEMPLATE: Printer = Printer {
    columns: &[
        NAME,
        Column::text("Containers", "Names of each container in the template."),
        Column::text("Images", "Images referenced by each container in the template."),
        Column::text("Pod Labels", "Labels of the template."),
    ],
    cells: |object, _| {
        vec![
            name(object),
            containers_at(object, "/template/spec/containers", "/name"),
            containers_at(object, "/template/spec/containers", "/image"),
            Value::from(labels(object, "/template/metadata/labels")),
        ]
    },
};

pub(super) static SCALE: Printer = Printer {
    columns: &[
        NAME,
        Column::integer("Desired", "Number of pods that there should be."),
        Column::integer("Available", "Number of pods that there are."),
        AGE,
    ],
    cells: |object, now| {
        let (desired, there) = (integer(object, "/spec/replicas"), integer(object, "/status/replicas"));
        vec![name(object), Value::from(desired), Value::from(there), age(object, now)]
    },
};

fn containers(object: &Value, field: &str) -> Value {
    containers_at(object, "/spec/template/spec/containers", field)
}

/// A field of each container of a list.
pub(super) fn containers_at(object: &Value, pointer: &str, field: &str) -> Value {
    let texts = list(object, pointer).iter().map(|container| text(container, field));
    Value::from(texts.collect::<Vec<_>>().join(","))
}

fn selector(object: &Value) -> String {
    selector_at(object, "/spec/selector")
}

/// A label selector as text; empty for one that selects everything or nothing.
pub(super) fn selector_at(object: &Value, pointer: &str) -> String {
    match LabelSelector::from_value(object.pointer(pointer).unwrap_or(&Value::Null)) {
        Ok(selector) => selector.to_string(),
        Err(_) => "<invalid>".to_owned(),
    }
}

pub(super) static POD: Printer = Printer {
    columns: &[
        NAME,
        Column::text(
            "Ready",
            "The aggregate readiness state of this pod for accepting traffic.",
        ),
        Column::text("Status", "The aggregate status of the containers in this pod."),
        Column::text(
            "Restarts",
            "How often containers were restarted, and when the last time was.",
        ),
        AGE,
        Column::text("IP", "Address of the pod.").wide(),
        Column::text("Node", "Node that the pod runs on.").wide(),
        Column::text("Nominated Node", "Node that makes room for the pod.").wide(),
        Column::text(
            "Readiness Gates",
            "Conditions that must hold beside the containers' readiness.",
        )
        .wide(),
    ],
    cells: |object, now| {
        let seen = Pod { object }.seen(now);
        let none = |text: &str| Value::from(or(text, "<none>"));
        vec![
            name(object),
            Value::from(format!("{}/{}", seen.ready, seen.containers)),
            Value::from(seen.reason),
            Value::from(seen.restarts),
            age(object, now),
            none(text(object, "/status/podIPs/0/ip")),
            none(text(object, "/spec/nodeName")),
            none(text(object, "/status/nominatedNodeName")),
            none(&readiness_gates(object)),
        ]
    },
};

fn readiness_gates(pod: &Value) -> String {
    let gates = list(pod, "/spec/readinessGates");
    let holds = gates
        .iter()
        .filter(|gate| Pod { object: pod }.holds(text(gate, "/conditionType")))
        .count();
    if gates.is_empty() {
        String::new()
    } else {
        format!("{holds}/{}", gates.len())
    }
}

struct Pod<'a> {
    object: &'a Value,
}

/// What the columns of a pod say.
struct Seen {
    ready: usize,
    containers: usize,
    reason: String,
    restarts: String,
}

/// Restarts counted so far, and the time of the last one.
#[derive(Default)]
struct Restarts<'a> {
    count: i64,
    last: &'a str,
}

impl<'a> Restarts<'a> {
    fn add(&mut self, status: &'a Value) {
        self.count += integer(status, "/restartCount");
        // RFC 3339 times of one form order as texts do.
        self.last = self.last.max(text(status, "/lastState/terminated/finishedAt"));
    }
}

impl<'a> Pod<'a> {
    fn holds(&self, type_: &str) -> bool {
        super::condition(self.object, type_) == "True"
    }

    /// Sidecars: init containers that keep running.
    fn is_sidecar(&self, name: &str) -> bool {
        let containers = list(self.object, "/spec/initContainers");
        containers
            .iter()
            .any(|c| text(c, "/name") == name && text(c, "/restartPolicy") == "Always")
    }

    fn seen(&self, now: Timestamp) -> Seen {
        let phase = text(self.object, "/status/phase");
        let mut reason = or(text(self.object, "/status/reason"), phase).to_owned();
        if list(self.object, "/status/conditions")
            .iter()
            .any(|c| text(c, "/type") == "PodScheduled" && text(c, "/reason") == "SchedulingGated")
        {
            reason = "SchedulingGated".to_owned();
        }
        let init = list(self.object, "/spec/initContainers");
        let sidecars = init.iter().filter(|c| text(c, "/restartPolicy") == "Always").count();
        let (mut all, mut of_sidecars) = (Restarts::default(), Restarts::default());
        let mut ready = 0;
        let mut initializing = None;
        for (index, status) in list(self.object, "/status/initContainerStatuses").iter().enumerate() {
            all.add(status);
            let sidecar = self.is_sidecar(text(status, "/name"));
            if sidecar {
                of_sidecars.add(status);
            }
            let ended = status.pointer("/state/terminated");
            let waits = text(status, "/state/waiting/reason");
            if ended.is_some_and(|ended| integer(ended, "/exitCode") == 0) {
                continue;
            }
            if sidecar && is_true(status, "/started") {
                ready += usize::from(is_true(status, "/ready"));
                continue;
            }
            initializing = Some(match ended {
                Some(ended) => format!("Init:{}", end(ended)),
                None if !waits.is_empty() && waits != "PodInitializing" => format!("Init:{waits}"),
                None => format!("Init:{index}/{}", init.len()),
            });
            break;
        }
        let started = initializing.is_none();
        reason = initializing.unwrap_or(reason);
        let mut restarts = all;
        if started || self.holds("Initialized") {
            restarts = of_sidecars;
            ready += self.running(&mut reason, &mut restarts);
        }
        let leaving = !text(self.object, "/metadata/deletionTimestamp").is_empty();
        if leaving && text(self.object, "/status/reason") == "NodeLost" {
            reason = "Unknown".to_owned();
        } else if leaving && phase != "Succeeded" && phase != "Failed" {
            reason = "Terminating".to_owned();
        }
        let times = match (restarts.count, restarts.last) {
            (0, _) | (_, "") => restarts.count.to_string(),
            (count, last) => format!("{count} ({} ago)", since(last, now)),
        };
        let containers = list(self.object, "/spec/containers").len() + sidecars;
        Seen {
            ready,
            containers,
            reason,
            restarts: times,
        }
    }

    /// What the containers say once initialization is over; gives how many are ready.
    fn running(&self, reason: &mut String, restarts: &mut Restarts<'a>) -> usize {
        let (mut ready, mut failed) = (0, None);
        for status in list(self.object, "/status/containerStatuses").iter().rev() {
            restarts.add(status);
            let waits = text(status, "/state/waiting/reason");
            if !waits.is_empty() {
                waits.clone_into(reason);
            } else if let Some(ended) = status.pointer("/state/terminated") {
                *reason = end(ended);
                if integer(ended, "/exitCode") != 0 {
                    failed = Some(reason.clone());
                }
            } else if is_true(status, "/ready") && status.pointer("/state/running").is_some() {
                ready += 1;
            }
        }
        if reason == "Completed" {
            match failed {
                _ if ready > 0 && self.holds("Ready") => "Running".clone_into(reason),
                Some(failed) => *reason = failed,
                None if ready > 0 => "NotReady".clone_into(reason),
                None => {}
            }
        }
        ready
    }
}

fn is_true(object: &Value, pointer: &str) -> bool {
    object.pointer(pointer) == Some(&Value::Bool(true))
}

/// How a container ended, in a word.
fn end(terminated: &Value) -> String {
    match (text(terminated, "/reason"), integer(terminated, "/signal")) {
        ("", 0) => format!("ExitCode:{}", integer(terminated, "/exitCode")),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}
