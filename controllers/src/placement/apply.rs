//! Writes what was decided. Chooses nothing.
//! In: one [`Desired`]. Out: the Placement as the hub has it now. Every write is bound to the version or the incarnation it
//! was decided on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ::placement::{moves, rollout};
use api::{PlacementSpec, Reason};
use kube::api::PropagationPolicy;
use serde_json::{Value, json};

use super::desired::{Desired, Gone};
use super::index::Seen;
use crate::runtime::drive::Outcome;
use crate::runtime::hub::{Deletion, Hub, HubError};
use crate::runtime::kind::{CLUSTER_POLICY, DEFINITION, Kind, PLACEMENT, POLICY};
use crate::runtime::recorder::{Mood, Recorder, reference};
use crate::runtime::watched::{Id, Watched};

/// News that are on their way come within about this time.
const NEWS_COME: Duration = Duration::from_millis(150);

pub(super) async fn apply(hub: Hub, recorder: Recorder, desired: Desired) -> Outcome {
    match desired {
        Desired::Create {
            key,
            about,
            spec,
            policies,
        } => {
            // Who writes a policy and then the object means the policy to count from the start; news of the two come by
            // different watches, in any order.
            match policies_of(&hub, about.id().namespace.as_str()).await {
                Ok(there) if there == policies => {}
                Ok(_) => return Outcome::again(NEWS_COME),
                Err(error) => return Outcome::failed(error),
            }
            let id = Id {
                namespace: key.namespace,
                name: key.name,
            };
            let object = json!({
                "apiVersion": PLACEMENT.api_version,
                "kind": PLACEMENT.kind,
                "metadata": {"name": id.name, "namespace": id.namespace},
                "spec": &*spec,
            });
            let written = hub.create(&PLACEMENT, &id, &object).await;
            if written.is_ok() {
                note(&recorder, &about, None, &spec);
            }
            Outcome::wrote(&PLACEMENT, written, Duration::ZERO)
        }
        Desired::Wait(rest) => Outcome::again(rest),
        Desired::Update {
            standing,
            about,
            before,
            spec,
            vanished,
        } => {
            if let Some(waits) = unless_gone(&hub, &vanished).await {
                return waits;
            }
            let written = replace(&hub, &standing, &spec).await;
            if written.is_ok() {
                note(&recorder, &about, Some(&before), &spec);
            }
            Outcome::wrote(&PLACEMENT, written, Duration::ZERO)
        }
        Desired::Retire {
            standing,
            gone,
            uid,
            spec,
        } => {
            match is_gone(&hub, &gone, &uid).await {
                Ok(true) => {}
                // It is there after all: what was seen of it is old, and news of it will come.
                Ok(false) => {
                    return Outcome::again(Duration::from_secs(1));
                }
                Err(error) => {
                    return Outcome::failed(error);
                }
            }
            Outcome::wrote(&PLACEMENT, replace(&hub, &standing, &spec).await, Duration::ZERO)
        }
        Desired::Remove { standing, vanished } => {
            if let Some(waits) = unless_gone(&hub, &vanished).await {
                return waits;
            }
            let what = Deletion {
                uid: standing.uid(),
                resource_version: Some(standing.resource_version()),
                propagation: PropagationPolicy::Background,
            };
            match hub.delete(&PLACEMENT, &standing.id(), what).await {
                Ok(()) => Outcome::rest(Duration::ZERO),
                Err(error) => Outcome::failed(error),
            }
        }
    }
}

/// The policies that could be for an object of a namespace, as the hub has them now.
async fn policies_of(hub: &Hub, namespace: &str) -> Result<BTreeSet<Seen>, HubError> {
    let mut all = hub.list(&CLUSTER_POLICY, "").await?;
    if !namespace.is_empty() {
        all.extend(hub.list(&POLICY, namespace).await?);
    }
    Ok(all.iter().map(Seen::of).collect())
}

/// Whether the hub, asked for it, says that an object is gone. A kind that is not served right now is no proof; that no
/// definition brings it is.
async fn is_gone(hub: &Hub, gone: &Gone, uid: &str) -> Result<bool, HubError> {
    match gone {
        Gone::Seen => Ok(true),
        Gone::Unseen(kind, id) => match hub.get(kind, id).await {
            Ok(found) => Ok(found.is_none_or(|found| found.uid() != uid)),
            Err(error) if error.is_not_found() => is_undefined(hub, &kind.api_version, &kind.kind).await,
            Err(error) => Err(error),
        },
        Gone::KindUnseen(resource) => is_undefined(hub, &resource.api_version, &resource.kind).await,
    }
}

/// Whether no definition brings a kind.
async fn is_undefined(hub: &Hub, api_version: &str, kind: &str) -> Result<bool, HubError> {
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let text = |definition: &Watched, pointer: &str| {
        let value = definition.value();
        let text = value.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let definitions = hub.list(&DEFINITION, "").await?;
    Ok(!definitions
        .iter()
        .any(|one| text(one, "/spec/group") == group && text(one, "/spec/names/kind") == kind))
}

/// What to do instead while something that was not seen is there after all, or nobody can say.
async fn unless_gone(hub: &Hub, vanished: &[(Kind, Id)]) -> Option<Outcome> {
    match hub.all_gone(vanished).await {
        Ok(true) => None,
        Ok(false) => Some(Outcome::again(Duration::from_secs(1))),
        Err(error) => Some(Outcome::failed(error)),
    }
}

async fn replace(hub: &Hub, standing: &Watched, spec: &PlacementSpec) -> Result<Arc<Watched>, HubError> {
    let mut object = (*standing.value()).clone();
    if let Value::Object(map) = &mut object {
        map.insert("spec".to_owned(), json!(spec));
    }
    hub.replace(&PLACEMENT, &standing.id(), &object).await
}

/// An operator should know of an object that is not where it should be, and once it is again.
fn note(recorder: &Recorder, about: &Watched, before: Option<&PlacementSpec>, spec: &PlacementSpec) {
    let trouble = |spec: &PlacementSpec| {
        // What waits for others to go first is in order.
        let out = &spec.excluded;
        let mut reasons = out
            .iter()
            .map(|out| out.reason)
            .chain(spec.excluded_more.iter().map(|more| more.reason));
        let waits = !out.is_empty() && reasons.all(|reason| reason == Reason::NothingToFollow);
        let unscheduled = spec.clusters.is_empty() && spec.resource.kind != "Namespace" && !waits;
        (unscheduled || spec.kept || spec.unplaced_replicas > 0) && !spec.deleted
    };
    let word = if spec.kept {
        "LastGoodPlacementKept"
    } else if spec.clusters.is_empty() {
        "NotPlaced"
    } else {
        "ReplicasUnplaced"
    };
    if let Some(told) = before
        .and_then(|before| moves::told(before, spec))
        .filter(|_| !spec.deleted)
    {
        let message = format!("{told}: {}", spec.reason);
        recorder.note(reference(about), Mood::Normal, "Rescheduled", message);
    }
    if let Some((word, warns)) =
        rollout::event(before.and_then(|before| before.rollout.as_ref()), spec.rollout.as_ref())
    {
        let mood = if warns { Mood::Warning } else { Mood::Normal };
        let message = spec.rollout.as_ref().map(|rollout| rollout.message.clone());
        recorder.note(reference(about), mood, word, message.unwrap_or_default());
    }
    let was = before.is_some_and(trouble);
    if trouble(spec) && !(was && before.is_some_and(|before| before.reason == spec.reason)) {
        let listed = spec.excluded.iter().map(|out| (out.reason, 1));
        let more = spec.excluded_more.iter().map(|more| (more.reason, more.clusters));
        let waits: i64 = listed
            .chain(more)
            .filter(|(reason, _)| *reason == Reason::ClusterNotReady)
            .map(|(_, clusters)| clusters)
            .sum();
        let more = if waits > 0 {
            format!(" {waits} clusters are not ready.")
        } else {
            String::new()
        };
        recorder.note(reference(about), Mood::Warning, word, format!("{}{more}", spec.reason));
    } else if was && !trouble(spec) {
        recorder.note(reference(about), Mood::Normal, "Placed", spec.reason.clone());
    }
}
