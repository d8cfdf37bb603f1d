//! Workloads of a simulated member become ready, and Jobs are done. In: the objects. Out: their status. Absent: pods of
//! workloads, and the Jobs of CronJobs.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Debug;

use futures::{Stream, StreamExt};
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::changes::{Change, Key, follow, key};
use super::images::can_be_pulled;
use super::rollout::{Progress, Shape, Wanted, step};
use super::{WorkloadsConfig, within};
use crate::addresses::fnv1a;

/// Runs every kind.
pub(crate) async fn run(client: Client, config: WorkloadsConfig) {
    let deployments = kind::<Deployment>(client.clone(), &config, Shape::Deployment);
    let replica_sets = kind::<ReplicaSet>(client.clone(), &config, Shape::ReplicaSet);
    let stateful_sets = kind::<StatefulSet>(client.clone(), &config, Shape::StatefulSet);
    let daemon_sets = kind::<DaemonSet>(client.clone(), &config, Shape::DaemonSet);
    let jobs = kind::<Job>(client, &config, Shape::Job);
    tokio::join!(deployments, replica_sets, stateful_sets, daemon_sets, jobs);
}

struct Workload {
    uid: Option<String>,
    wanted: Wanted,
    status: Value,
    progress: Progress,
}

async fn kind<K>(client: Client, config: &WorkloadsConfig, shape: Shape)
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
            dirty = take(&mut changes, &mut workloads, shape) => match dirty {
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
    shape: Shape,
) -> Option<Vec<Key>> {
    Some(match changes.next().await? {
        Change::Listed(listed) => {
            let there: HashSet<Key> = listed.iter().map(key).collect();
            workloads.retain(|key, _| there.contains(key));
            listed
                .iter()
                .filter_map(|object| put(workloads, object, shape))
                .collect()
        }
        Change::Put(object) => put(workloads, &object, shape).into_iter().collect(),
        Change::Gone(object) => {
            workloads.remove(&key(&object));
            Vec::new()
        }
    })
}

fn put<K: kube::Resource + Serialize>(workloads: &mut HashMap<Key, Workload>, object: &K, shape: Shape) -> Option<Key> {
    let value = serde_json::to_value(object).ok()?;
    let spec = value.get("spec")?;
    let wanted = Wanted {
        shape,
        generation: object.meta().generation.unwrap_or(1),
        replicas: replicas(shape, spec),
        template: fnv1a(
            spec.get("template")
                .map(Value::to_string)
                .unwrap_or_default()
                .as_bytes(),
        ),
        pulled: spec.pointer("/template/spec").is_none_or(can_be_pulled),
    };
    let key = key(object);
    let status = value.get("status").cloned().unwrap_or(Value::Null);
    // A suspended Job waits, and one that is done stays done.
    let rests = spec.get("suspend").and_then(Value::as_bool) == Some(true) || status.get("completionTime").is_some();
    if shape == Shape::Job && rests {
        workloads.remove(&key);
        return None;
    }
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

/// How many pods there should be.
fn replicas(shape: Shape, spec: &Value) -> i64 {
    let number = |field: &str| spec.get(field).and_then(Value::as_i64);
    match shape {
        Shape::Deployment | Shape::ReplicaSet | Shape::StatefulSet => number("replicas").unwrap_or(1),
        Shape::DaemonSet => 1,
        Shape::Job => number("completions").or(number("parallelism")).unwrap_or(1),
    }
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
