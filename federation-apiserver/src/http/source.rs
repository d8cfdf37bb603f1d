//! What a list or a watch reads: the cache of a kind, and how its objects are called.

use std::sync::Arc;
use std::time::Duration;

use api::Revision;
use machinery::status::Status;

use crate::cache::KindCache;
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
    /// What must live for as long as the collection is read.
    pub(crate) keep: Option<Arc<dyn std::any::Any + Send + Sync>>,
}

impl Source {
    /// The collection of a served kind.
    pub(crate) fn of(kind: &Kind, objects: Arc<KindCache>) -> Self {
        Self {
            objects,
            api_version: kind.api_version(),
            kind: kind.kind.to_owned(),
            keep: None,
        }
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
