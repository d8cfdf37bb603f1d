//! A syncer that runs in its member: gets an identity on the hub, keeps it fresh, and works for as long as the cluster is a member.
//!
//! In: the hub's address, the member's configuration, a token for the first certificate. Out: the mark on the member, and
//! [`syncer::pull`] with an identity that may read of the hub only what concerns this cluster. The hub or the member being away is
//! waited out.

mod identity;

use std::path::PathBuf;
use std::time::Duration;

use api::ClusterName;
use kube::runtime::wait::await_condition;
use kube::{Client, Config};
use syncer::Ended;
use tokio_util::sync::CancellationToken;

use crate::cli::SyncerArgs;
use crate::command::CommandError;
use crate::hub;
use crate::membership::claim;
use crate::output::with_causes;
use identity::{Hub, Identity, IdentityError};

/// Rest after something did not work; doubled up to the second.
const REST_MIN: Duration = Duration::from_millis(500);
const REST_MAX: Duration = Duration::from_secs(30);

/// What is needed to begin.
pub(crate) struct Setup {
    cluster: ClusterName,
    hub: Hub,
    member: Config,
    token_file: Option<PathBuf>,
}

impl Setup {
    /// Reads the arguments; none where they do not ask for a syncer in its member.
    pub(crate) async fn of(args: &SyncerArgs) -> Result<Option<Self>, CommandError> {
        let (Some(address), Some(cluster), Some(ca_file)) = (&args.hub_address, &args.cluster, &args.hub_ca_file)
        else {
            return Ok(None);
        };
        let cluster = ClusterName::parse(cluster).map_err(|error| CommandError::Usage(error.to_string()))?;
        let authority_pem =
            std::fs::read_to_string(ca_file).map_err(|error| CommandError::File(ca_file.clone(), error))?;
        let member = match &args.member_kubeconfig {
            Some(path) => hub::config_from(path, None).await?,
            None => Config::incluster().map_err(|error| {
                CommandError::Said(format!(
                    "this is no pod with a service account ({error}); next: run it in the member, or give --member-kubeconfig"
                ))
            })?,
        };
        Ok(Some(Self {
            cluster,
            hub: Hub {
                address: address.clone(),
                authority_pem,
            },
            member,
            token_file: args.bootstrap_token_file.clone(),
        }))
    }
}

/// Rests of growing length, with jitter.
struct Patience(Duration);

impl Patience {
    fn new() -> Self {
        Self(REST_MIN)
    }

    /// Says what did not work, and waits.
    async fn rest(&mut self, cluster: &ClusterName, what: &str, error: String) {
        tracing::warn!(%cluster, error, "{what}; it is tried again");
        let spread = f64::from(uuid::Uuid::new_v4().as_bytes()[0]) / 512.0 + 0.5;
        tokio::time::sleep(self.0.mul_f64(spread)).await;
        self.0 = (self.0 * 2).min(REST_MAX);
    }
}

/// Works until shutdown.
pub(crate) async fn run(setup: Setup, shutdown: CancellationToken) {
    let stop = shutdown.clone();
    stop.run_until_cancelled(Box::pin(work(setup, shutdown))).await;
}

async fn work(setup: Setup, shutdown: CancellationToken) {
    let cluster = &setup.cluster;
    let mut identity = obtain(&setup, None).await;
    loop {
        let config = match setup.hub.config(Some(&identity)).await {
            Ok(config) => config,
            Err(error) => {
                Patience::new()
                    .rest(cluster, "the identity on the hub cannot be used", with_causes(&error))
                    .await;
                identity = obtain(&setup, None).await;
                continue;
            }
        };
        joined(&setup, config.clone()).await;
        let turn = shutdown.child_token();
        let _end_turn = turn.clone().drop_guard();
        let working = syncer::pull(config.clone(), cluster.to_string(), setup.member.clone(), turn.clone());
        let mut working = std::pin::pin!(working);
        let ended = tokio::select! {
            ended = &mut working => ended,
            fresh = renewed(&setup, &identity) => {
                identity = fresh;
                turn.cancel();
                working.await
            }
        };
        match ended {
            Ok(Ended::Unjoined) => left(&setup, config).await,
            Ok(Ended::Stopped) => {}
            Err(error) => {
                Patience::new()
                    .rest(cluster, "the syncer cannot begin", with_causes(&error))
                    .await
            }
        }
    }
}

/// An identity, however long it takes.
async fn obtain(setup: &Setup, present: Option<&Identity>) -> Identity {
    let mut patience = Patience::new();
    loop {
        let asked = identity::obtain(
            &setup.cluster,
            &setup.hub,
            &setup.member,
            setup.token_file.as_deref(),
            present,
        );
        match asked.await {
            Ok(identity) => return identity,
            Err(error) => {
                patience
                    .rest(
                        &setup.cluster,
                        "there is no identity on the hub yet",
                        with_causes(&error),
                    )
                    .await
            }
        }
    }
}

/// The next identity, when it is time for it.
async fn renewed(setup: &Setup, present: &Identity) -> Identity {
    tokio::time::sleep(present.fresh_for()).await;
    tracing::info!(cluster = %setup.cluster, "the certificate on the hub is renewed");
    obtain(setup, Some(present)).await
}

/// Waits until the hub knows the cluster and the member carries the mark of its federation.
async fn joined(setup: &Setup, config: Config) {
    let cluster = &setup.cluster;
    let mut patience = Patience::new();
    loop {
        match mark(setup, config.clone()).await {
            Ok(()) => return,
            Err(error) => {
                patience
                    .rest(
                        cluster,
                        "the member does not belong to the federation yet",
                        with_causes(&error),
                    )
                    .await
            }
        }
    }
}

async fn mark(setup: &Setup, config: Config) -> Result<(), IdentityError> {
    let hub = Client::try_from(config)?;
    let there = await_condition(hub::clusters(&hub), setup.cluster.as_str(), |cluster: Option<&_>| {
        cluster.is_some()
    });
    there.await.map_err(|error| IdentityError::Wait(Box::new(error)))?;
    let member = Client::try_from(setup.member.clone())?;
    let federation = claim::federation(&hub).await?;
    Ok(claim::claim(&federation, &setup.cluster, &member, false).await?)
}

/// Takes the mark off a member that is none any more.
async fn left(setup: &Setup, config: Config) {
    let cluster = &setup.cluster;
    let unmark = async || {
        let federation = claim::federation(&Client::try_from(config.clone())?).await?;
        claim::release(&federation, &Client::try_from(setup.member.clone())?).await?;
        Ok::<_, IdentityError>(())
    };
    match unmark().await {
        Ok(()) => tracing::info!(
            %cluster,
            "the cluster is no member any more; next: delete what meridian join applied here, this syncer with it"
        ),
        Err(error) => tracing::warn!(
            %cluster,
            error = with_causes(&error),
            "the cluster is no member any more, but keeps the mark of the federation on its namespace kube-system"
        ),
    }
}
