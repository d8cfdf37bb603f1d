//! The last step: one conditional commit, seen in the cache before it is answered.

use std::sync::Arc;
use std::time::Duration;

use api::Revision;
use bytes::Bytes;
use machinery::status::Status;
use serde_json::Value;

use super::Present;
use super::admission::Admission;
use super::admission::quota::{self, Charge};
use super::claims::{Claims, Reservation};
use super::{Current, Intent};
use crate::auth::Authorizer;
use crate::cache::{Cache, KindCache, canonical, splice_revision};
use crate::kinds::{Catalog, Kind};
use crate::store::{Change, Committed, Expect, ObjectKey, Store, Write, WriteError};

/// How long a committed write may take to show in the cache before the answer goes out without it.
const VISIBLE_WITHIN: Duration = Duration::from_secs(10);

/// A store and the cache that follows it.
#[derive(Clone)]
pub(crate) struct Backend {
    /// The truth.
    pub(crate) store: Arc<dyn Store>,
    /// What is read.
    pub(crate) cache: Arc<Cache>,
}

/// What all writes share.
pub(crate) struct Engine {
    /// The served kinds.
    pub(crate) catalog: Arc<Catalog>,
    /// Durable kinds.
    pub(crate) durable: Backend,
    /// Kinds kept in memory only.
    pub(crate) ephemeral: Backend,
    /// Addresses and ports of Services.
    pub(crate) claims: Claims,
    /// Who may do what.
    pub(crate) authorizer: Authorizer,
    /// What other objects say to writes.
    pub(crate) admission: Admission,
    /// How to know what others wrote, where others may write to the same store.
    pub(crate) present: Option<Present>,
}

/// Why a commit did not happen.
#[derive(Debug)]
pub(super) enum Refused {
    /// Somebody else was faster; the revision that won, if the object still exists.
    Raced(Option<Revision>),
    /// What must be unique among all objects of the kind was chosen without knowing of another's.
    Outdated,
    /// It is over.
    Failed(Status),
}

impl Engine {
    /// Where a kind lives.
    pub(crate) fn backend(&self, kind: &Kind) -> &Backend {
        if kind.strategy.ephemeral {
            &self.ephemeral
        } else {
            &self.durable
        }
    }

    /// What is read of a kind.
    pub(crate) fn cache_of(&self, kind: &Kind) -> Arc<KindCache> {
        self.backend(kind).cache.kind(&kind.key)
    }

    /// Waits until this process has seen what others committed before now.
    pub(crate) async fn reach_the_present(&self, kind: &Kind) {
        if let (Some(present), false) = (&self.present, kind.strategy.ephemeral) {
            present.reached().await;
        }
    }

    /// The object that is meant, as it is now.
    ///
    /// # Errors
    /// Whoever converts it fails. Our own parts, which delete and change metadata alone, take it as it is stored: a hook that is
    /// away must not keep what is to go.
    pub(super) async fn current(&self, intent: &Intent) -> Result<Option<Current>, Status> {
        let Some(cached) = self.cache_of(&intent.kind).get(&intent.namespace, &intent.name) else {
            return Ok(None);
        };
        let value = if intent.user.is_internal() {
            intent.kind.shown_unasked(&cached)
        } else {
            intent.kind.prepare([&cached]).await?;
            intent.kind.shown(&cached)?
        };
        Ok(Some(Current { cached, value }))
    }

    /// Waits until the cache has seen a revision; a bounded wait, because the cache follows on its own.
    pub(super) async fn wait_visible(&self, kind: &Kind, revision: Revision) {
        if !self.backend(kind).cache.wait_for(revision, VISIBLE_WITHIN).await {
            tracing::warn!(%revision, kind = kind.kind.as_str(), "the watch cache is behind its store; an answer may be older than a write");
        }
    }

    /// Gives back what quotas were charged for a write that did not happen. One in doubt may have happened.
    pub(super) async fn give_back(&self, intent: &Intent, charges: Vec<Charge>, refused: &Refused) {
        let in_doubt = matches!(refused, Refused::Failed(status) if status.code >= 500);
        if !in_doubt && !charges.is_empty() {
            quota::give_back(self, &intent.namespace, charges).await;
        }
    }

    /// Waits until this process has seen what others wrote.
    pub(super) async fn catch_up_with_others(&self, kind: &Kind) {
        match self.backend(kind).store.health().await {
            Ok(last) => self.wait_visible(kind, last).await,
            // The next attempt meets the same trouble and says so.
            Err(error) => tracing::debug!(%error, "the store cannot be asked for its last revision"),
        }
    }

    /// Commits and waits until readers see it.
    pub(super) async fn commit(
        &self,
        intent: &Intent,
        uid: &str,
        expect: Expect,
        reserved: Option<&Reservation>,
        change: Change,
    ) -> Result<Committed, Refused> {
        let backend = self.backend(&intent.kind);
        let key = ObjectKey::new(&intent.kind.key, &intent.namespace, &intent.name);
        match backend
            .store
            .write(Write {
                key,
                uid: uid.into(),
                expect,
                based_on: reserved.and_then(Reservation::based_on),
                change,
            })
            .await
        {
            Ok(committed) => {
                self.wait_visible(&intent.kind, committed.revision).await;
                Ok(committed)
            }
            Err(WriteError::Exists { .. }) => Err(Refused::Raced(None)),
            Err(WriteError::Conflict { current, .. }) => Err(Refused::Raced(current)),
            Err(WriteError::Outdated { .. }) => Err(Refused::Outdated),
            Err(WriteError::TooLarge { max, .. }) => Err(Refused::Failed(Status::too_large(max))),
            Err(error @ WriteError::NotTaken { lack, .. }) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a write is refused");
                Err(Refused::Failed(Status::service_unavailable(format!(
                    "the store takes no writes now: {lack}; the write did not happen, try again"
                ))))
            }
            Err(error @ WriteError::Unavailable { .. }) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a write is in doubt");
                Err(Refused::Failed(Status::service_unavailable(
                    "the store cannot be reached; whether the write happened is unknown, read the object before trying again",
                )))
            }
            Err(WriteError::Closed { .. }) => Err(Refused::Failed(Status::service_unavailable(
                "the server is shutting down; try again",
            ))),
        }
    }
}

/// The answer to a committed write: what was stored, in the version that the client speaks.
pub(super) fn answer(kind: &Kind, value: &Value, committed: &Committed) -> Bytes {
    if kind.custom.is_some() {
        versioned(&canonical(value), committed.revision)
    } else {
        versioned(&committed.body, committed.revision)
    }
}

/// Canonical bytes with their version.
pub(super) fn versioned(body: &Bytes, revision: Revision) -> Bytes {
    // What `canonical` made always takes the splice; the bytes themselves are the honest answer otherwise.
    splice_revision(body, revision).unwrap_or_else(|| body.clone())
}
