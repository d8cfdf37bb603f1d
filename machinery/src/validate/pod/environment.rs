//! Environment variables of containers.

use serde_json::Value;

use crate::field;
use crate::status::Cause;

use super::super::at::At;
use super::super::format;
use super::super::metadata::push;

const FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
/// Fields that a pod can be asked for elsewhere, but not here.
const OTHER_FIELDS: [&str; 5] = [
    "metadata.annotations",
    "metadata.labels",
    "spec.restartPolicy",
    "spec.schedulerName",
    "status.phase",
];
const RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];
const TOO_MANY: &str = "may not have more than one field specified at a time";

pub(super) fn variables(variables: &At<'_>, faults: &mut Vec<Cause>) {
    for variable in variables.items() {
        let (name, from) = (variable.get("name"), variable.get("valueFrom"));
        if name.text().is_empty() {
            faults.push(field::required(&name.path, ""));
        } else {
            push(&name, format::env_name(name.text()), faults);
        }
        if from.is_set() {
            source(&from, variable.get("value").text(), faults);
        }
    }
}

fn source(from: &At<'_>, value: &str, faults: &mut Vec<Cause>) {
    let mut sources = 0;
    let field = from.get("fieldRef");
    if field.is_set() {
        sources += 1;
        field_reference(&field, &FIELDS, faults);
    }
    let resource = from.get("resourceFieldRef");
    if resource.is_set() {
        sources += 1;
        let name = resource.get("resource");
        let huge = name.text().starts_with("limits.hugepages-") || name.text().starts_with("requests.hugepages-");
        if name.text().is_empty() {
            faults.push(field::required(&name.path, ""));
        } else if !huge && !RESOURCES.contains(&name.text()) {
            faults.push(field::not_supported(&name.path, name.value, &RESOURCES));
        }
    }
    for reference in ["configMapKeyRef", "secretKeyRef"] {
        let reference = from.get(reference);
        if reference.is_set() {
            sources += 1;
            let (name, key) = (reference.get("name"), reference.get("key"));
            let wrong = format::dns_subdomain(name.text());
            let text = Value::from(name.text());
            faults.extend(wrong.iter().map(|detail| field::invalid(&name.path, &text, detail)));
            if key.text().is_empty() {
                faults.push(field::required(&key.path, ""));
            } else {
                push(&key, format::config_key(key.text()), faults);
            }
        }
    }
    if from.get("fileKeyRef").is_set() {
        sources += 1;
    }
    let empty = Value::from("");
    if sources == 0 {
        let detail =
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
        faults.push(field::invalid(&from.path, &empty, detail));
    } else if !value.is_empty() {
        faults.push(field::invalid(
            &from.path,
            &empty,
            "may not be specified when `value` is not empty",
        ));
    } else if sources > 1 {
        faults.push(field::invalid(&from.path, &empty, TOO_MANY));
    }
}

/// A reference to a field of the pod itself.
pub(super) fn field_reference(reference: &At<'_>, allowed: &[&str], faults: &mut Vec<Cause>) {
    let (version, path) = (reference.get("apiVersion"), reference.get("fieldPath"));
    for part in [&version, &path] {
        if part.text().is_empty() {
            faults.push(field::required(&part.path, ""));
            return;
        }
    }
    if let Some((name, rest)) = path.text().split_once("['") {
        let key = rest.strip_suffix("']").unwrap_or(rest);
        match name {
            "metadata.annotations" => push(reference, format::qualified_name(&key.to_lowercase()), faults),
            "metadata.labels" => push(reference, format::qualified_name(key), faults),
            _ => faults.push(field::invalid(
                &reference.path,
                &Value::from(name),
                "does not support subscript",
            )),
        }
    } else if !allowed.contains(&path.text()) && !OTHER_FIELDS.contains(&path.text()) {
        let detail = format!("error converting fieldPath: field label not supported: {}", path.text());
        faults.push(field::invalid(&path.path, path.value, &detail));
    } else if !allowed.contains(&path.text()) {
        faults.push(field::not_supported(&path.path, path.value, allowed));
    }
}

pub(super) fn sources(list: &At<'_>, faults: &mut Vec<Cause>) {
    for source in list.items() {
        let prefix = source.get("prefix");
        if !prefix.text().is_empty() {
            push(&prefix, format::env_name(prefix.text()), faults);
        }
        let mut sources = 0;
        for reference in ["configMapRef", "secretRef"] {
            let reference = source.get(reference);
            if reference.is_set() {
                sources += 1;
                let name = reference.get("name");
                if name.text().is_empty() {
                    faults.push(field::required(&name.path, ""));
                } else {
                    push(&name, format::dns_subdomain(name.text()), faults);
                }
            }
        }
        let empty = Value::from("");
        if sources == 0 {
            faults.push(field::invalid(
                &list.path,
                &empty,
                "must specify one of: `configMapRef` or `secretRef`",
            ));
        } else if sources > 1 {
            faults.push(field::invalid(&list.path, &empty, TOO_MANY));
        }
    }
}
