//! An update, a patch or an apply: the current object, the change, the steps, one conditional commit; again if raced.

use std::time::{Duration, Instant};

use api::Revision;
use jiff::Timestamp;
use machinery::field;
use machinery::status::Status;
use serde_json::Value;

use super::commit::{Refused, answer, versioned};
use super::identity::meta;
use super::parts::{scale_of, with_scale};
use super::{Change, Current, Draft, Engine, Intent, Outcome, Part, Patch, UPDATE, apply, run, shape, spoken};
use crate::auth::Asked;
use crate::cache::canonical;
use crate::store::{Change as Stored, Expect};

/// How long a write without a version of its own is tried again.
const RETRY_FOR: Duration = Duration::from_secs(30);

/// What one attempt came to.
enum Attempt {
    Done(Outcome),
    /// Somebody else was faster.
    Raced(Option<Revision>),
    /// What it claims must be chosen again.
    Outdated,
    /// The cache had to catch up with the version that the client named.
    Behind,
}

impl Engine {
    /// Changes an object, or creates it where the kind or the change allows.
    pub(crate) async fn update(&self, intent: &Intent, change: &Change) -> Result<Outcome, Status> {
        let heard = spoken::change(self, intent, change)?;
        let outcome = self.change(intent, &heard.said).await?;
        Ok(spoken::answer(intent, heard.warnings, outcome))
    }

    async fn change(&self, intent: &Intent, change: &Change) -> Result<Outcome, Status> {
        let until = Instant::now() + RETRY_FOR;
        let mut outcome = loop {
            let Some(current) = self.current(intent).await? else {
                match self.update_missing(intent, change).await? {
                    Some(outcome) => break outcome,
                    None if Instant::now() < until => {
                        tokio::task::yield_now().await;
                        continue;
                    }
                    None => return Err(intent.modified()),
                }
            };
            match self.update_once(intent, change, &current).await? {
                Attempt::Done(outcome) => break outcome,
                Attempt::Outdated | Attempt::Behind if Instant::now() >= until => return Err(intent.modified()),
                Attempt::Outdated => self.catch_up_with_others(&intent.kind).await,
                Attempt::Behind => {}
                Attempt::Raced(_) if pinned(change) => return Err(intent.modified()),
                Attempt::Raced(winner) => {
                    if Instant::now() >= until {
                        return Err(intent.modified());
                    }
                    match winner {
                        Some(revision) => self.wait_visible(&intent.kind, revision).await,
                        None => tokio::time::sleep(Duration::from_millis(5)).await,
                    }
                }
            }
        };
        if let (Part::Scale, Some(paths)) = (intent.part, &intent.kind.strategy.scale) {
            let object: Value = serde_json::from_slice(&outcome.body).map_err(unreadable)?;
            outcome.body = canonical_answer(&scale_of(&intent.kind, paths, &object));
        }
        Ok(outcome)
    }

    /// The object is not there: created where that is meant. None where somebody else just created it.
    async fn update_missing(&self, intent: &Intent, change: &Change) -> Result<Option<Outcome>, Status> {
        if intent.part != Part::Object {
            return Err(intent.not_found());
        }
        let created = match change {
            Change::Replace(value, duplicates) if intent.kind.strategy.create_on_update => {
                self.may_create(intent)?;
                check_place(intent, value)?;
                let mut value = value.clone();
                if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
                    metadata.remove("resourceVersion");
                }
                self.create_draft(intent, value, duplicates.clone(), false).await
            }
            Change::Apply(value, duplicates) => {
                self.may_create(intent)?;
                check_place(intent, value)?;
                shape::typed(intent, value)?;
                let value = apply::onto_nothing(intent, value, Timestamp::now())?;
                self.create_draft(intent, value, duplicates.clone(), true).await
            }
            Change::Replace(..) | Change::Patch(_) => return Err(intent.not_found()),
        };
        match created {
            Ok(outcome) => Ok(Some(outcome)),
            Err(status) if status.reason == "AlreadyExists" => Ok(None),
            Err(status) => Err(status),
        }
    }

    /// A change that creates needs the right to create, besides the one that let it in.
    fn may_create(&self, intent: &Intent) -> Result<(), Status> {
        let asked = Asked::Resource {
            verb: "create",
            group: &intent.spoken.group,
            resource: &intent.spoken.plural,
            subresource: "",
            namespace: &intent.namespace,
            name: &intent.name,
        };
        let permitted = self.authorizer.permit(&intent.user, asked);
        permitted.map_err(|why| intent.forbidden(&why))
    }

    async fn update_once(&self, intent: &Intent, change: &Change, current: &Current) -> Result<Attempt, Status> {
        let now = Timestamp::now();
        let old = &current.value;
        let scale = match (intent.part, &intent.kind.strategy.scale) {
            (Part::Scale, Some(paths)) => Some((paths, scale_of(&intent.kind, paths, old))),
            _ => None,
        };
        let base = scale.as_ref().map_or(&**old, |(_, scale)| scale);
        let mut warnings = Vec::new();
        let (proposed, duplicates, applied) = match change {
            Change::Replace(value, duplicates) => (value.clone(), duplicates.clone(), false),
            Change::Patch(patch) => match intent.spoken.second {
                Some(second) => {
                    let heard = spoken::patched(self, intent, second, patch, base)?;
                    warnings = heard.warnings;
                    (heard.said, Vec::new(), false)
                }
                None => (patch.onto(&intent.kind, base)?, Vec::new(), false),
            },
            Change::Apply(config, duplicates) => {
                shape::typed(intent, config)?;
                (apply::onto(intent, old, config, now)?, duplicates.clone(), true)
            }
        };
        if let Change::Patch(patch) = change {
            unchanged_kind(intent, patch, base, &proposed)?;
        }
        check_place(intent, &proposed)?;
        if !self.version_holds(intent, current, &proposed).await? {
            return Ok(Attempt::Behind);
        }
        let unversioned = lacks_version(intent, change, &proposed);
        let value = match &scale {
            Some((paths, _)) => with_scale(paths, old, &proposed).map_err(|status| match change {
                Change::Patch(patch) if status.code == 400 => {
                    shape::invalid_patch(intent, patch.value(), &status.message)
                }
                Change::Replace(..) | Change::Patch(_) | Change::Apply(..) => status,
            })?,
            None => proposed,
        };
        let mut draft = Draft {
            applied,
            now,
            warnings,
            ..Draft::of(value, Some(old.clone()), duplicates)
        };
        run(UPDATE, self, intent, &mut draft)
            .await
            .map_err(|status| match change {
                Change::Patch(patch) => shape::blame_patch(intent, patch.value(), status),
                Change::Replace(..) | Change::Apply(..) => status,
            })?;
        // Judged last, as part of the validation: what cannot be read, and another uid, are told before.
        if unversioned {
            let cause = field::invalid(&version_path(), &Value::from(0), "must be specified for an update");
            // Here kube-apiserver names the resource where it otherwise names the kind.
            return Err(Status::invalid(
                &intent.kind.group,
                &intent.kind.plural,
                &intent.name,
                vec![cause],
            ));
        }
        self.commit_update(intent, current, draft).await
    }

    /// Checks the version that the proposal names. False where the cache had to catch up and the attempt starts over.
    async fn version_holds(&self, intent: &Intent, current: &Current, proposed: &Value) -> Result<bool, Status> {
        let version = meta(proposed, "resourceVersion");
        if version.is_empty() || version == "0" {
            return Ok(true);
        }
        let Some(version) = Revision::parse(version) else {
            let detail = "must be a resourceVersion that this server gave";
            let cause = field::invalid(&version_path(), &Value::from(version), detail);
            return Err(Status::invalid(
                &intent.kind.group,
                &intent.kind.kind,
                &intent.name,
                vec![cause],
            ));
        };
        if version == current.cached.revision {
            return Ok(true);
        }
        // A client may have read from a replica that is ahead of this one: catch up once before refusing. A version that
        // the store has not reached either is nobody's, and not waited for.
        let backend = self.backend(&intent.kind);
        let ahead = version > current.cached.revision && version > backend.cache.revision();
        if ahead && backend.store.health().await.is_ok_and(|last| version <= last) {
            self.wait_visible(&intent.kind, version).await;
            let fresh = self.cache_of(&intent.kind).get(&intent.namespace, &intent.name);
            if fresh.is_some_and(|fresh| fresh.revision == version) {
                return Ok(false);
            }
        }
        Err(intent.modified())
    }

    async fn commit_update(&self, intent: &Intent, current: &Current, draft: Draft) -> Result<Attempt, Status> {
        let Draft {
            value,
            old: _,
            applied: _,
            clears_ownership: _,
            duplicates: _,
            warnings,
            now: _,
            reserved,
            charged,
        } = draft;
        let finished = is_finished(intent, &value);
        let settled = !intent.kind.is_stored_otherwise(&current.cached);
        if !finished && settled && same_but_version(&current.value, &value) {
            return Ok(Attempt::Done(Outcome {
                body: intent.kind.shown_bytes(&current.cached)?,
                created: false,
                warnings,
            }));
        }
        let body = intent.kind.to_store(&value).await?;
        let revision = current.cached.revision;
        if intent.options.dry_run {
            let body = versioned(&canonical(&value), revision);
            return Ok(Attempt::Done(Outcome {
                body,
                created: false,
                warnings,
            }));
        }
        let stored = if finished {
            Stored::Delete(body)
        } else {
            Stored::Put(body)
        };
        let uid = meta(&value, "uid");
        let committed = self
            .commit(intent, uid, Expect::Revision(revision), reserved.as_ref(), stored)
            .await;
        drop(reserved); // The cache shows the commit by now, and with it what was reserved.
        match committed {
            Ok(committed) => Ok(Attempt::Done(Outcome {
                // The last write of an object that goes is answered with the version that it had.
                body: if finished {
                    versioned(&canonical(&value), revision)
                } else {
                    answer(&intent.kind, &value, &committed)
                },
                created: false,
                warnings,
            })),
            Err(refused) => {
                self.give_back(intent, charged, &refused).await;
                match refused {
                    Refused::Raced(winner) => Ok(Attempt::Raced(winner)),
                    Refused::Outdated => Ok(Attempt::Outdated),
                    Refused::Failed(status) => Err(status),
                }
            }
        }
    }
}

/// Whether a replacement names no version although the kind wants one.
fn lacks_version(intent: &Intent, change: &Change, proposed: &Value) -> bool {
    let unconditional = intent.kind.strategy.unconditional_update || intent.part != Part::Object;
    let named = !matches!(meta(proposed, "resourceVersion"), "" | "0");
    matches!(change, Change::Replace(..)) && !unconditional && !named
}

fn version_path() -> field::Path {
    field::Path::root("metadata").child("resourceVersion")
}

/// Whether the client named the version that it changes.
fn pinned(change: &Change) -> bool {
    match change {
        Change::Replace(value, _) => !matches!(meta(value, "resourceVersion"), "" | "0"),
        Change::Patch(_) | Change::Apply(..) => false,
    }
}

/// Whether an object that is being deleted has nobody left to wait for.
fn is_finished(intent: &Intent, value: &Value) -> bool {
    let none = |pointer: &str| {
        value
            .pointer(pointer)
            .and_then(Value::as_array)
            .is_none_or(Vec::is_empty)
    };
    value.pointer("/metadata/deletionTimestamp").is_some()
        && none("/metadata/finalizers")
        && (!intent.kind.is_namespace() || none("/spec/finalizers"))
}

fn same_but_version(old: &Value, new: &Value) -> bool {
    let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else {
        return false;
    };
    if old.len() != new.len() {
        return false;
    }
    old.iter().all(|(key, before)| match new.get(key) {
        Some(after) if key == "metadata" => {
            let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else {
                return false;
            };
            let versioned = usize::from(before.contains_key("resourceVersion"));
            before.len() - versioned == after.len()
                && before.iter().all(|(key, value)| match (key.as_str(), after.get(key)) {
                    ("resourceVersion", _) => true,
                    // That somebody wrote the same again is no change, whenever it was (as upstream).
                    ("managedFields", Some(after)) => same_but_times(value, after),
                    (_, after) => after == Some(value),
                })
        }
        Some(after) => before == after,
        None => false,
    })
}

fn same_but_times(old: &Value, new: &Value) -> bool {
    let (Some(old), Some(new)) = (old.as_array(), new.as_array()) else {
        return old == new;
    };
    let same = |(before, after): (&Value, &Value)| {
        let fields = |entry: &Value| {
            let mut entry = entry.as_object().cloned().unwrap_or_default();
            entry.remove("time");
            entry
        };
        before == after || fields(before) == fields(after)
    };
    old.len() == new.len() && old.iter().zip(new).all(same)
}

/// A patch changes an object, never what it is an object of.
pub(super) fn unchanged_kind(intent: &Intent, patch: &Patch, before: &Value, after: &Value) -> Result<(), Status> {
    for key in ["apiVersion", "kind"] {
        if before.get(key) != after.get(key) {
            let text = |value: &Value| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            let fault = format!("{key} cannot change from {:?} to {:?}", text(before), text(after));
            return Err(shape::invalid_patch(intent, patch.value(), &fault));
        }
    }
    Ok(())
}

/// The body must be about the object of the path.
fn check_place(intent: &Intent, value: &Value) -> Result<(), Status> {
    let (name, namespace) = (meta(value, "name"), meta(value, "namespace"));
    if name.is_empty() {
        return Err(Status::bad_request(format!(
            "the name of the object ({} based on URL) was undeterminable: name must be provided",
            intent.name
        )));
    }
    if name != intent.name {
        return Err(Status::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            intent.name
        )));
    }
    if intent.kind.namespaced && !namespace.is_empty() && namespace != intent.namespace {
        return Err(Status::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    Ok(())
}

fn canonical_answer(value: &Value) -> bytes::Bytes {
    value.to_string().into()
}

fn unreadable(error: serde_json::Error) -> Status {
    tracing::error!(%error, "a stored object is not JSON");
    Status::internal("a stored object cannot be read")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_version_alone_is_no_change() {
        let old = json!({"metadata": {"name": "a", "resourceVersion": "7"}, "data": {"k": "v"}});
        assert!(same_but_version(
            &old,
            &json!({"metadata": {"name": "a"}, "data": {"k": "v"}})
        ));
        assert!(!same_but_version(
            &old,
            &json!({"metadata": {"name": "a"}, "data": {"k": "w"}})
        ));
        assert!(!same_but_version(
            &old,
            &json!({"metadata": {"name": "a", "labels": {}}, "data": {"k": "v"}})
        ));
        assert!(!same_but_version(&old, &json!({"metadata": {"name": "a"}})));
        let written = |time: &str, field: &str| json!({"metadata": {"managedFields": [{"manager": "m", "time": time, "fieldsV1": {field: {}}}]}});
        assert!(same_but_version(&written("1", "f:a"), &written("2", "f:a")));
        assert!(!same_but_version(&written("1", "f:a"), &written("1", "f:b")));
    }
}
