//! Rules about PersistentVolumeClaims, PersistentVolumes and StorageClasses.

use serde_json::Value;

use crate::field::{self, Path};
use crate::quantity::Quantity;
use crate::status::Cause;

use super::at::{At, same};
use super::metadata::push;
use super::sets::immutable;
use super::{format, selector};

const MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
const VOLUME_MODES: [&str; 2] = ["Block", "Filesystem"];
/// Kinds of storage behind a volume.
const SOURCES: [&str; 22] = [
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "nfs",
    "rbd",
    "quobyte",
    "cephfs",
    "iscsi",
    "cinder",
    "fc",
    "flocker",
    "flexVolume",
    "azureFile",
    "vsphereVolume",
    "azureDisk",
    "photonPersistentDisk",
    "portworxVolume",
    "scaleIO",
    "local",
    "storageos",
    "csi",
];

pub(super) fn claim(object: &Value, faults: &mut Vec<Cause>) {
    let spec = At::root(object, "spec");
    selector::label_selector(&spec.get("selector"), faults);
    access_modes(&spec.get("accessModes"), "at least 1 access mode is required", faults);
    // Told by an older name of the field.
    let path = spec.get("resources").path.key("storage");
    match Quantity::from_value(spec.get("resources").get("requests").get("storage").value) {
        None => faults.push(field::required(&path, "")),
        Some(amount) if !amount.is_positive() => {
            let bad = Value::from(amount.canonical());
            faults.push(field::invalid(&path, &bad, "must be greater than zero"));
        }
        Some(_) => {}
    }
    class_and_mode(&spec, faults);
}

fn class_and_mode(spec: &At<'_>, faults: &mut Vec<Cause>) {
    let (class, mode) = (spec.get("storageClassName"), spec.get("volumeMode"));
    if !class.text().is_empty() {
        push(&class, format::dns_subdomain(class.text()), faults);
    }
    if mode.is_set() && !VOLUME_MODES.contains(&mode.text()) {
        faults.push(field::not_supported(&mode.path, mode.value, &VOLUME_MODES));
    }
}

fn access_modes(modes: &At<'_>, missing: &str, faults: &mut Vec<Cause>) {
    if modes.len() == 0 {
        faults.push(field::required(&modes.path, missing));
    }
    let alone = modes.items().any(|mode| mode.text() == "ReadWriteOncePod");
    for mode in modes.items().filter(|mode| !MODES.contains(&mode.text())) {
        faults.push(field::not_supported(&modes.path, mode.value, &MODES));
    }
    if alone && modes.len() > 1 {
        let detail = "may not use ReadWriteOncePod with other access modes";
        faults.push(field::forbidden(&modes.path, detail));
    }
}

pub(super) fn update_claim(new: &Value, old: &Value, faults: &mut Vec<Cause>) {
    let (now, then) = (At::root(new, "spec"), At::root(old, "spec"));
    let status = At::root(old, "status");
    let bound = status.get("phase").text() == "Bound";
    let fixed = |spec: &At<'_>| {
        let mut fixed = spec.value.clone();
        if let Some(map) = fixed.as_object_mut() {
            // A volume is bound and a class found later; neither is taken back.
            for late in ["volumeName", "storageClassName"] {
                if !then.get(late).is_set() {
                    map.remove(late);
                }
            }
            if bound {
                map.remove("volumeAttributesClassName");
                if let Some(resources) = map.get_mut("resources").and_then(Value::as_object_mut) {
                    resources.remove("requests");
                }
            }
        }
        fixed
    };
    if fixed(&now) != fixed(&then) {
        let detail =
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
        faults.push(field::forbidden(&now.path, detail));
    }
    let wanted = |spec: &At<'_>| Quantity::from_value(spec.get("resources").get("requests").get("storage").value);
    if let (true, Some(now), Some(then)) = (bound, wanted(&now), wanted(&then))
        && now < then
    {
        let has = Quantity::from_value(status.get("capacity").get("storage").value);
        if has.is_none_or(|has| now <= has) {
            let path = Path::root("spec").child("resources").child("requests").child("storage");
            faults.push(field::forbidden(&path, "field can not be less than status.capacity"));
        }
    }
    mode_stays(&now, &then, faults);
}

/// Told without `spec`.
fn mode_stays(now: &At<'_>, then: &At<'_>, faults: &mut Vec<Cause>) {
    let (now, then) = (now.get("volumeMode"), then.get("volumeMode"));
    let now = At {
        path: Path::root("volumeMode"),
        ..now
    };
    immutable(&now, &then, faults);
}

pub(super) fn volume(object: &Value, faults: &mut Vec<Cause>) {
    let spec = At::root(object, "spec");
    access_modes(&spec.get("accessModes"), "", faults);
    let capacity = spec.get("capacity");
    if capacity.len() == 0 {
        faults.push(field::required(&capacity.path, ""));
    }
    if capacity.len() != 1 || !capacity.entry("storage").is_set() {
        let bad = match capacity.value {
            Value::Null => Value::Object(serde_json::Map::new()),
            value => value.clone(),
        };
        faults.push(field::not_supported(&capacity.path, &bad, &["storage"]));
    }
    for (_, amount) in capacity.entries() {
        let Some(quantity) = Quantity::from_value(amount.value) else {
            continue;
        };
        let bad = Value::from(quantity.canonical());
        if quantity.is_negative() {
            let shown = serde_json::from_str(&quantity.canonical()).unwrap_or(bad.clone());
            faults.push(field::invalid(
                &amount.path,
                &shown,
                "must be a valid resource quantity",
            ));
        }
        if !quantity.is_positive() {
            faults.push(field::invalid(&amount.path, &bad, "must be greater than zero"));
        }
    }
    let policy = spec.get("persistentVolumeReclaimPolicy");
    if !matches!(policy.text(), "" | "Delete" | "Recycle" | "Retain") {
        let known = ["Delete", "Recycle", "Retain"];
        faults.push(field::not_supported(&policy.path, policy.value, &known));
    }
    let mut sources = SOURCES.iter().map(|name| spec.get(name)).filter(At::is_set);
    match sources.next() {
        None => faults.push(field::required(&spec.path, "must specify a volume type")),
        Some(first) => source(&spec, &first, faults),
    }
    for more in sources {
        faults.push(field::forbidden(&more.path, "may not specify more than 1 volume type"));
    }
    class_and_mode(&spec, faults);
}

fn source(spec: &At<'_>, source: &At<'_>, faults: &mut Vec<Cause>) {
    let required = |names: &[&str], faults: &mut Vec<Cause>| {
        for at in names.iter().map(|name| source.get(name)) {
            if at.text().is_empty() {
                faults.push(field::required(&at.path, ""));
            }
        }
    };
    let path = source.get("path");
    match source.path.as_str() {
        "spec.hostPath" => {
            required(&["path"], faults);
            if path.text().split('/').any(|part| part == "..") {
                faults.push(field::invalid(&path.path, path.value, "must not contain '..'"));
            }
            let policy = spec.get("persistentVolumeReclaimPolicy");
            if path.text() == "/" && policy.text() == "Recycle" {
                let detail = "may not be 'recycle' for a hostPath mount of '/'";
                faults.push(field::forbidden(&policy.path, detail));
            }
        }
        "spec.local" => {
            required(&["path"], faults);
            let affinity = spec.get("nodeAffinity");
            if !affinity.is_set() {
                faults.push(field::required(&affinity.path, "Local volume requires node affinity"));
            }
        }
        "spec.nfs" => {
            required(&["server", "path"], faults);
            if !path.text().is_empty() && !path.text().starts_with('/') {
                faults.push(field::invalid(&path.path, path.value, "must be an absolute path"));
            }
        }
        "spec.csi" => required(&["driver", "volumeHandle"], faults),
        // Storage that came before CSI: its drivers judge it.
        _ => {}
    }
}

pub(super) fn update_volume(new: &Value, old: &Value, faults: &mut Vec<Cause>) {
    let (now, then) = (At::root(new, "spec"), At::root(old, "spec"));
    let differs = SOURCES
        .iter()
        .any(|name| !same(now.get(name).value, then.get(name).value));
    if differs {
        let path = now.path.child("persistentvolumesource");
        faults.push(field::forbidden(
            &path,
            "spec.persistentvolumesource is immutable after creation",
        ));
    }
    mode_stays(&now, &then, faults);
}

pub(super) fn class(object: &Value, faults: &mut Vec<Cause>) {
    let provisioner = At::root(object, "provisioner");
    if provisioner.text().is_empty() {
        faults.push(field::required(&provisioner.path, ""));
    } else {
        let lower = Value::from(provisioner.text().to_lowercase());
        let here = At {
            value: &lower,
            path: provisioner.path.clone(),
        };
        push(&here, format::qualified_name(here.text()), faults);
    }
    let parameters = At::root(object, "parameters");
    if parameters.entries().any(|(key, _)| key.is_empty()) {
        faults.push(field::invalid(
            &parameters.path,
            &Value::from(""),
            "field can not be empty.",
        ));
    }
    for (name, known) in [
        ("reclaimPolicy", ["Delete", "Retain"]),
        ("volumeBindingMode", ["Immediate", "WaitForFirstConsumer"]),
    ] {
        let word = At::root(object, name);
        if word.is_set() && !known.contains(&word.text()) {
            faults.push(field::not_supported(&word.path, word.value, &known));
        }
    }
    for topology in At::root(object, "allowedTopologies").items() {
        for expression in topology.get("matchLabelExpressions").items() {
            let (key, values) = (expression.get("key"), expression.get("values"));
            push(&key, format::qualified_name(key.text()), faults);
            if values.len() == 0 {
                faults.push(field::required(&values.path, ""));
            }
        }
    }
}

pub(super) fn update_class(new: &Value, old: &Value, faults: &mut Vec<Cause>) {
    for name in ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"] {
        immutable(&At::root(new, name), &At::root(old, name), faults);
    }
}
