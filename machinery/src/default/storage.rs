//! Persistent volumes, the claims on them, and their classes.

use serde_json::Value;

use super::place::{Object, absent, existing, text, within, word};

pub(super) fn claim(object: &mut Object) {
    within(object, "spec", |spec| absent(spec, "volumeMode", "Filesystem"));
    within(object, "status", |status| text(status, "phase", "Pending"));
}

/// A claim of its own, not a template of one: what it is filled from is said in an older and in a newer field.
pub(super) fn own_claim(object: &mut Object) {
    claim(object);
    let Some(spec) = existing(object, "spec") else { return };
    let Some(source) = spec.get_mut("dataSource").and_then(Value::as_object_mut) else {
        return;
    };
    let known = matches!(
        (word(source, "apiGroup"), word(source, "kind")),
        ("", "PersistentVolumeClaim") | ("snapshot.storage.k8s.io", "VolumeSnapshot")
    );
    if !known {
        spec.remove("dataSource");
        return;
    }
    // Written by a typed server even where there is none.
    source.entry("apiGroup").or_insert(Value::Null);
    let source = Value::Object(source.clone());
    absent(spec, "dataSourceRef", source);
}

pub(super) fn volume(object: &mut Object) {
    within(object, "spec", |spec| {
        text(spec, "persistentVolumeReclaimPolicy", "Retain");
        absent(spec, "volumeMode", "Filesystem");
        if let Some(path) = existing(spec, "hostPath") {
            absent(path, "type", "");
        }
    });
    within(object, "status", |status| text(status, "phase", "Pending"));
}

pub(super) fn class(object: &mut Object) {
    text(object, "reclaimPolicy", "Delete");
    text(object, "volumeBindingMode", "Immediate");
}
