//! A hub with its controllers, and members that do as they are told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use api::report::{ReportBatch, ReportSpec, ReportState};
use api::{HeartbeatSpec, Manifest, ManifestAction, PlacementKey};
use federation_apiserver::store::MemoryStore;
use federation_apiserver::{ApiServer, Profile, ServerConfig, UserInfo};
use kube::Client;
use kube::api::{DeleteParams, GetParams, Patch, PatchParams, PostParams};
use kube::core::Request;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) const OURS: &str = "/apis/federation.meridian.dev/v1alpha1";
const PATIENCE: Duration = Duration::from_secs(20);

/// A hub and what runs on it.
pub(crate) struct Hub {
    pub(crate) client: Client,
    _server: ApiServer,
    controllers: Mutex<Option<(CancellationToken, JoinHandle<()>)>>,
}

impl Hub {
    pub(crate) async fn start() -> Self {
        let server = ApiServer::new(Arc::new(MemoryStore::default()), ServerConfig::new(Profile::Hub))
            .await
            .unwrap();
        let user = UserInfo::new("admin", ["system:masters"]);
        let client = Client::new(server.local(user), "default");
        let hub = Self {
            client,
            _server: server,
            controllers: Mutex::new(None),
        };
        hub.start_controllers();
        hub
    }

    pub(crate) fn start_controllers(&self) {
        let shutdown = CancellationToken::new();
        let run = controllers::run(self.client.clone(), shutdown.clone(), controllers::Options::default());
        let task = tokio::spawn(async move { run.await.unwrap() });
        *self.controllers.lock().unwrap() = Some((shutdown, task));
    }

    pub(crate) async fn stop_controllers(&self) {
        let running = self.controllers.lock().unwrap().take();
        if let Some((shutdown, task)) = running {
            shutdown.cancel();
            task.await.unwrap();
        }
    }

    pub(crate) async fn create(&self, collection: &str, object: Value) -> Value {
        let request = Request::new(collection)
            .create(&PostParams::default(), object.to_string().into_bytes())
            .unwrap();
        self.client
            .request(request)
            .await
            .unwrap_or_else(|error| panic!("create in {collection}: {error}"))
    }

    pub(crate) async fn get(&self, collection: &str, name: &str) -> Option<Value> {
        let request = Request::new(collection).get(name, &GetParams::default()).unwrap();
        match self.client.request(request).await {
            Ok(object) => Some(object),
            Err(kube::Error::Api(status)) if status.code == 404 => None,
            Err(error) => panic!("get {collection}/{name}: {error}"),
        }
    }

    pub(crate) async fn list(&self, collection: &str) -> Value {
        let request = Request::new(collection)
            .list(&kube::api::ListParams::default())
            .unwrap();
        self.client.request(request).await.unwrap()
    }

    pub(crate) async fn merge(&self, collection: &str, name: &str, patch: Value) -> Value {
        let request = Request::new(collection)
            .patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .unwrap();
        self.client
            .request(request)
            .await
            .unwrap_or_else(|error| panic!("patch {collection}/{name}: {error}"))
    }

    pub(crate) async fn delete(&self, collection: &str, name: &str, params: &DeleteParams) {
        let request = Request::new(collection).delete(name, params).unwrap();
        let _: Value = self
            .client
            .request(request)
            .await
            .unwrap_or_else(|error| panic!("delete {name}: {error}"));
    }

    /// Waits until the objects of a collection are as wanted.
    pub(crate) async fn until_listed(&self, what: &str, collection: &str, wanted: impl Fn(&[Value]) -> bool) {
        let began = Instant::now();
        loop {
            let list = self.list(collection).await;
            let items = list["items"].as_array().cloned().unwrap_or_default();
            if wanted(&items) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{what}: {collection} has still {items:#?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until an object, or its absence, is as wanted.
    pub(crate) async fn until(
        &self,
        what: &str,
        collection: &str,
        name: &str,
        wanted: impl Fn(Option<&Value>) -> bool,
    ) -> Option<Value> {
        let began = Instant::now();
        loop {
            let object = self.get(collection, name).await;
            if wanted(object.as_ref()) {
                return object;
            }
            let text = object.map(|object| format!("{object:#}")).unwrap_or_default();
            assert!(
                began.elapsed() < PATIENCE,
                "{what}: {collection}/{name} is still {text}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Registers a cluster and plays its member.
    pub(crate) async fn join(&self, name: &str) -> Member {
        let cluster = json!({
            "apiVersion": "federation.meridian.dev/v1alpha1", "kind": "Cluster",
            "metadata": {"name": name, "finalizers": ["federation.meridian.dev/unjoin"]},
            "spec": {"syncMode": "Push", "apiEndpoint": "https://127.0.0.1:1", "region": name.split('-').next().unwrap()},
        });
        self.create(&format!("{OURS}/clusters"), cluster).await;
        let member = Member::play(self.client.clone(), name);
        self.until("ready", &format!("{OURS}/clusters"), name, |cluster| {
            ready(cluster) == "True"
        })
        .await;
        member
    }

    pub(crate) async fn namespace(&self, name: &str) {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        self.create("/api/v1/namespaces", namespace).await;
    }
}

pub(crate) fn ready(cluster: Option<&Value>) -> String {
    condition(cluster, "Ready")
}

pub(crate) fn condition(object: Option<&Value>, type_: &str) -> String {
    let conditions = object
        .and_then(|object| object.pointer("/status/conditions"))
        .and_then(Value::as_array);
    let found = conditions
        .into_iter()
        .flatten()
        .find(|condition| condition["type"] == type_);
    found
        .and_then(|condition| condition["status"].as_str())
        .unwrap_or_default()
        .to_owned()
}

/// A member that is played: alive until it is dropped or silenced.
pub(crate) struct Member {
    stop: CancellationToken,
    /// Refuses every manifest with these words.
    pub(crate) refuses: Arc<Mutex<Option<String>>>,
    /// Processors that are free on its one node; it has no nodes where absent.
    pub(crate) free: Arc<Mutex<Option<i64>>>,
    /// What it holds, by Placement.
    pub(crate) holds: Arc<Mutex<BTreeMap<PlacementKey, Value>>>,
}

impl Drop for Member {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Member {
    fn play(client: Client, name: &str) -> Self {
        let stop = CancellationToken::new();
        let refuses: Arc<Mutex<Option<String>>> = Arc::default();
        let holds: Arc<Mutex<BTreeMap<PlacementKey, Value>>> = Arc::default();
        let free: Arc<Mutex<Option<i64>>> = Arc::default();
        let (name, token, refusal, held) = (name.to_owned(), stop.clone(), refuses.clone(), holds.clone());
        let cpus = free.clone();
        tokio::spawn(async move {
            while !token.is_cancelled() {
                // The hub refuses a cluster that has left: the play is over.
                if round(&client, &name, &refusal, &cpus, &held).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        Self {
            stop,
            refuses,
            free,
            holds,
        }
    }

    /// Its syncer falls silent.
    pub(crate) fn silence(&self) {
        self.stop.cancel();
    }
}

async fn round(
    client: &Client,
    name: &str,
    refuses: &Mutex<Option<String>>,
    free: &Mutex<Option<i64>>,
    holds: &Mutex<BTreeMap<PlacementKey, Value>>,
) -> Result<(), kube::Error> {
    let request = Request::new(format!("{OURS}/clusters/{name}/manifests"));
    let list: Value = client
        .request(request.list(&kube::api::ListParams::default()).unwrap())
        .await?;
    let mut reports = Vec::new();
    let refusal = refuses.lock().unwrap().clone();
    for item in list["items"].as_array().cloned().unwrap_or_default() {
        let manifest: Manifest = serde_json::from_value(item).unwrap();
        reports.push(obey(&manifest, refusal.as_deref(), &mut holds.lock().unwrap()));
    }
    let capacity = free.lock().unwrap().map(|cpus| {
        let room = json!({"cpu": cpus.to_string(), "pods": "110"});
        serde_json::from_value(json!({"groups": [{"nodes": 1, "allocatable": room, "requested": {},
            "free": [{"nodes": 1, "resources": room}]}]}))
        .unwrap()
    });
    let heartbeat = HeartbeatSpec {
        reachable: true,
        capacity,
        kubernetes_version: "v1.36.0".into(),
        ..HeartbeatSpec::default()
    };
    let body = serde_json::to_vec(&ReportBatch { heartbeat, reports }).unwrap();
    let request = Request::new(format!("{OURS}/clusters/{name}/reports"));
    let _: Value = client
        .request(request.create(&PostParams::default(), body).unwrap())
        .await?;
    Ok(())
}

fn obey(manifest: &Manifest, refusal: Option<&str>, holds: &mut BTreeMap<PlacementKey, Value>) -> ReportSpec {
    let mut report = ReportSpec {
        placement: manifest.key(),
        placement_uid: manifest.metadata.uid.clone().unwrap_or_default(),
        ..ReportSpec::default()
    };
    if let Some(words) = refusal {
        report.state = ReportState::Failed;
        report.message = words.to_owned();
        return report;
    }
    match manifest.spec.action {
        ManifestAction::Apply => {
            let object = &manifest.spec.object;
            holds.insert(manifest.key(), object.clone());
            report.state = ReportState::Applied;
            report.hash.clone_from(&manifest.spec.hash);
            report.observed_hub_generation = manifest.spec.hub_generation;
            report.ready = Some(true);
            if object["kind"] == "Deployment" {
                let replicas = &object["spec"]["replicas"];
                report.status = json!({
                    "replicas": replicas, "updatedReplicas": replicas, "readyReplicas": replicas,
                    "availableReplicas": replicas,
                    "conditions": [{"type": "Available", "status": "True"}],
                });
            }
            if object["spec"]["type"] == "LoadBalancer" {
                report.addresses = vec!["127.101.0.1".to_owned()];
                report.ready_endpoints = Some(1);
            }
        }
        ManifestAction::Absent | ManifestAction::Release => {
            holds.remove(&manifest.key());
            report.state = ReportState::Absent;
        }
        ManifestAction::Hold => {}
    }
    report
}
