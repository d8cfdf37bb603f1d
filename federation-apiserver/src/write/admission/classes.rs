//! DefaultStorageClass and DefaultIngressClass: what names no class gets the default one.

use machinery::admission::class;
use machinery::status::Status;

use super::{creates, is_of, values};
use crate::write::{Draft, Engine, Intent};

/// Gives a new object its class.
pub(in crate::write) fn choose(engine: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    if !creates(draft) {
        return Ok(());
    }
    if is_of(intent, "", "PersistentVolumeClaim") {
        let classes = values(&engine.admission.storage_classes);
        class::of_claim(&mut draft.value, classes.iter().map(|class| &**class));
    } else if is_of(intent, "networking.k8s.io", "Ingress") {
        let classes = values(&engine.admission.ingress_classes);
        class::of_ingress(&mut draft.value, classes.iter().map(|class| &**class));
    }
    Ok(())
}
