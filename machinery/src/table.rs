//! Tables: what `kubectl get` prints of each kind.
//!
//! In: a kind, an object's JSON, the time. Out: column definitions and one row of cells. Kinds that are not known get
//! their name and time of creation. Deliberately absent: the `Table` envelope, pagination and the objects in the rows
//! (the server's), and the clock.

mod admission;
mod age;
mod batch;
mod bounds;
mod certificates;
mod core;
mod federation;
mod ingress;
mod network;
mod rbac;
mod storage;
mod streams;
mod workloads;

use jiff::Timestamp;
use serde_json::{Value, json};

pub use age::human_duration;

/// One column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its heading; kubectl prints it in capitals.
    pub name: &'static str,
    /// JSON type of its cells: `string`, `integer`, `number`, `boolean`, `date`.
    pub type_: &'static str,
    /// `name` for the column that names the object, else empty.
    pub format: &'static str,
    /// What it says.
    pub description: &'static str,
    /// 0: always printed; greater: only with `-o wide`.
    pub priority: i32,
}

impl Column {
    const fn text(name: &'static str, description: &'static str) -> Self {
        Self {
            name,
            type_: "string",
            format: "",
            description,
            priority: 0,
        }
    }

    const fn integer(name: &'static str, description: &'static str) -> Self {
        Self {
            type_: "integer",
            ..Self::text(name, description)
        }
    }

    const fn boolean(name: &'static str, description: &'static str) -> Self {
        Self {
            type_: "boolean",
            ..Self::text(name, description)
        }
    }

    const fn wide(self) -> Self {
        Self { priority: 1, ..self }
    }

    /// The `TableColumnDefinition`.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({"name": self.name, "type": self.type_, "format": self.format, "description": self.description,
            "priority": self.priority})
    }
}

/// The column that tells the cluster of what is read from members.
pub const CLUSTER: Column = Column::text("Cluster", "The cluster that it is in.");

/// The column that names the object: the first of every kind.
pub const NAME: Column = Column {
    format: "name",
    ..Column::text("Name", "Name of the object, unique within its kind and namespace.")
};
const AGE: Column = Column::text("Age", "Time since the object was created.");
const CREATED_AT: Column = Column {
    type_: "date",
    ..Column::text("Created At", "Time at which the object was created.")
};

/// How a kind is printed.
struct Printer {
    columns: &'static [Column],
    cells: fn(&Value, Timestamp) -> Vec<Value>,
}

static UNKNOWN: Printer = Printer {
    columns: &[NAME, CREATED_AT],
    cells: |object, _| vec![name(object), Value::from(text(object, "/metadata/creationTimestamp"))],
};

fn printer(api_version: &str, kind: &str) -> &'static Printer {
    match (api_version, kind) {
        ("v1", "ConfigMap") => &core::CONFIG_MAP,
        ("v1", "Secret") => &core::SECRET,
        ("v1", "Namespace") => &core::NAMESPACE,
        ("v1", "ServiceAccount") => &core::SERVICE_ACCOUNT,
        ("v1", "Event") => &core::EVENT,
        ("v1", "Node") => &core::NODE,
        ("coordination.k8s.io/v1", "Lease") => &core::LEASE,
        ("v1", "Service") => &network::SERVICE,
        ("v1", "Endpoints") => &network::ENDPOINTS,
        ("discovery.k8s.io/v1", "EndpointSlice") => &network::ENDPOINT_SLICE,
        ("v1", "Pod") => &workloads::POD,
        ("rbac.authorization.k8s.io/v1", "RoleBinding" | "ClusterRoleBinding") => &rbac::BINDING,
        ("apps/v1", "Deployment") => &workloads::DEPLOYMENT,
        ("apps/v1", "ReplicaSet") => &workloads::REPLICA_SET,
        ("apps/v1", "StatefulSet") => &workloads::STATEFUL_SET,
        ("apps/v1", "DaemonSet") => &workloads::DAEMON_SET,
        ("apps/v1", "ControllerRevision") => &bounds::CONTROLLER_REVISION,
        ("v1", "PodTemplate") => &workloads::POD_TEMPLATE,
        ("batch/v1", "Job") => &batch::JOB,
        ("batch/v1", "CronJob") => &batch::CRON_JOB,
        ("networking.k8s.io/v1", "Ingress") => &ingress::INGRESS,
        ("networking.k8s.io/v1", "IngressClass") => &ingress::INGRESS_CLASS,
        ("networking.k8s.io/v1", "NetworkPolicy") => &ingress::NETWORK_POLICY,
        ("policy/v1", "PodDisruptionBudget") => &bounds::DISRUPTION_BUDGET,
        ("autoscaling/v2", "HorizontalPodAutoscaler") => &bounds::AUTOSCALER,
        ("v1", "ResourceQuota") => &bounds::RESOURCE_QUOTA,
        ("scheduling.k8s.io/v1", "PriorityClass") => &bounds::PRIORITY_CLASS,
        ("v1", "PersistentVolumeClaim") => &storage::CLAIM,
        ("v1", "PersistentVolume") => &storage::VOLUME,
        ("storage.k8s.io/v1", "StorageClass") => &storage::STORAGE_CLASS_ROW,
        ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration") => {
            &admission::WEBHOOKS
        }
        ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy") => &admission::VALIDATING_POLICY,
        ("admissionregistration.k8s.io/v1", "MutatingAdmissionPolicy") => &admission::MUTATING_POLICY,
        ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding" | "MutatingAdmissionPolicyBinding") => {
            &admission::BINDING
        }
        ("certificates.k8s.io/v1", "CertificateSigningRequest") => &certificates::SIGNING_REQUEST,
        ("autoscaling/v1", "Scale") => &workloads::SCALE,
        (api::well_known::API_VERSION, kind) => federation::printer(kind)
            .or_else(|| streams::printer(kind))
            .unwrap_or(&UNKNOWN),
        _ => &UNKNOWN,
    }
}

/// The columns of a kind.
#[must_use]
pub fn columns(api_version: &str, kind: &str) -> &'static [Column] {
    printer(api_version, kind).columns
}

/// The cells of an object, one a column.
#[must_use]
pub fn cells(api_version: &str, kind: &str, object: &Value, now: Timestamp) -> Vec<Value> {
    (printer(api_version, kind).cells)(object, now)
}

/// The text at a JSON pointer; empty where there is none.
fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The whole number at a JSON pointer; 0 where there is none.
fn integer(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or_default()
}

/// The list at a JSON pointer; empty where there is none.
fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object
        .pointer(pointer)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// How many entries the map at a JSON pointer has.
fn entries(object: &Value, pointer: &str) -> usize {
    object
        .pointer(pointer)
        .and_then(Value::as_object)
        .map_or(0, serde_json::Map::len)
}

fn name(object: &Value) -> Value {
    Value::from(text(object, "/metadata/name"))
}

/// Time since creation.
fn age(object: &Value, now: Timestamp) -> Value {
    Value::from(age::since(text(object, "/metadata/creationTimestamp"), now))
}

/// The text, or what stands for none.
fn or<'a>(text: &'a str, none: &'a str) -> &'a str {
    if text.is_empty() { none } else { text }
}

/// Texts joined by commas, or `<none>`.
fn joined<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let texts: Vec<&str> = texts.into_iter().collect();
    if texts.is_empty() {
        "<none>".to_owned()
    } else {
        texts.join(",")
    }
}

/// `status` of the condition of that type, `Unknown` where it was not judged.
fn condition<'a>(object: &'a Value, type_: &str) -> &'a str {
    let found = list(object, "/status/conditions")
        .iter()
        .find(|condition| text(condition, "/type") == type_);
    found.map_or("Unknown", |condition| or(text(condition, "/status"), "Unknown"))
}

/// Labels as `a=b,c=d`, or `<none>`.
fn labels(object: &Value, pointer: &str) -> String {
    let pairs = object.pointer(pointer).and_then(Value::as_object).into_iter().flatten();
    let pairs: Vec<String> = pairs
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    joined(pairs.iter().map(String::as_str))
}

#[cfg(test)]
mod tests;
