//! Rules about Events, as they are stored: in the words of the core group.
//!
//! What is written as `v1` is hardly judged, with an `eventTime` a little; what is written as `events.k8s.io/v1` has to be whole,
//! and stays as it is but for its series.

use serde_json::Value;

use crate::field::{self, Path};
use crate::status::Cause;

use super::at::At;
use super::format;
use super::metadata::push;

/// Fields that an Event of `events.k8s.io/v1` never changes.
const FIXED: &[&str] = &[
    "involvedObject",
    "reason",
    "message",
    "source",
    "firstTimestamp",
    "lastTimestamp",
    "count",
    "type",
    "eventTime",
    "action",
    "related",
    "reportingComponent",
    "reportingInstance",
];

/// Who reports, in the words of each version.
const CORE_REPORTER: &str = "reportingComponent";
const REPORTER: &str = "reportingController";

/// An Event that is written as `v1`.
pub(super) fn core(object: &Value, faults: &mut Vec<Cause>) {
    judge(object, CORE_REPORTER, faults);
}

/// An Event that is written as `events.k8s.io/v1`.
pub(super) fn whole(object: &Value, is_new: bool, faults: &mut Vec<Cause>) {
    judge(object, REPORTER, faults);
    if !is_new {
        return;
    }
    let series = At::root(object, "series");
    if series.is_set() {
        let count = series.get("count");
        if count.value.as_i64().unwrap_or_default() < 2 {
            faults.push(field::invalid(&count.path, &Value::from(""), "should be at least 2"));
        }
        let last = series.get("lastObservedTime");
        if !last.is_set() {
            faults.push(field::required(&last.path, ""));
        }
    }
    let time = At::root(object, "eventTime");
    if !time.is_set() {
        faults.push(field::required(&time.path, ""));
    }
    let kind = At::root(object, "type");
    if !matches!(kind.text(), "Normal" | "Warning") {
        let detail = format!("has invalid value: {}", kind.text());
        faults.push(field::invalid(&kind.path, &Value::from(""), &detail));
    }
    for name in ["firstTimestamp", "lastTimestamp", "count", "source"] {
        let old = At::root(object, name).value;
        let empty = old.is_null()
            || *old == 0
            || old
                .as_object()
                .is_some_and(|source| source.values().all(|text| *text == ""));
        if !empty {
            faults.push(field::invalid(&Path::root(name), &Value::from(""), "needs to be unset"));
        }
    }
}

/// A changed Event that is written as `events.k8s.io/v1`.
pub(super) fn update_whole(new: &Value, old: &Value, faults: &mut Vec<Cause>) {
    for name in FIXED {
        let told = if *name == CORE_REPORTER { REPORTER } else { name };
        let (new, old) = (At::root(new, name), At::root(old, name));
        if new.value != old.value {
            faults.push(field::invalid(&Path::root(told), new.value, "field is immutable"));
        }
    }
}

fn judge(object: &Value, reporter: &str, faults: &mut Vec<Cause>) {
    let namespace = At::root(object, "metadata").get("namespace").text();
    let involved = At::root(object, "involvedObject").get("namespace");
    let disagrees = |faults: &mut Vec<Cause>| {
        faults.push(field::invalid(
            &involved.path,
            &Value::from(involved.text()),
            "does not match event.namespace",
        ));
    };
    if At::root(object, "eventTime").is_set() {
        if involved.text().is_empty() && !matches!(namespace, "default" | "kube-system") {
            disagrees(faults);
        }
        let component = At {
            path: Path::root(reporter),
            ..At::root(object, CORE_REPORTER)
        };
        if component.text().is_empty() {
            faults.push(field::required(&component.path, ""));
        }
        push(&component, format::qualified_name(component.text()), faults);
        for (name, most) in [
            ("reportingInstance", 128),
            ("action", 128),
            ("reason", 128),
            ("message", 1024),
        ] {
            let text = At::root(object, name);
            if text.text().is_empty() && name != "message" {
                faults.push(field::required(&text.path, ""));
            }
            if text.text().len() > most {
                faults.push(field::invalid(
                    &text.path,
                    &Value::from(""),
                    &format!("can have at most {most} characters"),
                ));
            }
        }
    } else {
        let fine = if involved.text().is_empty() {
            matches!(namespace, "" | "default")
        } else {
            involved.text() == namespace
        };
        if !fine {
            disagrees(faults);
        }
    }
    let value = Value::from(namespace);
    push(
        &At {
            value: &value,
            path: Path::root("namespace"),
        },
        format::dns_subdomain(namespace),
        faults,
    );
}
