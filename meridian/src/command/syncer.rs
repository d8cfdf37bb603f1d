//! `meridian syncer`: syncers as clients of a hub elsewhere.

use std::sync::Arc;

use std::path::Path;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::CommandError;
use crate::cli::SyncerArgs;
use crate::{health, hub, pull, up};

/// Runs until a signal.
pub(crate) async fn run(data_dir: &Path, args: SyncerArgs) -> Result<(), CommandError> {
    let stop = CancellationToken::new();
    crate::lifecycle::stop_on_signal(stop.clone());
    let mut parts = JoinSet::new();
    // A syncer is ready when it runs: each cluster's own state is on its Cluster object.
    health::serve(&mut parts, args.metrics_address, || true, stop.clone()).await?;
    let syncers = stop.clone();
    if let Some(setup) = pull::Setup::of(&args).await? {
        parts.spawn(async move {
            pull::run(setup, syncers).await;
            ("the syncer", Ok(()))
        });
        return Ok(up::until_stopped(&mut parts, &stop).await?);
    }
    let client = hub::client(&args.hub, data_dir).await?;
    parts.spawn(async move {
        match args.cluster {
            Some(cluster) => syncer::supervise_one(client, cluster, syncers).await,
            None => syncer::supervise(client, Arc::new(|_| None), syncers).await,
        }
        ("the syncers", Ok(()))
    });
    Ok(up::until_stopped(&mut parts, &stop).await?)
}
