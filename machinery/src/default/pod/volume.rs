//! Volumes of pods.

use serde_json::{Value, json};

use super::super::place::{Object, absent, existing, items, within, word};
use super::{image, references};

const MODE: i64 = 0o644;

pub(super) fn volume(volume: &mut Object) {
    if volume.iter().all(|(key, value)| key == "name" || value.is_null()) {
        volume.insert("emptyDir".to_owned(), json!({}));
    }
    for source in ["secret", "configMap", "downwardAPI", "projected"] {
        if let Some(source) = existing(volume, source) {
            absent(source, "defaultMode", MODE);
        }
    }
    if let Some(source) = existing(volume, "downwardAPI") {
        downward_items(source);
    }
    if let Some(projected) = existing(volume, "projected") {
        for source in items(projected, "sources") {
            if let Some(token) = existing(source, "serviceAccountToken") {
                absent(token, "expirationSeconds", 3600);
            }
            if let Some(downward) = existing(source, "downwardAPI") {
                downward_items(downward);
            }
        }
    }
    if let Some(path) = existing(volume, "hostPath") {
        absent(path, "type", "");
    }
    if let Some(disk) = existing(volume, "azureDisk") {
        absent(disk, "readOnly", false);
    }
    if let Some(ephemeral) = existing(volume, "ephemeral")
        && let Some(claim) = existing(ephemeral, "volumeClaimTemplate")
    {
        within(claim, "spec", |spec| absent(spec, "volumeMode", "Filesystem"));
    }
    if let Some(source) = existing(volume, "image")
        && word(source, "pullPolicy").is_empty()
    {
        let policy = image::pull_policy(word(source, "reference"));
        source.insert("pullPolicy".to_owned(), Value::from(policy));
    }
}

fn downward_items(source: &mut Object) {
    for item in items(source, "items") {
        references(item);
    }
}
