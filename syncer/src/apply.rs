//! One deed on one object in the member: server-side apply, deletion, release.
//!
//! In: a manifest and what was seen of its object. Out: an [`Outcome`]. Absent: order, retries, bounds (`engine`). Nothing that
//! is not ours is touched: the first write is bound to there being nothing, or to the version that was looked at; deletion
//! carries the uid that was looked at; a namespace in which somebody else keeps something is given up instead of deleted.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use api::Manifest;
use api::policy::ConflictResolution;
use api::well_known::{
    FIELD_MANAGER, HUB_GENERATION_ANNOTATION, HUB_UID_ANNOTATION, MANAGED_LABEL, MANAGED_VALUE,
    MANIFEST_HASH_ANNOTATION, PLACEMENT_ANNOTATION, TEMPLATE_ANNOTATION,
};
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, Preconditions};
use serde_json::{Value, json};

use crate::access::REQUEST_TIMEOUT;
use crate::cover;
use crate::desired;
use crate::error::{ApplyError, Deed, RequestError};
use crate::initial;
use crate::kinds::{self, KindId, Served};
use crate::live::Live;
use crate::residents;

/// What is to be done to one object.
#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) client: kube::Client,
    pub(crate) served: Served,
    pub(crate) cluster: Arc<str>,
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) deed: Deed,
    /// What the watch says of the object.
    pub(crate) seen: Sight,
}

/// What is known of an object before a deed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// It is not there.
    Missing,
    /// It carries our marks: no need to look again before applying.
    Ours,
    /// It is there, with other marks or none.
    Other,
}

/// A resourceVersion that no object has: an apply that carries it makes what is missing, in one request, and is refused with
/// 409 by whatever is there already.
const OF_NOTHING: &str = "9223372036854775807";

/// What became of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The member holds it as rendered.
    Held(Live),
    /// Something else is in the way.
    Conflict(String),
    /// It is there no longer, or no longer ours.
    Absent,
    /// Deletion was asked; it is still going.
    Going,
    /// It did not work.
    Failed(ApplyError),
}

/// Bounds a request in time and sorts its error.
pub(crate) async fn within<T>(
    limit: Duration,
    request: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, RequestError> {
    match tokio::time::timeout(limit, request).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(RequestError::from_kube(error)),
        Err(_) => Err(RequestError::Timeout(limit)),
    }
}

impl Job {
    /// Does it.
    pub(crate) async fn run(self) -> Outcome {
        let done = match self.deed {
            Deed::Apply => self.apply().await,
            Deed::Delete => self.delete().await,
            Deed::Release => self.release().await,
        };
        done.unwrap_or_else(|source| {
            Outcome::Failed(ApplyError {
                deed: self.deed,
                object: self.manifest.spec.resource.to_string(),
                cluster: self.cluster.to_string(),
                source,
            })
        })
    }

    fn api(&self) -> Api<DynamicObject> {
        self.served
            .api(self.client.clone(), &self.manifest.spec.resource.namespace)
    }

    fn live(&self, object: DynamicObject) -> Live {
        Live::new(&KindId::of(&self.manifest.spec.resource), object)
    }

    async fn look(&self) -> Result<Option<Live>, RequestError> {
        let found = within(REQUEST_TIMEOUT, self.api().get_opt(&self.manifest.spec.resource.name)).await?;
        Ok(found.map(|object| self.live(object)))
    }

    async fn apply(&self) -> Result<Outcome, RequestError> {
        match self.seen {
            // What is the member's own in it must be read first.
            Sight::Ours if self.manifest.spec.initial_fields.is_empty() => self.write(None, None).await,
            Sight::Ours | Sight::Other => self.look_and_apply().await,
            Sight::Missing => match self.write(Some(OF_NOTHING), None).await {
                // It is there after all, or this server wants no version here.
                Err(error) if matches!(error.code(), Some(400 | 409 | 422)) => self.look_and_apply().await,
                done => done,
            },
        }
    }

    /// Applies to exactly what was looked at, where that is ours or may be taken.
    async fn look_and_apply(&self) -> Result<Outcome, RequestError> {
        let spec = &self.manifest.spec;
        let Some(there) = self.look().await? else {
            return self.write(None, None).await;
        };
        let key = self.manifest.key().to_string();
        if !there.belongs_to(&key) && spec.conflict_resolution == ConflictResolution::Abort {
            return Ok(Outcome::Conflict(desired::conflict(&there, &key)));
        }
        let settled = there.belongs_to(&key) && there.manifest_hash() == Some(&spec.hash);
        if settled && !there.is_terminating() && cover::covers(&initial::compared(&self.manifest), &there.value) {
            return Ok(Outcome::Held(there));
        }
        match self.write(Some(&there.resource_version), Some(&there)).await {
            // Somebody was faster: look again.
            Err(error) if error.code() == Some(409) => Ok(Outcome::Going),
            done => done,
        }
    }

    async fn write(&self, version: Option<&str>, there: Option<&Live>) -> Result<Outcome, RequestError> {
        let mut body = marked(&self.manifest);
        if let Some(there) = there {
            initial::keep(&self.manifest, &mut body, &there.value);
        }
        if let (Some(version), Some(metadata)) = (version, body.get_mut("metadata").and_then(Value::as_object_mut)) {
            metadata.insert("resourceVersion".to_owned(), Value::from(version));
        }
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let (request, body) = (self.api(), Patch::Apply(body));
        let written = request.patch(&self.manifest.spec.resource.name, &params, &body);
        match within(REQUEST_TIMEOUT, written).await {
            Ok(written) => Ok(Outcome::Held(self.live(written))),
            Err(error) if error.is_immutable_field() => self.make_anew(error).await,
            Err(error) => Err(error),
        }
    }

    /// A field that no update may change differs. Where the hub's object was deleted and made anew with it, so is the copy;
    /// otherwise the refusal stands.
    async fn make_anew(&self, refused: RequestError) -> Result<Outcome, RequestError> {
        let Some(there) = self.look().await? else {
            return Ok(Outcome::Going);
        };
        let uid = self.manifest.spec.resource.uid.as_str();
        let another = !uid.is_empty() && there.hub_uid().is_some_and(|before| before != uid);
        if !another || !there.belongs_to(&self.manifest.key().to_string()) {
            return Err(refused);
        }
        tracing::info!(cluster = %self.cluster, object = %self.manifest.spec.resource,
            "the hub's object was deleted and made anew with a field that cannot be changed; the copy is made anew too");
        self.ask_to_go(&there).await?;
        Ok(Outcome::Going)
    }

    /// Asks for the deletion of exactly the incarnation that was looked at. That another took its place, or none, is no error.
    async fn ask_to_go(&self, there: &Live) -> Result<(), RequestError> {
        let params = DeleteParams::background().preconditions(Preconditions {
            uid: Some(there.uid.clone()),
            resource_version: None,
        });
        let request = self.api();
        let asked = request.delete(&self.manifest.spec.resource.name, &params);
        match within(REQUEST_TIMEOUT, asked).await {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.code(), Some(404 | 409)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn delete(&self) -> Result<Outcome, RequestError> {
        let Some(there) = self.look().await? else {
            return Ok(Outcome::Absent);
        };
        if !there.belongs_to(&self.manifest.key().to_string()) {
            return Ok(Outcome::Absent);
        }
        if there.is_terminating() {
            return Ok(Outcome::Going);
        }
        let resource = &self.manifest.spec.resource;
        let kind = KindId::of(resource);
        let resident = if resource.api_version == "v1" && resource.kind == "Namespace" {
            residents::first(&self.client, &resource.name).await?
        } else if kinds::is_definition(&kind) {
            residents::first_of_definition(&self.client, &resource.name).await?
        } else {
            None
        };
        if let Some(resident) = resident {
            tracing::warn!(cluster = %self.cluster, object = %resource, resident,
                "it is no longer Meridian's but is not deleted, because something that is not Meridian's would go along");
            return self.strip_marks(&there).await;
        }
        self.ask_to_go(&there).await?;
        // Only a look that finds nothing, or nothing of ours, is proof.
        Ok(match self.look().await? {
            None => Outcome::Absent,
            Some(there) if !there.belongs_to(&self.manifest.key().to_string()) => Outcome::Absent,
            Some(_) => Outcome::Going,
        })
    }

    async fn release(&self) -> Result<Outcome, RequestError> {
        let Some(there) = self.look().await? else {
            return Ok(Outcome::Absent);
        };
        if !there.belongs_to(&self.manifest.key().to_string()) {
            return Ok(Outcome::Absent);
        }
        self.strip_marks(&there).await
    }

    /// Takes our marks off exactly the version that was looked at.
    async fn strip_marks(&self, there: &Live) -> Result<Outcome, RequestError> {
        let patch = json!({"metadata": {
            "resourceVersion": there.resource_version,
            "labels": {MANAGED_LABEL: null},
            "annotations": {PLACEMENT_ANNOTATION: null, MANIFEST_HASH_ANNOTATION: null,
                HUB_GENERATION_ANNOTATION: null, HUB_UID_ANNOTATION: null, TEMPLATE_ANNOTATION: null},
        }});
        let request = async {
            let params = PatchParams {
                field_manager: Some(FIELD_MANAGER.to_owned()),
                ..PatchParams::default()
            };
            self.api()
                .patch(&self.manifest.spec.resource.name, &params, &Patch::Merge(&patch))
                .await
        };
        match within(REQUEST_TIMEOUT, request).await {
            Ok(_) => Ok(Outcome::Absent),
            Err(error) if error.code() == Some(404) => Ok(Outcome::Absent),
            Err(error) if error.code() == Some(409) => Ok(Outcome::Going),
            Err(error) => Err(error),
        }
    }
}

/// The rendered object with our marks, whoever rendered it.
fn marked(manifest: &Manifest) -> Value {
    let spec = &manifest.spec;
    let mut body = spec.object.clone();
    if let Some(fields) = body.as_object_mut() {
        fields.insert(
            "apiVersion".to_owned(),
            Value::String(spec.resource.api_version.clone()),
        );
        fields.insert("kind".to_owned(), Value::String(spec.resource.kind.clone()));
        let metadata = fields.entry("metadata").or_insert_with(|| json!({}));
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.remove("managedFields");
            metadata.remove("resourceVersion");
            metadata.insert("name".to_owned(), Value::String(spec.resource.name.clone()));
            let mut put = |part: &str, key: &str, value: String| {
                let map = metadata.entry(part).or_insert_with(|| json!({}));
                if let Some(map) = map.as_object_mut() {
                    map.insert(key.to_owned(), Value::String(value));
                }
            };
            put("labels", MANAGED_LABEL, MANAGED_VALUE.to_owned());
            put("annotations", PLACEMENT_ANNOTATION, manifest.key().to_string());
            put("annotations", MANIFEST_HASH_ANNOTATION, spec.hash.clone());
            if !spec.resource.uid.is_empty() {
                put("annotations", HUB_UID_ANNOTATION, spec.resource.uid.clone());
            }
            put(
                "annotations",
                HUB_GENERATION_ANNOTATION,
                spec.hub_generation.to_string(),
            );
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_always_there() {
        let mut manifest = Manifest::default();
        manifest.metadata.namespace = Some("shop".into());
        manifest.metadata.name = Some("configmap-a".into());
        manifest.spec.resource.api_version = "v1".into();
        manifest.spec.resource.kind = "ConfigMap".into();
        manifest.spec.resource.name = "a".into();
        manifest.spec.hash = "h".into();
        manifest.spec.object = json!({"data": {"k": "v"}});
        let body = marked(&manifest);
        assert_eq!(body["metadata"]["labels"][MANAGED_LABEL], "true");
        assert_eq!(
            body["metadata"]["annotations"][PLACEMENT_ANNOTATION],
            "shop/configmap-a"
        );
        assert_eq!(body["metadata"]["annotations"][MANIFEST_HASH_ANNOTATION], "h");
        assert_eq!(
            (body["kind"].as_str(), body["metadata"]["name"].as_str()),
            (Some("ConfigMap"), Some("a"))
        );
    }
}
