//! What a plan looks at, as the hub says it to this user.
//! In: a client, manifests. Out: a [`Seen`], and each manifest as the hub would store it. Absent: decisions.

use std::collections::BTreeMap;

use api::well_known::CLUSTER_LABEL;
use api::well_known::GROUP;
use api::{Cluster, ObjectRef, Placement, PlacementKey};
use jiff::Timestamp;
use kube::api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams};
use kube::discovery::{ApiCapabilities, Discovery, Scope};
use kube::{Api, Client};
use placement::federated_kinds::{KINDS, is_custom_group};
use placement::plan::World;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::CommandError;
use crate::hub::{self, failed};

/// Field manager of the dry runs; nothing of it is stored.
const MANAGER: &str = "meridian-plan";

/// What the hub says now.
pub(in crate::command) struct Seen {
    pub(in crate::command) world: World,
    pub(super) placements: BTreeMap<PlacementKey, Placement>,
    pub(super) regions: Vec<DynamicObject>,
    pub(super) dns_policies: Vec<DynamicObject>,
    /// What could not be looked at.
    pub(super) notes: Vec<String>,
    kinds: Discovery,
}

/// Lists everything that decisions may look at.
pub(in crate::command) async fn gather(client: &Client) -> Result<Seen, CommandError> {
    let kinds = Discovery::new(client.clone())
        .run_aggregated()
        .await
        .map_err(failed("the hub's kinds cannot be discovered"))?;
    let mut world = World {
        now: Timestamp::now(),
        holds: Some(machinery::expression::selecting::holds),
        policies: typed(client, &["PropagationPolicy", "ClusterPropagationPolicy"], &kinds).await?,
        overrides: typed(client, &["OverridePolicy", "ClusterOverridePolicy"], &kinds).await?,
        clusters: typed(client, &["Cluster"], &kinds).await?,
        ..World::default()
    };
    let mut placements = BTreeMap::new();
    for placement in typed::<Placement>(client, &["Placement"], &kinds).await? {
        let key = placement.spec.resource.placement_key();
        world.placements.insert(key.clone(), placement.spec.clone());
        placements.insert(key, placement);
    }
    let mut notes = Vec::new();
    for (resource, _) in kinds.groups().flat_map(|group| group.recommended_resources()) {
        let built_in = KINDS
            .iter()
            .any(|row| row.api_version == resource.api_version && row.kind == resource.kind);
        if !built_in && !is_custom_group(&resource.group) {
            continue;
        }
        match list(client, &resource).await {
            Ok(objects) => {
                for object in objects {
                    let value = value_of(&object, &resource)?;
                    world.objects.extend(key_of(&value).map(|key| (key, value)));
                }
            }
            // What this user may not see is left as it is, not taken for gone.
            Err(kube::Error::Api(status)) if status.code == 403 => {
                world.placements.retain(|_, spec| {
                    spec.resource.kind != resource.kind || spec.resource.api_version != resource.api_version
                });
                notes.push(format!("{} are not looked at: {}", resource.plural, status.message));
            }
            Err(error) => return Err(failed(format!("{} cannot be listed", resource.plural))(error).into()),
        }
    }
    let dynamic = async |kind: &str, plural: &str| {
        let resource = hub::resource(kind, plural);
        let listed = list(client, &resource).await;
        listed.map_err(failed(format!("{plural} cannot be listed")))
    };
    Ok(Seen {
        world,
        placements,
        regions: dynamic("Region", "regions").await?,
        dns_policies: dynamic("DNSPolicy", "dnspolicies").await?,
        notes,
        kinds,
    })
}

async fn list(client: &Client, resource: &ApiResource) -> Result<Vec<DynamicObject>, kube::Error> {
    let api: Api<DynamicObject> = Api::all_with(client.clone(), resource);
    let mut items = api.list(&ListParams::default()).await?.items;
    // Pods that are read from members are no objects of the hub.
    items.retain(|item| {
        !item
            .metadata
            .labels
            .iter()
            .flatten()
            .any(|(key, _)| key == CLUSTER_LABEL)
    });
    Ok(items)
}

async fn typed<T: DeserializeOwned>(
    client: &Client,
    names: &[&str],
    kinds: &Discovery,
) -> Result<Vec<T>, CommandError> {
    let mut all = Vec::new();
    for name in names {
        let (resource, _) = find(kinds, &format!("{GROUP}/"), name)?;
        let listed = list(client, &resource).await;
        for object in listed.map_err(failed(format!("{} cannot be listed", resource.plural)))? {
            all.push(hub::typed(&object).map_err(|error| CommandError::Said(format!("{name}: {error}")))?);
        }
    }
    Ok(all)
}

fn find(kinds: &Discovery, api_version: &str, kind: &str) -> Result<(ApiResource, ApiCapabilities), CommandError> {
    let mut all = kinds.groups().flat_map(|group| group.recommended_resources());
    all.find(|(resource, _)| resource.kind == kind && resource.api_version.starts_with(api_version))
        .ok_or_else(|| {
            CommandError::Said(format!(
                "the hub serves no kind {kind} in {api_version}; next: kubectl --context federation api-resources"
            ))
        })
}

/// The object as the hub would store it.
pub(super) async fn dry_run(
    client: &Client,
    seen: &mut Seen,
    mut object: Value,
    default_namespace: &str,
) -> Result<Value, CommandError> {
    let text = |object: &Value, pointer: &str| {
        let text = object.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let name = text(&object, "/metadata/name");
    let (resource, capabilities) = find(&seen.kinds, &text(&object, "/apiVersion"), &text(&object, "/kind"))?;
    let api: Api<DynamicObject> = if capabilities.scope == Scope::Namespaced {
        let mut namespace = text(&object, "/metadata/namespace");
        if namespace.is_empty() {
            default_namespace.clone_into(&mut namespace);
        }
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("namespace".to_owned(), Value::String(namespace.clone()));
        }
        Api::namespaced_with(client.clone(), &namespace, &resource)
    } else {
        Api::all_with(client.clone(), &resource)
    };
    let params = PatchParams {
        dry_run: true,
        ..PatchParams::apply(MANAGER).force()
    };
    match api.patch(&name, &params, &Patch::Apply(&object)).await {
        Ok(stored) => value_of(&stored, &resource),
        // Its namespace is not there yet: it is planned as it is written.
        Err(kube::Error::Api(status)) if status.code == 404 => {
            seen.notes.push(format!(
                "{} {name} is planned as it is written, without the hub's defaults: {}",
                resource.kind, status.message
            ));
            Ok(object)
        }
        Err(error) => Err(failed(format!("{} {name} would be refused", resource.kind))(error).into()),
    }
}

fn value_of(object: &DynamicObject, resource: &ApiResource) -> Result<Value, CommandError> {
    let mut value = serde_json::to_value(object).map_err(|error| CommandError::Said(error.to_string()))?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("apiVersion".to_owned(), Value::String(resource.api_version.clone()));
        fields.insert("kind".to_owned(), Value::String(resource.kind.clone()));
    }
    Ok(value)
}

fn key_of(object: &Value) -> Option<PlacementKey> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let reference = ObjectRef {
        api_version: text("/apiVersion")?,
        kind: text("/kind")?,
        namespace: text("/metadata/namespace").unwrap_or_default(),
        name: text("/metadata/name")?,
        uid: String::new(),
    };
    Some(reference.placement_key())
}

/// Puts an object where decisions look for its kind. Out: its key, where it is one to be placed.
pub(super) fn put(seen: &mut Seen, then: &mut World, object: Value) -> Result<Option<PlacementKey>, CommandError> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    if !text("/apiVersion").starts_with(GROUP) {
        let key = key_of(&object);
        then.objects.extend(key.clone().map(|key| (key, object)));
        return Ok(key);
    }
    let at = (
        text("/metadata/namespace").to_owned(),
        text("/metadata/name").to_owned(),
    );
    match text("/kind") {
        "PropagationPolicy" | "ClusterPropagationPolicy" => {
            let policy = read(&object)?;
            then.policies
                .retain(|one| (one.metadata.namespace(), one.metadata.name()) != (&at.0, &at.1));
            then.policies.push(policy);
        }
        "OverridePolicy" | "ClusterOverridePolicy" => {
            let policy = read(&object)?;
            then.overrides
                .retain(|one| (one.metadata.namespace(), one.metadata.name()) != (&at.0, &at.1));
            then.overrides.push(policy);
        }
        "Cluster" => {
            let mut cluster: Cluster = read(&object)?;
            // What it says of itself stays: a manifest says what is wanted of it.
            let known = then.clusters.iter().position(|one| one.metadata.name() == at.1);
            if let Some(known) = known {
                cluster.status = then.clusters.swap_remove(known).status;
            }
            then.clusters.push(cluster);
        }
        kind => {
            seen.notes
                .push(format!("{kind} {} changes nothing that is planned here.", at.1));
        }
    }
    Ok(None)
}

fn read<T: DeserializeOwned>(object: &Value) -> Result<T, CommandError> {
    serde_json::from_value(object.clone()).map_err(|error| CommandError::Said(error.to_string()))
}
