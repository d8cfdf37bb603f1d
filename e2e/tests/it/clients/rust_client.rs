//! What a program with the `kube` crate does: a CustomResourceDefinition from a Rust type, a watcher, a reflector, apply.

use std::path::Path;

use futures::StreamExt;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::wait::{await_condition, conditions};
use kube::runtime::{WatchStreamExt, reflector, watcher};
use kube::{Api, Client, Config, CustomResource, CustomResourceExt, ResourceExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A ship, which no Kubernetes knows.
#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[kube(
    group = "sea.example.com",
    version = "v1",
    kind = "Ship",
    namespaced,
    status = "ShipStatus",
    shortname = "shp",
    printcolumn = r#"{"name":"Masts","type":"integer","jsonPath":".spec.masts"}"#
)]
struct ShipSpec {
    /// How many masts it has.
    #[schemars(range(min = 1, max = 5))]
    masts: i32,
    #[serde(default)]
    crew: Vec<String>,
}

/// What is seen of it.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
struct ShipStatus {
    afloat: bool,
}

/// All of it, in a namespace of its own.
pub(super) async fn run(kubeconfig: &Path, namespace: &str) {
    let options = KubeConfigOptions {
        context: Some("federation".to_owned()),
        ..KubeConfigOptions::default()
    };
    let config = Config::from_custom_kubeconfig(Kubeconfig::read_from(kubeconfig).unwrap(), &options).await;
    let client = Client::try_from(config.unwrap()).unwrap();
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let new = Namespace {
        metadata: kube::api::ObjectMeta {
            name: Some(namespace.to_owned()),
            ..Default::default()
        },
        ..Namespace::default()
    };
    namespaces.create(&PostParams::default(), &new).await.unwrap();
    config_maps(client.clone(), namespace).await;
    ships(client, namespace).await;
    namespaces.delete(namespace, &DeleteParams::default()).await.unwrap();
}

/// A reflector follows what apply writes.
async fn config_maps(client: Client, namespace: &str) {
    let api: Api<ConfigMap> = Api::namespaced(client, namespace);
    let (store, writer) = reflector::store();
    let selected = watcher::Config::default().labels("kept=here").streaming_lists();
    let changes = watcher(api.clone(), selected)
        .default_backoff()
        .reflect(writer)
        .touched_objects();
    let (sender, mut seen) = tokio::sync::mpsc::channel(16);
    tokio::spawn(async move {
        let mut changes = std::pin::pin!(changes);
        while let Some(change) = changes.next().await {
            if sender.send(change.unwrap()).await.is_err() {
                return;
            }
        }
    });
    store.wait_until_ready().await.unwrap();
    let apply = |manager: &str, value: &str| {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": {"kept": "here"}},
            "data": {"k": value}});
        (PatchParams::apply(manager), Patch::Apply(object))
    };
    let (one, patch) = apply("one", "1");
    let applied = api.patch("a", &one, &patch).await.unwrap();
    assert_eq!(applied.managed_fields()[0].manager.as_deref(), Some("one"));
    assert_eq!(seen.recv().await.unwrap().name_any(), "a");
    assert_eq!(store.state().len(), 1);
    let (two, patch) = apply("two", "2");
    match api.patch("a", &two, &patch).await {
        Err(kube::Error::Api(status)) => assert_eq!((status.code, status.reason.as_str()), (409, "Conflict")),
        other => panic!("a field of another manager was taken: {other:?}"),
    }
    api.patch("a", &two.force(), &patch).await.unwrap();
    let changed = seen.recv().await.unwrap();
    assert_eq!(changed.data.unwrap_or_default().get("k").map(String::as_str), Some("2"));
    api.delete("a", &DeleteParams::default()).await.unwrap();
    seen.recv().await.unwrap();
    assert!(store.state().is_empty());
}

/// A kind of our own, from its definition to its status.
async fn ships(client: Client, namespace: &str) {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let name = Ship::crd_name();
    let apply = PatchParams::apply("rust").force();
    definitions
        .patch(name, &apply, &Patch::Apply(Ship::crd()))
        .await
        .unwrap();
    await_condition(definitions.clone(), name, conditions::is_crd_established())
        .await
        .unwrap();
    let ships: Api<Ship> = Api::namespaced(client, namespace);
    let ship = |masts| {
        Ship::new(
            "pequod",
            ShipSpec {
                masts,
                crew: vec!["Ishmael".to_owned()],
            },
        )
    };
    match ships.create(&PostParams::default(), &ship(9)).await {
        Err(kube::Error::Api(status)) => assert!(status.message.contains("spec.masts"), "{}", status.message),
        other => panic!("nine masts: {other:?}"),
    }
    let mut events = Box::pin(watcher(ships.clone(), watcher::Config::default()).applied_objects());
    let made = ships.patch("pequod", &apply, &Patch::Apply(ship(3))).await.unwrap();
    assert_eq!((made.spec.masts, made.spec.crew.len()), (3, 1));
    assert_eq!(events.next().await.unwrap().unwrap().name_any(), "pequod");
    let afloat = json!({"apiVersion": "sea.example.com/v1", "kind": "Ship", "status": {"afloat": true}});
    let told = ships
        .patch_status("pequod", &apply, &Patch::Apply(afloat))
        .await
        .unwrap();
    assert!(told.status.unwrap_or_default().afloat);
    let uid = made.uid().unwrap();
    ships.delete("pequod", &DeleteParams::default()).await.unwrap();
    await_condition(ships, "pequod", conditions::is_deleted(&uid))
        .await
        .unwrap();
    definitions.delete(name, &DeleteParams::default()).await.unwrap();
}
