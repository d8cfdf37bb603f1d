//! Scheduler and kubelet: pods are bound to the one Node, become ready after the delay, and go when they are asked to. Those that
//! are to end by themselves do their work in no time. In: Pods. Out: bindings, statuses, deletions. Absent: Nodes of pods in
//! a simulated control plane, which binds nothing.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::changes::{Change, Key, follow, key};
use super::endpoint_slices::pod_address;
use super::images::is_known;
use super::{ControlPlane, Failure, WorkloadsConfig, node, within};

/// Most pods acted on at once.
const PARALLEL: usize = 32;

/// What a pod needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Nothing,
    Node,
    Readiness,
    Removal,
}

/// Runs until its task ends.
pub(crate) async fn run(client: Client, config: WorkloadsConfig) {
    let mut changes = follow(Api::<Pod>::all(client.clone()));
    let mut pods: HashMap<Key, Pod> = HashMap::new();
    let mut line: Vec<Key> = Vec::new();
    let mut acting: HashSet<Key> = HashSet::new();
    let mut tasks: JoinSet<(Key, Need, Result<(), Failure>)> = JoinSet::new();
    loop {
        tokio::select! {
            change = changes.next() => match change {
                None => return,
                Some(Change::Listed(listed)) => {
                    pods = listed.into_iter().map(|pod| (key(&pod), pod)).collect();
                    line = pods.keys().cloned().collect();
                }
                Some(Change::Put(pod)) => {
                    line.push(key(&pod));
                    pods.insert(key(&pod), pod);
                }
                Some(Change::Gone(pod)) => drop(pods.remove(&key(&pod))),
            },
            Some(done) = tasks.join_next(), if !tasks.is_empty() => match done {
                Ok((key, need, result)) => {
                    acting.remove(&key);
                    if let Err(error) = result
                        && !error.is(404)
                    {
                        tracing::debug!(member = config.member, pod = key.1, ?need, %error, "it is retried");
                        line.push(key);
                    }
                }
                Err(error) => tracing::error!(member = config.member, %error, "a simulated kubelet ended"),
            },
        }
        let mut kept = Vec::new();
        for key in std::mem::take(&mut line) {
            let Some(pod) = pods.get(&key) else { continue };
            let need = need(pod, config.control_plane);
            if need == Need::Nothing {
                continue;
            }
            if acting.contains(&key) {
                // Its next change brings it back; a retry does so itself.
                if need != Need::Nothing && !kept.contains(&key) {
                    kept.push(key);
                }
                continue;
            }
            if tasks.len() >= PARALLEL {
                kept.push(key);
                continue;
            }
            acting.insert(key.clone());
            tasks.spawn(act(client.clone(), config.clone(), pod.clone(), need, key));
        }
        line = kept;
    }
}

fn need(pod: &Pod, control_plane: ControlPlane) -> Need {
    let node = pod
        .spec
        .as_ref()
        .and_then(|s| s.node_name.as_deref())
        .unwrap_or_default();
    let phase = pod
        .status
        .as_ref()
        .and_then(|s| s.phase.as_deref())
        .unwrap_or("Pending");
    match (pod.metadata.deletion_timestamp.is_some(), node.is_empty(), phase) {
        (true, _, _) => Need::Removal,
        (false, true, _) if control_plane == ControlPlane::Kubernetes => Need::Node,
        (false, _, "Pending") if !waits(pod) => Need::Readiness,
        (false, _, _) => Need::Nothing,
    }
}

/// Whether it was found that an image cannot be pulled.
fn waits(pod: &Pod) -> bool {
    let containers = pod
        .status
        .iter()
        .flat_map(|status| &status.container_statuses)
        .flatten();
    let mut states = containers.filter_map(|container| container.state.as_ref()?.waiting.as_ref());
    states.any(|waiting| waiting.reason.as_deref() == Some("ImagePullBackOff"))
}

async fn act(
    client: Client,
    config: WorkloadsConfig,
    pod: Pod,
    need: Need,
    key: Key,
) -> (Key, Need, Result<(), Failure>) {
    let api: Api<Pod> = Api::namespaced(client.clone(), &key.0);
    let result = match need {
        Need::Nothing => Ok(()),
        Need::Node => bind(&client, &config.member, &key).await,
        Need::Readiness => {
            tokio::time::sleep(config.ready_delay).await;
            let patch = json!({"status": status(&pod, &config.member, &key)});
            within(api.patch_status(&key.1, &PatchParams::default(), &Patch::Merge(&patch)))
                .await
                .map(drop)
        }
        Need::Removal => within(api.delete(&key.1, &DeleteParams::default().grace_period(0)))
            .await
            .map(drop),
    };
    if result.is_err() {
        tokio::time::sleep(Duration::from_millis(rand::random_range(200..600))).await;
    }
    (key, need, result)
}

async fn bind(client: &Client, member: &str, key: &Key) -> Result<(), Failure> {
    let body = serde_json::to_vec(&json!({"apiVersion": "v1", "kind": "Binding",
        "metadata": {"namespace": key.0, "name": key.1},
        "target": {"apiVersion": "v1", "kind": "Node", "name": node::name(member)}}))
    .map_err(|e| Failure::Kube(Box::new(kube::Error::SerdeError(e))))?;
    let request = http::Request::post(format!("/api/v1/namespaces/{}/pods/{}/binding", key.0, key.1))
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(body)
        .map_err(|e| Failure::Kube(Box::new(kube::Error::HttpError(e))))?;
    match within(client.request_text(request)).await {
        Ok(_) => Ok(()),
        // Bound meanwhile.
        Err(error) if error.is(409) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The status of a pod all of whose containers run, or have done their work where they are not to be started again.
fn status(pod: &Pod, member: &str, key: &Key) -> Value {
    let now = k8s_openapi::jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string();
    let address = pod_address(&format!("{member}/{}/{}", key.0, key.1)).to_string();
    let policy = pod.spec.as_ref().and_then(|s| s.restart_policy.as_deref());
    let ends = matches!(policy, Some("Never" | "OnFailure"));
    let (phase, ready, state) = if ends {
        let ended = json!({"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}});
        ("Succeeded", "False", ended)
    } else {
        ("Running", "True", json!({"running": {"startedAt": now}}))
    };
    let images = pod.spec.iter().flat_map(|spec| &spec.containers);
    let mut images = images.filter_map(|container| container.image.as_deref());
    if let Some(image) = images.find(|image| !is_known(image)) {
        return waiting(pod, image, &now);
    }
    let containers: Vec<Value> = pod
        .spec
        .iter()
        .flat_map(|s| &s.containers)
        .map(|c| {
            let image = c.image.clone().unwrap_or_default();
            json!({"name": c.name, "image": image, "imageID": format!("simulated://{image}"), "ready": !ends, "started": !ends,
                "restartCount": 0, "state": state})
        })
        .collect();
    let conditions: Vec<Value> = [
        ("PodReadyToStartContainers", ready),
        ("Initialized", "True"),
        ("Ready", ready),
        ("ContainersReady", ready),
        ("PodScheduled", "True"),
    ]
    .into_iter()
    .map(|(kind, status)| {
        let mut condition = json!({"type": kind, "status": status, "lastTransitionTime": now});
        if status == "False" && kind != "PodReadyToStartContainers" {
            condition["reason"] = json!("PodCompleted");
        }
        condition
    })
    .collect();
    json!({"phase": phase, "hostIP": "127.0.0.1", "podIP": address, "podIPs": [{"ip": address}], "startTime": now,
        "conditions": conditions, "containerStatuses": containers})
}

/// The status of a pod one of whose images cannot be pulled.
fn waiting(pod: &Pod, image: &str, now: &str) -> Value {
    let message = format!("Back-off pulling image {image:?}: its registry cannot be found");
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let containers: Vec<Value> = containers
        .map(|container| {
            json!({"name": container.name, "image": container.image, "imageID": "", "ready": false, "started": false, "restartCount": 0,
                "state": {"waiting": {"reason": "ImagePullBackOff", "message": message}}})
        })
        .collect();
    let condition = |kind: &str, status: &str| json!({"type": kind, "status": status, "lastTransitionTime": now});
    let conditions = [
        condition("Initialized", "True"),
        condition("Ready", "False"),
        condition("ContainersReady", "False"),
        condition("PodScheduled", "True"),
    ];
    json!({"phase": "Pending", "hostIP": "127.0.0.1", "startTime": now, "conditions": conditions, "containerStatuses": containers})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_need_a_node_then_readiness_then_nothing() {
        let pod = |value: Value| need(&serde_json::from_value(value).unwrap(), ControlPlane::Kubernetes);
        assert_eq!(
            pod(json!({"metadata": {"name": "a"}, "spec": {"containers": []}})),
            Need::Node
        );
        assert_eq!(
            pod(json!({"metadata": {}, "spec": {"containers": [], "nodeName": "n"}})),
            Need::Readiness
        );
        assert_eq!(
            pod(json!({"metadata": {}, "spec": {"containers": [], "nodeName": "n"}, "status": {"phase": "Running"}})),
            Need::Nothing
        );
        assert_eq!(
            pod(json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "spec": {"containers": []}})),
            Need::Removal
        );
        let unbound = serde_json::from_value(json!({"metadata": {"name": "a"}, "spec": {"containers": []}})).unwrap();
        assert_eq!(need(&unbound, ControlPlane::Simulated), Need::Readiness);
    }

    #[test]
    fn a_running_pod_is_ready() {
        let pod: Pod = serde_json::from_value(
            json!({"metadata": {"name": "a"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}),
        )
        .unwrap();
        let running = status(&pod, "us-1", &("shop".into(), "a".into()));
        assert_eq!(running["containerStatuses"][0]["ready"], true);
        assert!(running["podIP"].as_str().unwrap().starts_with("10."));
    }

    #[test]
    fn a_pod_that_is_not_started_again_has_done_its_work() {
        let pod: Pod = serde_json::from_value(json!({"metadata": {"name": "a"},
            "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}))
        .unwrap();
        let done = status(&pod, "us-1", &("shop".into(), "a".into()));
        assert_eq!(done["phase"], "Succeeded");
        assert_eq!(done["containerStatuses"][0]["state"]["terminated"]["exitCode"], 0);
    }
}
