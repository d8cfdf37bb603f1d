//! Deployments and ReplicaSets of a simulated member become ready. In: the objects. Out: their status.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Debug;

use futures::{Stream, StreamExt};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::changes::{Change, Key, follow, key};
use super::rollout::{Progress, Wanted, step};
use super::{WorkloadsConfig, within};
use crate::addresses::fnv1a;

/// Runs both kinds.
pub(crate) async fn run(client: Client, config: WorkloadsConfig) {
    let deployments = kind::<Deployment>(client.clone(), &config, true);
    let replica_sets = kind::<ReplicaSet>(client, &config, false);
    tokio::join!(deployments, replica_sets);
}

struct Workload {
    uid: Option<String>,
    wanted: Wanted,
    status: Value,
    progress: Progress,
}

async fn kind<K>(client: Client, config: &WorkloadsConfig, deployment: bool)
where
    K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + Serialize
        + Debug
        + Send
        + 'static,
{
    let mut changes = follow(Api::<K>::all(client.clone()));
    let mut workloads: HashMap<Key, Workload> = HashMap::new();
    let mut due: BTreeSet<(Instant, Key)> = BTreeSet::new();
    loop {
        let next = due.first().map(|(at, _)| *at);
        let dirty = tokio::select! {
            dirty = take(&mut changes, &mut workloads, deployment) => match dirty {
                Some(dirty) => dirty,
                None => return,
            },
            () = tokio::time::sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {
                let now = Instant::now();
                let mut dirty = Vec::new();
                while let Some(first) = due.first().filter(|(at, _)| *at <= now).cloned() {
                    due.remove(&first);
                    dirty.push(first.1);
                }
                dirty
            }
        };
        let now = Instant::now();
        let mut writes = Vec::new();
        for key in dirty {
            let Some(workload) = workloads.get_mut(&key) else {
                continue;
            };
            let step = step(
                workload.wanted,
                &workload.status,
                &mut workload.progress,
                config.ready_delay,
                now,
            );
            if let Some(at) = step.again {
                due.insert((at, key.clone()));
            }
            if let Some(status) = step.status {
                writes.push((key, status));
            }
        }
        let client = &client;
        futures::stream::iter(writes)
            .for_each_concurrent(8, |(key, status)| async move {
                write::<K>(client, &config.member, &key, &status).await
            })
            .await;
    }
}

/// Takes one change in; the objects that it concerns, or nothing at the end of the stream.
async fn take<K: kube::Resource + Serialize>(
    changes: &mut (impl Stream<Item = Change<K>> + Unpin),
    workloads: &mut HashMap<Key, Workload>,
    deployment: bool,
) -> Option<Vec<Key>> {
    Some(match changes.next().await? {
        Change::Listed(listed) => {
            let there: HashSet<Key> = listed.iter().map(key).collect();
            workloads.retain(|key, _| there.contains(key));
            listed
                .iter()
                .filter_map(|object| put(workloads, object, deployment))
                .collect()
        }
        Change::Put(object) => put(workloads, &object, deployment).into_iter().collect(),
        Change::Gone(object) => {
            workloads.remove(&key(&object));
            Vec::new()
        }
    })
}

fn put<K: kube::Resource + Serialize>(
    workloads: &mut HashMap<Key, Workload>,
    object: &K,
    deployment: bool,
) -> Option<Key> {
    let value = serde_json::to_value(object).ok()?;
    let spec = value.get("spec")?;
    let wanted = Wanted {
        deployment,
        generation: object.meta().generation.unwrap_or(1),
        replicas: spec.get("replicas").and_then(Value::as_i64).unwrap_or(1),
        template: fnv1a(
            spec.get("template")
                .map(Value::to_string)
                .unwrap_or_default()
                .as_bytes(),
        ),
    };
    let key = key(object);
    let status = value.get("status").cloned().unwrap_or(Value::Null);
    let uid = object.meta().uid.clone();
    match workloads.get_mut(&key).filter(|known| known.uid == uid) {
        Some(known) => {
            known.wanted = wanted;
            known.status = status;
        }
        None => {
            workloads.insert(
                key.clone(),
                Workload {
                    uid,
                    wanted,
                    status,
                    progress: Progress::default(),
                },
            );
        }
    }
    Some(key)
}

async fn write<K>(client: &Client, member: &str, key: &Key, status: &Value)
where
    K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
{
    let api: Api<K> = Api::namespaced(client.clone(), &key.0);
    let patch = json!({"status": status});
    for attempt in 1..=5 {
        match within(api.patch_status(&key.1, &PatchParams::default(), &Patch::Merge(&patch))).await {
            Ok(_) => return,
            Err(error) if error.is(404) => return,
            Err(error) => {
                tracing::warn!(member, namespace = key.0, name = key.1, attempt, %error, "status could not be written");
                tokio::time::sleep(std::time::Duration::from_millis(rand::random_range(50..200) * attempt)).await;
            }
        }
    }
}
