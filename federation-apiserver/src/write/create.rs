//! A create: a new object under a free name.

use machinery::status::Status;
use serde_json::Value;

use super::commit::{Refused, answer};
use super::identity::{generated_name, meta};
use super::{CREATE, Draft, Engine, Intent, Outcome, run, spoken};
use crate::cache::canonical;
use crate::store::{Change, Expect};

/// Names tried for `generateName` before giving up.
const GENERATED_NAMES_MAX: usize = 8;
/// Attempts at addresses that other processes made outdated.
const OUTDATED_MAX: usize = 32;

/// What one attempt came to.
enum Attempt {
    Done(Outcome),
    /// The name is taken.
    Taken,
    /// What it claims must be chosen again.
    Outdated,
}

impl Engine {
    /// Creates an object from a body.
    pub(crate) async fn create(
        &self,
        intent: &Intent,
        value: Value,
        duplicates: Vec<String>,
    ) -> Result<Outcome, Status> {
        let heard = spoken::object(self, intent, value, duplicates)?;
        let (value, duplicates) = heard.said;
        let outcome = self.create_draft(intent, value, duplicates, false).await?;
        Ok(spoken::answer(intent, heard.warnings, outcome))
    }

    /// Creates; `applied` keeps the `managedFields` that an apply made.
    pub(super) async fn create_draft(
        &self,
        intent: &Intent,
        value: Value,
        duplicates: Vec<String>,
        applied: bool,
    ) -> Result<Outcome, Status> {
        let named = meta(&value, "name").to_owned();
        let prefix = meta(&value, "generateName").to_owned();
        let mut intent = intent.clone();
        let mut tries = 0;
        let mut outdated = 0;
        loop {
            let generated = named.is_empty() && intent_name_free(&intent, tries) && !prefix.is_empty();
            if !named.is_empty() {
                intent.name.clone_from(&named);
            } else if generated {
                intent.name = generated_name(&prefix);
            }
            match self
                .create_once(&intent, value.clone(), duplicates.clone(), applied)
                .await?
            {
                Attempt::Done(outcome) => return Ok(outcome),
                Attempt::Outdated if outdated < OUTDATED_MAX => {
                    outdated += 1;
                    self.catch_up_with_others(&intent.kind).await;
                    continue;
                }
                Attempt::Outdated => {
                    return Err(Status::service_unavailable(
                        "other API servers gave addresses at the same time, again and again; try again",
                    ));
                }
                Attempt::Taken if !generated => {
                    let mut status = Status::already_exists(&intent.spoken.group, &intent.spoken.plural, &intent.name);
                    let there = self.current(&intent).await?;
                    if there.is_some_and(|there| !meta(&there.value, "deletionTimestamp").is_empty()) {
                        status.message = format!("object is being deleted: {}", status.message);
                    }
                    return Err(status);
                }
                Attempt::Taken => tries += 1,
            }
            if tries >= GENERATED_NAMES_MAX {
                return Err(Status::generated_name_taken(
                    &intent.kind.group,
                    &intent.kind.plural,
                    &intent.name,
                ));
            }
        }
    }

    /// One attempt.
    async fn create_once(
        &self,
        intent: &Intent,
        value: Value,
        duplicates: Vec<String>,
        applied: bool,
    ) -> Result<Attempt, Status> {
        let mut draft = Draft {
            applied,
            ..Draft::of(value, None, duplicates)
        };
        run(CREATE, self, intent, &mut draft).await?;
        let body = intent.kind.to_store(&draft.value).await?;
        if intent.options.dry_run {
            let taken = self
                .cache_of(&intent.kind)
                .get(&intent.namespace, &intent.name)
                .is_some();
            return Ok(if taken {
                Attempt::Taken
            } else {
                Attempt::Done(Outcome {
                    body: canonical(&draft.value),
                    created: true,
                    warnings: draft.warnings,
                })
            });
        }
        let uid = meta(&draft.value, "uid").to_owned();
        let committed = self
            .commit(intent, &uid, Expect::Absent, draft.reserved.as_ref(), Change::Put(body))
            .await;
        match committed {
            Ok(committed) => Ok(Attempt::Done(Outcome {
                body: answer(&intent.kind, &draft.value, &committed),
                created: true,
                warnings: draft.warnings,
            })),
            Err(refused) => {
                self.give_back(intent, draft.charged, &refused).await;
                match refused {
                    Refused::Raced(_) => Ok(Attempt::Taken),
                    Refused::Outdated => Ok(Attempt::Outdated),
                    Refused::Failed(status) => Err(status),
                }
            }
        }
    }
}

/// Whether the name is the server's to make: the request gave none, or an earlier try made it.
fn intent_name_free(intent: &Intent, tries: usize) -> bool {
    intent.name.is_empty() || tries > 0
}
