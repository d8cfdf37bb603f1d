//! A client of a member, made of what the hub holds about it.

use api::Cluster;
use api::well_known::SYSTEM_NAMESPACE;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use syncer::MemberAccess;

use crate::hub;
use crate::output::with_causes;

/// Reads a member's Cluster and credentials.
pub(crate) async fn reach(hub: &Client, name: &str) -> Result<Client, String> {
    let cluster = hub::clusters(hub).get(name).await.map_err(|error| error.to_string())?;
    let cluster: Cluster = hub::typed(&cluster).map_err(|error| error.to_string())?;
    let secrets: Api<Secret> = Api::namespaced(hub.clone(), SYSTEM_NAMESPACE);
    let secret = secrets
        .get(&format!("cluster-{name}"))
        .await
        .map_err(|error| error.to_string())?;
    let data = secret.data.unwrap_or_default();
    let data = data.into_iter().map(|(key, bytes)| (key, bytes.0)).collect();
    let access = MemberAccess::read(&cluster, &data).map_err(|error| with_causes(&error))?;
    access.client().await.map_err(|error| with_causes(&error))
}
