//! Namespaces that must exist before anybody asks.

use machinery::status::Status;
use serde_json::json;

use super::{Engine, FieldValidation, Intent, Options, Part};
use crate::auth::UserInfo;
use crate::kinds::Profile;
use crate::server::ServerError;

const EVERYWHERE: &[&str] = &["default", "kube-node-lease", "kube-public", "kube-system"];

impl Engine {
    /// Creates what is missing.
    pub(crate) async fn ensure_namespaces(&self, profile: Profile) -> Result<(), ServerError> {
        let Some(kind) = self.catalog.resource("", "v1", "namespaces") else {
            return Ok(());
        };
        let ours: &[&str] = match profile {
            Profile::Hub => &[api::well_known::SYSTEM_NAMESPACE],
            Profile::Member => &[],
        };
        for name in EVERYWHERE.iter().chain(ours) {
            if self.cache_of(&kind).get("", name).is_some() {
                continue;
            }
            let intent = Intent {
                kind: kind.clone(),
                namespace: String::new(),
                name: (*name).to_owned(),
                part: Part::Object,
                options: Options {
                    dry_run: false,
                    field_manager: String::new(),
                    validation: FieldValidation::Ignore,
                    force: false,
                },
                user: UserInfo::internal("apiserver"),
            };
            let body = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
            match self.create(&intent, body, Vec::new()).await {
                Ok(_) => {}
                // Another replica was faster.
                Err(Status {
                    reason: "AlreadyExists",
                    ..
                }) => {}
                Err(status) => return Err(ServerError::Namespace { name, status }),
            }
        }
        Ok(())
    }
}
