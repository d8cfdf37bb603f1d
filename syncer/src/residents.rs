//! Whether a namespace or a definition of the member can go: what would go along that neither Kubernetes nor its owner takes
//! along by itself, or that somebody else made.
//!
//! In: the member's discovery and lists of every kind that can be deleted. Out: the first thing found, or nothing. Absent:
//! what follows from it (`apply`). Not being able to list a kind is an error, never an empty answer.

use api::well_known::{MANAGED_LABEL, MANAGED_VALUE};
use kube::Client;
use kube::api::{DynamicObject, ListParams};
use serde_json::Value;

use crate::access::REQUEST_TIMEOUT;
use crate::apply::within;
use crate::error::RequestError;
use crate::kinds::{self, Served};

/// Objects asked for at a time.
const PAGE: u32 = 200;
/// Kinds that are made for other objects, or are records and locks; none of them is anybody's work.
const DERIVED: [&str; 4] = ["Event", "Endpoints", "EndpointSlice", "Lease"];

/// The first object found in the namespace that would be lost with it, `Kind name`.
pub(crate) async fn first(client: &Client, namespace: &str) -> Result<Option<String>, RequestError> {
    let core = within(REQUEST_TIMEOUT, client.list_core_api_versions_aggregated()).await?;
    let groups = within(REQUEST_TIMEOUT, client.list_api_groups_aggregated()).await?;
    for served in kinds::deletable(&[core, groups]) {
        if DERIVED.contains(&served.resource.kind.as_str()) {
            continue;
        }
        if let Some(name) = first_of(client, &served, namespace).await? {
            return Ok(Some(format!("{} {name}", served.resource.kind)));
        }
    }
    Ok(None)
}

/// The first object of the kind that a definition brings that is not Meridian's, `Kind name`.
pub(crate) async fn first_of_definition(client: &Client, definition: &str) -> Result<Option<String>, RequestError> {
    let groups = within(REQUEST_TIMEOUT, client.list_api_groups_aggregated()).await?;
    let Some(served) = kinds::of_definition(&groups, definition) else {
        return Ok(None);
    };
    let others = ListParams::default()
        .labels(&format!("{MANAGED_LABEL}!={MANAGED_VALUE}"))
        .limit(1);
    let api = served.api(client.clone(), "");
    let list = match within(REQUEST_TIMEOUT, api.list(&others)).await {
        // The kind went since discovery, and its objects with it.
        Err(error) if error.code() == Some(404) => return Ok(None),
        list => list?,
    };
    let name = |object: DynamicObject| object.metadata.name.unwrap_or_default();
    let first = list.items.into_iter().next();
    Ok(first.map(|object| format!("{} {}", served.resource.kind, name(object))))
}

async fn first_of(client: &Client, served: &Served, namespace: &str) -> Result<Option<String>, RequestError> {
    let api = served.api(client.clone(), namespace);
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let list = match within(REQUEST_TIMEOUT, api.list(&page)).await {
            // The kind went since discovery, and its objects with it.
            Err(error) if error.code() == Some(404) => return Ok(None),
            list => list?,
        };
        if let Some(found) = list.items.iter().find(|object| counts(&served.resource.kind, object)) {
            return Ok(Some(found.metadata.name.clone().unwrap_or_default()));
        }
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page.continue_token = Some(token),
            None => return Ok(None),
        }
    }
}

/// Whether an object keeps its namespace: it is nobody's dependent, is not going, and Kubernetes did not put it there.
fn counts(kind: &str, object: &DynamicObject) -> bool {
    let metadata = &object.metadata;
    let owned = metadata
        .owner_references
        .as_ref()
        .is_some_and(|owners| !owners.is_empty());
    if owned || metadata.deletion_timestamp.is_some() {
        return false;
    }
    let name = metadata.name.as_deref().unwrap_or_default();
    let token = || object.data.get("type").and_then(Value::as_str) == Some("kubernetes.io/service-account-token");
    let given = match kind {
        "ConfigMap" => name == "kube-root-ca.crt",
        "ServiceAccount" => name == "default",
        "Secret" => name.starts_with("default-token-") && token(),
        _ => false,
    };
    !given
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_kubernetes_and_owners_take_along_does_not_count() {
        let table = [
            ("ConfigMap", json!({"metadata": {"name": "theirs"}}), true),
            ("ConfigMap", json!({"metadata": {"name": "kube-root-ca.crt"}}), false),
            ("ServiceAccount", json!({"metadata": {"name": "default"}}), false),
            ("ServiceAccount", json!({"metadata": {"name": "robot"}}), true),
            (
                "Secret",
                json!({"metadata": {"name": "default-token-x"}, "type": "kubernetes.io/service-account-token"}),
                false,
            ),
            (
                "Secret",
                json!({"metadata": {"name": "default-token-x"}, "type": "Opaque"}),
                true,
            ),
            (
                "Pod",
                json!({"metadata": {"name": "web-1", "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "u"}]}}),
                false,
            ),
            ("Pod", json!({"metadata": {"name": "bare"}}), true),
            (
                "Pod",
                json!({"metadata": {"name": "going", "deletionTimestamp": "2026-01-01T00:00:00Z"}}),
                false,
            ),
        ];
        for (kind, object, wanted) in table {
            let read: DynamicObject = serde_json::from_value(object.clone()).unwrap();
            assert_eq!(counts(kind, &read), wanted, "{kind} {object}");
        }
    }
}
