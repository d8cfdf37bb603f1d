//! Addresses for Services of type LoadBalancer, and the listeners behind them.
//!
//! In: Services. Out: `status.loadBalancer` and open sockets. An address that cannot be given or listened on is said in an
//! Event of the Service and retried; the other Services are not concerned.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Service;
use kube::Client;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::changes::{Change, Key, follow, key};
use super::data_path::Answer;
use super::{WorkloadsConfig, within};
use crate::gate;

/// Time after which what failed is tried again.
const RETRY: Duration = Duration::from_secs(3);

/// Gives addresses and serves them until its task ends.
pub(crate) async fn run(client: Client, config: WorkloadsConfig, shutdown: CancellationToken) {
    let mut changes = follow(Api::<Service>::all(client.clone()));
    let mut cloud = Cloud {
        client,
        config,
        shutdown,
        known: BTreeMap::new(),
        taken: BTreeMap::new(),
        open: HashMap::new(),
        said: HashSet::new(),
    };
    let mut failed: HashSet<Key> = HashSet::new();
    let mut retry = tokio::time::interval(RETRY);
    loop {
        let dirty: Vec<Key> = tokio::select! {
            change = changes.next() => match change {
                None => return,
                Some(Change::Listed(listed)) => {
                    let gone: Vec<Key> = {
                        let there: HashSet<Key> = listed.iter().map(key).collect();
                        cloud.known.keys().filter(|k| !there.contains(*k)).cloned().collect()
                    };
                    gone.iter().for_each(|k| cloud.forget(k));
                    // Addresses that were given before are reserved first.
                    for service in listed {
                        cloud.remember(service);
                    }
                    cloud.known.keys().cloned().collect()
                }
                Some(Change::Put(service)) => {
                    let key = key(&service);
                    cloud.remember(service);
                    vec![key]
                }
                Some(Change::Gone(service)) => {
                    cloud.forget(&key(&service));
                    Vec::new()
                }
            },
            _ = retry.tick() => failed.drain().collect(),
        };
        for key in dirty {
            if !cloud.serve(&key).await {
                failed.insert(key);
            }
        }
    }
}

struct Cloud {
    client: Client,
    config: WorkloadsConfig,
    shutdown: CancellationToken,
    known: BTreeMap<Key, Service>,
    taken: BTreeMap<Ipv4Addr, String>,
    open: HashMap<SocketAddr, (Key, DropGuard)>,
    said: HashSet<(Key, String)>,
}

impl Cloud {
    fn remember(&mut self, service: Service) {
        if wants_address(&service)
            && let Some(address) = given(&service).filter(|a| self.config.addresses.contains(*a))
        {
            self.taken.entry(address).or_insert_with(|| name(&key(&service)));
        }
        self.known.insert(key(&service), service);
    }

    fn forget(&mut self, key: &Key) {
        self.known.remove(key);
        self.withdraw(key);
        self.said.retain(|(who, _)| who != key);
    }

    fn withdraw(&mut self, key: &Key) {
        let who = name(key);
        self.taken.retain(|_, owner| *owner != who);
        self.open.retain(|_, (owner, _)| owner != key);
    }

    /// Brings one Service to where it should be; whether it is there.
    async fn serve(&mut self, key: &Key) -> bool {
        let Some(service) = self.known.get(key).cloned() else {
            return true;
        };
        if !wants_address(&service) || service.metadata.deletion_timestamp.is_some() {
            let had = self.taken.values().any(|owner| *owner == name(key));
            self.withdraw(key);
            return !had || given(&service).is_none() || self.publish(key, None).await;
        }
        let who = name(key);
        let Some(address) = self.config.addresses.assign(&who, &self.taken) else {
            let range = self.config.addresses;
            self.say(
                key,
                "AddressesExhausted",
                &format!("every address of {range} is taken; remove a Service or widen the range"),
            )
            .await;
            return false;
        };
        let owned = given(&service)
            .filter(|a| self.taken.get(a) == Some(&who))
            .unwrap_or(address);
        self.taken.insert(owned, who);
        let listening = self.listen(key, &service, owned).await;
        let published = given(&service) == Some(owned) || self.publish(key, Some(owned)).await;
        listening && published
    }

    async fn listen(&mut self, key: &Key, service: &Service, address: Ipv4Addr) -> bool {
        let ports = service
            .spec
            .as_ref()
            .and_then(|s| s.ports.as_ref())
            .into_iter()
            .flatten();
        let wanted: HashSet<SocketAddr> = ports
            .filter(|p| p.protocol.as_deref().unwrap_or("TCP") == "TCP")
            .filter_map(|p| u16::try_from(p.port).ok())
            .map(|port| SocketAddr::new(IpAddr::V4(address), port))
            .collect();
        self.open
            .retain(|socket, (owner, _)| owner != key || wanted.contains(socket));
        let mut all = true;
        for socket in wanted {
            if self.open.contains_key(&socket) {
                continue;
            }
            match TcpListener::bind(socket).await {
                Ok(listener) => {
                    let answer = Answer {
                        member: self.config.member.clone(),
                        namespace: key.0.clone(),
                        service: key.1.clone(),
                        address: socket,
                    };
                    let stop = self.shutdown.child_token();
                    tokio::spawn(gate::run(
                        socket,
                        listener,
                        self.config.faults.data(),
                        answer,
                        stop.clone(),
                    ));
                    self.open.insert(socket, (key.clone(), stop.drop_guard()));
                }
                Err(error) => {
                    all = false;
                    self.say(
                        key,
                        "ListenFailed",
                        &format!("cannot listen on {socket}: {error}; free the port or choose another"),
                    )
                    .await;
                }
            }
        }
        all
    }

    async fn publish(&self, key: &Key, address: Option<Ipv4Addr>) -> bool {
        let api: Api<Service> = Api::namespaced(self.client.clone(), &key.0);
        let ingress = address.map(|a| json!([{"ip": a.to_string(), "ipMode": "VIP"}]));
        let patch = json!({"status": {"loadBalancer": {"ingress": ingress}}});
        match within(api.patch_status(&key.1, &PatchParams::default(), &Patch::Merge(&patch))).await {
            Ok(_) => true,
            Err(error) if error.is(404) => true,
            Err(error) => {
                tracing::warn!(member = self.config.member, service = name(key), %error, "the Service's address could not be written; it is retried");
                false
            }
        }
    }

    /// Says once what is wrong with a Service, in the log and in an Event.
    async fn say(&mut self, key: &Key, reason: &str, message: &str) {
        if !self.said.insert((key.clone(), message.to_owned())) {
            return;
        }
        tracing::warn!(member = self.config.member, service = name(key), message, "data path");
        let now = k8s_openapi::jiff::Timestamp::now().to_string();
        let event = json!({
            "apiVersion": "v1", "kind": "Event",
            "metadata": {"generateName": format!("{}.", key.1), "namespace": key.0},
            "involvedObject": {"apiVersion": "v1", "kind": "Service", "namespace": key.0, "name": key.1,
                "uid": self.known.get(key).and_then(|s| s.metadata.uid.clone())},
            "type": "Warning", "reason": reason, "message": message, "count": 1,
            "firstTimestamp": now, "lastTimestamp": now, "source": {"component": "simulated-cloud"},
        });
        let Ok(event) = serde_json::from_value(event) else {
            return;
        };
        let api: Api<k8s_openapi::api::core::v1::Event> = Api::namespaced(self.client.clone(), &key.0);
        if let Err(error) = within(api.create(&PostParams::default(), &event)).await {
            tracing::debug!(%error, "the Event could not be written");
        }
    }
}

fn name(key: &Key) -> String {
    format!("{}/{}", key.0, key.1)
}

fn wants_address(service: &Service) -> bool {
    service.spec.as_ref().and_then(|s| s.type_.as_deref()) == Some("LoadBalancer")
}

/// The address that the Service has.
fn given(service: &Service) -> Option<Ipv4Addr> {
    service
        .status
        .as_ref()?
        .load_balancer
        .as_ref()?
        .ingress
        .as_ref()?
        .first()?
        .ip
        .as_ref()?
        .parse()
        .ok()
}
