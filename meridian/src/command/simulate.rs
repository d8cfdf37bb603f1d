//! `meridian simulate`: faults of simulated members, and the machines of control planes that have none.

use std::path::Path;
use std::time::Duration;

use api::well_known::{SIMULATED_FAULT_ANNOTATION, SIMULATED_LABEL};
use clap::ValueEnum;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use simulated::{ControlPlane, Faults, WorkloadsConfig};
use tokio_util::sync::CancellationToken;

use super::CommandError;
use crate::cli::{FaultArgs, HubArgs, WorkloadsArgs};
use crate::hub::{self, failed};

/// Writes the fault down on the member's Cluster object, where `meridian up` sees it.
pub(crate) async fn fail(data_dir: &Path, args: FaultArgs) -> Result<(), CommandError> {
    let word = |value: Option<clap::builder::PossibleValue>| value.map(|v| v.get_name().to_owned()).unwrap_or_default();
    let what = word(args.what.to_possible_value());
    let how = word(args.how.to_possible_value());
    annotate(data_dir, &args.hub, &args.cluster, json!(format!("{what}/{how}"))).await?;
    println!(
        "cluster/{} fails ({what}, {how}); next: meridian simulate recover {}",
        args.cluster, args.cluster
    );
    Ok(())
}

/// Takes the fault away.
pub(crate) async fn recover(data_dir: &Path, hub: HubArgs, cluster: String) -> Result<(), CommandError> {
    annotate(data_dir, &hub, &cluster, Value::Null).await?;
    println!("cluster/{cluster} recovers");
    Ok(())
}

async fn annotate(data_dir: &Path, hub: &HubArgs, cluster: &str, fault: Value) -> Result<(), CommandError> {
    let client = hub::client(hub, data_dir).await?;
    let clusters = hub::clusters(&client);
    let object = clusters
        .get(cluster)
        .await
        .map_err(failed(format!("cluster {cluster} cannot be read")))?;
    if !object
        .metadata
        .labels
        .is_some_and(|labels| labels.contains_key(SIMULATED_LABEL))
    {
        return Err(CommandError::Said(format!(
            "cluster {cluster} is not simulated; next: stop it where it runs, or choose a member that `meridian up --simulate` made"
        )));
    }
    let patch = json!({"metadata": {"annotations": {SIMULATED_FAULT_ANNOTATION: fault}}});
    clusters
        .patch(cluster, &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .map_err(failed(format!("cluster {cluster} cannot be changed")))?;
    Ok(())
}

/// Plays node, pods, load balancers and data path until Ctrl-C.
pub(crate) async fn workloads(args: WorkloadsArgs) -> Result<(), CommandError> {
    let client = hub::client_from(&args.kubeconfig, args.context.as_deref()).await?;
    let addresses = args.addresses.parse().map_err(|_| {
        CommandError::Usage(format!(
            "--addresses {:?} is not a network like 127.101.1.0/24",
            args.addresses
        ))
    })?;
    let stop = CancellationToken::new();
    crate::lifecycle::stop_on_signal(stop.clone());
    let config = WorkloadsConfig {
        member: args.name,
        region: args.region,
        zone: args.zone,
        addresses,
        ready_delay: Duration::from_millis(args.ready_delay_ms),
        control_plane: ControlPlane::Kubernetes,
        pods: true,
        faults: Faults::default(),
    };
    simulated::workloads::run(client, config, stop).await;
    Ok(())
}
