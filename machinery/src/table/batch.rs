//! Rows of Job and CronJob.

use jiff::Timestamp;
use serde_json::Value;

use super::age::{between, since};
use super::workloads::{CONTAINERS, IMAGES, SELECTOR, containers_at, selector_at};
use super::{AGE, Column, NAME, Printer, age, condition, integer, list, name, or, text};

/// Conditions that a Job's status names, the first that holds.
const LATER_STATES: [&str; 3] = ["Suspended", "FailureTarget", "SuccessCriteriaMet"];

pub(super) static JOB: Printer = Printer {
    columns: &[
        NAME,
        Column::text("Status", "How far the job has come."),
        Column::text("Completions", "How many of its pods have succeeded."),
        Column::text("Duration", "Time from its start to its completion."),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ],
    cells: |object, now| {
        vec![
            name(object),
            Value::from(state(object)),
            Value::from(completions(object)),
            Value::from(duration(object, now)),
            age(object, now),
            containers_at(object, "/spec/template/spec/containers", "/name"),
            containers_at(object, "/spec/template/spec/containers", "/image"),
            Value::from(or(&selector_at(object, "/spec/selector"), "<none>")),
        ]
    },
};

fn state(job: &Value) -> &'static str {
    let holds = |type_: &&&str| condition(job, type_) == "True";
    if let Some(end) = ["Complete", "Failed"].iter().find(|type_| holds(type_)) {
        return end;
    }
    if !text(job, "/metadata/deletionTimestamp").is_empty() {
        return "Terminating";
    }
    LATER_STATES.iter().find(|type_| holds(type_)).unwrap_or(&"Running")
}

fn completions(job: &Value) -> String {
    let succeeded = integer(job, "/status/succeeded");
    match job.pointer("/spec/completions").and_then(Value::as_i64) {
        Some(wanted) => format!("{succeeded}/{wanted}"),
        None => match integer(job, "/spec/parallelism") {
            parallelism if parallelism > 1 => format!("{succeeded}/1 of {parallelism}"),
            _ => format!("{succeeded}/1"),
        },
    }
}

fn duration(job: &Value, now: Timestamp) -> String {
    match (text(job, "/status/startTime"), text(job, "/status/completionTime")) {
        ("", _) => String::new(),
        (start, "") => since(start, now),
        (start, end) => between(start, end),
    }
}

pub(super) static CRON_JOB: Printer = Printer {
    columns: &[
        NAME,
        Column::text("Schedule", "When jobs are made."),
        Column::text("Timezone", "Where the schedule's clock stands."),
        Column::boolean("Suspend", "Whether no more jobs are made."),
        Column::integer("Active", "Number of jobs that run."),
        Column::text("Last Schedule", "Time since a job was made."),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ],
    cells: |object, now| {
        let suspended = match object.pointer("/spec/suspend").and_then(Value::as_bool) {
            Some(true) => "True",
            Some(false) => "False",
            None => "<unset>",
        };
        let last = match text(object, "/status/lastScheduleTime") {
            "" => "<none>".to_owned(),
            time => since(time, now),
        };
        let template = "/spec/jobTemplate/spec/template/spec/containers";
        let selector = selector_at(object, "/spec/jobTemplate/spec/selector");
        vec![
            name(object),
            Value::from(text(object, "/spec/schedule")),
            Value::from(or(text(object, "/spec/timeZone"), "<none>")),
            Value::from(suspended),
            Value::from(list(object, "/status/active").len()),
            Value::from(last),
            age(object, now),
            containers_at(object, template, "/name"),
            containers_at(object, template, "/image"),
            Value::from(or(&selector, "<none>")),
        ]
    },
};
