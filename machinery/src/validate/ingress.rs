//! Rules about Ingresses and their classes.

use std::net::IpAddr;

use serde_json::Value;

use crate::field;
use crate::status::Cause;

use super::at::At;
use super::format;
use super::metadata::push;
use super::sets::immutable;

const CONTROLLER_MAX: usize = 250;
const CLASS_ANNOTATION: &str = "kubernetes.io/ingress.class";
const WITHIN: [&str; 5] = ["//", "/./", "/../", "%2f", "%2F"];
const AT_END: [&str; 2] = ["/..", "/."];

pub(super) fn ingress(object: &Value, old: Option<&Value>, faults: &mut Vec<Cause>) {
    let spec = At::root(object, "spec");
    let class = spec.get("ingressClassName");
    let annotations = At::root(object, "metadata").get("annotations");
    let annotated = annotations.entry(CLASS_ANNOTATION);
    if old.is_none() && annotated.is_set() && class.is_set() && annotated.text() != class.text() {
        let path = field::Path::root("annotations").child(CLASS_ANNOTATION);
        let detail = "must match `ingressClassName` when both are specified";
        faults.push(field::invalid(&path, annotated.value, detail));
    }
    let (rules, fallback) = (spec.get("rules"), spec.get("defaultBackend"));
    if rules.len() == 0 && !fallback.is_set() {
        let detail = "either `defaultBackend` or `rules` must be specified";
        faults.push(field::invalid(&spec.path, rules.value, detail));
    }
    for tls in spec.get("tls").items() {
        for host in tls.get("hosts").items() {
            host_name(&host, faults);
        }
        let secret = tls.get("secretName");
        if !secret.text().is_empty() {
            push(&secret, format::dns_subdomain(secret.text()), faults);
        }
    }
    for rule in rules.items() {
        let host = rule.get("host");
        if host.text().parse::<IpAddr>().is_ok() {
            let detail = "must be a DNS name, not an IP address";
            faults.push(field::invalid(&host.path, host.value, detail));
        } else if !host.text().is_empty() {
            host_name(&host, faults);
        }
        let http = rule.get("http");
        let paths = http.get("paths");
        if http.is_set() && paths.len() == 0 {
            faults.push(field::required(&paths.path, ""));
        }
        for path in paths.items() {
            path_rules(&path, faults);
        }
    }
    if fallback.is_set() {
        backend(&fallback, faults);
    }
    if class.is_set() {
        push(&class, format::dns_subdomain(class.text()), faults);
    }
}

fn host_name(host: &At<'_>, faults: &mut Vec<Cause>) {
    let wrong = if host.text().contains('*') {
        format::wildcard(host.text())
    } else {
        format::dns_subdomain(host.text())
    };
    push(host, wrong, faults);
}

fn path_rules(at: &At<'_>, faults: &mut Vec<Cause>) {
    let (path, type_) = (at.get("path"), at.get("pathType"));
    let value = Value::from(path.text());
    let mut wrong = |detail: &str| faults.push(field::invalid(&path.path, &value, detail));
    let absolute = path.text().starts_with('/');
    match type_.text() {
        "" => faults.push(field::required(&type_.path, "pathType must be specified")),
        "Exact" | "Prefix" => {
            if !absolute {
                wrong("must be an absolute path");
            }
            for sequence in WITHIN.iter().filter(|s| path.text().contains(**s)) {
                wrong(&format!("must not contain '{sequence}'"));
            }
            for suffix in AT_END.iter().filter(|s| path.text().ends_with(**s)) {
                wrong(&format!("cannot end with '{suffix}'"));
            }
        }
        "ImplementationSpecific" => {
            if !path.text().is_empty() && !absolute {
                wrong("must be an absolute path");
            }
        }
        _ => {
            let known = ["Exact", "ImplementationSpecific", "Prefix"];
            faults.push(field::not_supported(&type_.path, type_.value, &known));
        }
    }
    backend(&at.get("backend"), faults);
}

fn backend(at: &At<'_>, faults: &mut Vec<Cause>) {
    let (service, resource) = (at.get("service"), at.get("resource"));
    let nothing = Value::from("");
    if service.is_set() && resource.is_set() {
        let detail = "cannot set both resource and service backends";
        faults.push(field::invalid(&at.path, &nothing, detail));
    } else if resource.is_set() {
        for key in ["kind", "name"] {
            let part = resource.get(key);
            if part.text().is_empty() {
                faults.push(field::required(&part.path, ""));
            }
        }
    } else if service.is_set() {
        let (name, port) = (service.get("name"), service.get("port"));
        if name.text().is_empty() {
            faults.push(field::required(&name.path, ""));
        } else {
            push(&name, format::dns_label(name.text()), faults);
        }
        let (named, number) = (port.get("name"), port.get("number"));
        match (named.text(), number.number().unwrap_or(0)) {
            ("", 0) => faults.push(field::required(&at.path, "port name or number is required")),
            ("", some) => push(&number, format::port_number(some), faults),
            (some, 0) => push(&named, format::port_name(some), faults),
            (_, _) => {
                let detail = "cannot set both port name & port number";
                faults.push(field::invalid(&at.path, &nothing, detail));
            }
        }
    } else {
        let detail = "resource or service backend is required";
        faults.push(field::invalid(&at.path, &nothing, detail));
    }
}

pub(super) fn class(object: &Value, faults: &mut Vec<Cause>) {
    let spec = At::root(object, "spec");
    let controller = spec.get("controller");
    if controller.text().is_empty() {
        faults.push(field::required(&controller.path, ""));
    } else if controller.text().len() > CONTROLLER_MAX {
        faults.push(field::too_long(&controller.path, CONTROLLER_MAX));
    } else {
        push(&controller, format::domain_prefixed(controller.text()), faults);
    }
    let parameters = spec.get("parameters");
    if !parameters.is_set() {
        return;
    }
    let group = parameters.get("apiGroup");
    if !group.text().is_empty() {
        push(&group, format::dns_subdomain(group.text()), faults);
    }
    for key in ["kind", "name"] {
        let part = parameters.get(key);
        if part.text().is_empty() {
            faults.push(field::required(&part.path, ""));
        }
    }
    let (scope, namespace) = (parameters.get("scope"), parameters.get("namespace"));
    match (scope.text(), namespace.text().is_empty()) {
        ("Namespace", true) => {
            let detail = "`parameters.scope` is set to 'Namespace'";
            faults.push(field::required(&namespace.path, detail));
        }
        ("Cluster", false) => {
            let detail = "`parameters.scope` is set to 'Cluster'";
            faults.push(field::forbidden(&namespace.path, detail));
        }
        ("Namespace", false) => push(&namespace, format::dns_label(namespace.text()), faults),
        ("Cluster", true) => {}
        ("", _) => faults.push(field::required(&scope.path, "")),
        _ => faults.push(field::not_supported(
            &scope.path,
            scope.value,
            &["Cluster", "Namespace"],
        )),
    }
}

pub(super) fn update_class(new: &Value, old: &Value, faults: &mut Vec<Cause>) {
    let controller = |object| At::root(object, "spec").get("controller");
    immutable(&controller(new), &controller(old), faults);
}
