//! `meridian unjoin`: takes a member out; it lets go of everything first, or the command says what it may still hold.

use std::path::Path;
use std::time::Duration;

use api::Placement;
use api::well_known::{FEDERATION_ANNOTATION, KEEP_ANNOTATION, SYSTEM_NAMESPACE, UNJOIN_FINALIZER};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;

use super::CommandError;
use crate::cli::UnjoinArgs;
use crate::hub::{self, failed};
use crate::membership::reach::reach;
use crate::membership::{self, claim};
use crate::output::with_causes;

/// How often the hub is asked whether the member let go.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Longest wait for the member to take the mark off.
const UNMARK_TIMEOUT: Duration = Duration::from_secs(10);

/// Deletes the Cluster, waits until its member confirmed, then deletes its credentials.
pub(crate) async fn run(data_dir: &Path, args: UnjoinArgs) -> Result<(), CommandError> {
    let hub = hub::client(&args.hub, data_dir).await?;
    let clusters = hub::clusters(&hub);
    let name = args.name.as_str();
    let pulls =
        clusters.get_opt(name).await.ok().flatten().is_some_and(|cluster| {
            cluster.data.pointer("/spec/syncMode").and_then(|mode| mode.as_str()) == Some("Pull")
        });
    let member = reach(&hub, name).await;
    if args.keep {
        let patch = json!({"metadata": {"annotations": {KEEP_ANNOTATION: "true"}}});
        let marked = clusters
            .patch(name, &PatchParams::default(), &Patch::Merge(&patch))
            .await;
        marked.map_err(failed(format!("cluster {name} cannot be unjoined")))?;
    }
    clusters
        .delete(name, &DeleteParams::default())
        .await
        .map_err(failed(format!("cluster {name} cannot be unjoined")))?;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(args.timeout);
    let mut forced = false;
    while clusters
        .get_opt(name)
        .await
        .map_err(failed(format!("cluster {name} cannot be read")))?
        .is_some()
    {
        if tokio::time::Instant::now() >= deadline {
            let left = still_held(&hub, name).await?;
            let list = if left.is_empty() {
                "nothing known".to_owned()
            } else {
                left.join(", ")
            };
            if !args.force {
                return Err(CommandError::Said(format!(
                    "cluster {name} did not let go within {} s; it may still hold: {list}; next: bring it back, or run meridian unjoin {name} --force",
                    args.timeout
                )));
            }
            release(&clusters, name).await?;
            println!("cluster/{name} left behind: {list}");
            forced = true;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    if pulls {
        println!(
            "its syncer takes the mark of this federation off; next, in the member: kubectl delete -f what meridian join printed"
        );
    } else if let Err(why) = unmark(&hub, member).await {
        eprintln!(
            "meridian: cluster {name} keeps the mark of this federation: {why}; next, before another takes it in: \
             kubectl annotate namespace kube-system {FEDERATION_ANNOTATION}-"
        );
    }
    membership::pull::revoke(&hub, name).await?;
    let secrets: Api<Secret> = Api::namespaced(hub.clone(), SYSTEM_NAMESPACE);
    match secrets
        .delete(&format!("cluster-{name}"), &DeleteParams::default())
        .await
    {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.is_not_found() => {}
        Err(error) => return Err(failed(format!("the credentials of cluster {name} cannot be deleted"))(error).into()),
    }
    println!("cluster/{name} unjoined{}", if forced { " by force" } else { "" });
    Ok(())
}

/// Takes the federation's mark off the member, so that another may take it in.
async fn unmark(hub: &Client, member: Result<Client, String>) -> Result<(), String> {
    let member = member?;
    let federation = claim::federation(hub).await.map_err(|error| with_causes(&error))?;
    match tokio::time::timeout(UNMARK_TIMEOUT, claim::release(&federation, &member)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(with_causes(&error)),
        Err(_) => Err("it does not answer".to_owned()),
    }
}

/// Takes our finalizer off, and no other: somebody else's may still wait for something.
async fn release(clusters: &Api<DynamicObject>, name: &str) -> Result<(), CommandError> {
    let what = || format!("cluster {name} cannot be forced out");
    let Some(cluster) = clusters.get_opt(name).await.map_err(failed(what()))? else {
        return Ok(());
    };
    let others: Vec<String> = cluster
        .metadata
        .finalizers
        .unwrap_or_default()
        .into_iter()
        .filter(|f| f != UNJOIN_FINALIZER)
        .collect();
    // The version makes it a compare and swap: a finalizer that was added meanwhile is not lost.
    let patch = json!({"metadata": {"finalizers": others, "resourceVersion": cluster.metadata.resource_version}});
    clusters
        .patch(name, &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .map_err(failed(what()))?;
    Ok(())
}

async fn still_held(hub: &Client, cluster: &str) -> Result<Vec<String>, CommandError> {
    let placements = hub::placements(hub, None)
        .list(&Default::default())
        .await
        .map_err(failed("the placements cannot be listed"))?;
    let mut held: Vec<String> = placements
        .iter()
        .filter_map(|object| hub::typed::<Placement>(object).ok())
        .filter(|placement| placement.status.clusters.iter().any(|row| row.name == cluster))
        .map(|placement| placement.spec.resource.to_string())
        .collect();
    held.sort();
    Ok(held)
}
