//! ServiceAccount: a pod runs as an account that exists, and finds its token where programs look for it. Pods of the hub run in
//! a member, which completes them by accounts of its own.

use machinery::admission::account;
use machinery::status::Status;

use super::{creates, is_of};
use crate::write::identity::generated_name;
use crate::write::{Draft, Engine, Intent};

/// Completes a new pod by its account.
pub(in crate::write) fn complete(engine: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    if !engine.admission.runs_pods || !is_of(intent, "", "Pod") || !creates(draft) || account::is_mirror(&draft.value) {
        return Ok(());
    }
    let name = account::name_of(&mut draft.value);
    let Some(found) = engine.admission.accounts.get(&intent.namespace, &name) else {
        let namespace = &intent.namespace;
        let why = format!("error looking up service account {namespace}/{name}: serviceaccount {name:?} not found");
        return Err(intent.forbidden(&why));
    };
    account::complete(&mut draft.value, &found.value(), &generated_name(""));
    Ok(())
}
