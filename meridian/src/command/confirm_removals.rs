//! `meridian confirm-removals`: an operator's word that what is to go from clusters may go, however much it is, for a time.

use std::path::Path;

use api::Cluster;
use api::metadata::condition;
use api::well_known::{CONDITION_REMOVALS_HELD, REMOVALS_CONFIRMED_ANNOTATION};
use jiff::Timestamp;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::json;

use super::CommandError;
use crate::cli::{ConfirmRemovalsArgs, OutputFormat};
use crate::hub::{self, failed};
use crate::output;

/// Confirms.
pub(crate) async fn run(data_dir: &Path, args: ConfirmRemovalsArgs) -> Result<(), CommandError> {
    let hub = hub::client(&args.hub, data_dir).await?;
    let clusters = hub::clusters(&hub);
    let listed = clusters.list(&ListParams::default()).await;
    let listed = listed.map_err(failed("the clusters cannot be listed"))?;
    let known: Vec<Cluster> = listed.iter().filter_map(|object| hub::typed(object).ok()).collect();
    let name = |cluster: &Cluster| cluster.metadata.name().to_owned();
    if let Some(unknown) = args
        .clusters
        .iter()
        .find(|word| !known.iter().any(|cluster| name(cluster) == **word))
    {
        return Err(CommandError::Said(format!(
            "there is no cluster {unknown}; next: kubectl --context federation get clusters"
        )));
    }
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_else(|_| Timestamp::now());
    let until = now.checked_add(args.lasts);
    let until = until.map_err(|_| CommandError::Usage("--for reaches beyond the end of time".to_owned()))?;
    let named: Vec<&Cluster> = known
        .iter()
        .filter(|cluster| args.all || args.clusters.contains(&name(cluster)))
        .collect();
    for cluster in &named {
        let patch = json!({"metadata": {"annotations": {REMOVALS_CONFIRMED_ANNOTATION: until.to_string()}}});
        let written = clusters
            .patch(cluster.metadata.name(), &PatchParams::default(), &Patch::Merge(&patch))
            .await;
        written.map_err(failed(format!("cluster {} cannot be changed", name(cluster))))?;
    }
    let names: Vec<String> = named.iter().map(|cluster| name(cluster)).collect();
    let value = json!({"clusters": names, "until": until.to_string()});
    if let Some(text) = output::data(args.output.output, &value) {
        print!("{}", text.map_err(CommandError::Said)?);
    } else if args.output.output == OutputFormat::Name {
        names
            .iter()
            .for_each(|name| println!("cluster.federation.meridian.dev/{name}"));
    } else {
        for cluster in named {
            let held = condition(&cluster.status.conditions, CONDITION_REMOVALS_HELD);
            let held = held.filter(|held| held.status == api::ConditionStatus::True);
            let what = held.map_or_else(String::new, |held| format!(" ({})", held.message));
            println!(
                "cluster/{}: what is to go may go until {until}{what}",
                cluster.metadata.name()
            );
        }
    }
    Ok(())
}
