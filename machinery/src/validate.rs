//! Which objects are allowed: the rules of each kind, as kube-apiserver 1.36 states them, and those of Meridian's own
//! kinds in the same words. Kinds of two versions are judged as they are stored, by the rules of the version that was written.
//!
//! In: a pruned, defaulted object and its kind; for an update the stored object too. Out: every fault at once, each with
//! its field, in the order of the fields. What the server allocates (cluster IPs, node ports, uids, times) may still be
//! absent here. Whether a resourceVersion is current, and who may write, is judged elsewhere.

mod admission;
mod at;
mod autoscaler;
mod batch;
mod bounds;
mod certificates;
mod config;
mod cron;
mod definition;
mod endpoints;
mod event;
pub mod format;
mod ingress;
mod lease;
mod metadata;
mod namespace;
mod network_policy;
mod node;
mod own;
mod pod;
mod quota;
mod rbac;
mod selector;
mod service;
mod sets;
mod storage;
mod structural;
mod warnings;
mod workload;

use serde_json::Value;

use crate::field::{self, Path};
use crate::status::Cause;

/// API version of what decides on admission.
const ADMISSION: &str = "admissionregistration.k8s.io/v1";

/// The faults of an object that is to be created.
#[must_use]
pub fn create(api_version: &str, kind: &str, new: &Value) -> Vec<Cause> {
    let mut faults = Vec::new();
    // The names of Events of the core group were never judged beyond being a segment of a path.
    match (api_version, kind) {
        ("v1", "Event") => metadata::embedded(new, &mut faults),
        _ => metadata::create(api_version, kind, new, &mut faults),
    }
    if (api_version, kind) == ("apiextensions.k8s.io/v1", "CustomResourceDefinition") {
        definition::create(new, &mut faults);
    }
    content(api_version, kind, new, None, &mut faults);
    faults
}

/// The faults of an object that is to replace another.
#[must_use]
pub fn update(api_version: &str, kind: &str, new: &Value, old: &Value) -> Vec<Cause> {
    let mut faults = Vec::new();
    metadata::update(new, old, &mut faults);
    if (api_version, kind) != ("v1", "Event") {
        metadata::changed_finalizers(api_version, kind, new, &mut faults);
    }
    content(api_version, kind, new, Some(old), &mut faults);
    match (api_version, kind) {
        ("v1", "Service") => service::update(new, old, &mut faults),
        ("v1", "ConfigMap") => config::update_config_map(new, old, &mut faults),
        ("v1", "Secret") => config::update_secret(new, old, &mut faults),
        ("v1", "Pod") => pod::update(new, old, &mut faults),
        ("apps/v1", "Deployment" | "ReplicaSet" | "DaemonSet") => workload::update(new, old, &mut faults),
        ("apps/v1", "StatefulSet") => sets::update_stateful_set(new, old, &mut faults),
        ("apps/v1", "ControllerRevision") => sets::update_revision(new, old, &mut faults),
        ("batch/v1", "Job") => batch::update_job(new, old, &mut faults),
        ("networking.k8s.io/v1", "IngressClass") => ingress::update_class(new, old, &mut faults),
        ("scheduling.k8s.io/v1", "PriorityClass") => bounds::update_priority_class(new, old, &mut faults),
        ("storage.k8s.io/v1", "StorageClass") => storage::update_class(new, old, &mut faults),
        ("v1", "PersistentVolumeClaim") => storage::update_claim(new, old, &mut faults),
        ("v1", "PersistentVolume") => storage::update_volume(new, old, &mut faults),
        ("v1", "ResourceQuota") => quota::update_resource_quota(new, old, &mut faults),
        ("discovery.k8s.io/v1", "EndpointSlice") => endpoints::update_slice(new, old, &mut faults),
        ("certificates.k8s.io/v1", "CertificateSigningRequest") => certificates::update(new, old, &mut faults),
        ("events.k8s.io/v1", "Event") => event::update_whole(new, old, &mut faults),
        ("rbac.authorization.k8s.io/v1", "RoleBinding" | "ClusterRoleBinding") => {
            rbac::update_binding(new, old, &mut faults);
        }
        // Kinds are data here: any text may come, and most kinds have no rules of their own about changes.
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition") => definition::update(new, old, &mut faults),
        _ => {}
    }
    faults
}

/// The faults of an object whose status is to replace another's.
#[must_use]
pub fn update_status(api_version: &str, kind: &str, new: &Value, old: &Value) -> Vec<Cause> {
    let mut faults = Vec::new();
    metadata::update(new, old, &mut faults);
    match (api_version, kind) {
        ("v1", "Service") => service::status(new, &mut faults),
        ("v1", "Namespace") => namespace::status(new, &mut faults),
        ("certificates.k8s.io/v1", "CertificateSigningRequest") => {
            certificates::request(new, &mut faults);
            certificates::update(new, old, &mut faults);
        }
        ("apps/v1", "Deployment" | "ReplicaSet") => workload::status(new, old, &mut faults),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition") => definition::update_status(new, &mut faults),
        (api::well_known::API_VERSION, _) => structural::check(kind, new, &mut faults),
        // As above.
        _ => {}
    }
    faults
}

/// The fault of a replacement that does not say which version it was made from, for kinds that insist on it.
#[must_use]
pub fn resource_version_required() -> Cause {
    let path = Path::root("metadata").child("resourceVersion");
    field::invalid(&path, &Value::from(""), "must be specified for an update")
}

/// The faults of the metadata of a custom object that is to be created.
pub(crate) fn custom_metadata(namespaced: bool, new: &Value, faults: &mut Vec<Cause>) {
    metadata::create_custom(namespaced, new, faults);
}

/// The faults of the metadata of a custom object that is to replace another.
pub(crate) fn custom_metadata_update(new: &Value, old: &Value, faults: &mut Vec<Cause>) {
    metadata::update(new, old, faults);
}

pub(crate) use definition::{approval_condition as approval, field_path, violations};
pub use warnings::warnings;

/// The faults of the metadata of an object that is embedded in another.
pub(crate) fn embedded_metadata(object: &Value, faults: &mut Vec<Cause>) {
    metadata::embedded(object, faults);
}

fn content(api_version: &str, kind: &str, new: &Value, old: Option<&Value>, faults: &mut Vec<Cause>) {
    match (api_version, kind) {
        ("v1", "Namespace") => namespace::create(new, faults),
        ("v1", "Service") => service::create(new, faults),
        ("v1", "ConfigMap") => config::config_map(new, faults),
        ("v1", "Secret") => config::secret(new, faults),
        ("v1", "Event") => event::core(new, faults),
        // In the words in which it is stored.
        ("events.k8s.io/v1", "Event") => event::whole(new, old.is_none(), faults),
        ("v1", "Endpoints") => endpoints::endpoints(new, old, faults),
        ("v1", "Pod") => pod::pod(new, faults),
        ("v1", "Node") => node::node(new, faults),
        ("apps/v1", "Deployment") => workload::deployment(new, faults),
        ("apps/v1", "ReplicaSet") => workload::replica_set(new, faults),
        ("apps/v1", "StatefulSet") => sets::stateful_set(new, faults),
        ("apps/v1", "DaemonSet") => sets::daemon_set(new, faults),
        ("apps/v1", "ControllerRevision") => sets::revision(new, faults),
        ("batch/v1", "Job") => batch::job(new, faults),
        ("batch/v1", "CronJob") => batch::cron_job(new, old, faults),
        // Judged as it is stored, whatever it was written as.
        ("autoscaling/v2" | "autoscaling/v1", "HorizontalPodAutoscaler") => autoscaler::autoscaler(new, faults),
        ("policy/v1", "PodDisruptionBudget") => bounds::disruption_budget(new, faults),
        ("scheduling.k8s.io/v1", "PriorityClass") => bounds::priority_class(new, faults),
        ("networking.k8s.io/v1", "Ingress") => ingress::ingress(new, old, faults),
        ("networking.k8s.io/v1", "IngressClass") => ingress::class(new, faults),
        ("networking.k8s.io/v1", "NetworkPolicy") => network_policy::network_policy(new, old, faults),
        ("storage.k8s.io/v1", "StorageClass") => storage::class(new, faults),
        (ADMISSION, "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration") => {
            admission::webhooks(new, faults);
        }
        (ADMISSION, "ValidatingAdmissionPolicy") => admission::validating(new, faults),
        (ADMISSION, "MutatingAdmissionPolicy") => admission::mutating(new, faults),
        (ADMISSION, "ValidatingAdmissionPolicyBinding") => admission::binding(new, true, faults),
        (ADMISSION, "MutatingAdmissionPolicyBinding") => admission::binding(new, false, faults),
        ("v1", "PersistentVolumeClaim") => storage::claim(new, faults),
        ("v1", "PersistentVolume") => storage::volume(new, faults),
        ("v1", "PodTemplate") => pod::template(&at::At::root(new, "template"), faults),
        ("v1", "LimitRange") => quota::limit_range(new, faults),
        ("v1", "ResourceQuota") => quota::resource_quota(new, faults),
        ("coordination.k8s.io/v1", "Lease") => lease::lease(new, faults),
        ("discovery.k8s.io/v1", "EndpointSlice") => endpoints::slice(new, old, faults),
        ("rbac.authorization.k8s.io/v1", "Role") => rbac::role(new, faults),
        ("rbac.authorization.k8s.io/v1", "ClusterRole") => rbac::cluster_role(new, faults),
        ("rbac.authorization.k8s.io/v1", "RoleBinding") => rbac::binding(new, true, faults),
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding") => rbac::binding(new, false, faults),
        ("certificates.k8s.io/v1", "CertificateSigningRequest") => certificates::request(new, faults),
        (api::well_known::API_VERSION, _) => own::check(kind, new, faults),
        // As above.
        _ => {}
    }
}

#[cfg(test)]
mod tests;
