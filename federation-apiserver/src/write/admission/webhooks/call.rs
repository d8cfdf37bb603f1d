//! One call of a webhook: asked, answered, counted.

use std::sync::Arc;
use std::time::Instant;

use machinery::admission::review::{self, Verdict};
use machinery::status::Status;
use serde_json::Value;

use super::hook::Hook;
use crate::audit::note;
use crate::webhooks::Failure;
use crate::write::admission::review::Review;

/// What a webhook that does not refuse says.
pub(super) struct Said {
    pub(super) patch: Option<Value>,
    pub(super) warnings: Vec<String>,
}

/// Asks a webhook; none where it did not answer and writes go on without.
pub(super) async fn ask(
    hook: &Arc<Hook>,
    shown: &Review,
    sort: &'static str,
    operation: &'static str,
) -> Result<Option<Said>, Status> {
    let started = Instant::now();
    let answered = answer(hook, shown, sort == super::super::MUTATING).await;
    let rejected = match &answered {
        Ok(verdict) => verdict.refusal.is_some(),
        Err(_) => !hook.ignores_failure,
    };
    measure(hook, sort, operation, rejected, started);
    let verdict = match answered {
        Ok(verdict) => verdict,
        Err(failure) => return fail(hook, sort, operation, &failure),
    };
    let Verdict {
        patch,
        warnings,
        annotations,
        refusal,
    } = verdict;
    for (key, said) in annotations {
        note(&format!("{}/{key}", hook.name), &said);
    }
    match refusal {
        None => Ok(Some(Said { patch, warnings })),
        Some(status) => {
            count_refusal(hook, sort, operation, "no_error", status.code);
            Err(status)
        }
    }
}

async fn answer(hook: &Hook, shown: &Review, mutating: bool) -> Result<Verdict, Failure> {
    let bare = |why: String| Failure { code: 0, why };
    let endpoint = hook.endpoint.as_ref().map_err(|why| bare(why.clone()))?;
    let (uid, review) = shown.asking();
    let body = serde_json::to_vec(&review).map_err(|error| bare(error.to_string()))?;
    let bytes = endpoint.post(body.into(), hook.timeout).await?;
    review::verdict(&hook.name, &uid, mutating, &bytes).map_err(bare)
}

fn fail(hook: &Hook, sort: &'static str, operation: &'static str, failure: &Failure) -> Result<Option<Said>, Status> {
    let labels = [("name", hook.name.clone()), ("type", sort.to_owned())];
    if hook.ignores_failure {
        tracing::warn!(
            webhook = hook.name.as_str(),
            configuration = hook.configuration.as_str(),
            why = failure.why.as_str(),
            "a webhook did not answer; writes go on without, as its failurePolicy says"
        );
        metrics::counter!("apiserver_admission_webhook_fail_open_count", &labels).increment(1);
        return Ok(None);
    }
    count_refusal(hook, sort, operation, "calling_webhook_error", failure.code);
    Err(review::failed(&hook.name, &failure.why))
}

fn count_refusal(hook: &Hook, sort: &'static str, operation: &'static str, error: &'static str, code: u16) {
    let labels = [
        ("name", hook.name.clone()),
        ("type", sort.to_owned()),
        ("operation", operation.to_owned()),
        ("error_type", error.to_owned()),
        ("rejection_code", code.to_string()),
    ];
    metrics::counter!("apiserver_admission_webhook_rejection_count", &labels).increment(1);
}

fn measure(hook: &Hook, sort: &'static str, operation: &'static str, rejected: bool, started: Instant) {
    let labels = [
        ("name", hook.name.clone()),
        ("type", sort.to_owned()),
        ("operation", operation.to_owned()),
        ("rejected", rejected.to_string()),
    ];
    let seconds = started.elapsed().as_secs_f64();
    metrics::histogram!("apiserver_admission_webhook_admission_duration_seconds", &labels).record(seconds);
    metrics::counter!("apiserver_admission_webhook_request_total", &labels).increment(1);
}
