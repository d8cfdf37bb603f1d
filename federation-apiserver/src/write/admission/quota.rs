//! ResourceQuota: what is admitted is charged to the quotas of its namespace before it is stored.
//!
//! In: a draft that nothing else refuses. Out: the quotas' `status.used` with it, written on the condition that nobody wrote
//! between, or a refusal. Who charges a namespace waits for his turn, so that one process does not race itself; other
//! processes are met by the condition. What was charged for a write that did not happen is given back. Absent: counting what
//! there is (the quota controller does, and corrects what a crash leaves behind).

use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::sync::Arc;

use machinery::admission::quota::{self, Quota};
use machinery::admission::resources::{Amounts, amounts};
use machinery::status::Status;
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};

use super::within;
use crate::cache::CachedObject;
use crate::kinds::Kind;
use crate::write::steps::Waiting;
use crate::write::{Change, Draft, Engine, Intent, Part};

/// Attempts at a quota that other processes write too.
const ATTEMPTS_MAX: usize = 16;
/// Who is told to have written the usage; clients of Kubernetes know the name.
const MANAGER: &str = "kube-apiserver";
const TURNS: usize = 64;

/// Who may charge next. Namespaces share turns, so that their number does not matter.
pub(super) struct Turns([Mutex<()>; TURNS]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl Turns {
    async fn of(&self, namespace: &str) -> Option<MutexGuard<'_, ()>> {
        let mut hasher = DefaultHasher::new();
        namespace.hash(&mut hasher);
        let turn = usize::try_from(hasher.finish() % TURNS as u64).unwrap_or_default();
        match self.0.get(turn) {
            Some(turn) => Some(turn.lock().await),
            None => None,
        }
    }
}

/// What was charged to a quota for a draft.
#[derive(Debug)]
pub(in crate::write) struct Charge {
    quota: String,
    amounts: Amounts,
}

/// Charges a draft to the quotas of its namespace.
pub(in crate::write) fn charge<'a>(
    engine: &'a Engine,
    intent: &'a Intent,
    draft: &'a mut Draft,
) -> Option<Waiting<'a>> {
    let kind = &intent.kind;
    let counted = intent.part == Part::Object && kind.namespaced && quota::is_counted(&kind.group, &kind.plural);
    if !counted || draft.old.is_some() && !quota::counts_changes(&kind.group, &kind.plural) {
        return None;
    }
    let quotas = engine.admission.quotas.snapshot();
    quotas.in_namespace(&intent.namespace).next()?;
    Some(Box::pin(charge_all(engine, intent, draft)))
}

async fn charge_all(engine: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    let kind = &intent.kind;
    let usage = |object: &Value| quota::usage(&kind.group, &kind.plural, object, draft.now);
    let before = draft.old.as_deref().map(usage);
    let more = quota::growth(usage(&draft.value), before.as_ref());
    let _turn = engine.admission.turns.of(&intent.namespace).await;
    for _ in 0..ATTEMPTS_MAX {
        let rest = judge(engine, intent, draft, &more)?;
        if intent.options.dry_run {
            return Ok(());
        }
        let mut raced = false;
        for (quota, used) in rest {
            let name = quota.key.name.to_string();
            match write(engine, &quota, &used).await {
                Ok(()) => draft.charged.push(Charge {
                    quota: name,
                    amounts: more.clone(),
                }),
                Err(status) if is_race(&status) => raced = true,
                Err(status) => {
                    give_back(engine, &intent.namespace, std::mem::take(&mut draft.charged)).await;
                    return Err(status);
                }
            }
        }
        if !raced {
            return Ok(());
        }
    }
    give_back(engine, &intent.namespace, std::mem::take(&mut draft.charged)).await;
    Err(intent.modified())
}

/// The quotas that are still to be charged, with the usage to write. All are judged before any is charged.
fn judge(
    engine: &Engine,
    intent: &Intent,
    draft: &Draft,
    more: &Amounts,
) -> Result<Vec<(Arc<CachedObject>, Amounts)>, Status> {
    let (group, plural) = (intent.kind.group.as_str(), intent.kind.plural.as_str());
    let mut rest = Vec::new();
    for object in within(&engine.admission.quotas, &intent.namespace) {
        if draft.charged.iter().any(|charge| *charge.quota == *object.key.name) {
            continue;
        }
        let Some(quota) = Quota::about(&object.value(), group, plural, &draft.value) else {
            continue;
        };
        let room = quota
            .is_ready(group, plural, &draft.value)
            .and_then(|()| quota.with(more));
        match room {
            Ok(Some(used)) => rest.push((object, used)),
            Ok(None) => {}
            Err(why) => return Err(intent.forbidden(&why)),
        }
    }
    Ok(rest)
}

fn is_race(status: &Status) -> bool {
    matches!(status.reason, "Conflict" | "NotFound")
}

fn kind(engine: &Engine) -> Option<Arc<Kind>> {
    engine.catalog.resource("", "v1", "resourcequotas")
}

async fn write(engine: &Engine, quota: &CachedObject, used: &Amounts) -> Result<(), Status> {
    let Some(kind) = kind(engine) else { return Ok(()) };
    let intent = Intent::internal(&kind, (&quota.key.namespace, &quota.key.name), Part::Status, MANAGER);
    let mut value = (*quota.value()).clone();
    if let Some(status) = value.get_mut("status").and_then(Value::as_object_mut) {
        status.insert("used".to_owned(), quota::written(used));
    }
    engine.update(&intent, &Change::Replace(value, Vec::new())).await?;
    Ok(())
}

/// Gives back what was charged for a write that did not happen.
pub(in crate::write) fn give_back<'a>(
    engine: &'a Engine,
    namespace: &'a str,
    charges: Vec<Charge>,
) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
    Box::pin(async move {
        for charge in charges {
            give_one_back(engine, namespace, &charge).await;
        }
    })
}

async fn give_one_back(engine: &Engine, namespace: &str, charge: &Charge) {
    for _ in 0..ATTEMPTS_MAX {
        let Some(object) = engine.admission.quotas.get(namespace, &charge.quota) else {
            return;
        };
        let used = amounts(object.value().pointer("/status/used"));
        match write(engine, &object, &quota::without(used, &charge.amounts)).await {
            Err(status) if is_race(&status) => {}
            // The controller counts what is there sooner or later.
            Ok(()) | Err(_) => return,
        }
    }
}
