//! Endpoint slices of a simulated member: the ready pods of the workloads that a Service selects.
//! In: Services, Deployments, ReplicaSets. Out: one slice a Service. Absent: more than a thousand endpoints a Service.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::Ipv4Addr;

use futures::StreamExt;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{PodTemplateSpec, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::Client;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::changes::{Change, Key, follow, key};
use super::{WorkloadsConfig, within};
use crate::addresses::fnv1a;

/// Most endpoints in a slice, as Kubernetes allows.
const ENDPOINTS_MAX: i32 = 1000;
/// Field manager of the slices.
const MANAGER: &str = "simulated-endpoints";

/// A workload as Services see it.
struct Backend {
    labels: BTreeMap<String, String>,
    ready: i32,
}

#[derive(Default)]
struct Known {
    services: BTreeMap<Key, Service>,
    /// By kind as well, since a Deployment and a ReplicaSet may share a name.
    backends: BTreeMap<(Key, &'static str), Backend>,
    written: HashMap<Key, Value>,
}

/// Keeps the slices until its task ends.
pub(crate) async fn run(client: Client, config: WorkloadsConfig) {
    let mut services = follow(Api::<Service>::all(client.clone()));
    let mut deployments = follow(Api::<Deployment>::all(client.clone()));
    let mut replica_sets = follow(Api::<ReplicaSet>::all(client.clone()));
    let mut known = Known::default();
    loop {
        let dirty: BTreeSet<Key> = tokio::select! {
            Some(change) = services.next() => known.service(change),
            Some(change) = deployments.next() => known.backend("Deployment", change, |d: &Deployment| {
                (d.spec.as_ref().map(|s| s.template.clone()), d.status.as_ref().and_then(|s| s.ready_replicas))
            }),
            Some(change) = replica_sets.next() => known.backend("ReplicaSet", change, |r: &ReplicaSet| {
                (r.spec.as_ref().and_then(|s| s.template.clone()), r.status.as_ref().and_then(|s| s.ready_replicas))
            }),
            else => return,
        };
        for service in dirty {
            known.write(&client, &config.member, &service).await;
        }
    }
}

impl Known {
    fn service(&mut self, change: Change<Service>) -> BTreeSet<Key> {
        match change {
            Change::Listed(listed) => {
                let mut dirty: BTreeSet<Key> = std::mem::take(&mut self.services).into_keys().collect();
                self.services = listed.into_iter().map(|s| (key(&s), s)).collect();
                dirty.extend(self.services.keys().cloned());
                dirty
            }
            Change::Put(service) => {
                let key = key(&service);
                self.services.insert(key.clone(), service);
                BTreeSet::from([key])
            }
            Change::Gone(service) => {
                let key = key(&service);
                self.services.remove(&key);
                BTreeSet::from([key])
            }
        }
    }

    fn backend<K: kube::Resource>(
        &mut self,
        kind: &'static str,
        change: Change<K>,
        read: impl Fn(&K) -> (Option<PodTemplateSpec>, Option<i32>),
    ) -> BTreeSet<Key> {
        let put = |known: &mut Self, object: &K| -> bool {
            let (template, ready) = read(object);
            let labels = template
                .and_then(|t| t.metadata)
                .and_then(|m| m.labels)
                .unwrap_or_default();
            let backend = Backend {
                labels,
                ready: ready.unwrap_or(0),
            };
            let old = known.backends.get(&(key(object), kind));
            let changed = old.is_none_or(|old| old.ready != backend.ready || old.labels != backend.labels);
            known.backends.insert((key(object), kind), backend);
            changed
        };
        match change {
            Change::Listed(listed) => {
                self.backends.retain(|(_, of), _| *of != kind);
                for object in &listed {
                    put(self, object);
                }
                self.services.keys().cloned().collect()
            }
            Change::Put(object) => {
                let namespace = key(&object).0;
                if put(self, &object) {
                    self.services_in(&namespace)
                } else {
                    BTreeSet::new()
                }
            }
            Change::Gone(object) => {
                self.backends.remove(&(key(&object), kind));
                self.services_in(&key(&object).0)
            }
        }
    }

    fn services_in(&self, namespace: &str) -> BTreeSet<Key> {
        self.services
            .keys()
            .filter(|(of, _)| of == namespace)
            .cloned()
            .collect()
    }

    async fn write(&mut self, client: &Client, member: &str, service: &Key) {
        let api: Api<EndpointSlice> = Api::namespaced(client.clone(), &service.0);
        let name = format!("{}-simulated", service.1);
        let Some(slice) = self.services.get(service).and_then(|s| self.slice(&name, member, s)) else {
            if self.written.remove(service).is_some()
                && let Err(error) = within(api.delete(&name, &DeleteParams::default())).await
                && !error.is(404)
            {
                tracing::warn!(member, slice = name, %error, "the endpoint slice could not be removed");
            }
            return;
        };
        if self.written.get(service) == Some(&slice) {
            return;
        }
        let params = PatchParams::apply(MANAGER).force();
        match within(api.patch(&name, &params, &Patch::Apply(&slice))).await {
            Ok(_) => drop(self.written.insert(service.clone(), slice)),
            // The namespace is going.
            Err(error) if error.is(404) || error.is(403) => {}
            Err(error) => tracing::warn!(member, slice = name, %error, "the endpoint slice could not be written"),
        }
    }

    /// The slice of a Service; none where it selects nothing.
    fn slice(&self, name: &str, member: &str, service: &Service) -> Option<Value> {
        let spec = service.spec.as_ref()?;
        let selector = spec.selector.as_ref().filter(|s| !s.is_empty())?;
        let (namespace, service_name) = key(service);
        let mut endpoints = Vec::new();
        let range = ((namespace.clone(), String::new()), "")..;
        for (((of, workload), kind), backend) in self
            .backends
            .range(range)
            .take_while(|(((of, _), _), _)| *of == namespace)
        {
            let selected = selector.iter().all(|(k, v)| backend.labels.get(k) == Some(v));
            for number in 0..if selected { backend.ready.min(ENDPOINTS_MAX) } else { 0 } {
                let address = pod_address(&format!("{member}/{kind}/{of}/{workload}/{number}"));
                endpoints.push(json!({"addresses": [address.to_string()],
                    "conditions": {"ready": true, "serving": true, "terminating": false},
                    "targetRef": {"kind": "Pod", "namespace": of, "name": format!("{workload}-{number}")}}));
            }
        }
        endpoints.truncate(usize::try_from(ENDPOINTS_MAX).unwrap_or_default());
        let ports: Vec<Value> = spec
            .ports
            .iter()
            .flatten()
            .map(|p| {
                let target = match &p.target_port {
                    Some(k8s_openapi::apimachinery::pkg::util::intstr::IntOrString::Int(number)) => *number,
                    Some(k8s_openapi::apimachinery::pkg::util::intstr::IntOrString::String(_)) | None => p.port,
                };
                json!({"name": p.name.clone().unwrap_or_default(), "port": target, "protocol": p.protocol.clone().unwrap_or_else(|| "TCP".into())})
            })
            .collect();
        let mut labels = service.metadata.labels.clone().unwrap_or_default();
        labels.insert("kubernetes.io/service-name".to_owned(), service_name.clone());
        labels.insert(
            "endpointslice.kubernetes.io/managed-by".to_owned(),
            "simulated.meridian".to_owned(),
        );
        Some(json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": name, "namespace": namespace, "labels": labels},
            "addressType": "IPv4", "endpoints": endpoints, "ports": ports}))
    }
}

/// An address for a pod that does not exist; the same for the same pod.
pub(crate) fn pod_address(pod: &str) -> Ipv4Addr {
    let bits = u32::try_from(fnv1a(pod.as_bytes()) & 0x00ff_ffff).unwrap_or(1);
    Ipv4Addr::from(0x0a00_0000 | bits.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_gets_the_ready_pods_it_selects() {
        let mut known = Known::default();
        let service: Service = serde_json::from_value(
            json!({"metadata": {"namespace": "shop", "name": "web", "labels": {"a": "b"}},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}}),
        )
        .unwrap();
        let deployment = |name: &str, app: &str, ready: i32| -> Deployment {
            serde_json::from_value(json!({"metadata": {"namespace": "shop", "name": name},
                "spec": {"selector": {}, "template": {"metadata": {"labels": {"app": app}}}}, "status": {"readyReplicas": ready}}))
            .unwrap()
        };
        let read = |d: &Deployment| {
            (
                d.spec.as_ref().map(|s| s.template.clone()),
                d.status.as_ref().and_then(|s| s.ready_replicas),
            )
        };
        assert_eq!(known.service(Change::Put(service.clone())).len(), 1);
        assert_eq!(
            known
                .backend("Deployment", Change::Put(deployment("web", "web", 2)), read)
                .len(),
            1
        );
        assert!(
            known
                .backend("Deployment", Change::Put(deployment("web", "web", 2)), read)
                .is_empty(),
            "no change, no work"
        );
        known.backend("Deployment", Change::Put(deployment("db", "db", 5)), read);
        let slice = known.slice("web-simulated", "us-1", &service).unwrap();
        assert_eq!(slice["endpoints"].as_array().unwrap().len(), 2);
        assert_eq!(slice["ports"][0]["port"], 8080);
        assert_eq!(slice["metadata"]["labels"]["kubernetes.io/service-name"], "web");
        assert_eq!(slice["metadata"]["labels"]["a"], "b");
        let bare: Service = serde_json::from_value(json!({"metadata": {"name": "x"}, "spec": {}})).unwrap();
        assert_eq!(known.slice("x", "us-1", &bare), None);
    }
}
