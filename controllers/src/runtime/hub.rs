//! Writes to and reads from the hub, each with a deadline and an error that names the object.
//! In: a kind, an object. Out: the object as the hub has it now. Absent: retries; they belong to the queue.

use std::sync::Arc;
use std::time::Duration;

use api::Condition;
use kube::Client;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions, PropagationPolicy};
use kube::core::Request;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::kind::Kind;
use super::watched::{Id, Watched};

/// No answer of the hub takes longer.
const DEADLINE: Duration = Duration::from_secs(10);

/// What went wrong between a controller and the hub.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HubError {
    #[error("{verb} {kind} {id} on the hub")]
    Refused {
        verb: &'static str,
        kind: String,
        id: Id,
        #[source]
        source: Box<kube::Error>,
    },
    #[error("{verb} {kind} {id} on the hub: no answer within 10 s")]
    Timeout { verb: &'static str, kind: String, id: Id },
}

impl HubError {
    fn code(&self) -> u16 {
        match self {
            Self::Refused { source, .. } => match source.as_ref() {
                kube::Error::Api(status) => status.code,
                _ => 0,
            },
            Self::Timeout { .. } => 0,
        }
    }

    /// Somebody wrote first, or it exists: what is known here is old.
    pub(crate) fn is_conflict(&self) -> bool {
        self.code() == 409
    }

    /// The object is not there, said by a server that serves its kind.
    fn is_object_not_found(&self) -> bool {
        let Self::Refused { source, .. } = self else {
            return false;
        };
        let kube::Error::Api(status) = source.as_ref() else {
            return false;
        };
        let named = status.details.as_ref().is_some_and(|details| !details.name.is_empty());
        status.code == 404 && named
    }

    pub(crate) fn is_not_found(&self) -> bool {
        self.code() == 404
    }

    /// The error and its causes in one line, for the log.
    pub(crate) fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(next) = cause {
            text = format!("{text}: {next}");
            cause = next.source();
        }
        text
    }
}

/// The hub as controllers use it.
#[derive(Clone)]
pub(crate) struct Hub {
    client: Client,
}

/// What of an object may be deleted.
pub(crate) struct Deletion<'a> {
    pub(crate) uid: &'a str,
    /// Only this version, where given.
    pub(crate) resource_version: Option<&'a str>,
    pub(crate) propagation: PropagationPolicy,
}

impl Hub {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) async fn get(&self, kind: &Kind, id: &Id) -> Result<Option<Arc<Watched>>, HubError> {
        let request = Request::new(kind.collection(&id.namespace)).get(&id.name, &kube::api::GetParams::default());
        match self.send::<Watched>("get", kind, id, request).await {
            Ok(object) => Ok(Some(Arc::new(object))),
            Err(error) if error.is_object_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the hub, asked for each, says that all of these are gone. Not having seen them in a list is no proof.
    pub(crate) async fn all_gone(&self, objects: &[(Kind, Id)]) -> Result<bool, HubError> {
        for (kind, id) in objects {
            if self.get(kind, id).await?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Every object of the kind in the namespace; list items without `apiVersion` and `kind`, as Kubernetes gives them.
    pub(crate) async fn list(&self, kind: &Kind, namespace: &str) -> Result<Vec<Watched>, HubError> {
        let request = Request::new(kind.collection(namespace)).list(&ListParams::default());
        let id = Id::new(namespace, "");
        let mut list: Value = self.send("list", kind, &id, request).await?;
        let items = list.get_mut("items").map(Value::take);
        let items = items.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
        Ok(items.into_iter().map(Watched::new).collect())
    }

    pub(crate) async fn create(&self, kind: &Kind, id: &Id, object: &Value) -> Result<Arc<Watched>, HubError> {
        let bytes = object.to_string().into_bytes();
        let request = Request::new(kind.collection(&id.namespace)).create(&PostParams::default(), bytes);
        self.send("create", kind, id, request).await.map(Arc::new)
    }

    pub(crate) async fn replace(&self, kind: &Kind, id: &Id, object: &Value) -> Result<Arc<Watched>, HubError> {
        let bytes = object.to_string().into_bytes();
        let request = Request::new(kind.collection(&id.namespace)).replace(&id.name, &PostParams::default(), bytes);
        self.send("update", kind, id, request).await.map(Arc::new)
    }

    pub(crate) async fn replace_part(
        &self,
        kind: &Kind,
        id: &Id,
        part: &str,
        object: &Value,
    ) -> Result<Arc<Watched>, HubError> {
        let bytes = object.to_string().into_bytes();
        let request = Request::new(kind.collection(&id.namespace));
        let request = request.replace_subresource(part, &id.name, &PostParams::default(), bytes);
        self.send("update", kind, id, request).await.map(Arc::new)
    }

    /// Writes the conditions of an object. They are one list that several controllers write, hence the version.
    pub(crate) async fn merge_conditions(
        &self,
        kind: &Kind,
        object: &Watched,
        conditions: &[Condition],
    ) -> Result<Arc<Watched>, HubError> {
        let patch =
            json!({"metadata": {"resourceVersion": object.resource_version()}, "status": {"conditions": conditions}});
        self.merge(kind, &object.id(), Some("status"), &patch).await
    }

    /// A JSON merge patch of the object or one of its subresources.
    pub(crate) async fn merge(
        &self,
        kind: &Kind,
        id: &Id,
        part: Option<&str>,
        patch: &Value,
    ) -> Result<Arc<Watched>, HubError> {
        let request = Request::new(kind.collection(&id.namespace));
        let params = PatchParams::default();
        let request = match part {
            Some(part) => request.patch_subresource(part, &id.name, &params, &Patch::Merge(patch)),
            None => request.patch(&id.name, &params, &Patch::Merge(patch)),
        };
        self.send("patch", kind, id, request).await.map(Arc::new)
    }

    /// Deletes exactly this incarnation. What is gone already is well.
    pub(crate) async fn delete(&self, kind: &Kind, id: &Id, what: Deletion<'_>) -> Result<(), HubError> {
        let params = DeleteParams {
            propagation_policy: Some(what.propagation),
            preconditions: Some(Preconditions {
                uid: Some(what.uid.to_owned()),
                resource_version: what.resource_version.map(str::to_owned),
            }),
            ..DeleteParams::default()
        };
        let request = Request::new(kind.collection(&id.namespace)).delete(&id.name, &params);
        match self.send::<Value>("delete", kind, id, request).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn send<T: DeserializeOwned>(
        &self,
        verb: &'static str,
        kind: &Kind,
        id: &Id,
        request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<T, HubError> {
        let refused = |source| HubError::Refused {
            verb,
            kind: kind.kind.to_string(),
            id: id.clone(),
            source: Box::new(source),
        };
        let request = request.map_err(|source| refused(kube::Error::BuildRequest(source)))?;
        match tokio::time::timeout(DEADLINE, self.client.request::<T>(request)).await {
            Ok(answer) => answer.map_err(refused),
            Err(_) => Err(HubError::Timeout {
                verb,
                kind: kind.kind.to_string(),
                id: id.clone(),
            }),
        }
    }
}
