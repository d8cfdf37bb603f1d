//! LimitRanger: defaults for containers, bounds for containers, pods and claims. The hub does so too: what its LimitRanges say is
//! said in the members by copies of them.

use machinery::admission::limits;
use machinery::status::Status;

use super::{creates, is_of, within};
use crate::write::{Draft, Engine, Intent};

/// Gives new pods what the LimitRanges of their namespace say.
pub(in crate::write) fn fill(engine: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    if is_of(intent, "", "Pod") && creates(draft) {
        for range in within(&engine.admission.limit_ranges, &intent.namespace) {
            limits::fill_pod(&range.value(), &mut draft.value);
        }
    }
    Ok(())
}

/// Refuses what is outside of the bounds.
pub(in crate::write) fn judge(engine: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    // The resources of a pod that exists do not change.
    let concerned = is_of(intent, "", "PersistentVolumeClaim") || is_of(intent, "", "Pod") && creates(draft);
    if !concerned {
        return Ok(());
    }
    for range in within(&engine.admission.limit_ranges, &intent.namespace) {
        if let Some(why) = limits::refusal(&range.value(), &intent.kind.kind, &draft.value) {
            return Err(intent.forbidden(&why));
        }
    }
    Ok(())
}
