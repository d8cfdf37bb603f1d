//! Namespaces and PriorityClasses that must exist before anybody asks.

use std::sync::Arc;

use machinery::admission::priority::SYSTEM;
use machinery::status::Status;
use serde_json::{Value, json};

use super::{Engine, Intent, Part};
use crate::kinds::{Kind, Profile};
use crate::server::ServerError;

const EVERYWHERE: &[&str] = &["default", "kube-node-lease", "kube-public", "kube-system"];

impl Engine {
    /// Creates the PriorityClasses that are missing.
    pub(crate) async fn ensure_priority_classes(&self) -> Result<(), ServerError> {
        let Some(kind) = self.catalog.resource("scheduling.k8s.io", "v1", "priorityclasses") else {
            return Ok(());
        };
        for (name, value, description) in SYSTEM {
            let body = json!({
                "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": { "name": name },
                "value": value, "description": description,
            });
            let made = self.ensure(&kind, name, body).await;
            made.map_err(|status| ServerError::PriorityClass { name, status })?;
        }
        Ok(())
    }

    /// Creates the namespaces that are missing.
    pub(crate) async fn ensure_namespaces(&self, profile: Profile) -> Result<(), ServerError> {
        let Some(kind) = self.catalog.resource("", "v1", "namespaces") else {
            return Ok(());
        };
        let ours: &[&str] = match profile {
            Profile::Hub => &[api::well_known::SYSTEM_NAMESPACE],
            Profile::Member => &[],
        };
        for name in EVERYWHERE.iter().chain(ours) {
            let body = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
            let made = self.ensure(&kind, name, body).await;
            made.map_err(|status| ServerError::Namespace { name, status })?;
        }
        Ok(())
    }

    /// Creates a cluster-scoped object unless it is there.
    async fn ensure(&self, kind: &Arc<Kind>, name: &str, body: Value) -> Result<(), Status> {
        if self.cache_of(kind).get("", name).is_some() {
            return Ok(());
        }
        let intent = Intent::internal(kind, ("", name), Part::Object, "");
        match self.create(&intent, body, Vec::new()).await {
            Ok(_) => Ok(()),
            // Another replica was faster.
            Err(Status {
                reason: "AlreadyExists",
                ..
            }) => Ok(()),
            Err(status) => Err(status),
        }
    }
}
