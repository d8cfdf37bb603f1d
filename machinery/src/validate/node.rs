//! Rules about Nodes: their taints.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::field;
use crate::status::Cause;

use super::at::At;
use super::format;
use super::metadata::push;

const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

pub(super) fn node(object: &Value, faults: &mut Vec<Cause>) {
    // Told under metadata, as kube-apiserver tells them.
    let path = At::root(object, "metadata").path.child("taints");
    taints(
        &At {
            value: At::root(object, "spec").get("taints").value,
            path,
        },
        faults,
    );
}

/// A list of taints, of a Node or of a Cluster.
pub(super) fn taints(taints: &At<'_>, faults: &mut Vec<Cause>) {
    let mut seen = BTreeSet::new();
    for taint in taints.items() {
        let (key, value, effect) = (taint.get("key"), taint.get("value"), taint.get("effect"));
        push(&key, format::qualified_name(key.text()), faults);
        let wrong = format::label_value(value.text());
        if !wrong.is_empty() {
            faults.push(field::invalid(&value.path, value.value, &wrong.join(";")));
        }
        taint_effect(&effect, false, faults);
        if !seen.insert((key.text(), effect.text())) {
            let mut fault = field::duplicate(&taint.path, taint.value);
            fault.message.push_str(": taints must be unique by key and effect pair");
            faults.push(fault);
        }
    }
}

/// What a taint does, or which effect is tolerated.
pub(super) fn taint_effect(effect: &At<'_>, may_be_empty: bool, faults: &mut Vec<Cause>) {
    match effect.text() {
        "" if may_be_empty => {}
        "" => faults.push(field::required(&effect.path, "")),
        text if EFFECTS.contains(&text) => {}
        _ => faults.push(field::not_supported(&effect.path, effect.value, &EFFECTS)),
    }
}
