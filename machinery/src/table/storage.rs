//! Rows of PersistentVolumeClaim, PersistentVolume and StorageClass.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{AGE, Column, NAME, Printer, age, list, name, or, text};

const UNSET: &str = "<unset>";
const ACCESS_MODES: Column = Column::text("Access Modes", "How the volume may be mounted.");
const CAPACITY: Column = Column::text("Capacity", "How much the volume holds.");
const STORAGE_CLASS: Column = Column::text("StorageClass", "Class of the storage.");
const ATTRIBUTES_CLASS: Column = Column::text("VolumeAttributesClass", "Class of the volume's attributes.");
const VOLUME_MODE: Column = Column::text("VolumeMode", "Whether it is a file system or a device.").wide();

/// The annotation by which a class was named before there was a field.
const OLD_CLASS: &str = "/metadata/annotations/volume.beta.kubernetes.io~1storage-class";

pub(super) static CLAIM: Printer = Printer {
    columns: &[
        NAME,
        Column::text("Status", "Whether a volume is bound to the claim."),
        Column::text("Volume", "The volume that is bound."),
        CAPACITY,
        ACCESS_MODES,
        STORAGE_CLASS,
        ATTRIBUTES_CLASS,
        AGE,
        VOLUME_MODE,
    ],
    cells: |object, now| {
        let volume = text(object, "/spec/volumeName");
        let (capacity, modes) = if volume.is_empty() {
            ("", String::new())
        } else {
            let capacity = text(object, "/status/capacity/storage");
            (or(capacity, "0"), access_modes(list(object, "/status/accessModes")))
        };
        vec![
            name(object),
            Value::from(phase(object)),
            Value::from(volume),
            Value::from(capacity),
            Value::from(modes),
            Value::from(class(object)),
            Value::from(or(text(object, "/spec/volumeAttributesClassName"), UNSET)),
            age(object, now),
            Value::from(or(text(object, "/spec/volumeMode"), UNSET)),
        ]
    },
};

pub(super) static VOLUME: Printer = Printer {
    columns: &[
        NAME,
        CAPACITY,
        ACCESS_MODES,
        Column::text("Reclaim Policy", "What becomes of the volume once its claim is gone."),
        Column::text("Status", "Whether the volume is bound."),
        Column::text("Claim", "The claim that it is bound to."),
        STORAGE_CLASS,
        ATTRIBUTES_CLASS,
        Column::text("Reason", "Why the volume is in its status."),
        AGE,
        VOLUME_MODE,
    ],
    cells: |object, now| {
        let claim = match object.pointer("/spec/claimRef").filter(|claim| claim.is_object()) {
            Some(claim) => format!("{}/{}", text(claim, "/namespace"), text(claim, "/name")),
            None => String::new(),
        };
        vec![
            name(object),
            Value::from(or(text(object, "/spec/capacity/storage"), "0")),
            Value::from(access_modes(list(object, "/spec/accessModes"))),
            Value::from(text(object, "/spec/persistentVolumeReclaimPolicy")),
            Value::from(phase(object)),
            Value::from(claim),
            Value::from(class(object)),
            Value::from(or(text(object, "/spec/volumeAttributesClassName"), UNSET)),
            Value::from(text(object, "/status/reason")),
            age(object, now),
            Value::from(or(text(object, "/spec/volumeMode"), UNSET)),
        ]
    },
};

pub(super) static STORAGE_CLASS_ROW: Printer = Printer {
    columns: &[
        NAME,
        Column::text("Provisioner", "Who makes the volumes."),
        Column::text("ReclaimPolicy", "What becomes of a volume once its claim is gone."),
        Column::text("VolumeBindingMode", "When volumes are made."),
        Column::text("AllowVolumeExpansion", "Whether volumes may grow."),
        AGE,
    ],
    cells: |object, now| {
        let default = ["storageclass.kubernetes.io", "storageclass.beta.kubernetes.io"]
            .iter()
            .any(|prefix| text(object, &format!("/metadata/annotations/{prefix}~1is-default-class")) == "true");
        let shown = match default {
            true => Value::from(format!("{} (default)", text(object, "/metadata/name"))),
            false => name(object),
        };
        vec![
            shown,
            Value::from(text(object, "/provisioner")),
            Value::from(or(text(object, "/reclaimPolicy"), "Delete")),
            Value::from(or(text(object, "/volumeBindingMode"), "Immediate")),
            Value::from(object.pointer("/allowVolumeExpansion").and_then(Value::as_bool) == Some(true)),
            age(object, now),
        ]
    },
};

fn phase(object: &Value) -> &str {
    if text(object, "/metadata/deletionTimestamp").is_empty() {
        text(object, "/status/phase")
    } else {
        "Terminating"
    }
}

fn class(object: &Value) -> &str {
    or(text(object, OLD_CLASS), text(object, "/spec/storageClassName"))
}

/// In their short spelling, each once.
fn access_modes(modes: &[Value]) -> String {
    let modes: BTreeSet<&str> = modes.iter().filter_map(Value::as_str).collect();
    let known = [
        ("ReadWriteOnce", "RWO"),
        ("ReadOnlyMany", "ROX"),
        ("ReadWriteMany", "RWX"),
        ("ReadWriteOncePod", "RWOP"),
    ];
    let short = known.iter().filter(|(mode, _)| modes.contains(mode));
    short.map(|(_, short)| *short).collect::<Vec<_>>().join(",")
}
