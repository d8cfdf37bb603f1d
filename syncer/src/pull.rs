//! The syncer of one cluster that runs in it, with an identity that may read of the hub only what concerns that cluster.
//!
//! In: the cluster's own object on the hub. Out: one running syncer and one tunnel while the object is there. Absent: how hub and
//! member are reached, and whose member it is (the binary asks for certificates and sets the mark).

use std::time::Duration;

use api::Cluster;
use api::well_known::{API_VERSION, GROUP, VERSION};
use futures::StreamExt;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::runtime::watcher::{self, Event};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::access::MemberSource;
use crate::apply::within;
use crate::backoff::Backoff;
use crate::error::{AccessError, chain};
use crate::supervise::{keep, read};
use crate::{REQUEST_TIMEOUT, SyncerConfig, tunnel};

/// Seconds after which the watch is renewed; a connection that died silently is noticed no later.
const WATCH_SECONDS: u32 = 60;

/// Why a syncer ended that runs in its member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was told to.
    Stopped,
    /// The hub says that there is no such cluster any more: it let go of everything before.
    Unjoined,
}

/// Works for one cluster until shutdown, or until the hub says that it is no member any more.
///
/// # Errors
/// The configuration of the hub makes no client.
pub async fn pull(
    hub: kube::Config,
    cluster: String,
    member: kube::Config,
    shutdown: CancellationToken,
) -> Result<Ended, AccessError> {
    let (hub, member) = (MemberSource::of(&cluster, hub), MemberSource::of(&cluster, member));
    let client = hub.client().await?;
    let kind = ApiResource {
        group: GROUP.to_owned(),
        version: VERSION.to_owned(),
        api_version: API_VERSION.to_owned(),
        kind: "Cluster".to_owned(),
        plural: "clusters".to_owned(),
    };
    let clusters: Api<DynamicObject> = Api::all_with(client.clone(), &kind);
    let config = watcher::Config::default()
        .fields(&format!("metadata.name={cluster}"))
        .timeout(WATCH_SECONDS);
    let mut events = watcher::watcher(clusters.clone(), config).boxed();
    let stop = shutdown.child_token();
    let _stop_all = stop.clone().drop_guard();
    let mut tasks = JoinSet::new();
    tasks.spawn({
        let (cluster, member, stop) = (cluster.clone().into(), member.clone(), stop.clone());
        async move {
            tunnel::run(hub, cluster, member, stop).await;
        }
    });
    let mut running: Option<(Cluster, CancellationToken)> = None;
    let mut listed = false;
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
    loop {
        let event = tokio::select! {
            () = shutdown.cancelled() => break,
            event = events.next() => event,
        };
        let gone = match event {
            None => break,
            Some(Err(error)) => {
                if backoff.attempts() == 0 {
                    tracing::warn!(
                        cluster,
                        error = chain(&error),
                        "the own Cluster cannot be followed; the syncer goes on as it is"
                    );
                }
                tokio::select! {
                    () = shutdown.cancelled() => break,
                    () = tokio::time::sleep(backoff.next()) => {}
                }
                continue;
            }
            Some(Ok(Event::Init)) => {
                listed = false;
                false
            }
            Some(Ok(Event::InitApply(object) | Event::Apply(object))) => {
                listed = true;
                if let Some(found) = read(&object)
                    && running.as_ref().is_none_or(|(known, _)| known.spec != found.spec)
                {
                    if let Some((_, former)) = running.take() {
                        tracing::info!(cluster, "the Cluster changed; the syncer starts anew");
                        former.cancel();
                    }
                    let own = stop.child_token();
                    let dns = found.spec.dns.as_ref();
                    let config = SyncerConfig {
                        cluster: cluster.clone(),
                        hub: client.clone(),
                        member: member.clone(),
                        identity: found.spec.id.clone(),
                        dns_addresses: dns.map(|dns| dns.addresses.clone()).unwrap_or_default(),
                    };
                    let task = keep(config, own.clone());
                    tasks.spawn(async move {
                        task.await;
                    });
                    running = Some((found, own));
                }
                false
            }
            Some(Ok(Event::InitDone)) => !listed,
            Some(Ok(Event::Delete(_))) => true,
        };
        backoff.reset();
        // An empty list may be a hub that has lost something: it is asked once more.
        if gone && matches!(within(REQUEST_TIMEOUT, clusters.get_opt(&cluster)).await, Ok(None)) {
            stop.cancel();
            while tasks.join_next().await.is_some() {}
            return Ok(Ended::Unjoined);
        }
    }
    stop.cancel();
    while tasks.join_next().await.is_some() {}
    Ok(Ended::Stopped)
}
