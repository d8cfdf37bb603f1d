//! Events: `events.k8s.io/v1` is the core version with other names of fields (KEP-383).

use serde_json::{Map, Value};

use super::rename;

/// Names in `events.k8s.io/v1`, and in the core group.
const NAMES: &[(&str, &str)] = &[
    ("regarding", "involvedObject"),
    ("note", "message"),
    ("reportingController", "reportingComponent"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
];

/// What can be selected by.
pub(super) const FIELDS: &[(&str, &str)] = &[
    ("reason", "reason"),
    ("regarding.apiVersion", "involvedObject.apiVersion"),
    ("regarding.fieldPath", "involvedObject.fieldPath"),
    ("regarding.kind", "involvedObject.kind"),
    ("regarding.name", "involvedObject.name"),
    ("regarding.namespace", "involvedObject.namespace"),
    ("regarding.resourceVersion", "involvedObject.resourceVersion"),
    ("regarding.uid", "involvedObject.uid"),
    ("reportingController", "reportingComponent"),
    ("type", "type"),
];

pub(super) fn to_core(event: &mut Map<String, Value>) {
    for (new, core) in NAMES {
        rename(event, new, core);
    }
}

pub(super) fn from_core(event: &mut Map<String, Value>) {
    for (new, core) in NAMES {
        rename(event, core, new);
    }
}

/// What a whole Event has and has not.
pub(super) fn complete(event: &mut Map<String, Value>) {
    // The core version writes these where they are empty, this one does not; with the others it is the other way round.
    for name in ["reportingController", "reportingInstance"] {
        if event.get(name).and_then(Value::as_str) == Some("") {
            event.remove(name);
        }
    }
    for (name, empty) in [
        ("regarding", Value::Object(Map::new())),
        ("deprecatedSource", Value::Object(Map::new())),
        ("deprecatedFirstTimestamp", Value::Null),
        ("deprecatedLastTimestamp", Value::Null),
        ("eventTime", Value::Null),
    ] {
        event.entry(name).or_insert(empty);
    }
}
