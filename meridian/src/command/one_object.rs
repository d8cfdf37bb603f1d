//! One object that a command is about: its kind on the hub, its Placement, and a policy for it alone.

use std::time::Duration;

use api::Placement;
use api::well_known::FIELD_MANAGER;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::core::ApiResource;
use kube::discovery::Scope;
use kube::runtime::wait::{Condition, await_condition};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::CommandError;
use crate::hub::{self, failed};

/// One object, on the hub or in a member.
pub(super) struct Target {
    pub(super) resource: ApiResource,
    pub(super) object: api::ObjectRef,
}

impl Target {
    /// The object that words mean.
    pub(super) async fn of(hub: &Client, words: Option<(&str, &str)>, namespace: &str) -> Result<Self, CommandError> {
        let (kind, name) = words.ok_or_else(|| CommandError::Usage("KIND NAME or KIND/NAME is needed".to_owned()))?;
        let (resource, capabilities) = hub::kind(hub, kind).await?;
        let object = api::ObjectRef {
            api_version: resource.api_version.clone(),
            kind: resource.kind.clone(),
            namespace: match capabilities.scope {
                Scope::Namespaced => namespace.to_owned(),
                Scope::Cluster => String::new(),
            },
            name: name.to_owned(),
            uid: String::new(),
        };
        Ok(Self { resource, object })
    }

    pub(super) fn api(&self, client: &Client) -> Api<DynamicObject> {
        if self.object.namespace.is_empty() {
            Api::all_with(client.clone(), &self.resource)
        } else {
            Api::namespaced_with(client.clone(), &self.object.namespace, &self.resource)
        }
    }

    /// The policy that a command makes for this object alone.
    pub(super) fn policy(&self, hub: &Client, command: &str) -> Policy {
        let (kind, plural) = if self.object.namespace.is_empty() {
            ("ClusterPropagationPolicy", "clusterpropagationpolicies")
        } else {
            ("PropagationPolicy", "propagationpolicies")
        };
        let resource = hub::resource(kind, plural);
        let api = if self.object.namespace.is_empty() {
            Api::all_with(hub.clone(), &resource)
        } else {
            Api::namespaced_with(hub.clone(), &self.object.namespace, &resource)
        };
        let name = format!("{command}-{}", self.object.placement_name());
        Policy {
            kind,
            name: name.chars().take(253).collect(),
            selector: json!({"apiVersion": self.resource.api_version, "kind": self.resource.kind,
                "namespace": self.object.namespace, "name": self.object.name}),
            api,
        }
    }

    /// Waits for something to be true of the object's Placement; none where it is gone.
    pub(super) async fn wait(
        &self,
        hub: &Client,
        within: Duration,
        what: &str,
        is: impl Fn(Option<&Placement>) -> bool + Send + Sync,
    ) -> Result<(), CommandError> {
        let key = self.object.placement_key();
        let holds = move |found: Option<&DynamicObject>| {
            let placement = found.and_then(|found| hub::typed::<Placement>(found).ok());
            is(placement.as_ref())
        };
        let placements = hub::placements(hub, Some(&key.namespace));
        let waiting = await_condition(placements, &key.name, Holds(holds));
        match tokio::time::timeout(within, waiting).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(CommandError::Said(format!(
                "placement {key} cannot be followed: {error}"
            ))),
            Err(_) => Err(CommandError::Said(format!(
                "{}: {what} did not happen within {} s; next: meridian explain placement {} {}",
                self.object,
                within.as_secs(),
                self.object.kind.to_lowercase(),
                self.object.name
            ))),
        }
    }
}

/// A closure as a condition.
struct Holds<F>(F);

impl<F: Fn(Option<&DynamicObject>) -> bool> Condition<DynamicObject> for Holds<F> {
    fn matches_object(&self, object: Option<&DynamicObject>) -> bool {
        (self.0)(object)
    }
}

/// A policy for one object.
pub(super) struct Policy {
    kind: &'static str,
    pub(super) name: String,
    selector: Value,
    api: Api<DynamicObject>,
}

impl Policy {
    /// Writes it; `spec` without the selector.
    pub(super) async fn write(&self, mut spec: Value) -> Result<(), CommandError> {
        if let Some(spec) = spec.as_object_mut() {
            spec.insert("resourceSelectors".to_owned(), json!([self.selector]));
        }
        let policy = json!({"apiVersion": api::well_known::API_VERSION, "kind": self.kind,
            "metadata": {"name": self.name}, "spec": spec});
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let written = self.api.patch(&self.name, &params, &Patch::Apply(&policy)).await;
        written.map_err(failed(format!("policy {} cannot be written", self.name)))?;
        Ok(())
    }

    /// Deletes it, if it is there.
    pub(super) async fn delete(&self) -> Result<(), CommandError> {
        match self.api.delete(&self.name, &Default::default()).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
            Err(error) => Err(failed(format!("policy {} cannot be deleted", self.name))(error).into()),
        }
    }
}
