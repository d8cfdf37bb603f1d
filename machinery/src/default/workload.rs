//! Deployments and the other kinds that carry a pod template.

use serde_json::{Value, json};

use super::place::{Object, absent, existing, items, text, within, word};
use super::{pod, storage};

pub(super) fn deployment(object: &mut Object) {
    within(object, "spec", |spec| {
        absent(spec, "replicas", 1);
        within(spec, "strategy", |strategy| {
            text(strategy, "type", "RollingUpdate");
            if word(strategy, "type") == "RollingUpdate" {
                within(strategy, "rollingUpdate", |update| {
                    absent(update, "maxUnavailable", "25%");
                    absent(update, "maxSurge", "25%");
                });
            }
        });
        absent(spec, "revisionHistoryLimit", 10);
        absent(spec, "progressDeadlineSeconds", 600);
        within(spec, "template", pod::template);
    });
}

pub(super) fn replica_set(object: &mut Object) {
    within(object, "spec", |spec| {
        absent(spec, "replicas", 1);
        within(spec, "template", pod::template);
    });
    counts(object, &["replicas"]);
}

pub(super) fn stateful_set(object: &mut Object) {
    within(object, "spec", |spec| {
        text(spec, "podManagementPolicy", "OrderedReady");
        within(spec, "updateStrategy", |strategy| {
            if word(strategy, "type").is_empty() {
                text(strategy, "type", "RollingUpdate");
                absent(strategy, "rollingUpdate", json!({}));
            }
            if word(strategy, "type") == "RollingUpdate"
                && let Some(update) = strategy.get_mut("rollingUpdate").and_then(Value::as_object_mut)
            {
                absent(update, "partition", 0);
            }
        });
        within(spec, "persistentVolumeClaimRetentionPolicy", |policy| {
            text(policy, "whenDeleted", "Retain");
            text(policy, "whenScaled", "Retain");
        });
        absent(spec, "replicas", 1);
        absent(spec, "revisionHistoryLimit", 10);
        within(spec, "template", pod::template);
        // Written by a typed server even where it is empty.
        absent(spec, "serviceName", "");
        for claim in items(spec, "volumeClaimTemplates") {
            text(claim, "apiVersion", "v1");
            text(claim, "kind", "PersistentVolumeClaim");
            storage::claim(claim);
        }
    });
    counts(object, &["replicas", "availableReplicas"]);
}

pub(super) fn daemon_set(object: &mut Object) {
    within(object, "spec", |spec| {
        within(spec, "updateStrategy", |strategy| {
            text(strategy, "type", "RollingUpdate");
            if word(strategy, "type") == "RollingUpdate" {
                within(strategy, "rollingUpdate", |update| {
                    absent(update, "maxUnavailable", 1);
                    absent(update, "maxSurge", 0);
                });
            }
        });
        absent(spec, "revisionHistoryLimit", 10);
        within(spec, "template", pod::template);
    });
    counts(
        object,
        &[
            "currentNumberScheduled",
            "desiredNumberScheduled",
            "numberMisscheduled",
            "numberReady",
        ],
    );
}

/// Counts that a status always tells.
fn counts(object: &mut Object, names: &[&str]) {
    within(object, "status", |status| {
        for name in names {
            absent(status, name, 0);
        }
    });
}

pub(super) fn job(object: &mut Object) {
    within(object, "spec", job_spec);
    // A Job without labels takes those of its pods.
    let labels = object
        .get("spec")
        .and_then(|spec| spec.get("template")?.get("metadata")?.get("labels")?.as_object())
        .filter(|labels| !labels.is_empty())
        .cloned();
    if let Some(of_pods) = labels {
        within(object, "metadata", |metadata| {
            let none = metadata
                .get("labels")
                .and_then(Value::as_object)
                .is_none_or(Object::is_empty);
            if none {
                metadata.insert("labels".to_owned(), Value::Object(of_pods));
            }
        });
    }
}

fn job_spec(spec: &mut Object) {
    let none = |spec: &Object, key: &str| spec.get(key).is_none_or(Value::is_null);
    if none(spec, "completions") && none(spec, "parallelism") {
        absent(spec, "completions", 1);
        absent(spec, "parallelism", 1);
    }
    absent(spec, "parallelism", 1);
    absent(
        spec,
        "backoffLimit",
        if none(spec, "backoffLimitPerIndex") {
            6
        } else {
            i64::from(i32::MAX)
        },
    );
    absent(spec, "completionMode", "NonIndexed");
    absent(spec, "suspend", false);
    absent(spec, "manualSelector", false);
    let replacement = if none(spec, "podFailurePolicy") {
        "TerminatingOrFailed"
    } else {
        "Failed"
    };
    absent(spec, "podReplacementPolicy", replacement);
    job_template(spec);
}

/// What a Job's spec gets wherever it stands.
fn job_template(spec: &mut Object) {
    if let Some(policy) = existing(spec, "podFailurePolicy") {
        for rule in items(policy, "rules") {
            for condition in items(rule, "onPodConditions") {
                text(condition, "status", "True");
            }
        }
    }
    within(spec, "template", pod::template);
}

pub(super) fn cron_job(object: &mut Object) {
    within(object, "spec", |spec| {
        text(spec, "concurrencyPolicy", "Allow");
        absent(spec, "suspend", false);
        absent(spec, "successfulJobsHistoryLimit", 3);
        absent(spec, "failedJobsHistoryLimit", 1);
        // A Job made from the template gets a Job's defaults; the template itself only those of its pods.
        within(spec, "jobTemplate", |job| {
            within(job, "spec", job_template);
        });
    });
}
