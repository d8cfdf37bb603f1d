//! Persistent volumes, the claims on them, and their classes.

use super::place::{Object, absent, text, within};

pub(super) fn claim(object: &mut Object) {
    within(object, "spec", |spec| absent(spec, "volumeMode", "Filesystem"));
    within(object, "status", |status| text(status, "phase", "Pending"));
}

pub(super) fn volume(object: &mut Object) {
    within(object, "spec", |spec| {
        text(spec, "persistentVolumeReclaimPolicy", "Retain");
        absent(spec, "volumeMode", "Filesystem");
    });
    within(object, "status", |status| text(status, "phase", "Pending"));
}

pub(super) fn class(object: &mut Object) {
    text(object, "reclaimPolicy", "Delete");
    text(object, "volumeBindingMode", "Immediate");
}
