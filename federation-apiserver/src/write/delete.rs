//! A delete: at once, or marked and left to whoever has a finalizer on the object.

use std::time::{Duration, Instant};

use api::Revision;
use jiff::Timestamp;
use machinery::status::{self, Status};
use serde_json::{Value, json};

use super::commit::{Refused, answer, versioned};
use super::identity::{meta, metadata_mut, seconds};
use super::{Current, DELETE, Draft, Engine, Intent, Outcome, run, spoken};
use crate::cache::canonical;
use crate::definitions;
use crate::kinds::GenerationRule;
use crate::store::{Change, Expect};

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";
/// Namespaces that the system itself stands on.
const PROTECTED_NAMESPACES: &[&str] = &[
    "default",
    "kube-public",
    "kube-system",
    api::well_known::SYSTEM_NAMESPACE,
];
const RETRY_FOR: Duration = Duration::from_secs(30);

/// What becomes of dependents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Propagation {
    /// The garbage collector deletes them afterwards.
    Background,
    /// The garbage collector deletes them first.
    Foreground,
    /// They stay.
    Orphan,
}

/// `metav1.DeleteOptions`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DeleteOptions {
    /// The incarnation that is meant.
    pub(crate) uid: Option<String>,
    /// The version that is meant.
    pub(crate) version: Option<String>,
    /// What becomes of dependents; the object's own finalizers say where none is named.
    pub(crate) propagation: Option<Propagation>,
    /// Do everything but commit.
    pub(crate) dry_run: bool,
}

impl Engine {
    /// Deletes an object, or marks it for deletion.
    pub(crate) async fn delete(&self, intent: &Intent, options: &DeleteOptions) -> Result<Outcome, Status> {
        if intent.kind.is_namespace() && PROTECTED_NAMESPACES.contains(&intent.name.as_str()) {
            return Err(intent.forbidden("this namespace may not be deleted"));
        }
        let outcome = self.delete_current(intent, options).await?;
        Ok(spoken::answer(intent, Vec::new(), outcome))
    }

    async fn delete_current(&self, intent: &Intent, options: &DeleteOptions) -> Result<Outcome, Status> {
        let until = Instant::now() + RETRY_FOR;
        loop {
            let current = self.current(intent).await?.ok_or_else(|| intent.not_found())?;
            check_preconditions(intent, options, &current)?;
            let warnings = self.admit_deletion(intent, &current).await?;
            let plain = |body| Outcome {
                body,
                created: false,
                warnings: warnings.clone(),
            };
            let (value, finished) = marked(intent, &current.value, options.propagation, Timestamp::now())?;
            if !finished
                && value.pointer("/metadata/deletionTimestamp") == current.value.pointer("/metadata/deletionTimestamp")
                && value.pointer("/metadata/finalizers") == current.value.pointer("/metadata/finalizers")
            {
                return Ok(plain(intent.kind.shown_bytes(&current.cached)?));
            }
            let revision = current.cached.revision;
            let body = intent.kind.to_store(&value).await?;
            let uid = meta(&current.value, "uid");
            if options.dry_run {
                let body = versioned(&canonical(&value), revision);
                return Ok(plain(if finished {
                    finished_answer(intent, uid, body)
                } else {
                    body
                }));
            }
            let change = if finished {
                Change::Delete(body)
            } else {
                Change::Put(body)
            };
            match self.commit(intent, uid, Expect::Revision(revision), None, change).await {
                Ok(committed) => {
                    let object = answer(&intent.kind, &value, &committed);
                    return Ok(plain(if finished {
                        finished_answer(intent, uid, object)
                    } else {
                        object
                    }));
                }
                Err(Refused::Failed(status)) => return Err(status),
                Err(Refused::Raced(_) | Refused::Outdated) if Instant::now() >= until => return Err(intent.modified()),
                Err(Refused::Raced(winner)) => self.catch_up(intent, winner).await,
                Err(Refused::Outdated) => self.catch_up_with_others(&intent.kind).await,
            }
        }
    }

    /// Asks admission about a deletion; what the client is to be told.
    async fn admit_deletion(&self, intent: &Intent, current: &Current) -> Result<Vec<String>, Status> {
        let mut draft = Draft::of(Value::Null, Some(current.value.clone()), Vec::new());
        run(DELETE, self, intent, &mut draft).await?;
        Ok(draft.warnings)
    }

    async fn catch_up(&self, intent: &Intent, winner: Option<Revision>) {
        match winner {
            Some(revision) => self.wait_visible(&intent.kind, revision).await,
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

fn finished_answer(intent: &Intent, uid: &str, object: bytes::Bytes) -> bytes::Bytes {
    if intent.kind.strategy.delete_returns_object {
        return object;
    }
    status::deleted(&intent.spoken.group, &intent.spoken.plural, &intent.name, uid)
        .to_string()
        .into()
}

fn check_preconditions(intent: &Intent, options: &DeleteOptions, current: &Current) -> Result<(), Status> {
    let refuse = |what: &str, wanted: &str, found: &str, since: &str| {
        let why = format!(
            "the {what} in the precondition ({wanted}) does not match the {what} in record ({found}). The object might \
             have been {since}"
        );
        // Here kube-apiserver names the kind where it otherwise names the resource.
        Err(Status::conflict(
            &intent.kind.group,
            &intent.kind.kind,
            &intent.name,
            &why,
        ))
    };
    let uid = meta(&current.value, "uid");
    match &options.uid {
        Some(wanted) if wanted != uid => return refuse("UID", wanted, uid, "deleted and then recreated"),
        Some(_) | None => {}
    }
    let version = current.cached.revision.to_string();
    match &options.version {
        Some(wanted) if *wanted != version => refuse("ResourceVersion", wanted, &version, "modified"),
        Some(_) | None => Ok(()),
    }
}

/// The object as the deletion leaves it, and whether nobody is left to wait for.
fn marked(
    intent: &Intent,
    object: &Value,
    propagation: Option<Propagation>,
    now: Timestamp,
) -> Result<(Value, bool), Status> {
    let mut value = object.clone();
    let names = |pointer: &str| -> Vec<String> {
        let list = object.pointer(pointer).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    let before = names("/metadata/finalizers");
    // Nothing is owned by an Event or, but for what is in it, by a Namespace: no collector would let them go.
    let collected = intent.kind.kind != "Event" && !intent.kind.is_namespace();
    let mut finalizers = finalizers_for(before.clone(), propagation.filter(|_| collected));
    // It was cleaned up already where the deletion began earlier and the finalizer is gone.
    let begins = object.pointer("/metadata/deletionTimestamp").is_none();
    if let (Some(cleanup), true) = (definitions::finalizer(&intent.kind), begins)
        && !before.iter().any(|finalizer| finalizer == cleanup)
    {
        finalizers.push(cleanup.to_owned());
    }
    let held = !finalizers.is_empty() || (intent.kind.is_namespace() && !names("/spec/finalizers").is_empty());
    let metadata = metadata_mut(&mut value)?;
    metadata.remove("resourceVersion");
    if !held {
        if before != finalizers {
            metadata.remove("finalizers");
        }
        return Ok((value, true));
    }
    if finalizers.is_empty() {
        metadata.remove("finalizers");
    } else {
        metadata.insert("finalizers".to_owned(), json!(finalizers));
    }
    if !metadata.contains_key("deletionTimestamp") {
        metadata.insert("deletionTimestamp".to_owned(), Value::from(seconds(now)));
        if !intent.kind.is_namespace() {
            metadata.insert("deletionGracePeriodSeconds".to_owned(), Value::from(0));
        }
        let generation = metadata.get("generation").and_then(Value::as_i64);
        if let (Some(generation), true) = (generation, intent.kind.strategy.generation != GenerationRule::Untracked) {
            metadata.insert("generation".to_owned(), Value::from(generation.saturating_add(1)));
        }
    }
    if intent.kind.is_namespace()
        && let Some(object) = value.as_object_mut()
        && let Some(status) = object.entry("status").or_insert_with(|| json!({})).as_object_mut()
    {
        status.insert("phase".to_owned(), Value::from("Terminating"));
    }
    Ok((value, false))
}

/// The finalizers that a propagation policy leaves: the garbage collector's two are exchanged, others stay.
fn finalizers_for(mut finalizers: Vec<String>, propagation: Option<Propagation>) -> Vec<String> {
    let Some(propagation) = propagation else {
        return finalizers;
    };
    finalizers.retain(|f| f != ORPHAN && f != FOREGROUND);
    match propagation {
        Propagation::Background => {}
        Propagation::Foreground => finalizers.push(FOREGROUND.to_owned()),
        Propagation::Orphan => finalizers.push(ORPHAN.to_owned()),
    }
    finalizers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn propagation_exchanges_finalizers() {
        let own = || vec!["a.b/c".to_owned(), ORPHAN.to_owned()];
        assert_eq!(finalizers_for(own(), None), own());
        assert_eq!(finalizers_for(own(), Some(Propagation::Background)), ["a.b/c"]);
        assert_eq!(
            finalizers_for(own(), Some(Propagation::Foreground)),
            ["a.b/c", FOREGROUND]
        );
        assert_eq!(finalizers_for(vec![], Some(Propagation::Orphan)), [ORPHAN]);
    }
}
