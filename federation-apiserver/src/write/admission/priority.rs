//! Priority: pods get the number of their class, and one class at most is everybody's. Pods of the hub run in a member, which
//! refuses a number that its own class does not have.

use machinery::admission::priority;
use machinery::status::Status;

use super::{is_of, values};
use crate::write::{Draft, Engine, Intent};

/// Gives a pod its number.
pub(in crate::write) fn complete(engine: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    if !engine.admission.runs_pods || !is_of(intent, "", "Pod") {
        return Ok(());
    }
    if let Some(old) = &draft.old {
        priority::keep(&mut draft.value, old);
        return Ok(());
    }
    let classes = values(&engine.admission.priority_classes);
    let completed = priority::complete(&mut draft.value, classes.iter().map(|class| &**class));
    completed.map_err(|why| intent.forbidden(&why))
}

/// Refuses a second class for everybody.
pub(in crate::write) fn judge(engine: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    if !is_of(intent, "scheduling.k8s.io", "PriorityClass") {
        return Ok(());
    }
    let classes = values(&engine.admission.priority_classes);
    match priority::second_default(&draft.value, classes.iter().map(|class| &**class)) {
        Some(why) => Err(intent.forbidden(&why)),
        None => Ok(()),
    }
}
