//! The one Node of a member, and its lease while somebody looks at it.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Node;
use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

use super::{Failure, WorkloadsConfig, within};

/// Time between two renewals, as kubelets do it.
const RENEW: Duration = Duration::from_secs(10);
const MANAGER: &str = "simulated-kubelet";

/// Name of the Node of a member.
pub(crate) fn name(member: &str) -> String {
    format!("{member}-node-1")
}

/// Keeps the Node until its task ends.
pub(crate) async fn run(client: Client, config: WorkloadsConfig, kubelet: Option<u16>) {
    let mut registered = false;
    loop {
        let kept = async {
            if !registered {
                register(&client, &config, kubelet).await?;
            }
            if config.control_plane == super::ControlPlane::Kubernetes {
                // Its node controller looks at both.
                report(&client, &config, kubelet).await?;
                renew(&client, &config.member).await?;
            }
            Ok::<(), Failure>(())
        };
        match kept.await {
            Ok(()) => {
                registered = true;
                tokio::time::sleep(RENEW).await;
            }
            Err(error) => {
                tracing::warn!(member = config.member, %error, "the Node could not be kept; it is retried");
                registered = false;
                tokio::time::sleep(Duration::from_millis(rand::random_range(500..1500))).await;
            }
        }
    }
}

async fn register(client: &Client, config: &WorkloadsConfig, kubelet: Option<u16>) -> Result<(), Failure> {
    let api: Api<Node> = Api::all(client.clone());
    let name = name(&config.member);
    let mut labels = std::collections::BTreeMap::from([
        ("kubernetes.io/hostname".to_owned(), name.clone()),
        ("kubernetes.io/os".to_owned(), "linux".to_owned()),
        ("kubernetes.io/arch".to_owned(), "amd64".to_owned()),
    ]);
    for (key, value) in [
        ("topology.kubernetes.io/region", &config.region),
        ("topology.kubernetes.io/zone", &config.zone),
    ] {
        if let Some(value) = value {
            labels.insert(key.to_owned(), value.clone());
        }
    }
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}});
    within(api.patch(&name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(&node))).await?;
    report(client, config, kubelet).await
}

async fn report(client: &Client, config: &WorkloadsConfig, kubelet: Option<u16>) -> Result<(), Failure> {
    let api: Api<Node> = Api::all(client.clone());
    let now = k8s_openapi::jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string();
    let size = json!({"cpu": "64", "memory": "256Gi", "pods": "2000", "ephemeral-storage": "1Ti"});
    let status = json!({"status": {
        "capacity": size, "allocatable": size,
        // Commands come as WebSockets, as they were asked for (KEP-4006); SPDY is not spoken here.
        "declaredFeatures": ["ExtendWebSocketsToKubelet"],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet.unwrap_or_default()}},
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}, {"type": "Hostname", "address": name(&config.member)}],
        "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "simulated node",
            "lastHeartbeatTime": now, "lastTransitionTime": now}],
        "nodeInfo": {"architecture": "amd64", "operatingSystem": "linux", "osImage": "simulated", "kernelVersion": "simulated",
            "kubeletVersion": "v1.36.0", "kubeProxyVersion": "v1.36.0", "containerRuntimeVersion": "simulated://1",
            "machineID": "", "systemUUID": "", "bootID": ""},
    }});
    within(api.patch_status(&name(&config.member), &PatchParams::default(), &Patch::Merge(&status)))
        .await
        .map(drop)
}

async fn renew(client: &Client, member: &str) -> Result<(), Failure> {
    let api: Api<Lease> = Api::namespaced(client.clone(), "kube-node-lease");
    let name = name(member);
    let now = k8s_openapi::jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%S.%6fZ")
        .to_string();
    let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name},
        "spec": {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": now}});
    within(api.patch(&name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(&lease)))
        .await
        .map(drop)
}
