//! Whose word the replicas of a workload are: the hub's, or the members' once their copies are made.
//! In: the object, its autoscaler, what stands. Out: [`LeftToMembers`], or none where the hub's shares count. Nothing shrinks
//! because an autoscaler goes, or is not seen for a while: what the members run stays until somebody writes another number.

use api::placement::LeftToMembers;
use api::well_known::RETAIN_REPLICAS_LABEL;

use crate::inputs::Inputs;

/// Kinds whose replicas can be scaled.
const SCALED: [&str; 3] = ["Deployment", "ReplicaSet", "StatefulSet"];

/// Whether the replicas are left to the members, and what is planned then. An object that is scaled to none is the hub's: a
/// stopped workload is stopped, and no autoscaler starts it.
pub(super) fn left_to_members(inputs: &Inputs<'_>, steps: &mut Vec<String>) -> Option<LeftToMembers> {
    let object = inputs.object;
    let wanted = object
        .replicas
        .filter(|wanted| *wanted > 0 && SCALED.contains(&object.resource.kind.as_str()))?;
    if let Some(autoscaler) = inputs.autoscaler {
        let bounds = autoscaler.bounds;
        let planned = wanted.max(bounds.min_replicas).min(bounds.max_replicas.max(1));
        steps.push(format!(
            "HorizontalPodAutoscaler {} scales it between {} and {}: {planned} replicas are planned, and what each member runs \
             is its autoscaler's word from then on.",
            autoscaler.name, bounds.min_replicas, bounds.max_replicas
        ));
        return Some(LeftToMembers {
            autoscaler: autoscaler.name.clone(),
            hub_replicas: wanted,
            planned,
        });
    }
    if object
        .labels
        .get(RETAIN_REPLICAS_LABEL)
        .is_some_and(|value| value == "true")
    {
        steps.push(format!(
            "Its label {RETAIN_REPLICAS_LABEL} leaves the replicas of each copy to its member, once it is made."
        ));
        return Some(LeftToMembers {
            autoscaler: String::new(),
            hub_replicas: wanted,
            planned: wanted,
        });
    }
    let previous = inputs
        .previous
        .filter(|previous| previous.resource.uid == object.resource.uid)?;
    let before = previous.left_to_members.as_ref()?;
    (before.hub_replicas == wanted).then(|| {
        steps.push(
            "Nothing scales it any more: the members keep what they run until its replicas are changed.".to_owned(),
        );
        LeftToMembers {
            autoscaler: String::new(),
            ..before.clone()
        }
    })
}
