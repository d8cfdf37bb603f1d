//! Rules about `metadata` that hold for every kind.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::field;
use crate::status::Cause;

use super::at::{At, same};
use super::{format, selector};

const ANNOTATIONS_MAX: usize = 256 * 1024;

/// How a kind's objects are named.
enum Naming {
    Label,
    Subdomain,
    /// Any path segment; RBAC.
    Segment,
}

fn naming(api_version: &str, kind: &str) -> Naming {
    match (api_version, kind) {
        ("v1", "Namespace" | "Service")
        | ("apps/v1", "StatefulSet")
        | (api::well_known::API_VERSION, "Cluster" | "Region") => Naming::Label,
        ("rbac.authorization.k8s.io/v1" | "certificates.k8s.io/v1" | "policy/v1", _) => Naming::Segment,
        // Kinds are data here; this is the rule of most.
        _ => Naming::Subdomain,
    }
}

/// Whether objects of the kind live in namespaces; none where this module does not know.
fn namespaced(api_version: &str, kind: &str) -> Option<bool> {
    match (api_version, kind) {
        ("v1", "Namespace" | "Node" | "PersistentVolume")
        | ("networking.k8s.io/v1", "IngressClass")
        | ("scheduling.k8s.io/v1", "PriorityClass")
        | ("storage.k8s.io/v1", "StorageClass")
        | ("apiextensions.k8s.io/v1", "CustomResourceDefinition")
        | ("admissionregistration.k8s.io/v1", _)
        | ("certificates.k8s.io/v1", "CertificateSigningRequest")
        | ("rbac.authorization.k8s.io/v1", "ClusterRole" | "ClusterRoleBinding")
        | (
            api::well_known::API_VERSION,
            "Cluster" | "Region" | "ClusterPropagationPolicy" | "ClusterOverridePolicy" | "Heartbeat",
        ) => Some(false),
        (
            "v1"
            | "apps/v1"
            | "batch/v1"
            | "coordination.k8s.io/v1"
            | "discovery.k8s.io/v1"
            | "networking.k8s.io/v1"
            | "policy/v1"
            | "autoscaling/v2"
            | "autoscaling/v1"
            | "events.k8s.io/v1",
            _,
        )
        | ("rbac.authorization.k8s.io/v1", "Role" | "RoleBinding")
        | (api::well_known::API_VERSION, "PropagationPolicy" | "OverridePolicy" | "Placement" | "DNSPolicy") => {
            Some(true)
        }
        // Kinds are data here.
        _ => None,
    }
}

pub(super) fn create(api_version: &str, kind: &str, object: &Value, faults: &mut Vec<Cause>) {
    named(
        &naming(api_version, kind),
        namespaced(api_version, kind),
        object,
        faults,
    );
    let metadata = At::root(object, "metadata");
    shared(&metadata, faults);
    finalizers(&metadata.get("finalizers"), faults);
    // Kinds of later groups never had the names of old finalizers.
    if !matches!(api_version, api::well_known::API_VERSION | "coordination.k8s.io/v1") {
        for finalizer in metadata.get("finalizers").items() {
            standard_finalizer(&finalizer, faults);
        }
    }
}

/// The metadata of a custom object.
pub(super) fn create_custom(namespaced: bool, object: &Value, faults: &mut Vec<Cause>) {
    named(&Naming::Subdomain, Some(namespaced), object, faults);
    let metadata = At::root(object, "metadata");
    shared(&metadata, faults);
    finalizers(&metadata.get("finalizers"), faults);
}

/// The metadata of an object that is embedded in another: it needs no name, and any path segment will do.
pub(super) fn embedded(object: &Value, faults: &mut Vec<Cause>) {
    let metadata = At::root(object, "metadata");
    for key in ["generateName", "name"] {
        let at = metadata.get(key);
        if !at.text().is_empty() {
            name(&Naming::Segment, &at, at.text(), faults);
        }
    }
    let namespace = metadata.get("namespace");
    if !namespace.text().is_empty() {
        push(&namespace, format::dns_label(namespace.text()), faults);
    }
    shared(&metadata, faults);
    finalizers(&metadata.get("finalizers"), faults);
}

/// Name, prefix of a name and namespace.
fn named(naming: &Naming, namespaced: Option<bool>, object: &Value, faults: &mut Vec<Cause>) {
    let metadata = At::root(object, "metadata");
    let prefix = metadata.get("generateName");
    if !prefix.text().is_empty() {
        name(naming, &prefix, &mask_trailing_dash(prefix.text()), faults);
    }
    let own = metadata.get("name");
    if own.text().is_empty() {
        faults.push(field::required(&own.path, "name or generateName is required"));
    } else {
        name(naming, &own, own.text(), faults);
    }
    let namespace = metadata.get("namespace");
    match namespaced {
        Some(true) if namespace.text().is_empty() => faults.push(field::required(&namespace.path, "")),
        Some(true) => push(&namespace, format::dns_label(namespace.text()), faults),
        Some(false) if !namespace.text().is_empty() => {
            faults.push(field::forbidden(&namespace.path, "not allowed on this type"))
        }
        Some(false) | None => {}
    }
}

/// A finalizer without a prefix is one of the few old ones.
pub(super) fn standard_finalizer(at: &At<'_>, faults: &mut Vec<Cause>) {
    if !at.text().contains('/') && !matches!(at.text(), "kubernetes" | "orphan" | "foregroundDeletion") {
        let detail = "name is neither a standard finalizer name nor is it fully qualified";
        faults.push(field::invalid(&at.path, at.value, detail));
    }
}

pub(super) fn update(new: &Value, old: &Value, faults: &mut Vec<Cause>) {
    let (metadata, before) = (At::root(new, "metadata"), At::root(old, "metadata"));
    if before.get("deletionTimestamp").is_set() {
        let kept: BTreeSet<&str> = before.get("finalizers").items().map(|f| f.text()).collect();
        let added: Vec<&str> = metadata
            .get("finalizers")
            .items()
            .map(|f| f.text())
            .filter(|f| !kept.contains(f))
            .collect();
        if !added.is_empty() {
            let list = added.iter().map(|f| field::quoted(f)).collect::<Vec<_>>().join(", ");
            let detail = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{list}}}"
            );
            faults.push(field::forbidden(&metadata.get("finalizers").path, &detail));
        }
    }
    // Absent means unchanged for what the server sets; it fills these in.
    for key in [
        "name",
        "namespace",
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ] {
        let (now, then) = (metadata.get(key), before.get(key));
        if now.is_set() && now.text() != "" && !same(now.value, then.value) {
            faults.push(field::invalid(&now.path, now.value, "field is immutable"));
        }
    }
    shared(&metadata, faults);
    finalizers(&metadata.get("finalizers"), faults);
}

/// The finalizers of a changed object. Kinds of later groups, and some of older ones, are not looked at here.
pub(super) fn changed_finalizers(api_version: &str, kind: &str, new: &Value, faults: &mut Vec<Cause>) {
    let open = matches!(
        api_version,
        api::well_known::API_VERSION
            | "coordination.k8s.io/v1"
            | "policy/v1"
            | "apiextensions.k8s.io/v1"
            | "admissionregistration.k8s.io/v1"
    );
    if namespaced(api_version, kind).is_some() && !open {
        for finalizer in At::root(new, "metadata").get("finalizers").items() {
            standard_finalizer(&finalizer, faults);
        }
    }
}

fn shared(metadata: &At<'_>, faults: &mut Vec<Cause>) {
    selector::labels(&metadata.get("labels"), faults);
    annotations(&metadata.get("annotations"), faults);
    owners(&metadata.get("ownerReferences"), faults);
}

/// Rules about annotations, here and in pod templates.
pub(super) fn annotations(annotations: &At<'_>, faults: &mut Vec<Cause>) {
    let mut size = 0;
    for (key, value) in annotations.entries() {
        for fault in format::qualified_name(&key.to_lowercase()) {
            faults.push(field::invalid(&annotations.path, &Value::from(key), &fault));
        }
        size += key.len() + value.text().len();
    }
    if size > ANNOTATIONS_MAX {
        faults.push(field::too_long(&annotations.path, ANNOTATIONS_MAX));
    }
}

fn owners(owners: &At<'_>, faults: &mut Vec<Cause>) {
    let mut controller: Option<String> = None;
    for owner in owners.items() {
        // The faults of an owner are told without its place in the list.
        let owner = At {
            value: owner.value,
            path: owners.path.clone(),
        };
        let api_version = owner.get("apiVersion");
        if api_version.text().is_empty() {
            faults.push(field::invalid(
                &api_version.path,
                &Value::from(""),
                "version must not be empty",
            ));
        }
        for key in ["kind", "name", "uid"] {
            let part = owner.get(key);
            if part.text().is_empty() {
                faults.push(field::invalid(&part.path, &Value::from(""), "must not be empty"));
            }
        }
        if (api_version.text(), owner.get("kind").text()) == ("v1", "Event") {
            faults.push(field::invalid(
                &owner.path,
                owner.value,
                "/v1, Kind=Event is disallowed from being an owner",
            ));
        }
        if owner.get("controller").is_true() {
            let this = format!("{}/{}", owner.get("kind").text(), owner.get("name").text());
            match &controller {
                None => controller = Some(this),
                Some(first) => {
                    let detail = format!(
                        "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {this}"
                    );
                    faults.push(field::invalid(&owners.path, owners.value, &detail));
                }
            }
        }
    }
}

fn finalizers(finalizers: &At<'_>, faults: &mut Vec<Cause>) {
    let (mut orphan, mut foreground) = (false, false);
    for finalizer in finalizers.items() {
        orphan |= finalizer.text() == "orphan";
        foreground |= finalizer.text() == "foregroundDeletion";
        for fault in format::qualified_name(finalizer.text()) {
            faults.push(field::invalid(&finalizers.path, finalizer.value, &fault));
        }
    }
    if orphan && foreground {
        let detail = "finalizer orphan and foregroundDeletion cannot be both set";
        faults.push(field::invalid(&finalizers.path, finalizers.value, detail));
    }
}

fn name(naming: &Naming, at: &At<'_>, text: &str, faults: &mut Vec<Cause>) {
    let wrong = match naming {
        Naming::Label => format::dns_label(text),
        Naming::Subdomain => format::dns_subdomain(text),
        Naming::Segment => segment(text),
    };
    push(at, wrong, faults);
}

/// A segment of a path, which the names of roles are.
pub(super) fn segment(text: &str) -> Vec<String> {
    match text {
        "." | ".." => vec![format!("may not be '{text}'")],
        text => ['/', '%']
            .iter()
            .filter(|c| text.contains(**c))
            .map(|c| format!("may not contain '{c}'"))
            .collect(),
    }
}

/// A prefix may end in a dash, for something follows it. The letter before the dash is not looked at either, as upstream.
fn mask_trailing_dash(text: &str) -> String {
    match text.strip_suffix('-') {
        Some(rest) if !rest.is_empty() => {
            let mut kept: Vec<char> = rest.chars().collect();
            kept.pop();
            kept.into_iter().chain(['a']).collect()
        }
        Some(_) | None => text.to_owned(),
    }
}

/// One fault for each thing that is wrong with the text here.
pub(super) fn push(at: &At<'_>, wrong: Vec<String>, faults: &mut Vec<Cause>) {
    faults.extend(wrong.iter().map(|detail| field::invalid(&at.path, at.value, detail)));
}
