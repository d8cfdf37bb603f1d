//! `meridian plan`: what the federation would do, were manifests applied or clusters lost. The decisions are
//! `placement::plan`'s, over what the hub says now and what is thought; nothing is written. Manifests go through the hub as dry
//! runs, so that its defaults, admission and refusals, and what the user may do, are those of the real thing.

pub(super) mod gather;
mod manifests;
mod print;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use api::well_known::{API_VERSION, CONDITION_FAILED, CONDITION_READY};
use api::{Cluster, Condition, ConditionStatus, ObjectRef, Placement, PlacementKey};
use kube::api::DynamicObject;
use placement::plan::{ObjectPlan, World, compare};
use serde::Serialize;
use serde_json::{Value, json};

use super::CommandError;
use crate::cli::{OutputFormat, PlanArgs};
use crate::hub;
use crate::output;
use gather::Seen;

/// What would be done.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Plan {
    /// Objects that change, and those of the manifests.
    objects: Vec<ObjectPlan>,
    /// Objects of the hub that stay as they are.
    unchanged: usize,
    /// Replicas and objects that stay planned in lost clusters, and run there no longer.
    stranded: Vec<Stranded>,
    /// Names whose answers change.
    names: Vec<NameChange>,
    /// What the plan does not see.
    notes: Vec<String>,
}

/// What stays planned in clusters that are thought dead.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Stranded {
    resource: ObjectRef,
    clusters: Vec<String>,
    replicas: i64,
    elsewhere: i64,
}

/// A name whose answer changes for the clients of a region.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NameChange {
    name: String,
    /// Empty for clients of no known place.
    region: String,
    before: BTreeSet<String>,
    after: BTreeSet<String>,
}

/// A time before all others.
const LONG_AGO: &str = "1970-01-01T00:00:00Z";

/// Thinks it through and prints it.
pub(crate) async fn run(data_dir: &Path, args: PlanArgs) -> Result<(), CommandError> {
    let client = hub::client(&args.hub, data_dir).await?;
    let documents = manifests::read(&args.files)?;
    let mut seen = gather::gather(&client).await?;
    let lost = lost(&args, &seen.world.clusters)?;
    let mut then = seen.world.clone();
    let mut named = BTreeSet::new();
    for document in documents {
        let object = gather::dry_run(&client, &mut seen, document, &args.namespace).await?;
        named.extend(gather::put(&mut seen, &mut then, object)?);
    }
    // As the hub: of more than half at once it believes nobody.
    let believed = lost.len() * 2 <= then.clusters.len();
    if !believed && !args.unjoined {
        seen.notes.push(format!(
            "{} of {} clusters lost at once is more than half: the hub would think that itself is cut off, and move nothing",
            lost.len(),
            then.clusters.len()
        ));
    }
    for cluster in then
        .clusters
        .iter_mut()
        .filter(|one| lost.contains(one.metadata.name()))
    {
        lose(cluster, believed, args.unjoined);
    }
    let mut plan = Plan {
        notes: std::mem::take(&mut seen.notes),
        ..Plan::default()
    };
    let all = compare(&seen.world, &then);
    plan.names = names(&args, &seen, &then, &all, &lost)?;
    for mut object in all {
        if !args.unjoined {
            plan.stranded.extend(stranded(&object, &lost));
        }
        if !args.show_manifests {
            object.clusters.iter_mut().for_each(|at| at.manifest = Value::Null);
        }
        if object.changes() || named.contains(&object.resource.placement_key()) {
            plan.objects.push(object);
        } else {
            plan.unchanged += 1;
        }
    }
    match output::data(args.output.output, &plan) {
        Some(text) => print!("{}", text.map_err(CommandError::Said)?),
        None if args.output.output == OutputFormat::Name => {
            plan.objects.iter().for_each(|object| println!("{}", object.resource));
        }
        None => print!("{}", print::sentences(&plan)?),
    }
    Ok(())
}

/// The clusters that are thought dead.
fn lost(args: &PlanArgs, clusters: &[Cluster]) -> Result<BTreeSet<String>, CommandError> {
    let mut lost = BTreeSet::new();
    for name in &args.lose {
        if !clusters.iter().any(|cluster| cluster.metadata.name() == name) {
            return Err(CommandError::Said(format!(
                "the federation has no cluster {name:?}; next: meridian status"
            )));
        }
        lost.insert(name.clone());
    }
    for region in &args.lose_region {
        let inside = clusters
            .iter()
            .filter(|cluster| cluster.spec.region.as_ref() == Some(region));
        let inside: Vec<String> = inside.map(|cluster| cluster.metadata.name().to_owned()).collect();
        if inside.is_empty() {
            return Err(CommandError::Said(format!(
                "the federation has no cluster in region {region:?}; next: meridian status"
            )));
        }
        lost.extend(inside);
    }
    Ok(lost)
}

/// The cluster as the hub would see it once it is gone.
fn lose(cluster: &mut Cluster, believed: bool, unjoined: bool) {
    let mut judge = |type_: &str, status| {
        let judged = Condition {
            type_: type_.to_owned(),
            status,
            reason: "Lost".to_owned(),
            message: "it is thought lost".to_owned(),
            // Long ago: whatever tolerates it for a time does so no more.
            last_transition_time: Some(LONG_AGO.to_owned()),
            observed_generation: None,
        };
        judged.merge_into(&mut cluster.status.conditions);
    };
    judge(CONDITION_READY, ConditionStatus::False);
    if believed {
        judge(CONDITION_FAILED, ConditionStatus::True);
    }
    if unjoined {
        cluster.metadata.deletion_timestamp = Some(LONG_AGO.to_owned());
    }
}

fn stranded(object: &ObjectPlan, lost: &BTreeSet<String>) -> Option<Stranded> {
    let (gone, rest): (Vec<_>, Vec<_>) = object.placement.clusters.iter().partition(|at| lost.contains(&at.name));
    let replicas = |of: &[&api::placement::TargetCluster]| of.iter().filter_map(|at| at.replicas).sum();
    let replicas_gone: i64 = replicas(&gone);
    // A copy less of what is duplicated is nobody's loss.
    (replicas_gone > 0 || (!gone.is_empty() && rest.is_empty())).then(|| Stranded {
        resource: object.resource.clone(),
        clusters: gone.iter().map(|at| at.name.clone()).collect(),
        replicas: replicas_gone,
        elsewhere: replicas(&rest),
    })
}

/// The names whose answers change, by the DNS server's own compiler.
fn names(
    args: &PlanArgs,
    seen: &Seen,
    then: &World,
    plans: &[ObjectPlan],
    lost: &BTreeSet<String>,
) -> Result<Vec<NameChange>, CommandError> {
    let wrong = |error: dns::snapshot::ZoneError| CommandError::Usage(error.to_string());
    let silent = seen
        .world
        .clusters
        .iter()
        .filter(|one| one.serving() == ConditionStatus::False);
    let silent: BTreeSet<String> = silent.map(|one| one.metadata.name().to_owned()).collect();
    let (zone, federation) = (&args.dns.dns_zone, &args.dns.federation_name);
    let now = said(seen, &seen.world, seen.placements.values().cloned());
    let placements = plans.iter().map(|plan| thought(seen, plan));
    let later = said(seen, then, placements);
    let dead: BTreeSet<String> = silent.union(lost).cloned().collect();
    let before = dns::foresee(zone, federation, &now, &silent).map_err(wrong)?;
    let after = dns::foresee(zone, federation, &later, &dead).map_err(wrong)?;
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let changes = keys.into_iter().filter_map(|key| {
        let answers = |of: &dns::Answers| of.get(key).cloned().unwrap_or_default();
        let (before, after) = (answers(&before), answers(&after));
        (before != after).then(|| NameChange {
            name: key.0.clone(),
            region: key.1.clone(),
            before,
            after,
        })
    });
    Ok(changes.collect())
}

/// The Placement as it would be; rows of clusters that hold the object no longer go.
fn thought(seen: &Seen, plan: &ObjectPlan) -> Placement {
    let key: PlacementKey = plan.resource.placement_key();
    let mut placement = seen.placements.get(&key).cloned().unwrap_or_default();
    placement.metadata.namespace = Some(key.namespace);
    placement.metadata.name = Some(key.name);
    placement.spec = plan.placement.clone();
    let chosen: BTreeMap<&str, ()> = placement
        .spec
        .clusters
        .iter()
        .map(|at| (at.name.as_str(), ()))
        .collect();
    placement
        .status
        .clusters
        .retain(|row| chosen.contains_key(row.name.as_str()));
    placement
}

fn said(seen: &Seen, world: &World, placements: impl Iterator<Item = Placement>) -> dns::Said {
    let dynamic = |value: Value| serde_json::from_value::<DynamicObject>(value).ok();
    let ours = |kind: &str, value: Value| {
        let mut value = value;
        if let Some(fields) = value.as_object_mut() {
            fields.insert("apiVersion".to_owned(), json!(API_VERSION));
            fields.insert("kind".to_owned(), json!(kind));
        }
        dynamic(value)
    };
    let services = world.objects.values().filter(|object| {
        let text = |key: &str| object.get(key).and_then(Value::as_str);
        text("kind") == Some("Service") && text("apiVersion") == Some("v1")
    });
    dns::Said {
        services: services.cloned().filter_map(dynamic).collect(),
        placements: placements
            .filter(|one| !one.spec.deleted)
            .filter_map(|one| ours("Placement", json!(one)))
            .collect(),
        clusters: world
            .clusters
            .iter()
            .filter_map(|one| ours("Cluster", json!(one)))
            .collect(),
        regions: seen.regions.clone(),
        policies: seen.dns_policies.clone(),
    }
}
