//! Rules about pods and pod templates.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::field;
use crate::status::Cause;

use super::at::At;
use super::metadata::{annotations, push};
use super::{format, node, selector};

mod container;
mod environment;
mod probe;
mod resources;
mod volume;

pub(super) use resources::container_resource;

pub(super) fn pod(object: &Value, faults: &mut Vec<Cause>) {
    spec(&At::root(object, "spec"), faults);
}

pub(super) fn template(template: &At<'_>, faults: &mut Vec<Cause>) {
    let metadata = template.get("metadata");
    // A template's metadata is told by its own fields, without `metadata` between.
    selector::labels(
        &At {
            value: metadata.get("labels").value,
            path: template.path.child("labels"),
        },
        faults,
    );
    annotations(
        &At {
            value: metadata.get("annotations").value,
            path: template.path.child("annotations"),
        },
        faults,
    );
    let inner = template.get("spec");
    spec(&inner, faults);
    let ephemeral = inner.get("ephemeralContainers");
    if ephemeral.len() > 0 {
        faults.push(field::forbidden(
            &ephemeral.path,
            "ephemeral containers not allowed in pod template",
        ));
    }
}

fn spec(spec: &At<'_>, faults: &mut Vec<Cause>) {
    let grace = spec.get("terminationGracePeriodSeconds");
    if !grace.is_set() {
        faults.push(field::required(&grace.path, ""));
    }
    let volumes = volume::volumes(&spec.get("volumes"), faults);
    let context = container::Context {
        volumes,
        grace: grace.number(),
    };
    let containers = spec.get("containers");
    container::regular(&containers, &context, faults);
    container::initial(&spec.get("initContainers"), &containers, &context, faults);
    host_network(spec, faults);
    container::identities(&spec.get("securityContext"), faults);
    one_of(&spec.get("restartPolicy"), &["Always", "OnFailure", "Never"], faults);
    one_of(
        &spec.get("dnsPolicy"),
        &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"],
        faults,
    );
    selector::labels(&spec.get("nodeSelector"), faults);
    dns_config(spec, faults);
    for name in [
        "serviceAccountName",
        "nodeName",
        "priorityClassName",
        "runtimeClassName",
    ] {
        let at = spec.get(name);
        if !at.text().is_empty() {
            push(&at, format::dns_subdomain(at.text()), faults);
        }
    }
    let deadline = spec.get("activeDeadlineSeconds");
    if deadline
        .number()
        .is_some_and(|n| !(1..=i64::from(i32::MAX)).contains(&n))
    {
        faults.push(field::invalid(
            &deadline.path,
            deadline.value,
            "must be between 1 and 2147483647, inclusive",
        ));
    }
    for name in ["hostname", "subdomain"] {
        let at = spec.get(name);
        if !at.text().is_empty() {
            push(&at, format::dns_label(at.text()), faults);
        }
    }
    tolerations(&spec.get("tolerations"), faults);
    for alias in spec.get("hostAliases").items() {
        let ip = alias.get("ip");
        push(&ip, format::ip(ip.text()), faults);
        for name in alias.get("hostnames").items() {
            push(&name, format::dns_subdomain(name.text()), faults);
        }
    }
    for gate in spec.get("readinessGates").items() {
        let condition = gate.get("conditionType");
        push(&condition, format::qualified_name(condition.text()), faults);
    }
    spread(&spec.get("topologySpreadConstraints"), faults);
}

/// A word that must be there and among the allowed ones.
pub(super) fn one_of(at: &At<'_>, allowed: &[&str], faults: &mut Vec<Cause>) {
    match at.text() {
        "" => faults.push(field::required(&at.path, "")),
        text if allowed.contains(&text) => {}
        _ => faults.push(field::not_supported(&at.path, at.value, allowed)),
    }
}

fn host_network(spec: &At<'_>, faults: &mut Vec<Cause>) {
    if !spec.get("hostNetwork").is_true() {
        return;
    }
    for container in spec.get("containers").items() {
        for port in container.get("ports").items() {
            let (inside, outside) = (port.get("containerPort"), port.get("hostPort"));
            let number = outside.number().unwrap_or(0);
            if number != 0 && Some(number) != inside.number() {
                let detail = "must match `containerPort` when `hostNetwork` is true";
                faults.push(field::invalid(&outside.path, outside.value, detail));
            }
        }
    }
}

fn dns_config(spec: &At<'_>, faults: &mut Vec<Cause>) {
    let config = spec.get("dnsConfig");
    let servers = config.get("nameservers");
    if spec.get("dnsPolicy").text() == "None" {
        if !config.is_set() {
            faults.push(field::required(
                &config.path,
                "must provide `dnsConfig` when `dnsPolicy` is None",
            ));
            return;
        }
        if servers.len() == 0 {
            let detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
            faults.push(field::required(&servers.path, detail));
            return;
        }
    }
    if servers.len() > 3 {
        faults.push(field::invalid(
            &servers.path,
            servers.value,
            "must not have more than 3 nameservers",
        ));
    }
    for server in servers.items() {
        push(&server, format::ip(server.text()), faults);
    }
    for search in config.get("searches").items() {
        let text = search.text().strip_suffix('.').unwrap_or(search.text());
        if search.text() != "." {
            // Underscores are allowed in search paths.
            push(&search, format::dns_subdomain(&text.replace('_', "a")), faults);
        }
    }
}

/// Tolerations of pods and of policies.
pub(super) fn tolerations(tolerations: &At<'_>, faults: &mut Vec<Cause>) {
    for toleration in tolerations.items() {
        let (key, operator) = (toleration.get("key"), toleration.get("operator"));
        let (value, effect) = (toleration.get("value"), toleration.get("effect"));
        if !key.text().is_empty() {
            push(&key, format::qualified_name(key.text()), faults);
        } else if operator.text() != "Exists" {
            let detail = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            faults.push(field::invalid(&operator.path, &Value::from(operator.text()), detail));
        }
        if toleration.get("tolerationSeconds").is_set() && effect.text() != "NoExecute" {
            let detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
            faults.push(field::invalid(&effect.path, &Value::from(effect.text()), detail));
        }
        match operator.text() {
            "" | "Equal" => {
                let wrong = format::label_value(value.text());
                if !wrong.is_empty() {
                    faults.push(field::invalid(&operator.path, value.value, &wrong.join(";")));
                }
            }
            "Exists" => {
                if !value.text().is_empty() {
                    let detail = "value must be empty when `operator` is 'Exists'";
                    faults.push(field::invalid(&operator.path, value.value, detail));
                }
            }
            _ => faults.push(field::not_supported(
                &operator.path,
                operator.value,
                &["Equal", "Exists"],
            )),
        }
        node::taint_effect(&effect, true, faults);
    }
}

fn spread(constraints: &At<'_>, faults: &mut Vec<Cause>) {
    let mut seen = BTreeSet::new();
    for constraint in constraints.items() {
        let (skew, key) = (constraint.get("maxSkew"), constraint.get("topologyKey"));
        let unsatisfiable = constraint.get("whenUnsatisfiable");
        if skew.number().unwrap_or(0) <= 0 {
            faults.push(field::invalid(&skew.path, skew.value, "must be greater than zero"));
        }
        if key.text().is_empty() {
            faults.push(field::required(&key.path, "can not be empty"));
        } else {
            push(&key, format::qualified_name(key.text()), faults);
        }
        one_of(&unsatisfiable, &["DoNotSchedule", "ScheduleAnyway"], faults);
        if !seen.insert((key.text(), unsatisfiable.text())) {
            let pair = format!("{{{}, {}}}", key.text(), unsatisfiable.text());
            faults.push(field::duplicate(
                &constraint.path.child("{topologyKey, whenUnsatisfiable}"),
                &Value::from(pair),
            ));
        }
        selector::label_selector(&constraint.get("labelSelector"), faults);
    }
}

/// A pod's spec is fixed but for images, deadlines, added tolerations and removed gates.
pub(super) fn update(new: &Value, old: &Value, faults: &mut Vec<Cause>) {
    let (now, then) = (At::root(new, "spec"), At::root(old, "spec"));
    for name in ["containers", "initContainers"] {
        let (list, before) = (now.get(name), then.get(name));
        if list.len() != before.len() {
            faults.push(field::forbidden(
                &list.path,
                "pod updates may not add or remove containers",
            ));
            return;
        }
    }
    let (fresh, stored) = (fixed_part(now.value), fixed_part(then.value));
    // Binding is a write of its own, and members' loops bind by update; nobody binds twice.
    let bound = then.get("nodeName");
    let moved = !bound.text().is_empty() && bound.text() != now.get("nodeName").text();
    if fresh != stored || moved {
        let detail = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
        faults.push(field::forbidden(&now.path, detail));
    }
}

fn fixed_part(spec: &Value) -> Value {
    let mut spec = spec.clone();
    if let Some(map) = spec.as_object_mut() {
        for name in [
            "activeDeadlineSeconds",
            "tolerations",
            "schedulingGates",
            "ephemeralContainers",
        ] {
            map.remove(name);
        }
        map.remove("nodeName");
        for list in ["containers", "initContainers"] {
            for container in map.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(container) = container.as_object_mut() {
                    container.remove("image");
                }
            }
        }
    }
    spec
}
