//! Whose member a cluster is: a mark on its namespace `kube-system` with the identity of the federation that took it in.
//!
//! In: clients of the hub and of a member. Out: the mark, set at join and taken off at unjoin; a refusal where another
//! federation's stands, because two that work on one member would undo each other's work. The syncer looks at the mark before it
//! works. The identity of a federation is, as that of a cluster, the uid of its own namespace `kube-system`.

use api::ClusterName;
use api::well_known::{FEDERATION_ANNOTATION, FIELD_MANAGER};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;

use super::JoinError;
use crate::hub::{HubError, failed};

const SYSTEM: &str = "kube-system";

/// The identity of the federation.
pub(crate) async fn federation(hub: &Client) -> Result<String, HubError> {
    let namespace = Api::<Namespace>::all(hub.clone())
        .get(SYSTEM)
        .await
        .map_err(failed("the hub's namespace kube-system cannot be read"))?;
    Ok(namespace.metadata.uid.unwrap_or_default())
}

fn marked(namespace: &Namespace) -> Option<&str> {
    let annotations = namespace.metadata.annotations.as_ref()?;
    annotations.get(FEDERATION_ANNOTATION).map(String::as_str)
}

/// Marks a member as the federation's. `take_over` replaces the mark of another.
pub(crate) async fn claim(
    federation: &str,
    cluster: &ClusterName,
    member: &Client,
    take_over: bool,
) -> Result<(), JoinError> {
    let namespaces: Api<Namespace> = Api::all(member.clone());
    let what = || format!("cluster {cluster}: its namespace kube-system cannot be marked as this federation's");
    let namespace = namespaces.get(SYSTEM).await.map_err(failed(what()))?;
    match marked(&namespace) {
        Some(mark) if mark == federation => return Ok(()),
        Some(other) if !take_over => {
            return Err(JoinError::OtherFederation {
                cluster: cluster.clone(),
                other: other.to_owned(),
            });
        }
        Some(_) | None => {}
    }
    // The version makes it a compare and swap: of two federations that join at once, one is refused.
    let patch = json!({"metadata": {
        "resourceVersion": namespace.metadata.resource_version,
        "annotations": {FEDERATION_ANNOTATION: federation},
    }});
    write(&namespaces, &patch).await.map_err(failed(what()))?;
    Ok(())
}

/// Takes the federation's mark off; another's stays.
pub(crate) async fn release(federation: &str, member: &Client) -> Result<(), kube::Error> {
    let namespaces: Api<Namespace> = Api::all(member.clone());
    let namespace = namespaces.get(SYSTEM).await?;
    if marked(&namespace) != Some(federation) {
        return Ok(());
    }
    let patch = json!({"metadata": {
        "resourceVersion": namespace.metadata.resource_version,
        "annotations": {FEDERATION_ANNOTATION: null},
    }});
    write(&namespaces, &patch).await
}

async fn write(namespaces: &Api<Namespace>, patch: &serde_json::Value) -> Result<(), kube::Error> {
    let params = PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    namespaces.patch(SYSTEM, &params, &Patch::Merge(patch)).await.map(drop)
}
