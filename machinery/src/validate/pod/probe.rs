//! Probes and lifecycle hooks of containers.

use crate::field;
use crate::status::Cause;

use super::super::at::At;
use super::super::service::port_or_name;
use super::super::workload::not_negative;

pub(super) fn lifecycle_and_probes(container: &At<'_>, grace: Option<i64>, faults: &mut Vec<Cause>) {
    let lifecycle = container.get("lifecycle");
    for name in ["postStart", "preStop"] {
        let hook = lifecycle.get(name);
        if hook.is_set() {
            handler(&hook, grace, faults);
        }
    }
    for (name, once) in [
        ("livenessProbe", true),
        ("readinessProbe", false),
        ("startupProbe", true),
    ] {
        let probe = container.get(name);
        if !probe.is_set() {
            continue;
        }
        handler(&probe, grace, faults);
        for part in [
            "initialDelaySeconds",
            "timeoutSeconds",
            "periodSeconds",
            "successThreshold",
            "failureThreshold",
        ] {
            not_negative(&probe.get(part), faults);
        }
        let success = probe.get("successThreshold");
        if once && success.number() != Some(1) {
            faults.push(field::invalid(&success.path, success.value, "must be 1"));
        }
        let ending = probe.get("terminationGracePeriodSeconds");
        if ending.number().is_some_and(|n| n <= 0) {
            faults.push(field::invalid(&ending.path, ending.value, "must be greater than 0"));
        }
        if !once && ending.is_set() {
            faults.push(field::invalid(
                &ending.path,
                ending.value,
                "must not be set for readinessProbes",
            ));
        }
    }
}

fn handler(handler: &At<'_>, grace: Option<i64>, faults: &mut Vec<Cause>) {
    let mut kinds = 0;
    for name in ["exec", "httpGet", "tcpSocket", "grpc", "sleep"] {
        let action = handler.get(name);
        if !action.is_set() {
            continue;
        }
        kinds += 1;
        if kinds > 1 {
            faults.push(field::forbidden(
                &action.path,
                "may not specify more than 1 handler type",
            ));
            continue;
        }
        match name {
            "exec" => {
                let command = action.get("command");
                if command.len() == 0 {
                    faults.push(field::required(&command.path, ""));
                }
            }
            "httpGet" => {
                let (path, scheme) = (action.get("path"), action.get("scheme"));
                if path.text().is_empty() {
                    faults.push(field::required(&path.path, ""));
                }
                port_or_name(&action.get("port"), faults);
                if !matches!(scheme.text(), "HTTP" | "HTTPS") {
                    faults.push(field::not_supported(&scheme.path, scheme.value, &["HTTP", "HTTPS"]));
                }
            }
            "sleep" => {
                let seconds = action.get("seconds");
                if let Some(grace) = grace
                    && !(0..=grace).contains(&seconds.number().unwrap_or(0))
                {
                    let detail = format!("must be non-negative and less than terminationGracePeriodSeconds ({grace})");
                    faults.push(field::invalid(&action.path, seconds.value, &detail));
                }
            }
            _ => port_or_name(&action.get("port"), faults),
        }
    }
    if kinds == 0 {
        faults.push(field::required(&handler.path, "must specify a handler type"));
    }
}
