//! MutatingAdmissionPolicy: what expressions that are kept on the server make of an object.
//!
//! In: the stored policies and their bindings, what parameterizes them, a draft. Out: the draft changed, policy by policy; a
//! refusal where a policy that must be asked cannot say. What is applied merges by the schema, as server-side apply does.

use std::sync::Arc;

use machinery::admission::expression::Facts;
use machinery::admission::mutation::{Change, MutatingPolicy};
use machinery::status::{Cause, CauseReason, Status, well_known_reason};
use machinery::{decode, patch};
use serde_json::Value;

use super::compiled::Compiled;
use super::policies::params::Params;
use super::policies::{is_bound, shown};
use super::review::{self, Review};
use crate::cache::KindCache;
use crate::write::apply::merge_object;
use crate::write::steps::Waiting;
use crate::write::{Draft, Engine, Intent};

/// The policies and their bindings.
pub(super) struct Mutations {
    policies: Compiled<MutatingPolicy>,
    bindings: Arc<KindCache>,
}

impl Mutations {
    pub(super) fn new(policies: Arc<KindCache>, bindings: Arc<KindCache>) -> Self {
        Self {
            policies: Compiled::new(policies),
            bindings,
        }
    }
}

/// Lets policies change a draft.
pub(in crate::write) fn change<'a>(
    engine: &'a Engine,
    intent: &'a Intent,
    draft: &'a mut Draft,
) -> Option<Waiting<'a>> {
    let mutations = &engine.admission.mutations;
    if mutations.bindings.snapshot().is_empty() || mutations.policies.is_empty() || review::is_exempt(intent) {
        return None;
    }
    Some(Box::pin(change_by_all(engine, intent, draft)))
}

async fn change_by_all(engine: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    let mutations = &engine.admission.mutations;
    let bindings: Vec<Arc<Value>> = super::values(&mutations.bindings);
    let policies = mutations.policies.all(MutatingPolicy::read);
    let mut after: Vec<Option<Value>> = Vec::with_capacity(policies.len());
    for policy in &policies {
        let changed = change_by(engine, intent, draft, policy, &bindings).await?;
        after.push((changed && policy.reinvoked).then(|| draft.value.clone()));
    }
    for (policy, after) in policies.iter().zip(after) {
        if after.is_some_and(|after| after != draft.value) {
            change_by(engine, intent, draft, policy, &bindings).await?;
        }
    }
    Ok(())
}

/// Asks one policy by all its bindings; whether it was asked.
async fn change_by(
    engine: &Engine,
    intent: &Intent,
    draft: &mut Draft,
    policy: &MutatingPolicy,
    bindings: &[Arc<Value>],
) -> Result<bool, Status> {
    let mut asked = false;
    for binding in bindings {
        if binding.pointer("/spec/policyName").and_then(Value::as_str) != Some(&policy.name) {
            continue;
        }
        let Some(review) = shown(engine, intent, draft, &policy.spec).await? else {
            continue;
        };
        if !is_bound(intent, draft, &review, binding) {
            continue;
        }
        asked = true;
        let refuse = |why: &str, reason: &str| {
            let name = binding
                .pointer("/metadata/name")
                .and_then(Value::as_str)
                .unwrap_or_default();
            Err(refusal(intent, &policy.name, name, why, reason))
        };
        let params = match Params::of(engine, intent, policy.params.as_ref(), binding) {
            Ok(params) => params,
            Err(_) if policy.ignores_failure => continue,
            Err(fault) => return refuse(&fault.why, "Forbidden"),
        };
        for param in params.each() {
            match changed(intent, policy, &review, param) {
                Ok(Some(object)) => review::put_back(engine, intent, draft, object).await?,
                Ok(None) => {}
                Err(_) if policy.ignores_failure => {}
                Err(why) => return refuse(&why, "Invalid"),
            }
        }
    }
    Ok(asked)
}

/// The object as a policy wants it; none where it is content.
fn changed(intent: &Intent, policy: &MutatingPolicy, review: &Review, param: &Value) -> Result<Option<Value>, String> {
    let before = Facts {
        params: param,
        ..review.facts()
    };
    if !policy.holds(&before)? {
        return Ok(None);
    }
    let mut object = review.object.clone();
    for number in 0..policy.changes() {
        let facts = Facts {
            object: &object,
            ..before
        };
        let next = match policy.change(number, &facts)? {
            Some(Change::Configuration(configuration)) => applied(intent, &object, configuration)?,
            Some(Change::Patch(operations)) => match patch::json_patch(&object, &operations) {
                Ok(patched) => patched,
                // A test that fails means: not this object.
                Err(_) if has_test(&operations) => continue,
                Err(error) => return Err(format!("JSON Patch: {error}")),
            },
            None => continue,
        };
        object = next;
    }
    Ok((object != review.object).then_some(object))
}

fn has_test(operations: &Value) -> bool {
    let operations = operations.as_array().into_iter().flatten();
    operations
        .filter_map(|operation| operation.get("op").and_then(Value::as_str))
        .any(|name| name == "test")
}

fn applied(intent: &Intent, object: &Value, mut configuration: Value) -> Result<Value, String> {
    let schema = intent.kind.schema();
    if let Some(schema) = schema
        && let Some(unknown) = decode::prune_unknown(schema, &mut configuration).into_iter().next()
    {
        return Err(format!(
            "error applying patch: failed to convert patch object to typed object: .{unknown}: field not declared in schema"
        ));
    }
    Ok(merge_object(schema, object, &configuration))
}

fn refusal(intent: &Intent, policy: &str, binding: &str, why: &str, reason: &str) -> Status {
    let message = format!("policy '{policy}' with binding '{binding}' denied request: {why}");
    let mut status = intent
        .forbidden(&message)
        .with_cause(Cause::new(CauseReason::None, "", message.clone()));
    status.message = message;
    status.reason = well_known_reason(reason);
    status
}
