//! MutatingAdmissionWebhook and ValidatingAdmissionWebhook: what programs elsewhere say to a write.
//!
//! In: the stored configurations, a draft. Out: the draft changed by those who may change it, one after the other; a refusal by
//! the first of those who judge, who are all asked at once. Whoever does not answer is taken as its `failurePolicy` says. Absent:
//! the way there (`crate::webhooks`), and what answers mean (`machinery::admission::review`).

mod call;
mod hook;

use std::sync::Arc;

use futures::future::join_all;
use machinery::admission::matching;
use machinery::patch;
use machinery::status::Status;
use serde_json::Value;

use super::compiled::Compiled;
use super::review::{self, Review};
use crate::cache::KindCache;
use crate::write::steps::Waiting;
use crate::write::{Draft, Engine, Intent};
use call::Said;
use hook::Hook;

/// The webhooks of one sort.
pub(super) struct Webhooks {
    configurations: Compiled<Vec<Arc<Hook>>>,
    /// `admit` or `validating`, as metrics call them.
    sort: &'static str,
}

impl Webhooks {
    pub(super) fn new(cache: Arc<KindCache>, sort: &'static str) -> Self {
        Self {
            configurations: Compiled::new(cache),
            sort,
        }
    }

    fn is_empty(&self) -> bool {
        self.configurations.is_empty()
    }

    /// All webhooks, in the order of their configurations' names.
    fn all(&self) -> Vec<Arc<Hook>> {
        let of = |configuration: &Value| Hook::of_configuration(configuration).map(Arc::new).collect();
        let configurations = self.configurations.all(of);
        configurations.iter().flat_map(|hooks| hooks.iter().cloned()).collect()
    }
}

/// A review for a webhook that is to be called about a draft; none where it is not about it.
async fn review_for(engine: &Engine, intent: &Intent, draft: &Draft, hook: &Hook) -> Result<Option<Review>, Status> {
    let kind = review::version(engine, intent, draft, hook.exact, |asked| {
        matching::any(&hook.spec, "rules", asked)
    });
    let Some(kind) = kind else { return Ok(None) };
    let review = Review::of(engine, intent, draft, &kind).await?;
    if !matching::selected(&hook.spec, &review.labelled()) {
        return Ok(None);
    }
    if hook.conditions.is_empty() {
        return Ok(Some(review));
    }
    match hook.conditions.hold(&review.facts()) {
        Ok(true) => Ok(Some(review)),
        Ok(false) => Ok(None),
        Err(_) if hook.ignores_failure => Ok(None),
        Err(why) => Err(intent.forbidden(&why)),
    }
}

/// Lets webhooks change a draft.
pub(in crate::write) fn change<'a>(
    engine: &'a Engine,
    intent: &'a Intent,
    draft: &'a mut Draft,
) -> Option<Waiting<'a>> {
    if engine.admission.mutating_webhooks.is_empty() || review::is_exempt(intent) {
        return None;
    }
    Some(Box::pin(change_by_all(engine, intent, draft)))
}

async fn change_by_all(engine: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    let webhooks = &engine.admission.mutating_webhooks;
    let hooks = webhooks.all();
    // What the object was after a webhook that wants to see it again if others change it.
    let mut after: Vec<Option<Value>> = Vec::with_capacity(hooks.len());
    for hook in &hooks {
        let called = change_by(engine, intent, draft, hook, webhooks.sort).await?;
        after.push((called && hook.reinvoked).then(|| draft.value.clone()));
    }
    for (hook, after) in hooks.iter().zip(after) {
        if after.is_some_and(|after| after != draft.value) {
            change_by(engine, intent, draft, hook, webhooks.sort).await?;
        }
    }
    Ok(())
}

/// Calls one webhook; whether it was called.
async fn change_by(
    engine: &Engine,
    intent: &Intent,
    draft: &mut Draft,
    hook: &Arc<Hook>,
    sort: &'static str,
) -> Result<bool, Status> {
    let Some(review) = review_for(engine, intent, draft, hook).await? else {
        return Ok(false);
    };
    let said = call::ask(hook, &review, sort, review::operation(draft)).await?;
    let Some(Said { patch, warnings }) = said else {
        return Ok(true);
    };
    draft.warnings.extend(warnings);
    if let Some(patch) = patch.filter(|patch| patch.as_array().is_none_or(|patch| !patch.is_empty()))
        && !review.object.is_null()
    {
        let changed = patch::json_patch(&review.object, &patch).map_err(|error| Status::internal(error.to_string()))?;
        if changed != review.object {
            review::put_back(engine, intent, draft, changed).await?;
        }
    }
    Ok(true)
}

/// Lets webhooks refuse a draft.
pub(in crate::write) fn judge<'a>(engine: &'a Engine, intent: &'a Intent, draft: &'a mut Draft) -> Option<Waiting<'a>> {
    if engine.admission.validating_webhooks.is_empty() || review::is_exempt(intent) {
        return None;
    }
    Some(Box::pin(judge_by_all(engine, intent, draft)))
}

async fn judge_by_all(engine: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    let webhooks = &engine.admission.validating_webhooks;
    let operation = review::operation(draft);
    let mut concerned = Vec::new();
    for hook in webhooks.all() {
        if let Some(review) = review_for(engine, intent, draft, &hook).await? {
            concerned.push((hook, review));
        }
    }
    let calls = concerned
        .iter()
        .map(|(hook, review)| call::ask(hook, review, webhooks.sort, operation));
    for said in join_all(calls).await {
        if let Some(Said { patch: _, warnings }) = said? {
            draft.warnings.extend(warnings);
        }
    }
    Ok(())
}
