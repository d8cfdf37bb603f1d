//! Keeps ServiceExports and ServiceImports of the hub true (the Multi-Cluster Services API).
//!
//! In: ServiceExports, Services, the Services' Placements, ServiceImports. Out: conditions of the exports; an import for each that is valid, owned by
//! it, gone with it. Absent: what an export comes to (`placement::export`); names, which the DNS server makes of the imports.

pub(crate) mod definitions;

use std::sync::Arc;
use std::time::Duration;

use ::placement::export::{Exported, Import, exported};
use api::well_known::MULTICLUSTER_API_VERSION;
use api::{Condition, ObjectRef, Placement};
use kube::api::PropagationPolicy;
use serde_json::{Value, json};

use crate::runtime::clock;
use crate::runtime::drive::{Outcome, Reconcile, Work};
use crate::runtime::feed::News;
use crate::runtime::hub::{Deletion, Hub, HubError};
use crate::runtime::kind::{self, Kind};
use crate::runtime::shelf::Shelf;
use crate::runtime::watched::{Id, Watched};

/// The kinds it watches.
pub(crate) fn kinds() -> Vec<Kind> {
    vec![
        kind::SERVICE,
        kind::PLACEMENT,
        kind::SERVICE_EXPORT,
        kind::SERVICE_IMPORT,
    ]
}

/// The export controller.
pub(crate) struct Exports {
    hub: Hub,
    services: Shelf,
    placements: Shelf,
    exports: Shelf,
    imports: Shelf,
}

impl Exports {
    pub(crate) fn new(hub: Hub) -> Self {
        Self {
            hub,
            services: Shelf::default(),
            placements: Shelf::default(),
            exports: Shelf::default(),
            imports: Shelf::default(),
        }
    }

    fn placement(&self, service: &Id) -> Option<Placement> {
        let resource = ObjectRef {
            api_version: "v1".to_owned(),
            kind: "Service".to_owned(),
            namespace: service.namespace.clone(),
            name: service.name.clone(),
            uid: String::new(),
        };
        let key = resource.placement_key();
        self.placements.get(&Id::new(&key.namespace, &key.name))?.read().ok()
    }
}

impl Reconcile for Exports {
    type Key = Id;
    const NAME: &'static str = "exports";

    fn observe(&mut self, news: News) -> Vec<Id> {
        if news.kind == kind::PLACEMENT {
            let moved = self.placements.take(news.change);
            let service = |watched: &Arc<Watched>| {
                let value = watched.value();
                let text = |key: &str| value.pointer(&format!("/spec/resource/{key}")).and_then(Value::as_str);
                let of_service = text("kind") == Some("Service") && text("apiVersion") == Some("v1");
                of_service.then(|| Id::new(text("namespace").unwrap_or_default(), text("name").unwrap_or_default()))
            };
            return moved
                .iter()
                .filter_map(|moved| moved.new.as_ref().or(moved.old.as_ref()).and_then(service))
                .collect();
        }
        let shelf = if news.kind == kind::SERVICE {
            &mut self.services
        } else if news.kind == kind::SERVICE_EXPORT {
            &mut self.exports
        } else {
            &mut self.imports
        };
        shelf.take(news.change).into_iter().map(|moved| moved.id).collect()
    }

    fn look(&mut self, id: &Id) -> Option<Work> {
        let import = self.imports.get(id).cloned();
        let export = self.exports.get(id).filter(|export| !export.is_deleting()).cloned();
        let Some(export) = export else {
            // An import of an export that is gone, or was made anew under another uid, goes; one that nobody exported is its maker's.
            let gone = import.filter(|import| owner(import).is_some() && !import.is_deleting())?;
            return Some(Box::pin(end(self.hub.clone(), gone)));
        };
        let service = self.services.get(id).filter(|service| !service.is_deleting());
        let service = service.map(|service| service.value());
        let placed = self.placement(id).map(|placement| placement.status);
        let judged = exported(&export.value(), service.as_deref(), placed.as_ref());
        Desired::new(export, import, judged).map(|desired| -> Work { Box::pin(write(self.hub.clone(), desired)) })
    }
}

/// The uid of the export that an import is of.
fn owner(import: &Watched) -> Option<String> {
    let value = import.value();
    let owners = value.pointer("/metadata/ownerReferences").and_then(Value::as_array)?;
    let owner = owners
        .iter()
        .find(|owner| owner.get("kind").and_then(Value::as_str) == Some("ServiceExport"))?;
    owner.get("uid").and_then(Value::as_str).map(str::to_owned)
}

/// What differs from what there is.
struct Desired {
    export: Arc<Watched>,
    import: Option<Arc<Watched>>,
    /// Conditions of the export.
    conditions: Option<Vec<Condition>>,
    /// The import without status.
    object: Option<Value>,
    /// The import's status.
    status: Option<Value>,
    /// The import goes.
    end: bool,
}

impl Desired {
    fn new(export: Arc<Watched>, import: Option<Arc<Watched>>, judged: Exported) -> Option<Self> {
        let Exported {
            conditions,
            import: wanted,
        } = judged;
        let own = import
            .as_ref()
            .filter(|import| owner(import).as_deref() == Some(export.uid()))
            .cloned();
        // Somebody's own import of that name is left alone.
        let foreign = import.is_some() && import.as_ref().is_some_and(|import| owner(import).is_none());
        let conditions = if foreign { taken(conditions) } else { conditions };
        let (object, status) = match &wanted {
            Some(wanted) if !foreign => (
                import_object(&export, own.as_deref(), wanted),
                import_status(own.as_deref(), wanted),
            ),
            Some(_) | None => (None, None),
        };
        let desired = Self {
            conditions: merged(&export, conditions),
            object,
            status,
            end: wanted.is_none() && own.is_some(),
            import: if foreign { None } else { import },
            export,
        };
        let differs =
            desired.conditions.is_some() || desired.object.is_some() || desired.status.is_some() || desired.end;
        differs.then_some(desired)
    }
}

/// The conditions of an export whose import's name is taken.
fn taken(mut conditions: Vec<Condition>) -> Vec<Condition> {
    if let Some(ready) = conditions.iter_mut().find(|condition| condition.type_ == "Ready") {
        ready.status = api::ConditionStatus::False;
        "Failed".clone_into(&mut ready.reason);
        "a ServiceImport of this name is there that is not this export's; delete it".clone_into(&mut ready.message);
    }
    conditions
}

/// The conditions with their times, where they differ from those of an object.
fn merged(object: &Watched, judged: Vec<Condition>) -> Option<Vec<Condition>> {
    let value = object.value();
    let before = value.pointer("/status/conditions").cloned().unwrap_or_default();
    let before: Vec<Condition> = serde_json::from_value(before).unwrap_or_default();
    let same = before.len() == judged.len()
        && judged
            .iter()
            .all(|one| before.iter().any(|other| one.says_the_same(other)));
    if same {
        return None;
    }
    let mut after: Vec<Condition> = before
        .into_iter()
        .filter(|old| judged.iter().any(|one| one.type_ == old.type_))
        .collect();
    for mut one in judged {
        one.last_transition_time = Some(clock::now());
        one.merge_into(&mut after);
    }
    Some(after)
}

/// The import as it should be, where it differs.
fn import_object(export: &Watched, now: Option<&Watched>, wanted: &Import) -> Option<Value> {
    let id = export.id();
    let mut metadata = json!({
        "name": id.name, "namespace": id.namespace, "labels": wanted.labels, "annotations": wanted.annotations,
        "ownerReferences": [{
            "apiVersion": MULTICLUSTER_API_VERSION, "kind": "ServiceExport", "name": id.name, "uid": export.uid(),
            "controller": true, "blockOwnerDeletion": false,
        }],
    });
    if let Some(now) = now {
        let value = now.value();
        let part = |pointer: &str| value.pointer(pointer).cloned().unwrap_or_else(|| json!({}));
        let same = part("/spec") == wanted.spec
            && part("/metadata/labels") == wanted.labels
            && part("/metadata/annotations") == wanted.annotations;
        if same {
            return None;
        }
        metadata["resourceVersion"] = now.resource_version().into();
    }
    Some(json!({
        "apiVersion": MULTICLUSTER_API_VERSION, "kind": "ServiceImport", "metadata": metadata, "spec": wanted.spec,
    }))
}

/// The import's status as it should be, where it differs.
fn import_status(now: Option<&Watched>, wanted: &Import) -> Option<Value> {
    let clusters: Vec<Value> = wanted.clusters.iter().map(|name| json!({"cluster": name})).collect();
    let clusters = Value::Array(clusters);
    let before = now.map(Watched::value);
    let same = before
        .as_ref()
        .is_some_and(|value| value.pointer("/status/clusters") == Some(&clusters));
    let conditions = match now {
        Some(now) => merged(now, wanted.conditions.clone()),
        None => merged(&Watched::new(json!({})), wanted.conditions.clone()),
    };
    if same && conditions.is_none() {
        return None;
    }
    let kept = before
        .as_ref()
        .and_then(|value| value.pointer("/status/conditions").cloned());
    let conditions = conditions.map_or(kept.unwrap_or_default(), |conditions| json!(conditions));
    Some(json!({"clusters": clusters, "conditions": conditions}))
}

async fn end(hub: Hub, import: Arc<Watched>) -> Outcome {
    let what = Deletion {
        uid: import.uid(),
        resource_version: None,
        propagation: PropagationPolicy::Background,
    };
    match hub.delete(&kind::SERVICE_IMPORT, &import.id(), what).await {
        Ok(()) => Outcome::rest(Duration::ZERO),
        Err(error) => Outcome::failed(error),
    }
}

async fn write(hub: Hub, desired: Desired) -> Outcome {
    let mut learned = Vec::new();
    let result = write_all(&hub, &desired, &mut learned).await;
    if desired.end
        && let Some(import) = desired.import
        && result.is_ok()
    {
        return end(hub, import).await;
    }
    Outcome {
        learned,
        result: result.map(|()| crate::runtime::queue::Done::Rest(Duration::ZERO)),
    }
}

async fn write_all(hub: &Hub, desired: &Desired, learned: &mut Vec<(Kind, Arc<Watched>)>) -> Result<(), HubError> {
    let id = desired.export.id();
    if let Some(object) = &desired.object {
        let written = match &desired.import {
            Some(now) if owner(now).as_deref() == Some(desired.export.uid()) => {
                hub.replace(&kind::SERVICE_IMPORT, &id, object).await?
            }
            // It is an earlier export's, which goes first.
            Some(old) => {
                let what = Deletion {
                    uid: old.uid(),
                    resource_version: None,
                    propagation: PropagationPolicy::Background,
                };
                hub.delete(&kind::SERVICE_IMPORT, &id, what).await?;
                hub.create(&kind::SERVICE_IMPORT, &id, object).await?
            }
            None => hub.create(&kind::SERVICE_IMPORT, &id, object).await?,
        };
        learned.push((kind::SERVICE_IMPORT, written));
    }
    if let Some(status) = &desired.status {
        let patch = json!({"status": status});
        let written = hub.merge(&kind::SERVICE_IMPORT, &id, Some("status"), &patch).await?;
        learned.push((kind::SERVICE_IMPORT, written));
    }
    if let Some(conditions) = &desired.conditions {
        let written = hub
            .merge_conditions(&kind::SERVICE_EXPORT, &desired.export, conditions)
            .await?;
        learned.push((kind::SERVICE_EXPORT, written));
    }
    Ok(())
}
