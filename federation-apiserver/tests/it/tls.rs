//! Over TLS with a real client: certificates, tokens, an orderly end.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use federation_apiserver::auth::TokenStore;
use federation_apiserver::serve::{serve_tls, tls_config};
use federation_apiserver::store::MemoryStore;
use federation_apiserver::{ApiServer, Profile, ServerConfig};
use futures::TryStreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use kube::config::Kubeconfig;
use kube::runtime::watcher;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::json;

use crate::harness::configmap;

struct Served {
    kubeconfig: serde_json::Value,
    shutdown: tokio_util::sync::CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

fn encoded(pem: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(pem)
}

async fn serve() -> Served {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::<String>::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let server_key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let server_pem = server.signed_by(&server_key, &issuer).unwrap().pem();
    let admin_key = KeyPair::generate().unwrap();
    let mut admin = CertificateParams::new(Vec::<String>::new()).unwrap();
    admin.distinguished_name.push(DnType::CommonName, "admin");
    admin
        .distinguished_name
        .push(DnType::OrganizationName, "system:masters");
    let admin_pem = admin.signed_by(&admin_key, &issuer).unwrap().pem();

    let tokens = Arc::new(TokenStore::default());
    tokens.load("sesame,ali,1,\"system:masters\"").unwrap();
    let config = ServerConfig {
        tokens,
        ..ServerConfig::new(Profile::Hub)
    };
    let shutdown = config.shutdown.clone();
    let api = ApiServer::new(Arc::new(MemoryStore::default()), config).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tls = tls_config(&server_pem, &server_key.serialize_pem(), Some(&authority_pem)).unwrap();
    let task = tokio::spawn(serve_tls(listener, api.router(), tls, shutdown.clone()));
    let context = |user: &str| json!({"name": user, "context": {"cluster": "c", "user": user}});
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "admin",
        "clusters": [{"name": "c", "cluster": {"server": format!("https://{address}"), "certificate-authority-data": encoded(&authority_pem)}}],
        "users": [
            {"name": "admin", "user": {"client-certificate-data": encoded(&admin_pem), "client-key-data": encoded(&admin_key.serialize_pem())}},
            {"name": "token", "user": {"token": "sesame"}},
            {"name": "wrong", "user": {"token": "guess"}},
            {"name": "nobody", "user": {}}],
        "contexts": [context("admin"), context("token"), context("wrong"), context("nobody")],
    });
    Served {
        kubeconfig,
        shutdown,
        task,
    }
}

async fn client(served: &Served, user: &str) -> kube::Client {
    let kubeconfig: Kubeconfig = serde_json::from_value(served.kubeconfig.clone()).unwrap();
    let options = kube::config::KubeConfigOptions {
        context: Some(user.to_owned()),
        ..Default::default()
    };
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .unwrap();
    kube::Client::try_from(config).unwrap()
}

#[tokio::test]
async fn a_kube_client_does_its_work() {
    let served = serve().await;
    let api: Api<ConfigMap> = Api::namespaced(client(&served, "admin").await, "default");
    let object: ConfigMap = serde_json::from_value(configmap("a", "1")).unwrap();
    api.create(&PostParams::default(), &object).await.unwrap();
    let mut events = Box::pin(watcher(api.clone(), watcher::Config::default().streaming_lists()));
    let mut seen = Vec::new();
    while let Some(event) = events.try_next().await.unwrap() {
        match event {
            watcher::Event::InitApply(object) => seen.push(object.metadata.name.unwrap()),
            watcher::Event::InitDone => break,
            watcher::Event::Init | watcher::Event::Apply(_) | watcher::Event::Delete(_) => {}
        }
    }
    assert_eq!(seen, ["a"]);
    let patch = Patch::Merge(json!({"data": {"key": "2"}}));
    let patched = api.patch("a", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(patched.data.unwrap()["key"], "2");
    assert_eq!(api.list(&ListParams::default()).await.unwrap().items.len(), 1);
    served.shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(5), served.task)
        .await
        .expect("ends though a watch is open")
        .unwrap();
}

#[tokio::test]
async fn identities() {
    let served = serve().await;
    for (user, code) in [("token", 200), ("wrong", 401), ("nobody", 403)] {
        let api: Api<ConfigMap> = Api::namespaced(client(&served, user).await, "default");
        let found = match api.list(&ListParams::default()).await {
            Ok(_) => 200,
            Err(kube::Error::Api(status)) => status.code,
            Err(error) => panic!("{error}"),
        };
        assert_eq!(found, code, "{user}");
    }
}
