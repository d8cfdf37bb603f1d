//! ValidatingAdmissionPolicy: what expressions that are kept on the server say to a write.
//!
//! In: the stored policies and their bindings, what parameterizes them, a draft. Out: a refusal, warnings, notes for the audit
//! log, as the bindings say. Absent: what expressions mean (`machinery::admission::policy`).

pub(super) mod params;

use std::sync::Arc;

use machinery::admission::expression::Facts;
use machinery::admission::matching;
use machinery::admission::policy::{Denial, Policy};
use machinery::status::{Cause, CauseReason, Status, well_known_reason};
use serde_json::{Value, json};

use super::compiled::Compiled;
use super::review::{self, Review};
use crate::audit::note;
use crate::cache::KindCache;
use crate::write::steps::Waiting;
use crate::write::{Draft, Engine, Intent};
use params::Params;

/// Where denials that are only to be audited stand.
const AUDITED: &str = "validation.policy.admission.k8s.io/validation_failure";

/// The policies and their bindings.
pub(super) struct Policies {
    policies: Compiled<Policy>,
    bindings: Arc<KindCache>,
}

impl Policies {
    pub(super) fn new(policies: Arc<KindCache>, bindings: Arc<KindCache>) -> Self {
        Self {
            policies: Compiled::new(policies),
            bindings,
        }
    }
}

/// Lets policies refuse a draft.
pub(in crate::write) fn judge<'a>(engine: &'a Engine, intent: &'a Intent, draft: &'a mut Draft) -> Option<Waiting<'a>> {
    let policies = &engine.admission.policies;
    if policies.bindings.snapshot().is_empty() || policies.policies.is_empty() || review::is_exempt(intent) {
        return None;
    }
    Some(Box::pin(judge_by_all(engine, intent, draft)))
}

async fn judge_by_all(engine: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    let policies = &engine.admission.policies;
    let bindings: Vec<Arc<Value>> = super::values(&policies.bindings);
    for policy in policies.policies.all(Policy::read) {
        let bound = bindings
            .iter()
            .filter(|binding| binding.pointer("/spec/policyName").and_then(Value::as_str) == Some(&policy.name));
        let bound: Vec<&Value> = bound.map(|binding| &**binding).collect();
        if bound.is_empty() {
            continue;
        }
        let Some(review) = shown(engine, intent, draft, &policy.spec).await? else {
            continue;
        };
        for binding in bound {
            if is_bound(intent, draft, &review, binding) {
                ask(engine, intent, draft, &review, &policy, binding)?;
            }
        }
    }
    Ok(())
}

/// A draft as a policy sees it, where it is about it.
pub(super) async fn shown(
    engine: &Engine,
    intent: &Intent,
    draft: &Draft,
    spec: &Value,
) -> Result<Option<Review>, Status> {
    let constraints = spec.get("matchConstraints").unwrap_or(&Value::Null);
    let exact = constraints.get("matchPolicy").and_then(Value::as_str) == Some("Exact");
    let kind = review::version(engine, intent, draft, exact, |asked| {
        matching::any(constraints, "resourceRules", asked) && !matching::any(constraints, "excludeResourceRules", asked)
    });
    let Some(kind) = kind else { return Ok(None) };
    let review = Review::of(engine, intent, draft, &kind).await?;
    Ok(matching::selected(constraints, &review.labelled()).then_some(review))
}

/// Whether a binding is about a draft too.
pub(super) fn is_bound(intent: &Intent, draft: &Draft, review: &Review, binding: &Value) -> bool {
    let Some(matched) = binding
        .pointer("/spec/matchResources")
        .filter(|matched| !matched.is_null())
    else {
        return true;
    };
    let asked = review::asked(intent, draft, &intent.spoken);
    let has_rules = matched
        .get("resourceRules")
        .and_then(Value::as_array)
        .is_some_and(|rules| !rules.is_empty());
    (!has_rules || matching::any(matched, "resourceRules", &asked))
        && !matching::any(matched, "excludeResourceRules", &asked)
        && matching::selected(matched, &review.labelled())
}

fn name(binding: &Value) -> &str {
    binding
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn ask(
    engine: &Engine,
    intent: &Intent,
    draft: &mut Draft,
    review: &Review,
    policy: &Policy,
    binding: &Value,
) -> Result<(), Status> {
    let who = format!(
        "ValidatingAdmissionPolicy '{}' with binding '{}'",
        policy.name,
        name(binding)
    );
    let params = match Params::of(engine, intent, policy.params.as_ref(), binding) {
        Ok(params) => params,
        Err(_) if policy.ignores_failure => return Ok(()),
        Err(fault) => {
            let who = if fault.of_policy {
                format!("ValidatingAdmissionPolicy '{}'", policy.name)
            } else {
                who
            };
            return Err(refusal(
                intent,
                &format!("{who} denied request: {}", fault.why),
                "Invalid",
            ));
        }
    };
    for param in params.each() {
        let facts = Facts {
            params: param,
            ..review.facts()
        };
        let judgement = policy.judge(&facts);
        for (key, said) in judgement.annotations {
            note(&format!("{}/{key}", policy.name), &said);
        }
        act(intent, draft, policy, binding, &who, &judgement.denials)?;
    }
    Ok(())
}

/// Does what a binding says about denials.
fn act(
    intent: &Intent,
    draft: &mut Draft,
    policy: &Policy,
    binding: &Value,
    who: &str,
    denials: &[Denial],
) -> Result<(), Status> {
    let actions = binding.pointer("/spec/validationActions").and_then(Value::as_array);
    let actions: Vec<&str> = actions.into_iter().flatten().filter_map(Value::as_str).collect();
    for denial in denials {
        if actions.contains(&"Audit") {
            let told = json!([{
                "message": denial.message, "policy": policy.name, "binding": name(binding),
                "expressionIndex": denial.index.unwrap_or_default(), "validationActions": actions,
            }]);
            note(AUDITED, &told.to_string());
        }
        if actions.contains(&"Warn") {
            draft
                .warnings
                .push(format!("Validation failed for {who}: {}", denial.message));
        }
        if actions.contains(&"Deny") {
            let message = format!("{who} denied request: {}", denial.message);
            return Err(refusal(intent, &message, &denial.reason));
        }
    }
    Ok(())
}

/// The failure that a client sees when a policy refuses.
pub(super) fn refusal(intent: &Intent, message: &str, reason: &str) -> Status {
    let mut status = intent
        .forbidden(message)
        .with_cause(Cause::new(CauseReason::None, "", message.to_owned()));
    status.reason = well_known_reason(reason);
    status.code = match reason {
        "Forbidden" => 403,
        "RequestEntityTooLarge" => 413,
        "Unauthorized" => 401,
        _ => 422,
    };
    status
}
