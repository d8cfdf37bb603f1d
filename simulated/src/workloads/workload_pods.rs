//! Pods of workloads, as the controllers of a cluster make them. In: Deployments, ReplicaSets, StatefulSets, DaemonSets and the
//! Pods that are there. Out: Pods made and deleted. Absent: their statuses ([`super::pods`]), those of Jobs, which are done in
//! no time, and ReplicaSets of Deployments: their Pods name one that is not there.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Debug;

use futures::StreamExt;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, DeleteParams, PostParams};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::changes::{Change, Key, follow, key};
use super::{WorkloadsConfig, node, within};
use crate::addresses::fnv1a;

/// Most Pods of one workload: beyond that the machine of the simulation would be the one that is simulated.
const PODS_MAX: usize = 500;
const HASH_LABEL: &str = "pod-template-hash";
/// Letters that Kubernetes makes names of: no vowels, so no words.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// A workload as far as its Pods go.
#[derive(Clone, Debug, PartialEq)]
struct Set {
    kind: &'static str,
    key: Key,
    uid: String,
    replicas: usize,
    template: Value,
    hash: String,
}

enum News {
    Workloads(&'static str, Change<Value>),
    Pods(Box<Change<Pod>>),
}

/// Runs until its task ends.
pub(crate) async fn run(client: Client, config: WorkloadsConfig) {
    let pods = follow(Api::<Pod>::all(client.clone()))
        .map(|change| News::Pods(Box::new(change)))
        .boxed();
    let mut news = futures::stream::select_all([
        pods,
        workloads::<Deployment>(&client, "Deployment"),
        workloads::<ReplicaSet>(&client, "ReplicaSet"),
        workloads::<StatefulSet>(&client, "StatefulSet"),
        workloads::<DaemonSet>(&client, "DaemonSet"),
    ]);
    let mut sets: HashMap<String, Set> = HashMap::new();
    let mut there: HashMap<String, BTreeMap<String, Known>> = HashMap::new();
    while let Some(first) = news.next().await {
        let mut dirty = HashSet::new();
        take(first, &mut sets, &mut there, &mut dirty);
        for uid in dirty {
            let pods = there.entry(uid.clone()).or_default();
            let deeds = match sets.get(&uid) {
                Some(set) => next(set, pods, letters),
                None => Deeds {
                    create: Vec::new(),
                    delete: pods.keys().cloned().collect(),
                },
            };
            act(&client, &config, sets.get(&uid), pods, deeds).await;
            if pods.is_empty() {
                there.remove(&uid);
            }
        }
    }
}

/// A Pod that is there: the namespace, and the hash of the template that it was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    namespace: String,
    hash: String,
}

fn workloads<K>(client: &Client, kind: &'static str) -> futures::stream::BoxStream<'static, News>
where
    K: kube::Resource<DynamicType = ()> + Clone + DeserializeOwned + Serialize + Debug + Send + 'static,
{
    let tree = |object: K| serde_json::to_value(object).unwrap_or_default();
    follow(Api::<K>::all(client.clone()))
        .map(move |change| {
            let change = match change {
                Change::Listed(objects) => Change::Listed(objects.into_iter().map(tree).collect()),
                Change::Put(object) => Change::Put(tree(object)),
                Change::Gone(object) => Change::Gone(tree(object)),
            };
            News::Workloads(kind, change)
        })
        .boxed()
}

fn take(
    news: News,
    sets: &mut HashMap<String, Set>,
    there: &mut HashMap<String, BTreeMap<String, Known>>,
    dirty: &mut HashSet<String>,
) {
    match news {
        News::Workloads(kind, Change::Listed(objects)) => {
            let listed: Vec<Set> = objects.iter().filter_map(|object| set(kind, object)).collect();
            let stays: HashSet<&str> = listed.iter().map(|set| set.uid.as_str()).collect();
            dirty.extend(sets.values().filter(|set| set.kind == kind).map(|set| set.uid.clone()));
            sets.retain(|uid, set| set.kind != kind || stays.contains(uid.as_str()));
            for set in listed {
                dirty.insert(set.uid.clone());
                sets.insert(set.uid.clone(), set);
            }
        }
        News::Workloads(kind, Change::Put(object)) => {
            let known = |set: &Set| sets.get(&set.uid) == Some(set);
            if let Some(set) = set(kind, &object).filter(|set| !known(set)) {
                dirty.insert(set.uid.clone());
                sets.insert(set.uid.clone(), set);
            }
        }
        News::Workloads(_, Change::Gone(object)) => {
            let uid = object
                .pointer("/metadata/uid")
                .and_then(Value::as_str)
                .unwrap_or_default();
            sets.remove(uid);
            dirty.insert(uid.to_owned());
        }
        News::Pods(change) => take_pods(*change, there, dirty),
    }
}

fn take_pods(change: Change<Pod>, there: &mut HashMap<String, BTreeMap<String, Known>>, dirty: &mut HashSet<String>) {
    match change {
        Change::Listed(pods) => {
            dirty.extend(there.drain().map(|(uid, _)| uid));
            for (owner, name, known) in pods.iter().filter_map(known) {
                dirty.insert(owner.clone());
                there.entry(owner).or_default().insert(name, known);
            }
        }
        Change::Put(pod) if pod.metadata.deletion_timestamp.is_none() => {
            if let Some((owner, name, known)) = known(&pod) {
                there.entry(owner).or_default().insert(name, known);
            }
        }
        Change::Put(pod) | Change::Gone(pod) => {
            if let Some((owner, name, _)) = known(&pod) {
                there.entry(owner.clone()).or_default().remove(&name);
                dirty.insert(owner);
            }
        }
    }
}

fn known(pod: &Pod) -> Option<(String, String, Known)> {
    let owner = pod.metadata.owner_references.as_ref()?.first()?.uid.clone();
    let labels = pod.metadata.labels.as_ref()?;
    let (namespace, name) = key(pod);
    let hash = labels.get(HASH_LABEL).cloned().unwrap_or_default();
    Some((owner, name, Known { namespace, hash }))
}

/// What a workload wants; none of one that another makes the Pods of.
fn set(kind: &'static str, object: &Value) -> Option<Set> {
    let metadata = object.get("metadata")?;
    let text = |field: &str| metadata.get(field).and_then(Value::as_str).map(str::to_owned);
    if kind == "ReplicaSet" && metadata.get("ownerReferences").is_some() {
        return None;
    }
    let spec = object.get("spec")?;
    let template = spec.get("template")?.clone();
    let replicas = match kind {
        "DaemonSet" => 1,
        _ => spec.get("replicas").and_then(Value::as_u64).unwrap_or(1),
    };
    Some(Set {
        kind,
        key: (text("namespace")?, text("name")?),
        uid: text("uid")?,
        replicas: usize::try_from(replicas).unwrap_or(PODS_MAX).min(PODS_MAX),
        hash: spelled(fnv1a(template.to_string().as_bytes()), 10),
        template,
    })
}

/// A number in letters that names are made of.
fn spelled(number: u64, length: usize) -> String {
    let base = LETTERS.len() as u64;
    (0..length)
        .scan(number, |rest, _| {
            let at = usize::try_from(*rest % base).unwrap_or(0);
            *rest /= base;
            LETTERS.get(at).copied().map(char::from)
        })
        .collect()
}

fn letters() -> String {
    spelled(rand::random(), 5)
}

#[derive(Debug, PartialEq, Eq)]
struct Deeds {
    create: Vec<String>,
    delete: Vec<String>,
}

/// What makes the Pods that are there those that are wanted: Pods of another template go, and so do the last ones too many.
fn next(set: &Set, there: &BTreeMap<String, Known>, fresh: impl Fn() -> String) -> Deeds {
    let name = &set.key.1;
    if set.kind == "StatefulSet" {
        let wanted: Vec<String> = (0..set.replicas).map(|number| format!("{name}-{number}")).collect();
        let right = |pod: &String| there.get(pod).is_some_and(|known| known.hash == set.hash);
        return Deeds {
            // One of another template goes before its successor comes, by the same name.
            create: wanted.iter().filter(|pod| !there.contains_key(*pod)).cloned().collect(),
            delete: there
                .keys()
                .filter(|pod| !wanted.contains(pod) || !right(pod))
                .cloned()
                .collect(),
        };
    }
    let (right, wrong): (Vec<_>, Vec<_>) = there.iter().partition(|(_, known)| known.hash == set.hash);
    let surplus = right.iter().skip(set.replicas);
    let middle = if set.kind == "Deployment" {
        format!("{}-", set.hash)
    } else {
        String::new()
    };
    Deeds {
        create: (right.len()..set.replicas)
            .map(|_| format!("{name}-{middle}{}", fresh()))
            .collect(),
        delete: wrong.iter().chain(surplus).map(|(pod, _)| (*pod).clone()).collect(),
    }
}

async fn act(
    client: &Client,
    config: &WorkloadsConfig,
    set: Option<&Set>,
    there: &mut BTreeMap<String, Known>,
    deeds: Deeds,
) {
    for name in deeds.delete {
        let Some(known) = there.remove(&name) else { continue };
        let api: Api<Pod> = Api::namespaced(client.clone(), &known.namespace);
        let params = DeleteParams::default().grace_period(0);
        if let Err(error) = within(api.delete(&name, &params)).await
            && !error.is(404)
        {
            tracing::debug!(member = config.member, pod = name, %error, "a pod could not be deleted");
        }
    }
    let Some(set) = set else { return };
    let api: Api<Pod> = Api::namespaced(client.clone(), &set.key.0);
    for name in deeds.create {
        let Ok(pod) = serde_json::from_value(pod(set, &name, &config.member)) else {
            tracing::debug!(member = config.member, pod = name, "the template makes no pod");
            return;
        };
        match within(api.create(&PostParams::default(), &pod)).await {
            Ok(_) => {
                let (namespace, hash) = (set.key.0.clone(), set.hash.clone());
                there.insert(name, Known { namespace, hash });
            }
            Err(error) => tracing::debug!(member = config.member, pod = name, %error, "a pod could not be made"),
        }
    }
}

/// A Pod of a workload.
fn pod(set: &Set, name: &str, member: &str) -> Value {
    let mut pod = set.template.clone();
    let owner = match set.kind {
        "Deployment" => ("ReplicaSet", format!("{}-{}", set.key.1, set.hash)),
        kind => (kind, set.key.1.clone()),
    };
    if let Some(tree) = pod.as_object_mut() {
        let metadata = tree.entry("metadata").or_insert_with(|| json!({}));
        if metadata.is_null() {
            *metadata = json!({});
        }
        metadata["name"] = json!(name);
        metadata["namespace"] = json!(set.key.0);
        metadata["labels"][HASH_LABEL] = json!(set.hash);
        metadata["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": owner.0, "name": owner.1,
            "uid": set.uid, "controller": true, "blockOwnerDeletion": true}]);
        tree.entry("spec").or_insert_with(|| json!({}))["nodeName"] = json!(node::name(member));
    }
    pod
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn wanted(kind: &'static str, replicas: usize, hash: &str) -> Set {
        Set {
            kind,
            key: ("shop".to_owned(), "web".to_owned()),
            uid: "u".to_owned(),
            replicas,
            template: json!({"spec": {"containers": []}}),
            hash: hash.to_owned(),
        }
    }

    fn done(set: &Set, mut there: BTreeMap<String, Known>) -> BTreeMap<String, Known> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let fresh = || format!("f{:06}", NUMBER.fetch_add(1, Ordering::Relaxed));
        // A StatefulSet's Pod of another template goes in one round and comes in the next.
        for _ in 0..2 {
            let deeds = next(set, &there, fresh);
            for name in deeds.delete {
                there.remove(&name);
            }
            for name in deeds.create {
                let hash = set.hash.clone();
                let namespace = set.key.0.clone();
                there.insert(name, Known { namespace, hash });
            }
        }
        there
    }

    #[test]
    fn names_are_those_of_kubernetes() {
        let names = |kind| {
            done(&wanted(kind, 2, "abc"), BTreeMap::new())
                .into_keys()
                .collect::<Vec<_>>()
        };
        assert_eq!(names("StatefulSet"), ["web-0", "web-1"]);
        let begin = |kind, with: &str| {
            names(kind)
                .iter()
                .all(|name| name.starts_with(with) && name.len() == with.len() + 6)
        };
        assert!(begin("Deployment", "web-abc-f") && begin("DaemonSet", "web-f"));
        let pod = pod(&wanted("Deployment", 1, "abc"), "web-abc-f1", "us-1");
        assert_eq!(pod["spec"]["nodeName"], "us-1-node-1");
        assert_eq!(pod["metadata"]["ownerReferences"][0]["name"], "web-abc");
    }

    proptest! {
        #[test]
        fn the_right_number_of_the_right_template(
            kind in prop::sample::select(vec!["Deployment", "StatefulSet", "ReplicaSet"]),
            steps in prop::collection::vec((0_usize..6, "[ab]"), 1..6),
        ) {
            let mut there = BTreeMap::new();
            for (replicas, hash) in steps {
                let set = wanted(kind, replicas, &hash);
                let before = there.clone();
                there = done(&set, there);
                prop_assert_eq!(there.len(), replicas);
                prop_assert!(there.values().all(|known| known.hash == hash));
                let kept = before.iter().filter(|(_, known)| known.hash == hash).count().min(replicas);
                let same = there.keys().filter(|name| before.contains_key(*name)).count();
                prop_assert!(same >= kept, "what is right stays");
            }
        }
    }
}
