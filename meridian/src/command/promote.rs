//! `meridian promote`: what already runs in a member comes under the hub without a restart.
//!
//! The object is written on the hub as its user would have written it, under a policy that keeps it where it is; the member's
//! copy gets Meridian's marks and nothing else. Whether that is so is asked of the member first.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use api::Placement;
use api::well_known::{FIELD_MANAGER, MANAGED_LABEL, MANAGED_VALUE};
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::CommandError;
use super::one_object::Target;
use crate::cli::PromoteArgs;
use crate::hub::{self, failed};
use crate::membership::reach::reach;

/// Longest wait for an answer of the member.
const MEMBER_TIMEOUT: Duration = Duration::from_secs(15);

/// Takes an object of a member over.
pub(crate) async fn run(data_dir: &Path, args: PromoteArgs) -> Result<(), CommandError> {
    let hub = hub::client(&args.hub, data_dir).await?;
    let target = Target::of(&hub, args.which.words(), &args.which.namespace).await?;
    let (cluster, object) = (args.cluster.as_str(), &target.object);
    let member = reach(&hub, cluster)
        .await
        .map_err(|why| CommandError::Said(format!("cluster {cluster} cannot be reached: {why}")))?;
    let there = target.api(&member);
    let found = within(there.get(&object.name), cluster, &format!("{object} cannot be read")).await?;
    refuse_what_is_not_ours_to_take(&found, object, cluster)?;
    let on_hub = target.api(&hub).get_opt(&object.name).await;
    if on_hub
        .map_err(failed(format!("{object} cannot be looked for on the hub")))?
        .is_some()
    {
        return Err(CommandError::Said(format!(
            "{object} is on the hub already; next: a policy for it with conflictResolution: Overwrite takes over the copy in {cluster}"
        )));
    }
    let tree = serde_json::to_value(&found).unwrap_or_default();
    let Some(written) = placement::render::as_written(&tree) else {
        return Err(CommandError::Said(format!(
            "{object} in cluster {cluster} is no object"
        )));
    };
    // The member is asked what it would make of it: nothing of its specification may change.
    let apply = PatchParams::apply(FIELD_MANAGER).force().dry_run();
    let patch = Patch::Apply(&written);
    let foreseen = there.patch(&object.name, &apply, &patch);
    let foreseen = within(foreseen, cluster, &format!("{object} cannot be applied")).await?;
    let parts = differing(&said(&found), &said(&foreseen)).join(", ");
    if !parts.is_empty() && !args.force {
        return Err(CommandError::Said(format!(
            "{object} would change in cluster {cluster} ({parts}), and its pods might start anew; next: give --force if that may be"
        )));
    }
    let policy = target.policy(&hub, "promote");
    if args.dry_run {
        let changes = if parts.is_empty() {
            "nothing of it"
        } else {
            parts.as_str()
        };
        println!(
            "{object} would be federated in cluster {cluster} under the policy {}; {changes} would change there",
            policy.name
        );
        return Ok(());
    }
    ensure_namespace(&hub, &object.namespace).await?;
    policy
        .write(
            json!({"placement": {"clusterAffinity": {"clusterNames": [cluster]}}, "conflictResolution": "Overwrite"}),
        )
        .await?;
    let created: DynamicObject = serde_json::from_value(written)
        .map_err(|error| CommandError::Said(format!("{object} cannot be understood: {error}")))?;
    let params = PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    if let Err(error) = target.api(&hub).create(&params, &created).await {
        policy.delete().await?;
        return Err(failed(format!("{object} cannot be created on the hub"))(error).into());
    }
    let applied = |placement: Option<&Placement>| {
        let rows = placement.into_iter().flat_map(|placement| &placement.status.clusters);
        rows.into_iter().any(|row| row.name == cluster && row.applied)
    };
    target
        .wait(&hub, Duration::from_secs(args.timeout), "taking over", applied)
        .await?;
    let now = within(there.get(&object.name), cluster, &format!("{object} cannot be read")).await?;
    if now.metadata.uid != found.metadata.uid || said(&now) != said(&foreseen) {
        return Err(CommandError::Said(format!(
            "{object} is federated, but was changed in cluster {cluster} meanwhile; next: kubectl --context {cluster} describe it"
        )));
    }
    println!(
        "{}/{} promoted from cluster {cluster}; it stays there by the policy {}, change that to place it elsewhere too",
        object.kind.to_lowercase(),
        object.name,
        policy.name
    );
    Ok(())
}

/// What an object says, without whose it is and what became of it. Its generation is no measure: of a Deployment it also counts
/// annotations.
fn said(object: &DynamicObject) -> Value {
    let mut said = object.data.clone();
    if let Some(said) = said.as_object_mut() {
        said.remove("status");
    }
    said
}

/// The paths of what differs.
fn differing(one: &Value, two: &Value) -> Vec<String> {
    match (one, two) {
        (Value::Object(one), Value::Object(two)) => {
            let keys: BTreeSet<&String> = one.keys().chain(two.keys()).collect();
            let below = |key: &String| {
                let of = |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or_default();
                let paths = differing(&of(one), &of(two)).into_iter();
                paths.map(|path| format!(".{key}{path}")).collect::<Vec<_>>()
            };
            keys.into_iter().flat_map(below).collect()
        }
        (one, two) if one == two => Vec::new(),
        _ => vec![String::new()],
    }
}

fn refuse_what_is_not_ours_to_take(
    found: &DynamicObject,
    object: &api::ObjectRef,
    cluster: &str,
) -> Result<(), CommandError> {
    let labels = found.metadata.labels.as_ref();
    let owner = found
        .metadata
        .owner_references
        .iter()
        .flatten()
        .find(|owner| owner.controller == Some(true));
    let why = if labels.and_then(|labels| labels.get(MANAGED_LABEL)).map(String::as_str) == Some(MANAGED_VALUE) {
        "is Meridian's already; next: kubectl --context federation get placements -A".to_owned()
    } else if let Some(owner) = owner {
        format!("belongs to {} {}; promote that", owner.kind, owner.name)
    } else if found.metadata.deletion_timestamp.is_some() {
        "is being deleted; next: promote it when it is there again".to_owned()
    } else {
        return Ok(());
    };
    Err(CommandError::Said(format!("{object} in cluster {cluster} {why}")))
}

/// The namespace, on the hub; in the member it is already.
async fn ensure_namespace(hub: &Client, name: &str) -> Result<(), CommandError> {
    if name.is_empty() {
        return Ok(());
    }
    let api: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(hub.clone());
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    let patch = Patch::Apply(&namespace);
    api.patch(name, &PatchParams::apply(FIELD_MANAGER), &patch)
        .await
        .map_err(failed(format!("namespace {name} cannot be made on the hub")))?;
    Ok(())
}

async fn within<T>(
    request: impl Future<Output = Result<T, kube::Error>>,
    cluster: &str,
    what: &str,
) -> Result<T, CommandError> {
    match tokio::time::timeout(MEMBER_TIMEOUT, request).await {
        Ok(done) => Ok(done.map_err(failed(format!("cluster {cluster}: {what}")))?),
        Err(_) => Err(CommandError::Said(format!(
            "cluster {cluster}: {what} within {} s",
            MEMBER_TIMEOUT.as_secs()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named() {
        let one = json!({"spec": {"a": 1, "b": {"c": [1]}, "same": {}}});
        let two = json!({"spec": {"a": 1, "b": {"c": [2]}, "same": {}, "new": true}});
        assert_eq!(differing(&one, &two), [".spec.b.c", ".spec.new"]);
        assert!(differing(&one, &one).is_empty());
    }
}
