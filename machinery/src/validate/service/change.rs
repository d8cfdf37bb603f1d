//! What may change about a Service.

use serde_json::{Value, json};

use crate::field;
use crate::status::Cause;

use super::super::at::{At, same};
use super::{is_headless, wanted_ips};

pub(in crate::validate) fn update(new: &Value, old: &Value, faults: &mut Vec<Cause>) {
    let (spec, before) = (At::root(new, "spec"), At::root(old, "spec"));
    let external = spec.get("type").text() == "ExternalName" || before.get("type").text() == "ExternalName";
    let (ips, old_ips) = (wanted_ips(&spec), wanted_ips(&before));
    let stays_headless = is_headless(&spec) && is_headless(&before);
    let path = spec.get("clusterIPs").path;
    // Absent means unchanged: the server fills in what it allocated.
    if !external && !ips.is_empty() && !stays_headless {
        let shared = ips.iter().zip(&old_ips).enumerate();
        for (index, _) in shared.filter(|(_, (new, old))| new != old) {
            faults.push(field::invalid(
                &path.index(index),
                &json!(ips),
                "may not change once set",
            ));
        }
        let policy = spec.get("ipFamilyPolicy");
        if ips.len() < old_ips.len() && policy.text() != "SingleStack" {
            let detail = "must be set to 'SingleStack' when releasing the secondary clusterIP";
            faults.push(field::invalid(&policy.path, policy.value, detail));
        }
    }
    let (families, old_families) = (spec.get("ipFamilies"), before.get("ipFamilies"));
    if !external && !is_headless(&spec) && !is_headless(&before) {
        let changed = families
            .items()
            .zip(old_families.items())
            .any(|(new, old)| new.value != old.value);
        if changed {
            faults.push(field::invalid(
                &families.path.index(0),
                families.value,
                "may not change once set",
            ));
        }
    }
    let (class, old_class) = (spec.get("loadBalancerClass"), before.get("loadBalancerClass"));
    let both = spec.get("type").text() == "LoadBalancer" && before.get("type").text() == "LoadBalancer";
    if both && !same(class.value, old_class.value) {
        faults.push(field::invalid(&class.path, class.value, "may not change once set"));
    }
    let (check, old_check) = (spec.get("healthCheckNodePort"), before.get("healthCheckNodePort"));
    let local = |spec: &At<'_>| spec.get("externalTrafficPolicy").text() == "Local";
    if both && local(&spec) && local(&before) && check.is_set() && check.value != old_check.value {
        faults.push(field::forbidden(&check.path, "field is immutable"));
    }
}
