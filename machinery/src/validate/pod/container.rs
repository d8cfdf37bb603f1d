//! Containers of pods.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::field::{self, Path};
use crate::status::Cause;

use super::super::at::At;
use super::super::format;
use super::super::metadata::push;
use super::{environment, one_of, probe, resources, volume};

/// What containers share with their pod.
pub(super) struct Context<'a> {
    /// Volumes by name; those with faults of their own are left out.
    pub(super) volumes: BTreeMap<&'a str, At<'a>>,
    /// Seconds the pod is given to end.
    pub(super) grace: Option<i64>,
}

pub(super) fn regular(containers: &At<'_>, context: &Context<'_>, faults: &mut Vec<Cause>) {
    if containers.len() == 0 {
        faults.push(field::required(&containers.path, ""));
        return;
    }
    let mut names = BTreeSet::new();
    for container in containers.items() {
        every(&container, context, faults);
        if !names.insert(container.get("name").text()) {
            let name = container.get("name");
            faults.push(field::duplicate(&name.path, name.value));
        }
        probe::lifecycle_and_probes(&container, context.grace, faults);
        let restart = container.get("restartPolicy");
        if restart.is_set() {
            one_of(&restart, &["Always", "Never", "OnFailure"], faults);
        }
    }
    host_ports(containers.items(), &containers.path, faults);
}

pub(super) fn initial(containers: &At<'_>, regular: &At<'_>, context: &Context<'_>, faults: &mut Vec<Cause>) {
    let mut names: BTreeSet<&str> = regular.items().map(|c| c.get("name").text()).collect();
    for container in containers.items() {
        every(&container, context, faults);
        let (name, restart) = (container.get("name"), container.get("restartPolicy"));
        if restart.is_set() {
            one_of(&restart, &["Always", "Never", "OnFailure"], faults);
        }
        if !name.text().is_empty() && !names.insert(name.text()) {
            faults.push(field::duplicate(&name.path, name.value));
        }
        host_ports(std::iter::once(container.clone()), &containers.path, faults);
        if restart.text() == "Always" {
            probe::lifecycle_and_probes(&container, context.grace, faults);
            continue;
        }
        for part in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
            let at = container.get(part);
            if at.is_set() {
                faults.push(field::forbidden(
                    &at.path,
                    "may not be set for init containers without restartPolicy=Always",
                ));
            }
        }
    }
}

fn every(container: &At<'_>, context: &Context<'_>, faults: &mut Vec<Cause>) {
    let (name, image) = (container.get("name"), container.get("image"));
    if name.text().is_empty() {
        faults.push(field::required(&name.path, ""));
    } else {
        push(&name, format::dns_label(name.text()), faults);
    }
    if image.text().is_empty() {
        faults.push(field::required(&image.path, ""));
    }
    one_of(
        &container.get("terminationMessagePolicy"),
        &["File", "FallbackToLogsOnError"],
        faults,
    );
    ports(&container.get("ports"), faults);
    environment::variables(&container.get("env"), faults);
    environment::sources(&container.get("envFrom"), faults);
    volume::mounts(&container.get("volumeMounts"), &context.volumes, faults);
    one_of(
        &container.get("imagePullPolicy"),
        &["Always", "IfNotPresent", "Never"],
        faults,
    );
    resources::requirements(&container.get("resources"), faults);
    security(&container.get("securityContext"), faults);
}

fn ports(ports: &At<'_>, faults: &mut Vec<Cause>) {
    let mut names = BTreeSet::new();
    for port in ports.items() {
        let (name, inside) = (port.get("name"), port.get("containerPort"));
        if !name.text().is_empty() {
            let wrong = format::port_name(name.text());
            if wrong.is_empty() && !names.insert(name.text()) {
                faults.push(field::duplicate(&name.path, name.value));
            }
            push(&name, wrong, faults);
        }
        match inside.number() {
            None | Some(0) => faults.push(field::required(&inside.path, "")),
            Some(number) => push(&inside, format::port_number(number), faults),
        }
        let outside = port.get("hostPort");
        if let Some(number) = outside.number().filter(|n| *n != 0) {
            push(&outside, format::port_number(number), faults);
        }
        one_of(&port.get("protocol"), &["SCTP", "TCP", "UDP"], faults);
    }
}

fn host_ports<'a>(containers: impl Iterator<Item = At<'a>>, path: &Path, faults: &mut Vec<Cause>) {
    let mut taken = BTreeSet::new();
    for (index, container) in containers.enumerate() {
        for (place, port) in container.get("ports").items().enumerate() {
            let Some(number) = port.get("hostPort").number().filter(|n| *n != 0) else {
                continue;
            };
            let key = format!("{}/{}/{number}", port.get("protocol").text(), port.get("hostIP").text());
            if !taken.insert(key.clone()) {
                let here = path.index(index).child("ports").index(place).child("hostPort");
                faults.push(field::duplicate(&here, &Value::from(key)));
            }
        }
    }
}

/// Users and groups, of a container or of all of a Pod.
pub(in crate::validate) fn identities(context: &At<'_>, faults: &mut Vec<Cause>) {
    for name in ["runAsUser", "runAsGroup", "fsGroup"] {
        let at = context.get(name);
        if at.number().is_some_and(|n| !(0..=i64::from(i32::MAX)).contains(&n)) {
            faults.push(field::invalid(
                &at.path,
                at.value,
                "must be between 0 and 2147483647, inclusive",
            ));
        }
    }
}

fn security(context: &At<'_>, faults: &mut Vec<Cause>) {
    identities(context, faults);
    let escalation = context.get("allowPrivilegeEscalation");
    if escalation.value.as_bool() == Some(false) && context.get("privileged").is_true() {
        let detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
        faults.push(field::invalid(&context.path, context.value, detail));
    }
}
