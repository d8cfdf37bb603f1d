//! What a list or a watch reads: the cache of a kind, and how its objects are called.

use std::sync::Arc;
use std::time::Duration;

use api::Revision;
use bytes::Bytes;
use machinery::status::Status;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::negotiate::Form;
use super::tables::{Include, Printer};
use crate::cache::{CachedObject, KindCache};
use crate::kinds::Kind;

/// How long a read waits for a revision that is not here yet.
const CATCH_UP_WITHIN: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A readable collection.
#[derive(Clone)]
pub(crate) struct Source {
    /// The objects.
    pub(crate) objects: Arc<KindCache>,
    /// Their `apiVersion`.
    pub(crate) api_version: String,
    /// Their kind.
    pub(crate) kind: String,
    /// The kind of a list of them.
    pub(crate) list_kind: String,
    /// The served kind, where they are of one: it says how they are shown.
    pub(crate) served: Option<Arc<Kind>>,
    /// Rows tell the cluster that an object is in.
    pub(crate) clusters: bool,
    /// What must live for as long as the collection is read.
    pub(crate) keep: Option<Arc<dyn std::any::Any + Send + Sync>>,
}

impl Source {
    /// The collection of a served kind.
    pub(crate) fn of(kind: &Arc<Kind>, objects: Arc<KindCache>) -> Self {
        Self {
            objects,
            api_version: kind.api_version(),
            kind: kind.kind.clone(),
            list_kind: kind.list_kind.clone(),
            served: Some(kind.clone()),
            clusters: false,
            keep: None,
        }
    }

    /// An object as it is shown.
    ///
    /// # Errors
    /// Somebody has to be asked for it, and was not ([`Self::prepare`]).
    pub(crate) fn shown(&self, object: &CachedObject) -> Result<Arc<Value>, Status> {
        match &self.served {
            Some(kind) => kind.shown(object),
            None => Ok(object.value()),
        }
    }

    /// The bytes of an object as it is shown.
    ///
    /// # Errors
    /// As [`Self::shown`].
    pub(crate) fn shown_bytes(&self, object: &CachedObject) -> Result<Bytes, Status> {
        match &self.served {
            Some(kind) => kind.shown_bytes(object),
            None => Ok(object.bytes.clone()),
        }
    }

    /// Asks whoever has to be asked to show objects.
    pub(crate) async fn prepare(&self, objects: &[Arc<CachedObject>]) -> Result<(), Status> {
        match &self.served {
            Some(kind) => kind.prepare(objects).await,
            None => Ok(()),
        }
    }

    /// How the objects are printed.
    pub(crate) fn printer(&self, include: Include, form: Form) -> Printer {
        Printer {
            api_version: self.api_version.clone(),
            kind: self.kind.clone(),
            custom: self.custom_version(),
            include,
            clusters: self.clusters,
            form,
        }
    }

    /// The version of a definition that says how the objects are printed.
    fn custom_version(&self) -> Option<Arc<machinery::custom::Version>> {
        let custom = self.served.as_ref()?.custom.as_ref()?;
        Some(custom.version.clone())
    }

    /// Whether the objects end with the process.
    pub(crate) fn is_ephemeral(&self) -> bool {
        self.served.as_ref().is_some_and(|kind| kind.strategy.ephemeral)
    }

    /// Cancelled when the kind is no longer served.
    pub(crate) fn withdrawn(&self) -> CancellationToken {
        let custom = self.served.as_ref().and_then(|kind| kind.custom.as_ref());
        custom.map_or_else(CancellationToken::new, |custom| custom.withdrawn.clone())
    }

    /// Waits until a revision is here; 504 where it does not come.
    pub(crate) async fn reach(&self, revision: Revision) -> Result<(), Status> {
        let reached = async {
            while self.objects.revision() < revision {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(CATCH_UP_WITHIN, reached)
            .await
            .map_err(|_| Status::resource_version_too_large(revision.get(), self.objects.revision().get()))
    }
}
