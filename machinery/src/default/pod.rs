//! Pods and pod templates.

use serde_json::{Value, json};

use crate::quantity::Quantity;

use super::place::{Object, absent, existing, items, number, text, within, word};

mod image;
mod volume;

/// A pod: a template's defaults and those that only a pod itself gets.
pub(super) fn pod(object: &mut Object) {
    within(object, "spec", |spec| {
        pod_spec(spec);
        if spec
            .get("terminationGracePeriodSeconds")
            .and_then(Value::as_i64)
            .is_some_and(|seconds| seconds < 0)
        {
            spec.insert("terminationGracePeriodSeconds".to_owned(), Value::from(1));
        }
        let host_network = spec.get("hostNetwork").and_then(Value::as_bool) == Some(true);
        for list in ["containers", "initContainers"] {
            for container in items(spec, list) {
                requests_from_limits(container);
                if host_network {
                    host_ports(container);
                }
            }
        }
        absent(spec, "enableServiceLinks", true);
    });
}

/// A pod template.
pub(super) fn template(template: &mut Object) {
    within(template, "metadata", |_| {});
    within(template, "spec", pod_spec);
}

fn pod_spec(spec: &mut Object) {
    text(spec, "dnsPolicy", "ClusterFirst");
    text(spec, "restartPolicy", "Always");
    absent(spec, "securityContext", json!({}));
    absent(spec, "terminationGracePeriodSeconds", 30);
    text(spec, "schedulerName", "default-scheduler");
    // Two names of one field: whichever is given speaks for both, and the newer one wins.
    let account = [word(spec, "serviceAccountName"), word(spec, "serviceAccount")]
        .into_iter()
        .find(|a| !a.is_empty());
    if let Some(account) = account.map(str::to_owned) {
        spec.insert("serviceAccountName".to_owned(), Value::from(account.as_str()));
        spec.insert("serviceAccount".to_owned(), Value::from(account));
    }
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        for each in items(spec, list) {
            container(each);
        }
    }
    for each in items(spec, "volumes") {
        volume::volume(each);
    }
}

fn container(container: &mut Object) {
    if word(container, "imagePullPolicy").is_empty() {
        let policy = image::pull_policy(word(container, "image"));
        text(container, "imagePullPolicy", policy);
    }
    text(container, "terminationMessagePath", "/dev/termination-log");
    text(container, "terminationMessagePolicy", "File");
    within(container, "resources", |resources| {
        for list in ["limits", "requests"] {
            for amount in existing(resources, list).into_iter().flat_map(Object::values_mut) {
                // Nothing smaller than a thousandth is counted.
                if let Some(quantity) = Quantity::from_value(amount).filter(|quantity| !quantity.is_whole()) {
                    *amount = Value::from(quantity.up_to_thousandths().canonical());
                }
            }
        }
    });
    for port in items(container, "ports") {
        text(port, "protocol", "TCP");
    }
    for variable in items(container, "env") {
        if let Some(from) = existing(variable, "valueFrom") {
            references(from);
        }
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(each) = existing(container, name) {
            probe(each);
        }
    }
    if let Some(lifecycle) = existing(container, "lifecycle") {
        for name in ["postStart", "preStop"] {
            if let Some(handler) = existing(lifecycle, name) {
                http_get(handler);
            }
        }
    }
}

fn probe(probe: &mut Object) {
    number(probe, "timeoutSeconds", 1);
    number(probe, "periodSeconds", 10);
    number(probe, "successThreshold", 1);
    number(probe, "failureThreshold", 3);
    http_get(probe);
    if let Some(grpc) = existing(probe, "grpc") {
        absent(grpc, "service", "");
    }
}

fn http_get(handler: &mut Object) {
    if let Some(get) = existing(handler, "httpGet") {
        text(get, "path", "/");
        text(get, "scheme", "HTTP");
    }
}

/// References to a pod's own fields and resources.
fn references(from: &mut Object) {
    if let Some(field) = existing(from, "fieldRef") {
        text(field, "apiVersion", "v1");
    }
    if let Some(resource) = existing(from, "resourceFieldRef") {
        absent(resource, "divisor", "0");
    }
}

/// What is limited and not requested is requested up to its limit.
fn requests_from_limits(container: &mut Object) {
    let Some(resources) = existing(container, "resources") else {
        return;
    };
    let Some(limits) = resources.get("limits").and_then(Value::as_object).cloned() else {
        return;
    };
    within(resources, "requests", |requests| {
        for (name, limit) in limits {
            absent(requests, &name, limit);
        }
    });
}

fn host_ports(container: &mut Object) {
    for port in items(container, "ports") {
        if let Some(inside) = port.get("containerPort").and_then(Value::as_i64) {
            number(port, "hostPort", inside);
        }
    }
}
