//! The member's pulse: whether its API answers, whether it is the cluster it is said to be, what it is made of.
//!
//! In: requests to the member, once a second. Out: heartbeats, and to the engine whether there is a member to work with.
//! Absent: verdicts over time (the hub's health controller).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use api::HeartbeatSpec;
use api::cluster::{NodeSummary, ResourceSummary};
use api::quantity;
use api::well_known::FEDERATION_ANNOTATION;
use k8s_openapi::api::core::v1::{Namespace, Node};
use kube::Client;
use kube::api::{Api, ListParams};
use tokio::sync::{OnceCell, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::access::{MemberSource, REQUEST_TIMEOUT};
use crate::apply::within;
use crate::capacity::Sight;
use crate::error::{RequestError, chain};
use crate::input::Input;
use crate::kinds;
use crate::report::Outbox;

/// Time between two probes.
const PERIOD: Duration = Duration::from_secs(1);
/// Longest wait for the readiness check.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
/// Time between two looks at what the member is made of.
const FACTS_PERIOD: Duration = Duration::from_secs(30);
/// Looks at what the member is made of after its definitions changed: that a kind is served follows a little later.
const LOOKS_AFTER_DEFINITION: u32 = 3;
/// Failed probes in a row after which the session with the member is given up. The heartbeat says so after the first.
const GIVE_UP: u32 = 2;

/// Who is probed, and who is told.
pub(crate) struct Probe {
    pub(crate) cluster: Arc<str>,
    pub(crate) source: MemberSource,
    /// Uid of `kube-system` that the Cluster object names.
    pub(crate) identity: Option<String>,
    /// Asked once who it is, where the member says whose it is.
    pub(crate) hub: Client,
    /// Who the hub said it is: known from then on, also while it is away.
    pub(crate) federation: OnceCell<String>,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) engine: mpsc::Sender<Input>,
    /// Changes when the member's definitions do, and with them perhaps which kinds it serves.
    pub(crate) definitions: watch::Receiver<()>,
    /// The newest version of anything that was seen in the member.
    pub(crate) newest: Arc<AtomicU64>,
}

/// Why a member cannot be worked with.
struct Unusable {
    /// In one line.
    message: String,
    /// Another cluster answers, or another federation's: not one more request may go there.
    stranger: bool,
}

impl Unusable {
    fn silent(message: String) -> Self {
        Self {
            message,
            stranger: false,
        }
    }
}

impl Probe {
    /// Probes until shutdown.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let mut heartbeat = HeartbeatSpec::default();
        let mut client: Option<Client> = None;
        let mut up = false;
        let mut failures = 0_u32;
        let mut facts_due = Instant::now();
        let mut looks_left = 0_u32;
        let mut sight: Option<Sight> = None;
        let mut tick = tokio::time::interval(PERIOD);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = tick.tick() => {}
                Ok(()) = self.definitions.changed() => looks_left = LOOKS_AFTER_DEFINITION,
            }
            // After a failure another cluster may answer at the same address.
            let full = !up || failures > 0 || looks_left > 0 || Instant::now() >= facts_due;
            looks_left = looks_left.saturating_sub(1);
            let looked = tokio::select! {
                () = shutdown.cancelled() => return,
                looked = self.look(client.take(), full, &mut heartbeat) => looked,
            };
            let news = match looked {
                Ok(reached) => {
                    let mut restored = false;
                    if full {
                        facts_due = Instant::now() + FACTS_PERIOD;
                        restored = self.went_back(&reached).await;
                    }
                    failures = 0;
                    heartbeat.reachable = true;
                    heartbeat.message.clear();
                    client = Some(reached.clone());
                    match (restored, up) {
                        (true, _) => Some(Input::MemberRestored(reached)),
                        (false, false) => Some(Input::MemberUp(reached)),
                        (false, true) => None,
                    }
                }
                Err(Unusable { message, stranger }) => {
                    failures = failures.saturating_add(1);
                    if heartbeat.reachable || failures == 1 {
                        tracing::warn!(cluster = %self.cluster, %message, "the member cannot be worked with");
                    }
                    heartbeat.reachable = false;
                    heartbeat.message = message;
                    (up && (stranger || failures >= GIVE_UP)).then_some(Input::MemberDown)
                }
            };
            match &news {
                Some(Input::MemberUp(client) | Input::MemberRestored(client)) => {
                    sight = Some(Sight::open(self.cluster.clone(), client.clone()))
                }
                Some(_) => sight = None,
                None => {}
            }
            heartbeat.capacity = sight.as_ref().and_then(Sight::seen);
            self.outbox.pulse(heartbeat.clone());
            if let Some(news) = news {
                up = matches!(news, Input::MemberUp(_) | Input::MemberRestored(_));
                if up {
                    tracing::info!(cluster = %self.cluster, version = heartbeat.kubernetes_version, "the member answers");
                }
                if self.engine.send(news).await.is_err() {
                    return;
                }
            }
        }
    }

    /// One look. Without a client that worked last time a new one is made, so that no dead connection is kept.
    async fn look(&self, client: Option<Client>, full: bool, seen: &mut HeartbeatSpec) -> Result<Client, Unusable> {
        let client = match client {
            Some(client) => client,
            None => self
                .source
                .client()
                .await
                .map_err(|error| Unusable::silent(chain(&error)))?,
        };
        ready(&client)
            .await
            .map_err(|error| Unusable::silent(format!("readiness check: {}{}", chain(&error), self.next(&error))))?;
        if full {
            self.identify(&client, seen).await?;
            self.learn(&client, seen).await;
        }
        Ok(client)
    }

    /// Whether the member's store is older than what was seen of it before.
    async fn went_back(&self, client: &Client) -> bool {
        // Before asking: what is written meanwhile is newer than the answer.
        let before = self.newest.load(Ordering::Relaxed);
        let Some(now) = revision(client).await else {
            return false;
        };
        if now >= before {
            self.newest.fetch_max(now, Ordering::Relaxed);
            return false;
        }
        tracing::warn!(cluster = %self.cluster, before, now,
            "the member's store went back, as after a restore from a backup; everything there is looked at anew");
        self.newest.store(now, Ordering::Relaxed);
        true
    }

    /// What to do about credentials that are not taken.
    fn next(&self, error: &RequestError) -> String {
        match error.code() {
            Some(401 | 403) => format!("; next: meridian join {} --kubeconfig FILE --repair", self.cluster),
            Some(_) | None => String::new(),
        }
    }

    async fn identify(&self, client: &Client, seen: &mut HeartbeatSpec) -> Result<(), Unusable> {
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let system = within(PROBE_TIMEOUT, namespaces.get("kube-system"))
            .await
            .map_err(|error| {
                let next = self.next(&error);
                Unusable::silent(format!("reading namespace kube-system: {}{next}", chain(&error)))
            })?;
        let mark = system
            .metadata
            .annotations
            .unwrap_or_default()
            .remove(FEDERATION_ANNOTATION);
        seen.cluster_id = system.metadata.uid.unwrap_or_default();
        match &self.identity {
            Some(wanted) if !wanted.is_empty() && *wanted != seen.cluster_id => Err(Unusable {
                message: format!(
                    "another cluster answers at the address of {0}: its kube-system namespace has uid {1}, not {wanted}; \
                     nothing is applied to it. If {0} was rebuilt, next: meridian join {0} --kubeconfig FILE --repair",
                    self.cluster, seen.cluster_id
                ),
                stranger: true,
            }),
            Some(_) | None => match mark {
                Some(mark) => self.belongs(&mark).await,
                None => Ok(()),
            },
        }
    }

    /// Whether the mark is this federation's. Two that work on one member would undo each other's work.
    async fn belongs(&self, mark: &str) -> Result<(), Unusable> {
        let ask = || async {
            let hub: Api<Namespace> = Api::all(self.hub.clone());
            let system = within(REQUEST_TIMEOUT, hub.get("kube-system")).await?;
            Ok::<_, RequestError>(system.metadata.uid.unwrap_or_default())
        };
        let ours = self
            .federation
            .get_or_try_init(ask)
            .await
            .map_err(|error| Unusable::silent(format!("asking the hub who it is: {}", chain(&error))))?;
        if ours == mark {
            return Ok(());
        }
        Err(Unusable {
            message: format!(
                "{0} is a member of another federation by now ({mark}, as {FEDERATION_ANNOTATION} of its namespace \
                 kube-system says); nothing is applied to it. Next: meridian unjoin {0} --force here, or unjoin it there and \
                 meridian join {0} --kubeconfig FILE --repair here",
                self.cluster
            ),
            stranger: true,
        })
    }

    /// Version, kinds and nodes. What cannot be read keeps its last value.
    async fn learn(&self, client: &Client, seen: &mut HeartbeatSpec) {
        match within(PROBE_TIMEOUT, client.apiserver_version()).await {
            Ok(version) => seen.kubernetes_version = version.git_version,
            Err(error) => self.unlearnt("version", &error),
        }
        let discovered = async {
            let core = within(REQUEST_TIMEOUT, client.list_core_api_versions_aggregated()).await?;
            let groups = within(REQUEST_TIMEOUT, client.list_api_groups_aggregated()).await?;
            Ok::<_, RequestError>(kinds::enablements(&[core, groups]))
        };
        match discovered.await {
            Ok(enablements) => seen.api_enablements = enablements,
            Err(error) => self.unlearnt("discovery", &error),
        }
        match nodes(client).await {
            Ok((summary, resources)) => {
                seen.nodes = Some(summary);
                seen.resources = Some(resources);
            }
            Err(error) => self.unlearnt("nodes", &error),
        }
    }

    fn unlearnt(&self, what: &str, error: &RequestError) {
        tracing::debug!(cluster = %self.cluster, what, error = chain(error), "could not be read; the last value stands");
    }
}

/// The revision of the member's store; none where it does not say, or says no number. Kubernetes compares them as numbers since 1.35
/// (KEP-5504), and never let them go back while a store lives.
async fn revision(client: &Client) -> Option<u64> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let one = ListParams::default().limit(1);
    let list = within(PROBE_TIMEOUT, namespaces.list_metadata(&one)).await.ok()?;
    list.metadata.resource_version?.parse().ok()
}

/// The readiness check of a Kubernetes API server.
async fn ready(client: &Client) -> Result<(), RequestError> {
    let ask = |path: &'static str| async move {
        let request = http::Request::get(path)
            .body(Vec::new())
            .map_err(|e| RequestError::Transport(Box::new(kube::Error::HttpError(e))))?;
        within(PROBE_TIMEOUT, client.request_text(request)).await
    };
    let answer = match ask("/readyz").await {
        Err(error) if error.code() == Some(404) => ask("/healthz").await?,
        other => other?,
    };
    if answer.trim() == "ok" {
        return Ok(());
    }
    let shown: String = answer.chars().take(80).collect();
    let message = format!("the readiness check answers {shown:?}, which no Kubernetes API server says");
    Err(RequestError::Refused(Box::new(kube::core::Status::failure(
        &message,
        "NotKubernetes",
    ))))
}

async fn nodes(client: &Client) -> Result<(NodeSummary, ResourceSummary), RequestError> {
    let api: Api<Node> = Api::all(client.clone());
    let mut summary = NodeSummary::default();
    let mut sums: BTreeMap<String, i128> = BTreeMap::new();
    let mut page = ListParams::default().limit(500);
    loop {
        let list = within(REQUEST_TIMEOUT, api.list(&page)).await?;
        for node in list.items {
            let Some(status) = node.status else { continue };
            summary.total_num += 1;
            let ready = status
                .conditions
                .iter()
                .flatten()
                .any(|c| c.type_ == "Ready" && c.status == "True");
            summary.ready_num += i64::from(ready);
            if !ready {
                continue;
            }
            for (resource, amount) in status.allocatable.into_iter().flatten() {
                if let Some(amount) = quantity::parse(&amount.0) {
                    let sum = sums.entry(resource).or_default();
                    *sum = sum.saturating_add(amount);
                }
            }
        }
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page.continue_token = Some(token),
            None => break,
        }
    }
    let allocatable = sums
        .into_iter()
        .map(|(resource, sum)| (resource, quantity::format(sum)))
        .collect();
    Ok((
        summary,
        ResourceSummary {
            allocatable,
            allocated: BTreeMap::new(),
        },
    ))
}
