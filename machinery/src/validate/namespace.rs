//! Rules about Namespaces.

use serde_json::Value;

use crate::field;
use crate::status::Cause;

use super::at::At;
use super::format;
use super::metadata::{push, standard_finalizer};

pub(super) fn create(object: &Value, faults: &mut Vec<Cause>) {
    let finalizers = At::root(object, "spec").get("finalizers");
    for finalizer in finalizers.items() {
        let here = At {
            value: finalizer.value,
            path: finalizers.path.clone(),
        };
        push(&here, format::qualified_name(finalizer.text()), faults);
        standard_finalizer(&here, faults);
    }
}

pub(super) fn status(object: &Value, faults: &mut Vec<Cause>) {
    let status = At::root(object, "status");
    let phase = At {
        value: status.get("phase").value,
        path: status.path.child("Phase"),
    };
    let deleted = At::root(object, "metadata").get("deletionTimestamp").is_set();
    if !deleted && phase.text() != "Active" {
        faults.push(field::invalid(
            &phase.path,
            phase.value,
            "may only be 'Active' if `deletionTimestamp` is empty",
        ));
    }
    if deleted && phase.text() != "Terminating" {
        let detail = "may only be 'Terminating' if `deletionTimestamp` is not empty";
        faults.push(field::invalid(&phase.path, phase.value, detail));
    }
}
