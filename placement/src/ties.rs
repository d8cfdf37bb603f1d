//! Which objects go where others are: an autoscaler with its target, a claim with the workloads that mount it, what pods need with
//! the workloads whose policy takes it along.
//! In: facts of objects, as they come and go. Out: for each object what it follows, who follows it, and who scales it; found
//! without looking at every object. Absent: where anything is (`decide/follow.rs`).

use std::collections::{BTreeMap, BTreeSet};

use api::placement::ReplicaBounds;
use api::{ObjectRef, PlacementKey};
use serde_json::Value;

use crate::inputs::FederatedObject;
use crate::needs::{self, Need};

/// Marks a name in [`FederatedObject::mounts`] as what comes before a number.
const NUMBERED: &str = "-*";

/// An autoscaler on the hub that goes to members with its target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Autoscaler {
    /// Its name; it is in its target's namespace.
    pub name: String,
    /// How far it may go.
    pub bounds: ReplicaBounds,
}

/// What a HorizontalPodAutoscaler scales.
pub(crate) fn target_of(object: &Value) -> Option<ObjectRef> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    if text("/kind") != Some("HorizontalPodAutoscaler") {
        return None;
    }
    Some(ObjectRef {
        api_version: text("/spec/scaleTargetRef/apiVersion").unwrap_or_default().to_owned(),
        kind: text("/spec/scaleTargetRef/kind")?.to_owned(),
        namespace: text("/metadata/namespace").unwrap_or_default().to_owned(),
        name: text("/spec/scaleTargetRef/name")?.to_owned(),
        uid: String::new(),
    })
}

/// How far a HorizontalPodAutoscaler may go.
pub(crate) fn bounds_of(object: &Value) -> Option<ReplicaBounds> {
    if object.get("kind").and_then(Value::as_str) != Some("HorizontalPodAutoscaler") {
        return None;
    }
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64);
    let min_replicas = number("/spec/minReplicas").unwrap_or(1).max(0);
    Some(ReplicaBounds {
        min_replicas,
        max_replicas: number("/spec/maxReplicas").unwrap_or(1).max(min_replicas).max(1),
    })
}

/// The claims that an object's pods mount: those that its pod template names, and those that a StatefulSet numbers.
pub(crate) fn mounts_of(object: &Value) -> BTreeSet<String> {
    let text = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let pod = match object.get("kind").and_then(Value::as_str) {
        Some("Pod") => "/spec/volumes",
        Some("CronJob") => "/spec/jobTemplate/spec/template/spec/volumes",
        Some("Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job") => "/spec/template/spec/volumes",
        Some(_) | None => return BTreeSet::new(),
    };
    let list = |pointer: &str| object.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    let named = list(pod).filter_map(|volume| text(volume, "/persistentVolumeClaim/claimName"));
    let owner = text(object, "/metadata/name").unwrap_or_default();
    let numbered = list("/spec/volumeClaimTemplates")
        .filter_map(|template| text(template, "/metadata/name"))
        .map(|template| format!("{template}-{owner}{NUMBERED}"));
    named.chain(numbered).collect()
}

/// Who follows whom.
#[derive(Clone, Debug, Default)]
pub struct Ties {
    /// By target: the autoscalers that name it.
    scalers: BTreeMap<PlacementKey, BTreeMap<PlacementKey, Autoscaler>>,
    /// By namespace and entry of [`FederatedObject::mounts`]: the workloads.
    mounts: BTreeMap<(String, String), BTreeSet<PlacementKey>>,
    /// By namespace and what is needed: the workloads.
    needs: BTreeMap<(String, Need), BTreeSet<PlacementKey>>,
    /// By namespace and name: the claims there are.
    claims: BTreeMap<(String, String), PlacementKey>,
}

impl Ties {
    /// Takes an object in. Only federated ones are to be.
    pub fn tie(&mut self, key: &PlacementKey, facts: &FederatedObject) {
        let resource = &facts.resource;
        if let (Some(target), Some(bounds)) = (&facts.target, facts.bounds) {
            let autoscaler = Autoscaler {
                name: resource.name.clone(),
                bounds,
            };
            let of_target = self.scalers.entry(target.placement_key()).or_default();
            of_target.insert(key.clone(), autoscaler);
        }
        for mount in &facts.mounts {
            let at = (resource.namespace.clone(), mount.clone());
            self.mounts.entry(at).or_default().insert(key.clone());
        }
        for need in &facts.needs {
            let at = (resource.namespace.clone(), need.clone());
            self.needs.entry(at).or_default().insert(key.clone());
        }
        if is_claim(resource) {
            self.claims.insert(place(resource), key.clone());
        }
    }

    /// Lets an object go, as it was taken in.
    pub fn untie(&mut self, key: &PlacementKey, facts: &FederatedObject) {
        let resource = &facts.resource;
        if let Some(target) = facts.target.as_ref().map(ObjectRef::placement_key)
            && let Some(of_target) = self.scalers.get_mut(&target)
        {
            of_target.remove(key);
            if of_target.is_empty() {
                self.scalers.remove(&target);
            }
        }
        for mount in &facts.mounts {
            let at = (resource.namespace.clone(), mount.clone());
            if let Some(workloads) = self.mounts.get_mut(&at) {
                workloads.remove(key);
                if workloads.is_empty() {
                    self.mounts.remove(&at);
                }
            }
        }
        for need in &facts.needs {
            let at = (resource.namespace.clone(), need.clone());
            if let Some(workloads) = self.needs.get_mut(&at) {
                workloads.remove(key);
                if workloads.is_empty() {
                    self.needs.remove(&at);
                }
            }
        }
        if is_claim(resource) {
            self.claims.remove(&place(resource));
        }
    }

    /// The autoscaler of a workload; of several, the first by name, because two would fight in any cluster.
    #[must_use]
    pub fn autoscaler(&self, workload: &PlacementKey) -> Option<&Autoscaler> {
        self.scalers.get(workload)?.values().next()
    }

    /// What an object follows.
    #[must_use]
    pub fn leaders(&self, facts: &FederatedObject) -> Vec<PlacementKey> {
        if let Some(target) = &facts.target {
            return vec![target.placement_key()];
        }
        let resource = &facts.resource;
        if let Some(kind) = needs::Kind::of(&resource.api_version, &resource.kind) {
            let at = (resource.namespace.clone(), (kind, resource.name.clone()));
            return self.needs.get(&at).into_iter().flatten().cloned().collect();
        }
        if !is_claim(resource) {
            return vec![];
        }
        let (namespace, name) = place(&facts.resource);
        let numbered = name.rsplit_once('-').filter(|(_, number)| is_number(number));
        let numbered = numbered.map(|(stem, _)| format!("{stem}{NUMBERED}"));
        let workloads = [Some(name), numbered].into_iter().flatten();
        let found: BTreeSet<&PlacementKey> = workloads
            .filter_map(|mount| self.mounts.get(&(namespace.clone(), mount)))
            .flatten()
            .collect();
        found.into_iter().cloned().collect()
    }

    /// Who follows an object where it goes: its autoscalers, the claims that it mounts, and what its pods need.
    #[must_use]
    pub fn followers(&self, key: &PlacementKey, facts: &FederatedObject) -> BTreeSet<PlacementKey> {
        let scalers = self.scalers.get(key).into_iter().flat_map(BTreeMap::keys).cloned();
        let mut followers: BTreeSet<PlacementKey> = scalers.collect();
        followers.extend(facts.needs.iter().map(|(kind, name)| {
            let needed = ObjectRef {
                api_version: "v1".to_owned(),
                kind: kind.as_str().to_owned(),
                namespace: facts.resource.namespace.clone(),
                name: name.clone(),
                uid: String::new(),
            };
            needed.placement_key()
        }));
        for mount in &facts.mounts {
            let namespace = facts.resource.namespace.clone();
            match mount.strip_suffix('*') {
                None => followers.extend(self.claims.get(&(namespace, mount.clone())).cloned()),
                Some(stem) => {
                    let from = (namespace.clone(), stem.to_owned());
                    let numbered = self
                        .claims
                        .range(from..)
                        .take_while(|((of, name), _)| *of == namespace && name.starts_with(stem))
                        .filter(|((_, name), _)| name.strip_prefix(stem).is_some_and(is_number));
                    followers.extend(numbered.map(|(_, claim)| claim.clone()));
                }
            }
        }
        followers
    }
}

fn is_claim(resource: &ObjectRef) -> bool {
    resource.api_version == "v1" && resource.kind == "PersistentVolumeClaim"
}

fn place(resource: &ObjectRef) -> (String, String) {
    (resource.namespace.clone(), resource.name.clone())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn facts(kind: &str, name: &str, spec: Value) -> (PlacementKey, FederatedObject) {
        let api_version = match kind {
            "PersistentVolumeClaim" | "Pod" => "v1",
            "HorizontalPodAutoscaler" => "autoscaling/v2",
            "CronJob" => "batch/v1",
            _ => "apps/v1",
        };
        let object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"namespace": "shop", "name": name}, "spec": spec});
        let facts = FederatedObject::from_value(&object).unwrap();
        (facts.resource.placement_key(), facts)
    }

    fn names(keys: impl IntoIterator<Item = PlacementKey>) -> Vec<String> {
        keys.into_iter().map(|key| key.name).collect()
    }

    #[test]
    fn claims_follow_what_mounts_them() {
        let volumes = |claim: &str| json!([{"name": "v", "persistentVolumeClaim": {"claimName": claim}}, {"name": "tmp", "emptyDir": {}}]);
        let objects = [
            facts(
                "Deployment",
                "web",
                json!({"template": {"spec": {"volumes": volumes("files")}}}),
            ),
            facts("Pod", "once", json!({"volumes": volumes("files")})),
            facts(
                "CronJob",
                "nightly",
                json!({"jobTemplate": {"spec": {"template": {"spec": {"volumes": volumes("dump")}}}}}),
            ),
            facts(
                "StatefulSet",
                "db",
                json!({"volumeClaimTemplates": [{"metadata": {"name": "data"}}]}),
            ),
            facts("PersistentVolumeClaim", "files", json!({})),
            facts("PersistentVolumeClaim", "dump", json!({})),
            facts("PersistentVolumeClaim", "data-db-0", json!({})),
            facts("PersistentVolumeClaim", "data-db-x", json!({})),
        ];
        let mut ties = Ties::default();
        for (key, facts) in &objects {
            ties.tie(key, facts);
        }
        let leaders: Vec<Vec<String>> = objects.iter().map(|(_, facts)| names(ties.leaders(facts))).collect();
        assert_eq!(leaders[4], ["deployment-web", "pod-once"]);
        assert_eq!(leaders[5], ["cronjob-nightly"]);
        assert_eq!(leaders[6], ["statefulset-db"]);
        assert_eq!(leaders[7], [""; 0]);
        let followers: Vec<Vec<String>> = objects
            .iter()
            .map(|(key, facts)| names(ties.followers(key, facts)))
            .collect();
        assert_eq!(followers[0], ["persistentvolumeclaim-files"]);
        assert_eq!(followers[3], ["persistentvolumeclaim-data-db-0"]);
        for (key, facts) in &objects {
            ties.untie(key, facts);
        }
        assert!(
            ties.mounts.is_empty() && ties.claims.is_empty(),
            "nothing is left: {ties:?}"
        );
    }

    #[test]
    fn an_autoscaler_follows_its_target() {
        let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
        let (key, scaler) = facts(
            "HorizontalPodAutoscaler",
            "web",
            json!({"scaleTargetRef": target, "maxReplicas": 9}),
        );
        let (web, deployment) = facts("Deployment", "web", json!({}));
        let mut ties = Ties::default();
        ties.tie(&key, &scaler);
        assert_eq!(ties.leaders(&scaler), std::slice::from_ref(&web));
        assert_eq!(
            names(ties.followers(&web, &deployment)),
            ["horizontalpodautoscaler-web"]
        );
        let bounds = ReplicaBounds {
            min_replicas: 1,
            max_replicas: 9,
        };
        assert_eq!(ties.autoscaler(&web).map(|scaler| scaler.bounds), Some(bounds));
        ties.untie(&key, &scaler);
        assert_eq!(ties.autoscaler(&web), None);
    }
}
