//! How a workload's status moves from what it is to what its spec wants. Pure.
//!
//! In: spec, status, what was rolled out before, the time. Out: the next status and when to look again. A change is observed
//! at once; pods of a new version, or more pods of the present one, become ready after the delay.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::Instant;

/// What is remembered of a workload between two looks.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Progress {
    /// Hash of the pod template that is rolled out.
    template: Option<u64>,
    /// Ready pods.
    ready: i64,
    /// Generation that is being rolled out, and when it is done.
    pending: Option<(i64, Instant)>,
    /// Generation that is rolled out.
    done: Option<i64>,
    /// Generation whose pods cannot start.
    stuck: Option<i64>,
}

/// Which status a workload has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Deployment,
    ReplicaSet,
    StatefulSet,
    /// One pod on the one Node.
    DaemonSet,
    /// Its pods are done as soon as others would be ready.
    Job,
}

/// A workload as its spec says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) shape: Shape,
    pub(crate) generation: i64,
    pub(crate) replicas: i64,
    pub(crate) template: u64,
    /// Its images can be pulled.
    pub(crate) pulled: bool,
}

/// The next status, if it changes, and when to look again.
#[derive(Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) status: Option<Value>,
    pub(crate) again: Option<Instant>,
}

/// One step.
pub(crate) fn step(wanted: Wanted, old: &Value, progress: &mut Progress, delay: Duration, now: Instant) -> Step {
    if progress.done == Some(wanted.generation) {
        return Step {
            status: None,
            again: None,
        };
    }
    if !wanted.pulled {
        return stuck(wanted, old, progress);
    }
    let same_version = progress.template == Some(wanted.template);
    let due = match progress.pending {
        Some((generation, due)) if generation == wanted.generation => due,
        Some(_) | None => {
            let growing = !same_version || wanted.replicas > progress.ready;
            let due = if growing { now + delay } else { now };
            progress.pending = Some((wanted.generation, due));
            progress.ready = progress.ready.min(wanted.replicas);
            if due > now {
                let updated = if same_version { wanted.replicas } else { 0 };
                let status = status(wanted, updated, progress.ready, old);
                return Step {
                    status: Some(status),
                    again: Some(due),
                };
            }
            due
        }
    };
    if now < due {
        return Step {
            status: None,
            again: Some(due),
        };
    }
    *progress = Progress {
        template: Some(wanted.template),
        ready: wanted.replicas,
        pending: None,
        done: Some(wanted.generation),
        stuck: None,
    };
    Step {
        status: Some(status(wanted, wanted.replicas, wanted.replicas, old)),
        again: None,
    }
}

/// The first pods of a version that cannot start are made, and nothing more happens: those of the version before stay, as far as a
/// rolling update keeps them.
fn stuck(wanted: Wanted, old: &Value, progress: &mut Progress) -> Step {
    if progress.stuck == Some(wanted.generation) {
        return Step {
            status: None,
            again: None,
        };
    }
    progress.stuck = Some(wanted.generation);
    progress.pending = None;
    // A quarter more and a quarter fewer: the defaults of a Deployment's rolling update. Others take one pod away.
    let (more, fewer) = match wanted.shape {
        Shape::Deployment => ((wanted.replicas + 3) / 4, wanted.replicas / 4),
        Shape::ReplicaSet | Shape::StatefulSet | Shape::DaemonSet | Shape::Job => (0, 1),
    };
    progress.ready = progress.ready.min(wanted.replicas - fewer).max(0);
    let mut status = status(wanted, more.max(fewer).min(wanted.replicas), progress.ready, old);
    if let Some(status) = status.as_object_mut().filter(|_| more > 0) {
        status.insert("replicas".to_owned(), json!(progress.ready + more));
        status.insert("unavailableReplicas".to_owned(), count(more));
    }
    Step {
        status: Some(status),
        again: None,
    }
}

/// A merge patch's value: zero is written as absent, as Kubernetes does.
fn count(number: i64) -> Value {
    if number == 0 { Value::Null } else { json!(number) }
}

fn status(wanted: Wanted, updated: i64, ready: i64, old: &Value) -> Value {
    let mut status = Map::new();
    match wanted.shape {
        Shape::Job => return job(wanted, ready, old),
        Shape::DaemonSet => {
            status.insert("observedGeneration".to_owned(), json!(wanted.generation));
            for field in ["desiredNumberScheduled", "currentNumberScheduled"] {
                status.insert(field.to_owned(), json!(wanted.replicas));
            }
            status.insert("numberReady".to_owned(), json!(ready));
            status.insert("numberAvailable".to_owned(), count(ready));
            status.insert("numberUnavailable".to_owned(), count(wanted.replicas - ready));
            status.insert("updatedNumberScheduled".to_owned(), count(updated));
            return Value::Object(status);
        }
        Shape::Deployment | Shape::ReplicaSet | Shape::StatefulSet => {}
    }
    status.insert("observedGeneration".to_owned(), json!(wanted.generation));
    status.insert("replicas".to_owned(), json!(wanted.replicas));
    status.insert("readyReplicas".to_owned(), count(ready));
    match wanted.shape {
        Shape::StatefulSet => {
            let done = updated == wanted.replicas && ready == wanted.replicas;
            let revision = format!("{:010x}", wanted.template & 0xff_ffff_ffff);
            status.insert("availableReplicas".to_owned(), json!(ready));
            status.insert("updatedReplicas".to_owned(), count(updated));
            status.insert("updateRevision".to_owned(), json!(revision));
            if done {
                status.insert("currentReplicas".to_owned(), count(ready));
                status.insert("currentRevision".to_owned(), json!(revision));
            }
            return Value::Object(status);
        }
        Shape::ReplicaSet => {
            status.insert("availableReplicas".to_owned(), count(ready));
            status.insert("fullyLabeledReplicas".to_owned(), count(wanted.replicas));
            return Value::Object(status);
        }
        Shape::Deployment | Shape::DaemonSet | Shape::Job => {}
    }
    status.insert("availableReplicas".to_owned(), count(ready));
    status.insert("updatedReplicas".to_owned(), count(updated));
    status.insert("unavailableReplicas".to_owned(), count(wanted.replicas - ready));
    // A quarter may be missing, rounded down: the default of a rolling update.
    let available = ready >= wanted.replicas - wanted.replicas / 4;
    let done = updated == wanted.replicas && ready == wanted.replicas;
    let conditions = [
        if available {
            (
                "Available",
                "True",
                "MinimumReplicasAvailable",
                "Deployment has minimum availability.",
            )
        } else {
            (
                "Available",
                "False",
                "MinimumReplicasUnavailable",
                "Deployment does not have minimum availability.",
            )
        },
        if done {
            (
                "Progressing",
                "True",
                "NewReplicaSetAvailable",
                "The rollout is complete.",
            )
        } else {
            (
                "Progressing",
                "True",
                "ReplicaSetUpdated",
                "The rollout is progressing.",
            )
        },
    ];
    let now = clock();
    let conditions: Vec<Value> = conditions
        .into_iter()
        .map(|(kind, state, reason, message)| {
            let since = since(old, kind, state).unwrap_or_else(|| now.clone());
            json!({"type": kind, "status": state, "reason": reason, "message": message,
                "lastUpdateTime": now, "lastTransitionTime": since})
        })
        .collect();
    status.insert("conditions".to_owned(), Value::Array(conditions));
    Value::Object(status)
}

/// The wall clock as Kubernetes writes times.
fn clock() -> String {
    k8s_openapi::jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

/// A Job starts when it is seen; a finished one stays as it is.
fn job(wanted: Wanted, succeeded: i64, old: &Value) -> Value {
    let now = clock();
    let start = old.get("startTime").cloned().unwrap_or_else(|| json!(now));
    if succeeded < wanted.replicas {
        return json!({"startTime": start, "active": wanted.replicas - succeeded, "ready": 0});
    }
    let condition = |type_: &str| {
        json!({"type": type_, "status": "True", "reason": "CompletionsReached", "message": "Reached expected number of succeeded pods",
            "lastProbeTime": now, "lastTransitionTime": now})
    };
    json!({"startTime": start, "completionTime": now, "succeeded": succeeded, "active": null, "ready": 0,
        "conditions": [condition("SuccessCriteriaMet"), condition("Complete")]})
}

/// Since when a condition has had this state.
fn since(old: &Value, kind: &str, state: &str) -> Option<String> {
    let conditions = old.get("conditions")?.as_array()?;
    let condition = conditions
        .iter()
        .find(|c| c.get("type").and_then(Value::as_str) == Some(kind))?;
    if condition.get("status")?.as_str()? != state {
        return None;
    }
    Some(condition.get("lastTransitionTime")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: Duration = Duration::from_secs(1);

    fn wanted(generation: i64, replicas: i64, template: u64) -> Wanted {
        Wanted {
            shape: Shape::Deployment,
            generation,
            replicas,
            template,
            pulled: true,
        }
    }

    #[tokio::test]
    async fn a_version_that_cannot_start_leaves_the_one_before() {
        let (mut progress, now) = (Progress::default(), Instant::now());
        step(wanted(1, 8, 7), &Value::Null, &mut progress, DELAY, now);
        step(wanted(1, 8, 7), &Value::Null, &mut progress, DELAY, now + DELAY);
        let broken = Wanted {
            pulled: false,
            ..wanted(2, 8, 8)
        };
        let first = step(broken, &Value::Null, &mut progress, DELAY, now + DELAY);
        let counts = ["updatedReplicas", "availableReplicas", "replicas", "observedGeneration"];
        assert_eq!(
            counts.map(|field| number(&first, field)),
            [Some(2), Some(6), Some(8), Some(2)]
        );
        let again = step(broken, &Value::Null, &mut progress, DELAY, now + DELAY * 9);
        assert_eq!((again.status, again.again), (None, None));
        let back = step(wanted(3, 8, 7), &Value::Null, &mut progress, DELAY, now + DELAY * 9);
        assert_eq!(
            (number(&back, "updatedReplicas"), number(&back, "readyReplicas")),
            (Some(8), Some(6))
        );
        let well = step(wanted(3, 8, 7), &Value::Null, &mut progress, DELAY, now + DELAY * 10);
        assert_eq!(number(&well, "readyReplicas"), Some(8));
    }

    fn number(step: &Step, field: &str) -> Option<i64> {
        step.status.as_ref()?.get(field)?.as_i64()
    }

    #[tokio::test]
    async fn pods_become_ready_after_the_delay() {
        let (mut progress, now) = (Progress::default(), Instant::now());
        let first = step(wanted(1, 3, 7), &Value::Null, &mut progress, DELAY, now);
        assert_eq!(
            (number(&first, "observedGeneration"), number(&first, "readyReplicas")),
            (Some(1), None)
        );
        assert_eq!(first.again, Some(now + DELAY));
        assert_eq!(
            step(wanted(1, 3, 7), &Value::Null, &mut progress, DELAY, now).status,
            None
        );
        let last = step(wanted(1, 3, 7), &Value::Null, &mut progress, DELAY, now + DELAY);
        assert_eq!(
            (number(&last, "readyReplicas"), number(&last, "updatedReplicas")),
            (Some(3), Some(3))
        );
        assert_eq!(
            step(wanted(1, 3, 7), &Value::Null, &mut progress, DELAY, now + DELAY),
            Step {
                status: None,
                again: None
            }
        );
    }

    #[tokio::test]
    async fn scaling_keeps_what_is_ready_and_a_new_version_rolls() {
        let (mut progress, now) = (Progress::default(), Instant::now());
        step(wanted(1, 4, 7), &Value::Null, &mut progress, DELAY, now);
        step(wanted(1, 4, 7), &Value::Null, &mut progress, DELAY, now + DELAY);
        let up = step(wanted(2, 6, 7), &Value::Null, &mut progress, DELAY, now);
        assert_eq!(
            (number(&up, "readyReplicas"), number(&up, "updatedReplicas")),
            (Some(4), Some(6))
        );
        step(wanted(2, 6, 7), &Value::Null, &mut progress, DELAY, now + DELAY);
        let down = step(wanted(3, 2, 7), &Value::Null, &mut progress, DELAY, now);
        assert_eq!(
            (number(&down, "readyReplicas"), down.again),
            (Some(2), None),
            "fewer pods need no time"
        );
        let new = step(wanted(4, 2, 8), &Value::Null, &mut progress, DELAY, now);
        assert_eq!(
            (number(&new, "readyReplicas"), number(&new, "updatedReplicas")),
            (Some(2), None)
        );
        let done = step(wanted(4, 2, 8), &Value::Null, &mut progress, DELAY, now + DELAY);
        assert_eq!(number(&done, "updatedReplicas"), Some(2));
    }

    #[tokio::test]
    async fn each_shape_tells_its_own_counts() {
        for (shape, replicas, first, last) in [
            (
                Shape::StatefulSet,
                2,
                "updatedReplicas",
                ["currentReplicas", "availableReplicas"],
            ),
            (
                Shape::DaemonSet,
                1,
                "numberUnavailable",
                ["numberReady", "numberAvailable"],
            ),
            (
                Shape::ReplicaSet,
                2,
                "fullyLabeledReplicas",
                ["readyReplicas", "availableReplicas"],
            ),
            (Shape::Job, 2, "active", ["succeeded", "succeeded"]),
        ] {
            let wanted = Wanted {
                shape,
                ..wanted(1, replicas, 7)
            };
            let (mut progress, now) = (Progress::default(), Instant::now());
            let begun = step(wanted, &Value::Null, &mut progress, DELAY, now);
            assert!(
                begun.status.as_ref().is_some_and(|status| status.get(first).is_some()),
                "{shape:?}"
            );
            let done = step(wanted, &Value::Null, &mut progress, DELAY, now + DELAY);
            for field in last {
                assert_eq!(number(&done, field), Some(replicas), "{shape:?} {field}");
            }
        }
    }

    #[tokio::test]
    async fn zero_replicas_are_done_at_once_and_conditions_keep_their_time() {
        let (mut progress, now) = (Progress::default(), Instant::now());
        let none = step(wanted(1, 0, 7), &Value::Null, &mut progress, Duration::ZERO, now);
        assert_eq!(number(&none, "replicas"), Some(0));
        let old = json!({"conditions": [{"type": "Available", "status": "True", "lastTransitionTime": "2020-01-01T00:00:00Z"}]});
        let later = step(wanted(2, 1, 7), &old, &mut progress, Duration::ZERO, now)
            .status
            .unwrap();
        assert_eq!(later["conditions"][0]["lastTransitionTime"], "2020-01-01T00:00:00Z");
    }
}
