//! Rules about Jobs and CronJobs.

use serde_json::Value;

use crate::status::Cause;
use crate::{field, zones};

use super::at::{At, same};
use super::sets::immutable;
use super::workload::not_negative;
use super::{cron, format, pod, selector};

mod policies;

/// Longest name of a CronJob: the names of its Jobs add eleven letters.
const CRON_JOB_NAME_MAX: usize = 52;
const MANAGED_BY_MAX: usize = 63;
/// Indexes that may run, or fail, at once; few where each has a limit of its own and there are many.
const INDEXES_MAX: i64 = 100_000;
const INDEXES_FEW: i64 = 10_000;
const UID_LABEL: &str = "batch.kubernetes.io/controller-uid";
/// Fields of a Job's spec that stay as they were.
const IMMUTABLE: [&str; 6] = [
    "selector",
    "completionMode",
    "podFailurePolicy",
    "backoffLimitPerIndex",
    "managedBy",
    "successPolicy",
];

pub(super) fn job(object: &Value, faults: &mut Vec<Cause>) {
    let spec = At::root(object, "spec");
    let (chosen, template) = (spec.get("selector"), spec.get("template"));
    if !chosen.is_set() {
        faults.push(field::required(&chosen.path, ""));
    } else {
        selector::label_selector(&chosen, faults);
    }
    if chosen.is_set() && !spec.get("manualSelector").is_true() {
        let uid = At::root(object, "metadata").get("uid");
        let wanted = chosen.get("matchLabels");
        let own = |(key, at): (&str, At<'_>)| key == UID_LABEL && at.text() == uid.text();
        if wanted.len() != 1 || !wanted.entries().all(own) || chosen.get("matchExpressions").len() > 0 {
            faults.push(field::invalid(
                &chosen.path,
                chosen.value,
                "`selector` not auto-generated",
            ));
        }
    }
    let labels = template.get("metadata").get("labels");
    if !chosen.is_set() || !selector::matches(&chosen, &labels) {
        let detail = "`selector` does not match template `labels`";
        faults.push(field::invalid(&labels.path, labels.value, detail));
    }
    job_spec(&spec, faults);
}

fn job_spec(spec: &At<'_>, faults: &mut Vec<Cause>) {
    for name in [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ] {
        not_negative(&spec.get(name), faults);
    }
    let (mode, per_index, most) = (
        spec.get("completionMode"),
        spec.get("backoffLimitPerIndex"),
        spec.get("maxFailedIndexes"),
    );
    if mode.is_set() && !matches!(mode.text(), "NonIndexed" | "Indexed") {
        faults.push(field::not_supported(&mode.path, mode.value, &["NonIndexed", "Indexed"]));
    }
    let indexed = mode.text() == "Indexed";
    let completions = spec.get("completions");
    if indexed && !completions.is_set() {
        faults.push(field::required(&completions.path, "when completion mode is Indexed"));
    }
    for at in [&per_index, &most] {
        if at.is_set() && !indexed {
            faults.push(field::invalid(&at.path, at.value, "requires indexed completion mode"));
        }
    }
    if most.is_set() && !per_index.is_set() {
        faults.push(field::required(&per_index.path, "when maxFailedIndexes is specified"));
    }
    if indexed {
        indexes(spec, faults);
    }
    let manager = spec.get("managedBy");
    if manager.is_set() {
        for fault in format::domain_prefixed(manager.text()) {
            faults.push(field::invalid(&manager.path, manager.value, &fault));
        }
        if manager.text().len() > MANAGED_BY_MAX {
            faults.push(field::too_long(&manager.path, MANAGED_BY_MAX));
        }
    }
    policies::failure(spec, faults);
    policies::success(spec, faults);
    let replacement = spec.get("podReplacementPolicy");
    let replacements: &[&str] = if spec.get("podFailurePolicy").is_set() {
        &["Failed"]
    } else {
        &["Failed", "TerminatingOrFailed"]
    };
    if replacement.is_set() && !replacements.contains(&replacement.text()) {
        faults.push(field::not_supported(&replacement.path, replacement.value, replacements));
    }
    let template = spec.get("template");
    pod::template(&template, faults);
    let restart = template.get("spec").get("restartPolicy");
    if !matches!(restart.text(), "OnFailure" | "Never") {
        faults.push(field::required(&restart.path, "valid values: \"OnFailure\", \"Never\""));
    } else if spec.get("podFailurePolicy").is_set() && restart.text() != "Never" {
        let detail = "only \"Never\" is supported when podFailurePolicy is specified";
        faults.push(field::invalid(&restart.path, restart.value, detail));
    }
}

/// How much an indexed Job may be: its status lists indexes.
fn indexes(spec: &At<'_>, faults: &mut Vec<Cause>) {
    let (parallel, completions, most) = (
        spec.get("parallelism"),
        spec.get("completions"),
        spec.get("maxFailedIndexes"),
    );
    let above = |at: &At<'_>, limit: i64| at.number().is_some_and(|number| number > limit);
    if above(&parallel, INDEXES_MAX) {
        let detail = format!("must be less than or equal to {INDEXES_MAX} when completion mode is Indexed");
        faults.push(field::invalid(&parallel.path, parallel.value, &detail));
    }
    if spec.get("backoffLimitPerIndex").is_set() && above(&completions, INDEXES_MAX) {
        if !most.is_set() {
            let detail = format!("must be specified when completions is above {INDEXES_MAX}");
            faults.push(field::required(&most.path, &detail));
        }
        for at in [&parallel, &most] {
            if above(at, INDEXES_FEW) {
                let detail = format!(
                    "must be less than or equal to {INDEXES_FEW} when completions are above {INDEXES_MAX} and used with backoff limit per index"
                );
                faults.push(field::invalid(&at.path, at.value, &detail));
            }
        }
    }
    if completions.number().is_some_and(|number| above(&most, number)) {
        faults.push(field::invalid(
            &most.path,
            most.value,
            "must be less than or equal to completions",
        ));
    }
    if above(&most, INDEXES_MAX) {
        let detail = format!("must be less than or equal to {INDEXES_MAX}");
        faults.push(field::invalid(&most.path, most.value, &detail));
    }
}

pub(super) fn update_job(new: &Value, old: &Value, faults: &mut Vec<Cause>) {
    let (now, then) = (At::root(new, "spec"), At::root(old, "spec"));
    // Indexed Jobs may grow and shrink as long as every index runs at once.
    let elastic = now.get("completionMode").text() == "Indexed"
        && [&now, &then]
            .iter()
            .all(|spec| same(spec.get("completions").value, spec.get("parallelism").value));
    if !elastic {
        immutable(&now.get("completions"), &then.get("completions"), faults);
    }
    for name in IMMUTABLE {
        immutable(&now.get(name), &then.get(name), faults);
    }
    let waiting = then.get("suspend").is_true() && !At::root(old, "status").get("startTime").is_set();
    if !waiting {
        immutable(&now.get("template"), &then.get("template"), faults);
    }
}

pub(super) fn cron_job(object: &Value, old: Option<&Value>, faults: &mut Vec<Cause>) {
    let name = At::root(object, "metadata").get("name");
    if old.is_none() && name.text().len() > CRON_JOB_NAME_MAX {
        let detail = format!("must be no more than {CRON_JOB_NAME_MAX} characters");
        faults.push(field::invalid(&name.path, name.value, &detail));
    }
    let spec = At::root(object, "spec");
    let schedule = spec.get("schedule");
    if schedule.text().is_empty() {
        faults.push(field::required(&schedule.path, ""));
    } else if schedule.text().contains("TZ") {
        let before = old.and_then(|old| old.pointer("/spec/schedule"));
        if before != Some(schedule.value) {
            let detail = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
            faults.push(field::invalid(&schedule.path, schedule.value, detail));
        }
    } else if let Some(fault) = cron::fault(schedule.text()) {
        faults.push(field::invalid(&schedule.path, schedule.value, &fault));
    }
    not_negative(&spec.get("startingDeadlineSeconds"), faults);
    time_zone(&spec.get("timeZone"), faults);
    pod::one_of(&spec.get("concurrencyPolicy"), &["Allow", "Forbid", "Replace"], faults);
    let job = spec.get("jobTemplate").get("spec");
    job_spec(&job, faults);
    let manual = job.get("manualSelector");
    if manual.is_true() {
        faults.push(field::not_supported(&manual.path, manual.value, &["nil", "false"]));
    }
    not_negative(&spec.get("successfulJobsHistoryLimit"), faults);
    not_negative(&spec.get("failedJobsHistoryLimit"), faults);
}

fn time_zone(zone: &At<'_>, faults: &mut Vec<Cause>) {
    if !zone.is_set() {
        return;
    }
    let text = zone.text();
    if text.is_empty() {
        let detail = "timeZone must be nil or non-empty string";
        faults.push(field::invalid(&zone.path, zone.value, detail));
        return;
    }
    let local = text.eq_ignore_ascii_case("local");
    if local {
        let detail = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
        faults.push(field::invalid(&zone.path, zone.value, detail));
    }
    // Go takes `Local` for a zone, and no other spelling of it.
    if text != "Local" && zones::named(text).is_none() {
        faults.push(field::invalid(
            &zone.path,
            zone.value,
            &format!("unknown time zone {text}"),
        ));
    }
}
