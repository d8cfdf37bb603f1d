//! A client of a member: made of what the hub holds about it, or through the hub where the member reaches out itself.

use api::well_known::{API_VERSION, SYSTEM_NAMESPACE};
use api::{Cluster, SyncMode};
use k8s_openapi::api::core::v1::Secret;
use kube::client::Body;
use kube::{Api, Client};
use syncer::MemberAccess;

use crate::hub;
use crate::output::with_causes;

/// Reads a member's Cluster and credentials.
pub(crate) async fn reach(hub: &Client, name: &str) -> Result<Client, String> {
    let cluster = hub::clusters(hub).get(name).await.map_err(|error| error.to_string())?;
    let cluster: Cluster = hub::typed(&cluster).map_err(|error| error.to_string())?;
    if cluster.spec.sync_mode == SyncMode::Pull {
        return Ok(through(hub, name));
    }
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

/// A client whose requests the hub passes on.
fn through(hub: &Client, name: &str) -> Client {
    let prefix = format!("/apis/{API_VERSION}/clusters/{name}/proxy");
    let hub = hub.clone();
    let service = tower::service_fn(move |mut request: http::Request<Body>| {
        let (hub, uri) = (hub.clone(), format!("{prefix}{}", request.uri()));
        async move {
            *request.uri_mut() = uri
                .parse()
                .map_err(|error: http::uri::InvalidUri| kube::Error::HttpError(error.into()))?;
            hub.send(request).await
        }
    });
    Client::new(service, "default")
}
