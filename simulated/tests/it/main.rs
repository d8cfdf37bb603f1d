//! A simulated member seen from outside: over HTTPS, and at the addresses of its Services.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as loudly as tests")]

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Node, Service};
use kube::Client;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use serde_json::json;
use simulated::{Fault, How, Member, MemberConfig, What};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn member(name: &str) -> Member {
    let (second, third) = (rand::random_range(16..250_u8), rand::random_range(0..=255_u8));
    let mut config = MemberConfig::new(name, format!("127.{second}.{third}.0/24").parse().unwrap());
    config.ready_delay = Duration::from_millis(100);
    config.region = Some("us-east".into());
    Member::start(config).await.unwrap()
}

/// A client as any user would have it, from a kubeconfig.
async fn client(member: &Member) -> Client {
    use base64::Engine;
    let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let kubeconfig = serde_json::from_value(json!({
        "clusters": [{"name": "m", "cluster": {"server": member.endpoint(), "certificate-authority-data": encode(member.ca_pem())}}],
        "users": [{"name": "m", "user": {"client-certificate-data": encode(member.client_certificate_pem()),
            "client-key-data": encode(member.client_key_pem())}}],
        "contexts": [{"name": "m", "context": {"cluster": "m", "user": "m"}}], "current-context": "m"}))
    .unwrap();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &kube::config::KubeConfigOptions::default())
        .await
        .unwrap();
    Client::try_from(config).unwrap()
}

async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    for _ in 0..1500 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("in vain: {what}");
}

async fn get(address: &str) -> std::io::Result<String> {
    let asked = async {
        let mut stream = tokio::net::TcpStream::connect(address).await?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    tokio::time::timeout(Duration::from_secs(1), asked)
        .await
        .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
}

fn object<K: serde::de::DeserializeOwned>(value: serde_json::Value) -> K {
    serde_json::from_value(value).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workloads_become_ready_and_services_answer_until_they_fail() {
    let member = member("us-1").await;
    let client = client(&member).await;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    namespaces
        .create(&PostParams::default(), &object(json!({"metadata": {"name": "shop"}})))
        .await
        .unwrap();
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "shop");
    let web = json!({"metadata": {"name": "web"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}}}});
    deployments.create(&PostParams::default(), &object(web)).await.unwrap();
    let services: Api<Service> = Api::namespaced(client.clone(), "shop");
    let web = json!({"metadata": {"name": "web"}, "spec": {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 18081}]}});
    services.create(&PostParams::default(), &object(web)).await.unwrap();

    until("three ready pods", || async {
        let status = deployments.get("web").await.ok()?.status?;
        (status.ready_replicas == Some(3) && status.updated_replicas == Some(3)).then_some(())
    })
    .await;
    let address = until("an address", || async {
        services
            .get("web")
            .await
            .ok()?
            .status?
            .load_balancer?
            .ingress?
            .first()?
            .ip
            .clone()
    })
    .await;
    assert!(member.config().addresses.contains(address.parse().unwrap()));
    let socket = format!("{address}:18081");
    let answer = until("an answer", || async { get(&socket).await.ok() }).await;
    assert!(
        answer.contains("member us-1") && answer.contains("service shop/web"),
        "{answer}"
    );
    let nodes: Api<Node> = Api::all(client.clone());
    until("a Node", || async { nodes.get("us-1-node-1").await.ok() }).await;

    // The data path fails, the API does not.
    member.fault(Fault {
        what: What::Data,
        how: How::Refuse,
    });
    until("refusal", || async { get(&socket).await.err() }).await;
    assert!(deployments.get("web").await.is_ok());
    member.fault(Fault {
        what: What::Api,
        how: How::Refuse,
    });
    until("the API refuses", || async { deployments.get("web").await.err() }).await;
    member.recover();
    until("the data path again", || async { get(&socket).await.ok() }).await;
    let kept = until("the API again", || async { deployments.get("web").await.ok() }).await;
    assert_eq!(kept.status.unwrap().ready_replicas, Some(3), "nothing was lost");

    // A new version and another size roll out.
    let patch =
        json!({"spec": {"replicas": 5, "template": {"spec": {"containers": [{"name": "web", "image": "web:2"}]}}}});
    deployments
        .patch("web", &PatchParams::default(), &Patch::Strategic(&patch))
        .await
        .unwrap();
    until("five of the new version", || async {
        let seen = deployments.get("web").await.ok()?;
        let status = seen.status?;
        (status.updated_replicas == Some(5) && status.observed_generation == seen.metadata.generation).then_some(())
    })
    .await;

    // Deleting the namespace takes everything in it along.
    namespaces.delete("shop", &DeleteParams::default()).await.unwrap();
    until("the namespace is gone", || async {
        matches!(namespaces.get_opt("shop").await, Ok(None)).then_some(())
    })
    .await;
    assert!(
        deployments
            .list(&kube::api::ListParams::default())
            .await
            .unwrap()
            .items
            .is_empty()
    );
    until("nobody answers", || async { get(&socket).await.err() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_cannot_be_listened_on_is_said_and_the_others_go_on() {
    let taken = tokio::net::TcpListener::bind("0.0.0.0:18082").await.unwrap();
    let member = member("eu-1").await;
    let client = member.local_client();
    let services: Api<Service> = Api::namespaced(client.clone(), "default");
    for (name, port) in [("blocked", 18082), ("free", 18083)] {
        let service = json!({"metadata": {"name": name}, "spec": {"type": "LoadBalancer", "ports": [{"port": port}]}});
        services.create(&PostParams::default(), &object(service)).await.unwrap();
    }
    let events: Api<k8s_openapi::api::core::v1::Event> = Api::namespaced(client, "default");
    until("an Event", || async {
        let list = events.list(&kube::api::ListParams::default()).await.ok()?;
        list.items.into_iter().find(|e| {
            e.involved_object.name.as_deref() == Some("blocked") && e.reason.as_deref() == Some("ListenFailed")
        })
    })
    .await;
    let ip = until("an address", || async {
        services
            .get("free")
            .await
            .ok()?
            .status?
            .load_balancer?
            .ingress?
            .first()?
            .ip
            .clone()
    })
    .await;
    until("an answer", || async { get(&format!("{ip}:18083")).await.ok() }).await;
    drop(taken);
}
