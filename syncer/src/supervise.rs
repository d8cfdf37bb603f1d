//! One syncer for each push cluster of the hub, each alone with its troubles.
//!
//! In: Clusters and the Secrets with their credentials. Out: one running task a cluster. A cluster whose endpoint, identity or
//! credentials change gets a new task; one whose task ends or panics gets another after a while. Absent: joining.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use api::well_known::SYSTEM_NAMESPACE;
use api::{Cluster, ObjectMeta, SyncMode};
use futures::StreamExt;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::runtime::watcher::{self, Event};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::access::{MemberAccess, MemberSource};
use crate::apply::within;
use crate::backoff::Backoff;
use crate::error::chain;
use crate::{SyncerConfig, run};

/// Longest wait for a Secret of the hub.
const SECRET_TIMEOUT: Duration = Duration::from_secs(5);
/// Time after which Clusters without usable credentials are looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// A client for a cluster that lives in this process, by name; none for all others.
pub type Nearby = Arc<dyn Fn(&str) -> Option<Client> + Send + Sync>;

/// Runs the syncers of all push clusters until shutdown. Those that are `nearby` are reached without a socket.
pub async fn supervise(hub: Client, nearby: Nearby, shutdown: CancellationToken) {
    Supervisor::new(hub, None, nearby).run(shutdown).await;
}

/// Runs the syncer of one cluster, whatever its mode, until shutdown.
pub async fn supervise_one(hub: Client, cluster: String, shutdown: CancellationToken) {
    Supervisor::new(hub, Some(cluster), Arc::new(|_| None))
        .run(shutdown)
        .await;
}

/// What a task was started with; a difference starts another.
#[derive(Clone, PartialEq)]
struct Setup {
    access: MemberAccess,
    identity: Option<String>,
    dns_addresses: Vec<String>,
}

struct Running {
    setup: Setup,
    stop: CancellationToken,
}

struct Supervisor {
    hub: Client,
    only: Option<String>,
    nearby: Nearby,
    clusters: BTreeMap<String, Cluster>,
    /// Secrets of the system namespace as last seen; decides when credentials changed.
    secrets: HashMap<String, BTreeMap<String, Vec<u8>>>,
    running: HashMap<String, Running>,
    tasks: JoinSet<String>,
    said: HashMap<String, String>,
}

impl Supervisor {
    fn new(hub: Client, only: Option<String>, nearby: Nearby) -> Self {
        Self {
            hub,
            only,
            nearby,
            clusters: BTreeMap::new(),
            secrets: HashMap::new(),
            running: HashMap::new(),
            tasks: JoinSet::new(),
            said: HashMap::new(),
        }
    }

    async fn run(mut self, shutdown: CancellationToken) {
        let cluster_kind = ApiResource {
            group: api::well_known::GROUP.to_owned(),
            version: api::well_known::VERSION.to_owned(),
            api_version: api::well_known::API_VERSION.to_owned(),
            kind: "Cluster".to_owned(),
            plural: "clusters".to_owned(),
        };
        let clusters: Api<DynamicObject> = Api::all_with(self.hub.clone(), &cluster_kind);
        let mut clusters = watcher::watcher(clusters, watcher::Config::default().timeout(60)).boxed();
        let secrets: Api<Secret> = Api::namespaced(self.hub.clone(), SYSTEM_NAMESPACE);
        let mut secrets = watcher::watcher(secrets, watcher::Config::default().timeout(60)).boxed();
        let mut listing: Option<BTreeMap<String, Cluster>> = None;
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(3));
        let mut look_again = tokio::time::interval(LOOK_AGAIN);
        loop {
            let failed = tokio::select! {
                () = shutdown.cancelled() => break,
                event = clusters.next() => match event {
                    Some(Ok(event)) => {
                        self.cluster_event(event, &mut listing).await;
                        None
                    }
                    Some(Err(error)) => Some(error),
                    None => break,
                },
                event = secrets.next() => match event {
                    Some(Ok(event)) => {
                        self.secret_event(event).await;
                        None
                    }
                    Some(Err(error)) => Some(error),
                    None => break,
                },
                Some(ended) = self.tasks.join_next(), if !self.tasks.is_empty() => {
                    match ended {
                        Ok(cluster) => tracing::debug!(cluster, "syncer stopped"),
                        Err(error) => tracing::error!(error = chain(&error), "a syncer's keeper ended"),
                    }
                    None
                }
                _ = look_again.tick() => {
                    self.reconsider_all().await;
                    None
                }
            };
            match failed {
                None => backoff.reset(),
                Some(error) => {
                    if backoff.attempts() == 0 {
                        tracing::warn!(
                            error = chain(&error),
                            "the hub's Clusters cannot be followed; the syncers go on as they are"
                        );
                    }
                    let delay = backoff.next();
                    tokio::select! {
                        () = shutdown.cancelled() => break,
                        () = tokio::time::sleep(delay) => {}
                    }
                }
            }
        }
        for running in self.running.values() {
            running.stop.cancel();
        }
        while self.tasks.join_next().await.is_some() {}
    }

    async fn cluster_event(&mut self, event: Event<DynamicObject>, listing: &mut Option<BTreeMap<String, Cluster>>) {
        match event {
            Event::Init => *listing = Some(BTreeMap::new()),
            Event::InitApply(object) => {
                let name = object.metadata.name.as_deref().unwrap_or_default();
                let cluster = read(&object).or_else(|| self.clusters.get(name).cloned());
                if let (Some(listing), Some(cluster)) = (listing, cluster) {
                    listing.insert(name.to_owned(), cluster);
                }
            }
            Event::InitDone => {
                if let Some(listed) = listing.take() {
                    self.clusters = listed;
                    self.reconsider_all().await;
                }
            }
            Event::Apply(object) => {
                if let Some(cluster) = read(&object) {
                    let name = cluster.metadata.name().to_owned();
                    // Most changes are of the status and mean nothing here.
                    let same = self.clusters.get(&name).is_some_and(|known| known.spec == cluster.spec);
                    self.clusters.insert(name.clone(), cluster);
                    if !same || !self.running.contains_key(&name) {
                        self.reconsider(&name).await;
                    }
                }
            }
            Event::Delete(object) => {
                let name = object.metadata.name.unwrap_or_default();
                self.clusters.remove(&name);
                self.reconsider(&name).await;
            }
        }
    }

    async fn secret_event(&mut self, event: Event<Secret>) {
        let (secret, gone) = match event {
            Event::Apply(secret) | Event::InitApply(secret) => (secret, false),
            Event::Delete(secret) => (secret, true),
            Event::Init | Event::InitDone => return,
        };
        let name = secret.metadata.name.clone().unwrap_or_default();
        let data = decoded(secret);
        if gone {
            // The running syncer keeps what it has: credentials that are gone are no order to stop.
            self.secrets.remove(&name);
            return;
        }
        if self.secrets.insert(name.clone(), data.clone()) != Some(data) {
            let users: Vec<String> = self
                .clusters
                .values()
                .filter(|c| {
                    c.spec
                        .secret_ref
                        .as_ref()
                        .is_some_and(|r| r.namespace == SYSTEM_NAMESPACE && r.name == name)
                })
                .map(|c| c.metadata.name().to_owned())
                .collect();
            for cluster in users {
                self.reconsider(&cluster).await;
            }
        }
    }

    async fn reconsider_all(&mut self) {
        let mut names: Vec<String> = self.clusters.keys().cloned().collect();
        names.extend(
            self.running
                .keys()
                .filter(|name| !self.clusters.contains_key(*name))
                .cloned(),
        );
        for name in names {
            self.reconsider(&name).await;
        }
    }

    /// Starts, restarts or stops the syncer of one cluster, or leaves it alone.
    async fn reconsider(&mut self, name: &str) {
        let wanted = self.clusters.get(name).filter(|cluster| match &self.only {
            Some(only) => only == name,
            None => cluster.spec.sync_mode == SyncMode::Push,
        });
        let Some(cluster) = wanted.cloned() else {
            if let Some(running) = self.running.remove(name) {
                tracing::info!(cluster = name, "the syncer stops; nothing changes in the member");
                running.stop.cancel();
            }
            return;
        };
        let setup = match self.setup(&cluster).await {
            Ok(setup) => {
                self.said.remove(name);
                setup
            }
            Err(message) => {
                if self.said.get(name) != Some(&message) {
                    tracing::warn!(cluster = name, message, "the syncer cannot be started or renewed");
                    self.said.insert(name.to_owned(), message);
                }
                return;
            }
        };
        if let Some(running) = self.running.get(name) {
            if running.setup == setup {
                return;
            }
            tracing::info!(
                cluster = name,
                "endpoint, identity or credentials changed; the syncer starts anew"
            );
            running.stop.cancel();
        }
        let stop = CancellationToken::new();
        let config = SyncerConfig {
            cluster: name.to_owned(),
            hub: self.hub.clone(),
            member: match (self.nearby)(name) {
                Some(client) => MemberSource::Client(client),
                None => MemberSource::Access(setup.access.clone()),
            },
            identity: setup.identity.clone(),
            dns_addresses: setup.dns_addresses.clone(),
        };
        self.tasks.spawn(keep(config, stop.clone()));
        self.running.insert(name.to_owned(), Running { setup, stop });
    }

    async fn setup(&mut self, cluster: &Cluster) -> Result<Setup, String> {
        let mut secret = BTreeMap::new();
        if let Some(reference) = &cluster.spec.secret_ref {
            let known = (reference.namespace == SYSTEM_NAMESPACE)
                .then(|| self.secrets.get(&reference.name))
                .flatten();
            secret = match known {
                Some(data) => data.clone(),
                None => {
                    let api: Api<Secret> = Api::namespaced(self.hub.clone(), &reference.namespace);
                    let found = within(SECRET_TIMEOUT, api.get(&reference.name)).await.map_err(|error| {
                        let Cluster { metadata, .. } = cluster;
                        let name = metadata.name();
                        let (namespace, secret) = (&reference.namespace, &reference.name);
                        format!(
                            "Secret {namespace}/{secret} with the credentials of cluster {name} cannot be read: {}; next: \
                             meridian join {name} --kubeconfig FILE --repair",
                            chain(&error)
                        )
                    })?;
                    decoded(found)
                }
            };
        }
        let access = MemberAccess::read(cluster, &secret).map_err(|error| chain(&error))?;
        let dns_addresses = cluster
            .spec
            .dns
            .as_ref()
            .map(|dns| dns.addresses.clone())
            .unwrap_or_default();
        Ok(Setup {
            access,
            identity: cluster.spec.id.clone(),
            dns_addresses,
        })
    }
}

/// Keeps one syncer running: what ends it is logged, and it starts again after a while.
pub(crate) async fn keep(config: SyncerConfig, stop: CancellationToken) -> String {
    let cluster = config.cluster.clone();
    let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
    while !stop.is_cancelled() {
        let mut task = JoinSet::new();
        task.spawn(run(config.clone(), stop.clone()));
        match task.join_next().await {
            Some(Ok(Ok(()))) | None => continue,
            Some(Ok(Err(error))) => tracing::error!(cluster, error = chain(&error), "the syncer ended"),
            Some(Err(error)) => tracing::error!(cluster, error = chain(&error), "the syncer panicked"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(backoff.next()) => {}
        }
    }
    cluster
}

fn decoded(secret: Secret) -> BTreeMap<String, Vec<u8>> {
    secret
        .data
        .into_iter()
        .flatten()
        .map(|(key, value)| (key, value.0))
        .collect()
}

pub(crate) fn read(object: &DynamicObject) -> Option<Cluster> {
    let metadata = ObjectMeta {
        name: object.metadata.name.clone(),
        ..ObjectMeta::default()
    };
    let spec = object
        .data
        .get("spec")
        .cloned()
        .unwrap_or_else(|| serde_json::json!({}));
    match serde_json::from_value(spec) {
        Ok(spec) => Some(Cluster {
            metadata,
            spec,
            ..Cluster::default()
        }),
        Err(error) => {
            tracing::error!(cluster = metadata.name(), %error, "the Cluster cannot be read; its syncer stays as it is");
            None
        }
    }
}
