//! What a client is warned of when it writes an object that is allowed, and yet not what it seems to be: names that become host
//! names, the same said twice, words of long ago.
//!
//! In: objects that have no faults. Out: sentences, as kube-apiserver says them. Warnings about a change are given for what is
//! new in it.

mod pods;

use serde_json::Value;

use super::at::At;
use super::{definition, format};
use crate::quantity::Quantity;

/// Labels of nodes that have other names now, and since when.
const OLD_LABELS: [(&str, &str, &str); 5] = [
    ("beta.kubernetes.io/arch", "kubernetes.io/arch", "v1.14"),
    ("beta.kubernetes.io/os", "kubernetes.io/os", "v1.14"),
    (
        "failure-domain.beta.kubernetes.io/region",
        "topology.kubernetes.io/region",
        "v1.17",
    ),
    (
        "failure-domain.beta.kubernetes.io/zone",
        "topology.kubernetes.io/zone",
        "v1.17",
    ),
    (
        "beta.kubernetes.io/instance-type",
        "node.kubernetes.io/instance-type",
        "v1.17",
    ),
];
const CLASS_ANNOTATION: &str = "kubernetes.io/ingress.class";
const STORAGE_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";

/// What a client is to be warned of when it writes an object that is allowed.
#[must_use]
pub fn warnings(api_version: &str, kind: &str, new: &Value, old: Option<&Value>) -> Vec<String> {
    if (api_version, kind) == ("apiextensions.k8s.io/v1", "CustomResourceDefinition") {
        return definition::warnings(new, old);
    }
    let mut said = all(api_version, kind, new, old.is_none());
    // Whoever was told is not told again for changing something else.
    let before = old.map(|old| all(api_version, kind, old, false)).unwrap_or_default();
    said.retain(|warning| !before.contains(warning));
    said
}

fn all(api_version: &str, kind: &str, object: &Value, fresh: bool) -> Vec<String> {
    let mut said = Vec::new();
    let names_pods = match (api_version, kind) {
        ("apps/v1", "Deployment" | "ReplicaSet" | "StatefulSet") | ("batch/v1", "Job" | "CronJob") => {
            "Pod names and hostnames"
        }
        ("v1", "Pod") => "the Pod's hostname",
        _ => "",
    };
    if fresh && !names_pods.is_empty() {
        pod_names(object, names_pods, &mut said);
    }
    let spec = At::root(object, "spec");
    match (api_version, kind) {
        ("apps/v1", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet") | ("batch/v1", "Job") => {
            pods::template(&spec.get("template"), &mut said);
        }
        ("batch/v1", "CronJob") => {
            pods::template(&spec.get("jobTemplate").get("spec").get("template"), &mut said);
        }
        ("v1", "Pod") => pods::pod(&At::root(object, "metadata"), &spec, &mut said),
        ("v1", "PodTemplate") => pods::template(&At::root(object, "template"), &mut said),
        ("v1", "Service") => service(&spec, &mut said),
        ("v1", "PersistentVolumeClaim") => claim(object, &mut said),
        ("networking.k8s.io/v1", "Ingress") if fresh => {
            let class = At::root(object, "metadata").get("annotations").entry(CLASS_ANNOTATION);
            said.extend(class.is_set().then(|| {
                format!("annotation {CLASS_ANNOTATION:?} is deprecated, please use 'spec.ingressClassName' instead")
            }));
        }
        ("storage.k8s.io/v1", "StorageClass") => storage_class(object, &mut said),
        // Kinds are data here, and most have nothing to warn of.
        _ => {}
    }
    said
}

/// A name that will be part of host names.
fn pod_names(object: &Value, used_in: &str, said: &mut Vec<String>) {
    let name = At::root(object, "metadata").get("name");
    let faults = format::dns_label(name.text());
    if name.text().contains('.') {
        said.push(format!(
            "metadata.name: this is used in {used_in}, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]"
        ));
    } else if !faults.is_empty() {
        said.push(format!(
            "metadata.name: this is used in {used_in}, which can result in surprising behavior; a DNS label is recommended: [{}]",
            faults.join(" ")
        ));
    }
}

fn service(spec: &At<'_>, said: &mut Vec<String>) {
    let (kind, addresses) = (spec.get("type"), spec.get("externalIPs"));
    let headless = spec.get("clusterIP").text() == "None";
    if addresses.len() > 0 {
        said.push(if kind.text() == "ExternalName" {
            "spec.externalIPs is ignored when spec.type is \"ExternalName\"".to_owned()
        } else {
            "spec.externalIPs is deprecated and may no longer be implemented in some clusters".to_owned()
        });
    }
    if headless && spec.get("loadBalancerIP").is_set() {
        said.push("spec.loadBalancerIP is ignored for headless services".to_owned());
    }
    if headless && spec.get("sessionAffinity").text() == "ClientIP" {
        said.push("spec.SessionAffinity is ignored for headless services".to_owned());
    }
    if spec.get("trafficDistribution").text() == "PreferClose" {
        said.push("spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"".to_owned());
    }
}

fn claim(object: &Value, said: &mut Vec<String>) {
    let annotations = At::root(object, "metadata").get("annotations");
    if annotations.entry(STORAGE_ANNOTATION).is_set() {
        said.push(format!(
            "metadata.annotations[{STORAGE_ANNOTATION}]: deprecated since v1.8; use \"storageClassName\" attribute instead"
        ));
    }
    fractions(&At::root(object, "spec").get("resources"), &["storage"], said);
}

fn storage_class(object: &Value, said: &mut Vec<String>) {
    for topology in At::root(object, "allowedTopologies").items() {
        for expression in topology.get("matchLabelExpressions").items() {
            old_label(expression.get("key").text(), expression.get("key").path.as_str(), said);
        }
    }
}

/// A label of nodes that is called otherwise now; `place` is where it stands.
fn old_label(label: &str, place: &str, said: &mut Vec<String>) {
    if let Some((_, now, since)) = OLD_LABELS.iter().find(|(old, ..)| *old == label) {
        said.push(format!("{place}: deprecated since {since}; use {now:?} instead"));
    }
}

/// Bytes that are no whole number.
fn fractions(resources: &At<'_>, names: &[&str], said: &mut Vec<String>) {
    for list in ["limits", "requests"] {
        for name in names {
            let amount = resources.get(list).entry(name);
            let whole = Quantity::from_value(amount.value).is_none_or(|amount| amount.is_whole());
            if amount.is_set() && !whole {
                said.push(format!(
                    "{}: fractional byte value {:?} is invalid, must be an integer",
                    amount.path.as_str(),
                    amount.text()
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn who_was_told_is_not_told_again() {
        let service = |distribution: &str, port: u16| json!({"spec": {"trafficDistribution": distribution, "ports": [{"port": port}]}});
        let told = |new: &Value, old: Option<&Value>| warnings("v1", "Service", new, old).len();
        assert_eq!(told(&service("PreferClose", 80), None), 1);
        assert_eq!(told(&service("PreferClose", 81), Some(&service("PreferClose", 80))), 0);
        assert_eq!(
            told(&service("PreferClose", 80), Some(&service("PreferSameZone", 80))),
            1
        );
        assert_eq!(told(&service("PreferSameZone", 80), None), 0);
    }
}
