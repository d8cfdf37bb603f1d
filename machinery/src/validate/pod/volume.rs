//! Volumes of pods and the places where containers mount them.

use std::collections::{BTreeMap, BTreeSet};

use crate::field;
use crate::status::Cause;

use super::super::at::At;
use super::super::format;
use super::super::metadata::push;

const MODE: &str = "must be a number between 0 and 0777 (octal), both inclusive";

/// Judges volumes and returns the good ones by name.
pub(super) fn volumes<'a>(volumes: &At<'a>, faults: &mut Vec<Cause>) -> BTreeMap<&'a str, At<'a>> {
    let mut good: BTreeMap<&'a str, At<'a>> = BTreeMap::new();
    for volume in volumes.items() {
        let mut wrong = Vec::new();
        source(&volume, &mut wrong);
        let name = volume.get("name");
        if name.text().is_empty() {
            wrong.push(field::required(&name.path, ""));
        } else {
            push(&name, format::dns_label(name.text()), &mut wrong);
        }
        if good.contains_key(name.text()) {
            wrong.push(field::duplicate(&name.path, name.value));
        }
        if wrong.is_empty() {
            good.insert(name.text(), volume);
        }
        faults.append(&mut wrong);
    }
    good
}

fn source(volume: &At<'_>, faults: &mut Vec<Cause>) {
    let mut sources = 0;
    for (key, _) in volume.entries() {
        let source = volume.get(key);
        if key == "name" || !source.is_set() {
            continue;
        }
        sources += 1;
        if sources > 1 {
            faults.push(field::forbidden(
                &source.path,
                "may not specify more than 1 volume type",
            ));
            continue;
        }
        let needed = match key {
            "secret" => "secretName",
            "configMap" => "name",
            "persistentVolumeClaim" => "claimName",
            "hostPath" => "path",
            // The other sources have rules that only their drivers need.
            _ => "",
        };
        if !needed.is_empty() && source.get(needed).text().is_empty() {
            faults.push(field::required(&source.get(needed).path, ""));
        }
        let mode = source.get("defaultMode");
        if mode.number().is_some_and(|n| !(0..=0o777).contains(&n)) {
            faults.push(field::invalid(&mode.path, mode.value, MODE));
        }
        if matches!(key, "secret" | "configMap") {
            for item in source.get("items").items() {
                let (key, path, mode) = (item.get("key"), item.get("path"), item.get("mode"));
                for part in [&key, &path] {
                    if part.text().is_empty() {
                        faults.push(field::required(&part.path, ""));
                    }
                }
                descending(&path, faults);
                if mode.number().is_some_and(|n| !(0..=0o777).contains(&n)) {
                    faults.push(field::invalid(&mode.path, mode.value, MODE));
                }
            }
        }
    }
    if sources == 0 {
        faults.push(field::required(&volume.path, "must specify a volume type"));
    }
}

pub(super) fn mounts(mounts: &At<'_>, volumes: &BTreeMap<&str, At<'_>>, faults: &mut Vec<Cause>) {
    let mut places = BTreeSet::new();
    for mount in mounts.items() {
        let (name, place) = (mount.get("name"), mount.get("mountPath"));
        if name.text().is_empty() {
            faults.push(field::required(&name.path, ""));
        }
        if !volumes.contains_key(name.text()) {
            faults.push(field::not_found(&name.path, name.value));
        }
        if place.text().is_empty() {
            faults.push(field::required(&place.path, ""));
        }
        if !places.insert(place.text()) {
            faults.push(field::invalid(&place.path, place.value, "must be unique"));
        }
        for part in ["subPath", "subPathExpr"] {
            let at = At {
                value: mount.get(part).value,
                path: mounts.path.child(part),
            };
            descending(&at, faults);
        }
        let expression = mount.get("subPathExpr");
        if !expression.text().is_empty() && !mount.get("subPath").text().is_empty() {
            faults.push(field::invalid(
                &expression.path,
                expression.value,
                "subPathExpr and subPath are mutually exclusive",
            ));
        }
    }
}

fn descending(at: &At<'_>, faults: &mut Vec<Cause>) {
    if at.text().starts_with('/') {
        faults.push(field::invalid(&at.path, at.value, "must be a relative path"));
    }
    if at.text().split('/').any(|part| part == "..") {
        faults.push(field::invalid(&at.path, at.value, "must not contain '..'"));
    }
}
