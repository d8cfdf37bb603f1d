//! Warnings about pods, alone and as templates.

use std::collections::BTreeMap;

use super::super::at::At;
use super::{fractions, old_label};

/// Annotations that do nothing any more, since when, and what does it now.
const OLD_ANNOTATIONS: [(&str, &str, &str); 2] = [
    (
        "scheduler.alpha.kubernetes.io/critical-pod",
        "v1.16",
        "priorityClassName",
    ),
    ("seccomp.security.alpha.kubernetes.io/pod", "v1.27", "seccompProfile"),
];
const SECCOMP_PREFIX: &str = "container.seccomp.security.alpha.kubernetes.io/";
/// Resources that are counted in bytes.
const BYTES: [&str; 2] = ["ephemeral-storage", "memory"];

pub(super) fn template(template: &At<'_>, said: &mut Vec<String>) {
    pod(&template.get("metadata"), &template.get("spec"), said);
}

pub(super) fn pod(metadata: &At<'_>, spec: &At<'_>, said: &mut Vec<String>) {
    for (label, at) in spec.get("nodeSelector").entries() {
        old_label(label, at.path.as_str(), said);
    }
    let annotations = metadata.get("annotations");
    for (annotation, since, field) in OLD_ANNOTATIONS {
        let at = annotations.entry(annotation);
        if at.is_set() {
            said.push(format!(
                "{}: non-functional in {since}+; use the {field:?} field instead",
                at.path.as_str()
            ));
        }
    }
    for volume in spec.get("volumes").items() {
        let repository = volume.get("gitRepo");
        if repository.is_set() {
            said.push(format!(
                "{}: deprecated in v1.11, and disabled by default in v1.33+",
                repository.path.as_str()
            ));
        }
    }
    for secret in spec.get("imagePullSecrets").items() {
        let name = secret.get("name");
        if name.text().is_empty() {
            said.push(format!("{}: invalid empty name \"\"", name.path.as_str()));
        }
    }
    for list in ["initContainers", "containers"] {
        for container in spec.get(list).items() {
            let at = annotations.entry(&format!("{SECCOMP_PREFIX}{}", container.get("name").text()));
            if at.is_set() {
                said.push(format!(
                    "{}: non-functional in v1.27+; use the \"seccompProfile\" field instead",
                    at.path.as_str()
                ));
            }
            fractions(&container.get("resources"), &BYTES, said);
            twice(&container, said);
        }
    }
}

/// Variables and ports of a container that are there twice.
fn twice(container: &At<'_>, said: &mut Vec<String>) {
    let mut names = BTreeMap::new();
    for variable in container.get("env").items() {
        let name = variable.get("name");
        // What a value refers to may be the one before, which is how lists are made longer.
        let refers = variable.get("value").text().contains(&format!("$({})", name.text()));
        if names.insert(name.text(), ()).is_some() && !refers {
            said.push(format!(
                "{}: hides previous definition of {:?}, which may be dropped when using apply",
                variable.path.as_str(),
                name.text()
            ));
        }
    }
    let mut ports: BTreeMap<(i64, &str), String> = BTreeMap::new();
    for port in container.get("ports").items() {
        let number = port.get("containerPort").number().unwrap_or_default();
        let protocol = match port.get("protocol").text() {
            "" => "TCP",
            protocol => protocol,
        };
        match ports.get(&(number, protocol)) {
            Some(first) => said.push(format!(
                "{}: duplicate port definition with {first}",
                port.path.as_str()
            )),
            None => {
                ports.insert((number, protocol), port.path.as_str().to_owned());
            }
        }
    }
}
