//! `meridian release`: an object leaves the hub, and its copies stay in the members as they are, without Meridian's marks.

use std::path::Path;
use std::time::Duration;

use api::{Placement, PropagationPolicy};
use kube::api::{DeleteParams, DynamicObject};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::CommandError;
use super::one_object::{Policy, Target};
use crate::cli::ReleaseArgs;
use crate::hub::{self, failed};

/// Hands an object back.
pub(crate) async fn run(data_dir: &Path, args: ReleaseArgs) -> Result<(), CommandError> {
    let hub = hub::client(&args.hub, data_dir).await?;
    let target = Target::of(&hub, args.which.words(), &args.which.namespace).await?;
    let object = &target.object;
    let on_hub = target.api(&hub);
    let stands = on_hub
        .get_opt(&object.name)
        .await
        .map_err(failed(format!("{object} cannot be read")))?
        .is_some();
    let key = object.placement_key();
    let found = hub::placements(&hub, Some(&key.namespace))
        .get_opt(&key.name)
        .await
        .map_err(failed(format!("placement {key} cannot be read")))?;
    let placement = found.and_then(|found| hub::typed::<Placement>(&found).ok());
    let Some(placement) = placement else {
        return Err(CommandError::Said(if stands {
            format!("{object} is in no member; next: kubectl --context federation delete it")
        } else {
            format!("{object} is not on the hub; next: kubectl --context federation get placements -A")
        }));
    };
    let mut clusters: Vec<&str> = placement
        .spec
        .clusters
        .iter()
        .map(|target| target.name.as_str())
        .collect();
    clusters.sort_unstable();
    let clusters = clusters.join(", ");
    if args.dry_run {
        println!("{object} would leave the hub, and stay as it is in: {clusters}");
        return Ok(());
    }
    let within = Duration::from_secs(args.timeout);
    let policy = target.policy(&hub, "release");
    // What was deleted by a release that did not wait to the end is only waited for.
    if stands {
        leave_behind(&hub, &target, &placement, &policy, within).await?;
    }
    // The Placement goes when every member let go.
    target
        .wait(&hub, within, "letting go", |placement| placement.is_none())
        .await?;
    policy.delete().await?;
    target.policy(&hub, "promote").delete().await?;
    println!(
        "{}/{} released; it stays as it is in: {clusters}",
        object.kind.to_lowercase(),
        object.name
    );
    Ok(())
}

/// Deletes the object on the hub so that its copies stay.
async fn leave_behind(
    hub: &Client,
    target: &Target,
    placement: &Placement,
    policy: &Policy,
    within: Duration,
) -> Result<(), CommandError> {
    let object = &target.object;
    // As it is placed now, and to be left behind. Above every other policy, for the short time until it is gone.
    let placed = governing(hub, &placement.spec.policy).await?;
    policy
        .write(json!({"placement": placed, "priority": i32::MAX, "preserveResourcesOnDeletion": true}))
        .await?;
    let kept = |placement: Option<&Placement>| {
        placement.is_some_and(|placement| placement.spec.preserve_resources_on_deletion == Some(true))
    };
    target.wait(hub, within, "keeping the copies", kept).await?;
    target
        .api(hub)
        .delete(&object.name, &DeleteParams::background())
        .await
        .map_err(failed(format!("{object} cannot be deleted on the hub")))?;
    Ok(())
}

/// What the policy that governs an object says of its placement; nothing where there is none.
async fn governing(hub: &Client, policy: &str) -> Result<Value, CommandError> {
    if policy.is_empty() {
        return Ok(json!({}));
    }
    // As decisions name it: kind, then namespace and name.
    let (_, policy) = policy.split_once(' ').unwrap_or(("", policy));
    let (namespace, name) = policy.split_once('/').unwrap_or(("", policy));
    let api: Api<DynamicObject> = if namespace.is_empty() {
        let resource = hub::resource("ClusterPropagationPolicy", "clusterpropagationpolicies");
        Api::all_with(hub.clone(), &resource)
    } else {
        let resource = hub::resource("PropagationPolicy", "propagationpolicies");
        Api::namespaced_with(hub.clone(), namespace, &resource)
    };
    let found = api
        .get(name)
        .await
        .map_err(failed(format!("policy {policy} cannot be read")))?;
    let read: PropagationPolicy = hub::typed(&found)
        .map_err(|error| CommandError::Said(format!("policy {policy} cannot be understood: {error}")))?;
    Ok(serde_json::to_value(read.spec.placement).unwrap_or_default())
}
