//! Policies that are lazy: what they say counts for an object from the next edit of the object on, so that an edit of a policy moves
//! no fleet at once.
//! In: the policies, what stands, which edit of the object it is. Out: what stays in use, or nothing where today's policies count. It
//! needs no memory but the Placement, which keeps the policy as it is in use. Absent: which policy selects (`matching.rs`).

use api::PropagationPolicy;
use api::placement::LazyPolicy;
use api::policy::{ActivationPreference, PolicySpec};

use super::matching;
use crate::inputs::Inputs;

/// What stays in use although a lazy policy says otherwise now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct InUse<'a> {
    /// Its label; empty where no policy decided.
    pub(super) label: &'a str,
    /// What it said; none where no policy decided.
    pub(super) spec: Option<&'a PolicySpec>,
}

pub(super) fn is_lazy(policy: &PropagationPolicy) -> bool {
    policy.spec.activation_preference == Some(ActivationPreference::Lazy)
}

/// What stays in use until the object is edited; none where the policy that selects it counts. A policy that is gone says nothing
/// any more.
pub(super) fn in_use<'a>(inputs: &Inputs<'a>, selected: Option<&PropagationPolicy>) -> Option<InUse<'a>> {
    let object = inputs.object;
    let previous = inputs
        .previous
        .filter(|previous| previous.resource.uid == object.resource.uid)?;
    let label = previous.policy.as_str();
    let standing = inputs.policies.iter().find(|policy| matching::label(policy) == label);
    let lazily = selected.is_some_and(is_lazy) || standing.is_some_and(is_lazy);
    match &previous.lazy {
        _ if !lazily => None,
        Some(lazy) if lazy.edit != object.edit => None,
        Some(lazy) if label.is_empty() || standing.is_some() => Some(InUse {
            label,
            spec: (!label.is_empty()).then_some(&lazy.spec),
        }),
        Some(_) => None,
        // Whoever makes a policy lazy edits it for those it decides about.
        None if selected.is_some_and(|policy| matching::label(policy) == label) => None,
        None if label.is_empty() => Some(InUse { label, spec: None }),
        None => standing.map(|policy| InUse {
            label,
            spec: Some(&policy.spec),
        }),
    }
}

/// What the Placement keeps, so that later edits of policies wait.
pub(super) fn kept(inputs: &Inputs<'_>, spec: Option<&PolicySpec>) -> LazyPolicy {
    LazyPolicy {
        edit: inputs.object.edit.clone(),
        spec: spec.cloned().unwrap_or_default(),
    }
}
