//! One member cluster kept as the hub says, and its truth reported back.
//!
//! In: the manifest stream of a cluster (`follow`), what the member holds (`observe`), whether it answers (`probe`). Decided
//! here: what to do next about each object (`desired`, pure). Out: server-side applies and deletions in the member (`apply`),
//! reports and heartbeats to the hub (`report`). Absent: where objects belong and what they look like (the hub renders),
//! verdicts on clusters (the hub's health controller). Never done: deleting on an error, an empty list or a lost stream;
//! touching what is not Meridian's.

mod access;
mod apply;
mod backoff;
mod capacity;
mod cover;
mod desired;
mod engine;
mod error;
mod follow;
mod initial;
mod input;
mod kinds;
mod live;
mod observe;
mod probe;
mod pull;
mod report;
mod residents;
mod supervise;
mod truth;
mod tunnel;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio::sync::{OnceCell, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use access::{CONNECT_TIMEOUT, MemberAccess, MemberSource, REQUEST_TIMEOUT};
pub use error::{AccessError, ApplyError, Deed, RequestError, SyncerError};
pub use pull::{Ended, pull};
pub use supervise::{Nearby, supervise, supervise_one};

/// One cluster and how both sides of it are reached.
#[derive(Clone)]
pub struct SyncerConfig {
    /// Name of the cluster.
    pub cluster: String,
    /// The hub.
    pub hub: kube::Client,
    /// The member.
    pub member: MemberSource,
    /// Uid of the member's `kube-system` namespace; where given, no other cluster is touched.
    pub identity: Option<String>,
    /// Addresses that stand for Services of type LoadBalancer without any of their own.
    pub dns_addresses: Vec<String>,
}

/// Keeps one cluster in step until shutdown.
///
/// # Errors
/// [`SyncerError`] where a part of it panicked or ended by itself; the caller starts it again.
pub async fn run(config: SyncerConfig, shutdown: CancellationToken) -> Result<(), SyncerError> {
    let SyncerConfig {
        cluster,
        hub,
        member,
        identity,
        dns_addresses,
    } = config;
    let cluster: Arc<str> = cluster.into();
    // Whichever part ends first takes the others with it.
    let stop = shutdown.child_token();
    let _stop_all = stop.clone().drop_guard();
    let (inbox, news) = mpsc::channel(input::QUEUE);
    let (hub_returned, hub_returns) = watch::channel(0);
    let outbox = Arc::new(report::Outbox::default());
    let (definitions, definitions_seen) = watch::channel(());
    let newest = Arc::new(AtomicU64::new(0));
    let engine = engine::Engine::new(
        cluster.clone(),
        dns_addresses,
        outbox.clone(),
        inbox.clone(),
        definitions,
        newest.clone(),
    );
    let probe = probe::Probe {
        cluster: cluster.clone(),
        source: member,
        identity,
        hub: hub.clone(),
        federation: OnceCell::new(),
        outbox: outbox.clone(),
        engine: inbox.clone(),
        definitions: definitions_seen,
        newest,
    };

    let mut parts: JoinSet<(&'static str, Result<(), SyncerError>)> = JoinSet::new();
    parts.spawn({
        let (hub, cluster, stop) = (hub.clone(), cluster.clone(), stop.clone());
        async move {
            follow::run(hub, cluster, inbox, hub_returns, stop).await;
            ("manifest stream", Ok(()))
        }
    });
    parts.spawn({
        let stop = stop.clone();
        async move { ("engine", engine.run(news, stop).await) }
    });
    parts.spawn({
        let stop = stop.clone();
        async move {
            probe.run(stop).await;
            ("probe", Ok(()))
        }
    });
    parts.spawn({
        let (cluster, stop) = (cluster.clone(), stop.clone());
        async move {
            report::run(outbox, hub, cluster, hub_returned, stop).await;
            ("report stream", Ok(()))
        }
    });
    match parts.join_next().await {
        Some(Ok((part, Ok(())))) if !shutdown.is_cancelled() => Err(SyncerError::Ended {
            cluster: cluster.to_string(),
            part,
        }),
        Some(Ok((_, result))) => result,
        Some(Err(source)) => Err(SyncerError::Panicked {
            cluster: cluster.to_string(),
            part: "task",
            source,
        }),
        None => Ok(()),
    }
}
