//! Namespaces of a simulated member that are being deleted: emptied, then finalized.
//! In: Namespaces. Out: deletions. What holds a finalizer holds its namespace too.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Namespace;
use kube::Client;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams};
use serde_json::json;

use super::changes::{Change, follow};
use super::{Failure, within};

/// Time between two looks at a namespace that is not empty yet.
const AGAIN: Duration = Duration::from_millis(300);

/// The namespaced kinds of a simulated member: group, version, kind, plural. Owners first.
const KINDS: [(&str, &str, &str, &str); 24] = [
    ("apps", "v1", "Deployment", "deployments"),
    ("apps", "v1", "StatefulSet", "statefulsets"),
    ("apps", "v1", "DaemonSet", "daemonsets"),
    ("batch", "v1", "CronJob", "cronjobs"),
    ("batch", "v1", "Job", "jobs"),
    (
        "autoscaling",
        "v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
    ),
    ("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    ("networking.k8s.io", "v1", "Ingress", "ingresses"),
    ("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
    ("apps", "v1", "ControllerRevision", "controllerrevisions"),
    ("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
    ("", "v1", "PodTemplate", "podtemplates"),
    ("", "v1", "LimitRange", "limitranges"),
    ("", "v1", "ResourceQuota", "resourcequotas"),
    ("apps", "v1", "ReplicaSet", "replicasets"),
    ("", "v1", "Service", "services"),
    ("", "v1", "Pod", "pods"),
    ("", "v1", "ConfigMap", "configmaps"),
    ("", "v1", "Secret", "secrets"),
    ("", "v1", "ServiceAccount", "serviceaccounts"),
    ("", "v1", "Endpoints", "endpoints"),
    ("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
    ("coordination.k8s.io", "v1", "Lease", "leases"),
    ("", "v1", "Event", "events"),
];

/// Empties and finalizes until its task ends.
pub(crate) async fn run(client: Client) {
    let mut changes = follow(Api::<Namespace>::all(client.clone()));
    let mut going: BTreeSet<String> = BTreeSet::new();
    loop {
        tokio::select! {
            change = changes.next() => match change {
                None => return,
                Some(Change::Listed(listed)) => going = listed.iter().filter(|n| is_going(n)).map(name).collect(),
                Some(Change::Put(namespace)) if is_going(&namespace) => drop(going.insert(name(&namespace))),
                Some(Change::Put(_)) => continue,
                Some(Change::Gone(namespace)) => {
                    going.remove(&name(&namespace));
                    continue;
                }
            },
            () = tokio::time::sleep(AGAIN), if !going.is_empty() => {}
        }
        for namespace in &going {
            let done = match empty(&client, namespace).await {
                Ok(true) => finalize(&client, namespace).await,
                Ok(false) => Ok(()),
                Err(error) => Err(error),
            };
            match done {
                Err(error) if !error.is(404) => {
                    tracing::warn!(namespace, %error, "the namespace cannot be emptied yet; it is retried")
                }
                Ok(()) | Err(_) => {}
            }
        }
    }
}

fn name(namespace: &Namespace) -> String {
    namespace.metadata.name.clone().unwrap_or_default()
}

fn is_going(namespace: &Namespace) -> bool {
    namespace.metadata.deletion_timestamp.is_some()
}

/// Deletes what is left in a namespace; whether nothing was.
async fn empty(client: &Client, namespace: &str) -> Result<bool, Failure> {
    let mut nothing = true;
    for (group, version, kind, plural) in KINDS {
        let api_version = if group.is_empty() {
            version.to_owned()
        } else {
            format!("{group}/{version}")
        };
        let resource = ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version,
            kind: kind.to_owned(),
            plural: plural.to_owned(),
        };
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
        for object in within(api.list(&ListParams::default())).await?.items {
            nothing = false;
            let Some(name) = object
                .metadata
                .name
                .filter(|_| object.metadata.deletion_timestamp.is_none())
            else {
                continue;
            };
            let gone = within(api.delete(&name, &DeleteParams::background().grace_period(0))).await;
            match gone {
                Err(error) if !error.is(404) => return Err(error),
                Ok(_) | Err(_) => {}
            }
        }
    }
    Ok(nothing)
}

async fn finalize(client: &Client, namespace: &str) -> Result<(), Failure> {
    let api: Api<Namespace> = Api::all(client.clone());
    let mut object = within(api.get(namespace)).await?;
    object.spec = Some(k8s_openapi::api::core::v1::NamespaceSpec {
        finalizers: Some(Vec::new()),
    });
    let body = serde_json::to_vec(&json!({"apiVersion": "v1", "kind": "Namespace",
        "metadata": object.metadata, "spec": {"finalizers": []}, "status": object.status}))
    .map_err(|e| Failure::Kube(Box::new(kube::Error::SerdeError(e))))?;
    let request = http::Request::put(format!("/api/v1/namespaces/{namespace}/finalize"))
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(body)
        .map_err(|e| Failure::Kube(Box::new(kube::Error::HttpError(e))))?;
    within(client.request_text(request)).await.map(drop)
}
