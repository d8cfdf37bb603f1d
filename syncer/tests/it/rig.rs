//! A hub, simulated members and the syncers between them. Placements are written by hand, so that each test says exactly what
//! the hub wants.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::{HeartbeatSpec, ObjectRef, ReportSpec};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use federation_apiserver::store::MemoryStore;
use federation_apiserver::{ApiServer, Profile, ServerConfig, UserInfo};
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use simulated::{Member, MemberConfig};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::liar::Liar;

const GROUP: &str = "federation.meridian.dev/v1alpha1";
const PATIENCE: Duration = Duration::from_secs(40);

pub(crate) fn object(value: Value) -> DynamicObject {
    serde_json::from_value(value).unwrap()
}

pub(crate) fn deployment(name: &str, replicas: i64) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": name, "image": format!("{name}:1"), "resources": {"requests": {"cpu": "0.5", "memory": "1024Mi"}}}]}}}})
}

pub(crate) fn service(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"type": "LoadBalancer", "selector": {"app": name}, "ports": [{"port": 18080, "targetPort": 8080}]}})
}

pub(crate) struct Rig {
    _hub: ApiServer,
    client: Client,
    members: BTreeMap<String, Member>,
    /// The way to a member that does not always tell the truth.
    liar: Option<(String, Liar)>,
    syncers: Option<(CancellationToken, JoinHandle<()>)>,
}

impl Rig {
    pub(crate) async fn start(names: &[&str]) -> Self {
        let hub = ApiServer::new(Arc::new(MemoryStore::default()), ServerConfig::new(Profile::Hub))
            .await
            .unwrap();
        let client = Client::new(hub.local(UserInfo::internal("test")), "default");
        let mut rig = Self {
            _hub: hub,
            client,
            members: BTreeMap::new(),
            liar: None,
            syncers: None,
        };
        for name in names {
            rig.join(name).await;
        }
        rig.start_syncers();
        rig
    }

    /// With one member that is reached by a liar.
    pub(crate) async fn start_lying(name: &str) -> (Self, Liar) {
        let mut rig = Self::start(&[]).await;
        rig.stop_syncers().await;
        rig.join(name).await;
        let liar = Liar::new(rig.member(name).near_client());
        rig.liar = Some((name.to_owned(), liar.clone()));
        rig.start_syncers();
        (rig, liar)
    }

    async fn join(&mut self, name: &str) {
        // Tests run at once: each member needs addresses of its own.
        let second = rand::random_range(16..250_u8);
        let third = rand::random_range(0..=255_u8);
        let mut config = MemberConfig::new(name, format!("127.{second}.{third}.0/24").parse().unwrap());
        config.ready_delay = Duration::from_millis(100);
        let member = Member::start(config).await.unwrap();
        self.put(
            "meridian-system",
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": format!("cluster-{name}")}, "data": {
                "tls.crt": STANDARD.encode(member.client_certificate_pem()),
                "tls.key": STANDARD.encode(member.client_key_pem())}}),
        )
        .await;
        self.put(
            "",
            json!({"apiVersion": GROUP, "kind": "Cluster", "metadata": {"name": name}, "spec": {
                "id": member.identity(), "syncMode": "Push", "apiEndpoint": member.endpoint(),
                "caBundle": STANDARD.encode(member.ca_pem()),
                "secretRef": {"namespace": "meridian-system", "name": format!("cluster-{name}")}}}),
        )
        .await;
        self.members.insert(name.to_owned(), member);
    }

    pub(crate) fn start_syncers(&mut self) {
        let stop = CancellationToken::new();
        let liar = self.liar.clone();
        let nearby: syncer::Nearby = Arc::new(move |name| {
            let (liar, way) = liar.as_ref()?;
            (liar == name).then(|| way.client())
        });
        let task = tokio::spawn(syncer::supervise(self.client.clone(), nearby, stop.clone()));
        self.syncers = Some((stop, task));
    }

    pub(crate) async fn stop_syncers(&mut self) {
        if let Some((stop, task)) = self.syncers.take() {
            stop.cancel();
            task.await.unwrap();
        }
    }

    pub(crate) fn member(&self, name: &str) -> &Member {
        &self.members[name]
    }

    pub(crate) fn api(client: Client, api_version: &str, kind: &str, namespace: &str) -> Api<DynamicObject> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let resource = ApiResource {
            group: group.into(),
            version: version.into(),
            api_version: api_version.into(),
            kind: kind.into(),
            plural: format!("{}s", kind.to_lowercase()),
        };
        if namespace.is_empty() {
            Api::all_with(client, &resource)
        } else {
            Api::namespaced_with(client, namespace, &resource)
        }
    }

    fn hub(&self, api_version: &str, kind: &str, namespace: &str) -> Api<DynamicObject> {
        Self::api(self.client.clone(), api_version, kind, namespace)
    }

    pub(crate) fn member_api(
        &self,
        cluster: &str,
        api_version: &str,
        kind: &str,
        namespace: &str,
    ) -> Api<DynamicObject> {
        Self::api(self.member(cluster).local_client(), api_version, kind, namespace)
    }

    pub(crate) async fn put(&self, namespace: &str, value: Value) {
        let api = self.hub(
            value["apiVersion"].as_str().unwrap(),
            value["kind"].as_str().unwrap(),
            namespace,
        );
        api.create(&PostParams::default(), &object(value)).await.unwrap();
    }

    pub(crate) async fn patch(&self, namespace: &str, api_version: &str, kind: &str, name: &str, patch: Value) {
        let strategic = !api_version.contains("meridian");
        let api = self.hub(api_version, kind, namespace);
        if strategic {
            api.patch(name, &PatchParams::default(), &Patch::Strategic(&patch))
                .await
                .unwrap();
        } else {
            api.patch(name, &PatchParams::default(), &Patch::Merge(&patch))
                .await
                .unwrap();
        }
    }

    pub(crate) async fn delete(&self, namespace: &str, api_version: &str, kind: &str, name: &str) {
        let params = kube::api::DeleteParams::background();
        self.hub(api_version, kind, namespace)
            .delete(name, &params)
            .await
            .unwrap();
    }

    pub(crate) async fn uid(&self, namespace: &str, api_version: &str, kind: &str, name: &str) -> String {
        let found = self.hub(api_version, kind, namespace).get(name).await.unwrap();
        found.metadata.uid.unwrap()
    }

    /// A namespace on the hub and in clusters.
    pub(crate) async fn namespace(&self, name: &str, clusters: &[&str]) {
        self.put(
            "",
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}),
        )
        .await;
        self.place("", "v1", "Namespace", name, clusters).await;
    }

    /// Writes the Placement of an object, spec and rows.
    pub(crate) async fn place(&self, namespace: &str, api_version: &str, kind: &str, name: &str, clusters: &[&str]) {
        let uid = self
            .hub(api_version, kind, namespace)
            .get(name)
            .await
            .unwrap()
            .metadata
            .uid
            .unwrap();
        let resource = ObjectRef {
            api_version: api_version.into(),
            kind: kind.into(),
            namespace: namespace.into(),
            name: name.into(),
            uid,
        };
        let key = resource.placement_key();
        let replicas = (kind == "Deployment").then(|| {
            let api = self.hub(api_version, kind, namespace);
            async move { api.get(name).await.unwrap().data["spec"]["replicas"].as_i64() }
        });
        let replicas = match replicas {
            Some(read) => read.await,
            None => None,
        };
        let targets: Vec<Value> = clusters
            .iter()
            .map(|c| match replicas {
                Some(replicas) => json!({"name": c, "replicas": replicas}),
                None => json!({"name": c}),
            })
            .collect();
        let rows: Vec<Value> = clusters
            .iter()
            .map(|c| json!({"name": c, "applied": false, "observedHubGeneration": 0}))
            .collect();
        self.put(
            &key.namespace,
            json!({"apiVersion": GROUP, "kind": "Placement", "metadata": {"name": key.name},
                "spec": {"resource": resource, "resourceGeneration": 1, "clusters": targets, "reason": "test"}}),
        )
        .await;
        let status = json!({"status": {"clusters": rows}});
        self.hub(GROUP, "Placement", &key.namespace)
            .patch_status(&key.name, &PatchParams::default(), &Patch::Merge(&status))
            .await
            .unwrap();
    }

    /// No cluster should hold it any more; their rows stay until they confirm.
    pub(crate) async fn withdraw(&self, namespace: &str, placement: &str) {
        let patch = json!({"spec": {"clusters": []}});
        self.hub(GROUP, "Placement", namespace)
            .patch(placement, &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .unwrap();
    }

    pub(crate) async fn forget_placement(&self, namespace: &str, placement: &str) {
        self.hub(GROUP, "Placement", namespace)
            .delete(placement, &kube::api::DeleteParams::default())
            .await
            .unwrap();
    }

    /// Waits until something is there.
    pub(crate) async fn until<T, F: Future<Output = Option<T>>>(&self, what: &str, mut look: impl FnMut() -> F) -> T {
        let begun = tokio::time::Instant::now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(begun.elapsed() < PATIENCE, "in vain: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn member_object(
        &self,
        cluster: &str,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Value {
        let api = self.member_api(cluster, api_version, kind, namespace);
        let found = self
            .until(&format!("{kind} {name} in {cluster}"), || async {
                api.get_opt(name).await.ok().flatten()
            })
            .await;
        serde_json::to_value(found).unwrap()
    }

    /// Waits for a report that satisfies `wanted`.
    pub(crate) async fn report(
        &self,
        cluster: &str,
        namespace: &str,
        placement: &str,
        wanted: impl Fn(&ReportSpec) -> bool,
    ) -> ReportSpec {
        let api = self.hub(GROUP, "Report", namespace);
        let name = format!("{cluster}.{placement}");
        let last = std::cell::RefCell::new(None);
        let look = || async {
            let found = api.get_opt(&name).await.unwrap()?;
            let report: ReportSpec = serde_json::from_value(found.data["spec"].clone()).unwrap();
            if wanted(&report) {
                return Some(report);
            }
            *last.borrow_mut() = Some(report);
            None
        };
        let begun = tokio::time::Instant::now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "in vain: report {namespace}/{name}; the last was {:?}",
                last.borrow()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits for a heartbeat later than the present one.
    pub(crate) async fn next_heartbeat(&self, cluster: &str) {
        let api = self.hub(GROUP, "Heartbeat", "");
        let received =
            |h: Option<DynamicObject>| h.and_then(|h| h.data["spec"]["received"].as_str().map(str::to_owned));
        let first = received(api.get_opt(cluster).await.unwrap());
        self.until("a newer heartbeat", || async {
            (received(api.get_opt(cluster).await.unwrap()) != first).then_some(())
        })
        .await;
    }

    pub(crate) async fn heartbeat(&self, cluster: &str, wanted: impl Fn(&HeartbeatSpec) -> bool) -> HeartbeatSpec {
        let api = self.hub(GROUP, "Heartbeat", "");
        self.until(&format!("heartbeat of {cluster}"), || async {
            let found = api.get_opt(cluster).await.unwrap()?;
            let pulse: HeartbeatSpec = serde_json::from_value(found.data["spec"].clone()).unwrap();
            wanted(&pulse).then_some(pulse)
        })
        .await
    }

    /// Versions of everything of the first kinds in a member's namespace.
    pub(crate) async fn member_versions(&self, cluster: &str, namespace: &str) -> BTreeMap<String, String> {
        let mut versions = BTreeMap::new();
        for (api_version, kind) in [("apps/v1", "Deployment"), ("v1", "Service"), ("v1", "ConfigMap")] {
            for item in self
                .member_api(cluster, api_version, kind, namespace)
                .list(&ListParams::default())
                .await
                .unwrap()
            {
                versions.insert(
                    format!("{kind}/{}", item.metadata.name.unwrap()),
                    item.metadata.resource_version.unwrap(),
                );
            }
        }
        versions
    }
}
