//! `meridian status`: the federation at a glance.

use std::path::Path;

use api::metadata::condition;
use api::well_known::{CONDITION_APPLIED, CONDITION_HEALTHY};
use api::{Cluster, ConditionStatus, Placement};
use kube::api::ListParams;
use serde_json::json;

use super::CommandError;
use crate::cli::{OutputFormat, StatusArgs};
use crate::hub::{self, failed};
use crate::output;

/// Prints clusters and what is not well.
pub(crate) async fn run(data_dir: &Path, args: StatusArgs) -> Result<(), CommandError> {
    let client = hub::client(&args.hub, data_dir).await?;
    let everything = ListParams::default();
    let clusters: Vec<Cluster> = hub::clusters(&client)
        .list(&everything)
        .await
        .map_err(failed("the clusters cannot be listed"))?
        .iter()
        .filter_map(|object| hub::typed(object).ok())
        .collect();
    let placements: Vec<Placement> = hub::placements(&client, None)
        .list(&everything)
        .await
        .map_err(failed("the placements cannot be listed"))?
        .iter()
        .filter_map(|object| hub::typed(object).ok())
        .collect();
    let unwell: Vec<&Placement> = placements
        .iter()
        .filter(|p| !is(p, CONDITION_APPLIED) || !is(p, CONDITION_HEALTHY))
        .collect();
    let value = json!({
        "clusters": clusters.iter().map(|c| json!({
            "name": c.metadata.name(),
            "region": c.spec.region,
            "ready": c.manageable(),
            "serving": c.serving(),
            "version": c.status.kubernetes_version,
            "objects": held(&placements, c.metadata.name()),
        })).collect::<Vec<_>>(),
        "objects": placements.len(),
        "unwell": unwell.iter().map(|p| json!({"object": p.spec.resource, "detail": complaint(p)})).collect::<Vec<_>>(),
    });
    if let Some(text) = output::data(args.output.output, &value) {
        print!("{}", text.map_err(CommandError::Said)?);
        return Ok(());
    }
    if args.output.output == OutputFormat::Name {
        clusters
            .iter()
            .for_each(|c| println!("cluster.federation.meridian.dev/{}", c.metadata.name()));
        return Ok(());
    }
    let rows: Vec<Vec<String>> = clusters
        .iter()
        .map(|c| {
            vec![
                c.metadata.name().to_owned(),
                c.spec.region.clone().unwrap_or_else(|| "-".to_owned()),
                format!("{:?}", c.manageable()),
                format!("{:?}", c.serving()),
                c.status.kubernetes_version.clone().unwrap_or_else(|| "-".to_owned()),
                held(&placements, c.metadata.name()).to_string(),
            ]
        })
        .collect();
    print!(
        "{}",
        output::table(&["CLUSTER", "REGION", "READY", "SERVING", "VERSION", "OBJECTS"], &rows)
    );
    println!("\n{} federated objects, {} not well", placements.len(), unwell.len());
    for placement in unwell {
        println!("  {}: {}", placement.spec.resource, complaint(placement));
    }
    Ok(())
}

fn is(placement: &Placement, type_: &str) -> bool {
    condition(&placement.status.conditions, type_).is_some_and(|c| c.status == ConditionStatus::True)
}

fn held(placements: &[Placement], cluster: &str) -> usize {
    placements
        .iter()
        .filter(|p| p.status.clusters.iter().any(|row| row.name == cluster && row.applied))
        .count()
}

fn complaint(placement: &Placement) -> String {
    placement
        .status
        .conditions
        .iter()
        .filter(|c| c.status != ConditionStatus::True)
        .map(|c| {
            if c.message.is_empty() {
                c.reason.clone()
            } else {
                c.message.clone()
            }
        })
        .next()
        .unwrap_or_else(|| "nothing was reported yet".to_owned())
}
