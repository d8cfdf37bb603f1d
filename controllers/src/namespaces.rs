//! Empties namespaces that are being deleted, and lets them go once they are empty.
//! In: namespaces. Out: deletes of everything in them, then their finalization. Placements are never deleted here: they go when
//! every member confirmed that its copies are gone, and the namespace waits for that. Absent: namespaces that live.

mod content;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::runtime::clock;
use crate::runtime::drive::{Outcome, Reconcile, Work};
use crate::runtime::feed::News;
use crate::runtime::hub::{Hub, HubError};
use crate::runtime::kind::{self, Kind};
use crate::runtime::queue::Done;
use crate::runtime::shelf::Shelf;
use crate::runtime::watched::{Id, Watched};
use content::Emptied;

/// How soon a namespace is looked at again in which something was just asked to go.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// How soon while it only waits, for members or finalizers; news of its Placements comes earlier.
const LOOK_LATER: Duration = Duration::from_secs(3);
/// What holds a namespace until it is empty.
const FINALIZER: &str = "kubernetes";

/// The kinds it watches.
pub(crate) fn kinds() -> Vec<Kind> {
    vec![kind::NAMESPACE, kind::PLACEMENT]
}

/// The namespace controller.
pub(crate) struct Namespaces {
    hub: Hub,
    namespaces: Shelf,
    placements: Shelf,
}

impl Namespaces {
    pub(crate) fn new(hub: Hub) -> Self {
        Self {
            hub,
            namespaces: Shelf::default(),
            placements: Shelf::default(),
        }
    }
}

impl Reconcile for Namespaces {
    type Key = String;
    const NAME: &'static str = "namespaces";

    fn observe(&mut self, news: News) -> Vec<String> {
        if news.kind == kind::NAMESPACE {
            return self
                .namespaces
                .take(news.change)
                .into_iter()
                .map(|moved| moved.id.name)
                .collect();
        }
        let moved = self.placements.take(news.change).into_iter();
        moved
            .filter(|moved| moved.new.is_none())
            .map(|moved| moved.id.namespace)
            .collect()
    }

    fn look(&mut self, namespace: &String) -> Option<Work> {
        let namespace = self.namespaces.get(&Id::new("", namespace))?;
        if !namespace.is_deleting() || !finalizers(&namespace.value()).any(|name| name == FINALIZER) {
            return None;
        }
        Some(Box::pin(empty(self.hub.clone(), namespace.clone())))
    }
}

fn finalizers(namespace: &Value) -> impl Iterator<Item = &str> {
    let list = namespace.pointer("/spec/finalizers").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

async fn empty(hub: Hub, namespace: Arc<Watched>) -> Outcome {
    let id = namespace.id();
    let emptied = match content::empty(&hub, &id.name).await {
        Ok(emptied) => emptied,
        Err(error) => {
            // Not knowing what is in it is no reason to let it go.
            tracing::warn!(namespace = %id, %error, "the contents of a namespace are not known; it waits");
            return Outcome::again(Duration::from_secs(1));
        }
    };
    if emptied.is_empty() {
        return match finalize(&hub, &namespace).await {
            // The object may be gone with that: nothing to learn.
            Ok(_) => Outcome::rest(Duration::ZERO),
            Err(error) if error.is_not_found() => Outcome::rest(Duration::ZERO),
            Err(error) => Outcome::failed(error),
        };
    }
    let again = Ok(Done::Again(if emptied.asked { LOOK_AGAIN } else { LOOK_LATER }));
    let conditions = conditions(&emptied);
    if says_the_same(&namespace, &conditions) {
        return Outcome {
            learned: vec![],
            result: again,
        };
    }
    let patch = json!({
        "metadata": {"resourceVersion": namespace.resource_version()},
        "status": {"phase": "Terminating", "conditions": conditions},
    });
    match hub.merge(&kind::NAMESPACE, &id, Some("status"), &patch).await {
        Ok(object) => Outcome {
            learned: vec![(kind::NAMESPACE, object)],
            result: again,
        },
        Err(error) if error.is_not_found() => Outcome::rest(Duration::ZERO),
        Err(error) => Outcome::failed(error),
    }
}

async fn finalize(hub: &Hub, namespace: &Watched) -> Result<Arc<Watched>, HubError> {
    let value = namespace.value();
    let mut object = (*value).clone();
    let rest: Vec<&str> = finalizers(&value).filter(|name| *name != FINALIZER).collect();
    if let Value::Object(map) = &mut object {
        map.insert("spec".to_owned(), json!({"finalizers": rest}));
    }
    hub.replace_part(&kind::NAMESPACE, &namespace.id(), "finalize", &object)
        .await
}

/// The words that `kubectl describe namespace` shows while it goes.
fn conditions(emptied: &Emptied) -> Value {
    let now = clock::now();
    let condition = |type_: &str, bad: bool, reason: &str, message: String| {
        json!({
            "type": type_, "status": if bad { "True" } else { "False" }, "reason": reason, "message": message,
            "lastTransitionTime": now,
        })
    };
    let remaining = !emptied.remaining.is_empty();
    let held = !emptied.held.is_empty();
    let failed = !emptied.failed.is_empty();
    json!([
        condition(
            "NamespaceDeletionContentFailure",
            failed,
            if failed {
                "ContentDeletionFailed"
            } else {
                "ContentDeleted"
            },
            if failed {
                emptied.failed.join("; ")
            } else {
                "All content was asked to go.".to_owned()
            },
        ),
        condition(
            "NamespaceContentRemaining",
            remaining,
            if remaining {
                "SomeResourcesRemain"
            } else {
                "ContentRemoved"
            },
            if remaining {
                format!("Some resources are remaining: {}", emptied.remaining.join(", "))
            } else {
                "All content successfully removed".to_owned()
            },
        ),
        condition(
            "NamespaceFinalizersRemaining",
            held,
            if held {
                "SomeFinalizersRemain"
            } else {
                "ContentHasNoFinalizers"
            },
            if held {
                format!(
                    "Some content in the namespace has finalizers remaining: {}",
                    emptied.held.join(", ")
                )
            } else {
                "All content-preserving finalizers finished".to_owned()
            },
        ),
    ])
}

fn says_the_same(namespace: &Watched, conditions: &Value) -> bool {
    let without_times = |conditions: Option<&Value>| -> Vec<Value> {
        let mut list = conditions.and_then(Value::as_array).cloned().unwrap_or_default();
        for condition in list.iter_mut().filter_map(Value::as_object_mut) {
            condition.remove("lastTransitionTime");
        }
        list
    };
    without_times(namespace.value().pointer("/status/conditions")) == without_times(Some(conditions))
}
