//! Rules about Events of the core group. Old ones (no `eventTime`) are hardly judged, new ones a little.

use serde_json::Value;

use crate::field::{self, Path};
use crate::status::Cause;

use super::at::At;
use super::format;
use super::metadata::push;

pub(super) fn core(object: &Value, faults: &mut Vec<Cause>) {
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
        let component = At::root(object, "reportingComponent");
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
