//! The members of `--simulate N`: started, registered like any other, and made to fail when their Cluster's annotation says so.
//!
//! In: a number. Out: members that run in this process, their contexts for the kubeconfig. A restart makes them anew, empty;
//! their syncers fill them again.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use api::ClusterName;
use api::well_known::{
    FIELD_MANAGER, SECRET_CLIENT_CERTIFICATE, SECRET_CLIENT_KEY, SIMULATED_FAULT_ANNOTATION, SIMULATED_LABEL,
};
use futures::{StreamExt, TryStreamExt};
use ipnet::Ipv4Net;
use kube::api::{DynamicObject, PostParams};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use simulated::{Fault, Member, MemberConfig};
use tokio_util::sync::CancellationToken;

use super::{Parts, UpError};
use crate::hub;
use crate::kubeconfig::Entry;
use crate::membership::{self, MemberAccess, MemberPlace};
use crate::pki::Identity;

/// Members up to which each has Pods and is reached over TLS as any other cluster would be. More of them share the machine better
/// without either.
const FEW: u16 = 200;
/// Members that are started at once.
const STARTED_AT_ONCE: usize = 8;
/// Short names and regions, in turn.
const PLACES: [(&str, &str); 3] = [("us", "us-east"), ("eu", "eu-west"), ("ap", "ap-south")];
/// The regions of [`PLACES`], with clients in the networks that RFC 5737 keeps for documentation.
const REGIONS: &str = include_str!("../../../examples/regions.yaml");

/// Members that run.
pub(super) struct SimulatedMembers {
    members: Vec<Member>,
}

/// Where members are put while they start, so that their syncers find those that are reached without a socket.
#[derive(Clone, Default)]
pub(super) struct Crowd {
    near: Arc<Mutex<HashMap<String, Client>>>,
}

impl Crowd {
    /// The members that are reached without a socket.
    pub(super) fn nearby(&self) -> syncer::Nearby {
        let near = self.near.clone();
        Arc::new(move |name| near.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned())
    }

    /// Starts them, and registers each on the hub.
    pub(super) async fn start(
        &self,
        hub: &Client,
        count: u16,
        network: Ipv4Net,
        stop: CancellationToken,
    ) -> Result<SimulatedMembers, UpError> {
        if count > 0 {
            create_regions(hub).await?;
        }
        let few = count <= FEW;
        let networks = network.subnets(prefix(count)).into_iter().flatten();
        let starting = (0..usize::from(count)).zip(networks).map(|(index, addresses)| {
            let (short, region) = PLACES[index % PLACES.len()];
            let name = format!("{short}-{}", index / PLACES.len() + 1);
            let stop = stop.clone();
            async move {
                if stop.is_cancelled() {
                    return Ok(None);
                }
                self.start_one(hub, &name, region, addresses, few).await.map(Some)
            }
        });
        let started: Vec<Option<Member>> = futures::stream::iter(starting)
            .buffered(STARTED_AT_ONCE)
            .try_collect()
            .await?;
        Ok(SimulatedMembers {
            members: started.into_iter().flatten().collect(),
        })
    }
}

/// Bits of the networks that a /16 is divided into for so many members: a /24 each, or smaller ones where those are too few.
fn prefix(count: u16) -> u8 {
    let bits = u16::BITS - count.saturating_sub(1).leading_zeros();
    u8::try_from(16 + bits).unwrap_or(u8::MAX).max(24)
}

impl Crowd {
    async fn start_one(
        &self,
        hub: &Client,
        name: &str,
        region: &str,
        addresses: Ipv4Net,
        few: bool,
    ) -> Result<Member, UpError> {
        let wrong = |detail: String| UpError::Simulated {
            name: name.to_owned(),
            detail,
        };
        let cluster = ClusterName::parse(name).map_err(|error| wrong(error.to_string()))?;
        let addresses = addresses
            .to_string()
            .parse()
            .map_err(|_| wrong("no address range".to_owned()))?;
        let zone = format!("{region}-a");
        let config = MemberConfig {
            region: Some(region.to_owned()),
            zone: Some(zone.clone()),
            pods: few,
            ..MemberConfig::new(name, addresses)
        };
        let member = Member::start(config)
            .await
            .map_err(|error| wrong(crate::output::with_causes(&error)))?;
        let access = MemberAccess {
            endpoint: member.endpoint(),
            authority_pem: Some(member.ca_pem().to_owned()),
            insecure: false,
            credentials: BTreeMap::from([
                (
                    SECRET_CLIENT_CERTIFICATE.to_owned(),
                    member.client_certificate_pem().to_owned(),
                ),
                (SECRET_CLIENT_KEY.to_owned(), member.client_key_pem().to_owned()),
            ]),
        };
        let place = MemberPlace {
            region: Some(region.to_owned()),
            zones: vec![zone],
            provider: Some("simulated".to_owned()),
            labels: BTreeMap::from([(SIMULATED_LABEL.to_owned(), "true".to_owned())]),
        };
        if !few {
            let mut near = self.near.lock().unwrap_or_else(PoisonError::into_inner);
            near.insert(name.to_owned(), member.near_client());
        }
        membership::register(hub, &cluster, member.identity(), Some(&access), &place, true)
            .await
            .map_err(|error| wrong(error.to_string()))?;
        let federation = membership::claim::federation(hub)
            .await
            .map_err(|error| wrong(error.to_string()))?;
        membership::claim::claim(&federation, &cluster, &member.local_client(), true)
            .await
            .map_err(|error| wrong(error.to_string()))?;
        Ok(member)
    }
}

/// Creates the regions that are not there; what a user changed stays.
async fn create_regions(hub: &Client) -> Result<(), UpError> {
    let wrong = |detail: String| UpError::Simulated {
        name: "regions".to_owned(),
        detail,
    };
    let regions: Vec<DynamicObject> = serde_saphyr::from_multiple(REGIONS).map_err(|error| wrong(error.to_string()))?;
    let api: Api<DynamicObject> = Api::all_with(hub.clone(), &hub::resource("Region", "regions"));
    let params = PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    for region in regions {
        match api.create(&params, &region).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.is_already_exists() => {}
            Err(error) => return Err(wrong(error.to_string())),
        }
    }
    Ok(())
}

impl SimulatedMembers {
    /// Their contexts.
    pub(super) fn entries(&self) -> Vec<Entry> {
        self.members
            .iter()
            .map(|member| Entry {
                name: member.name().to_owned(),
                server: member.endpoint(),
                authority_pem: member.ca_pem().to_owned(),
                identity: Identity {
                    certificate: member.client_certificate_pem().to_owned(),
                    key: member.client_key_pem().to_owned(),
                },
            })
            .collect()
    }

    /// Follows the annotations of their Clusters.
    pub(super) fn play_faults(&self, parts: &mut Parts, hub: Client, stop: CancellationToken) {
        let faults: BTreeMap<String, simulated::Faults> = self
            .members
            .iter()
            .map(|member| (member.name().to_owned(), member.faults().clone()))
            .collect();
        if faults.is_empty() {
            return;
        }
        parts.spawn(async move {
            let config = watcher::Config::default().labels(SIMULATED_LABEL);
            let clusters = watcher(hub::clusters(&hub), config).default_backoff().applied_objects();
            let mut clusters = std::pin::pin!(clusters);
            loop {
                let next = tokio::select! {
                    () = stop.cancelled() => return ("simulated faults", Ok(())),
                    next = clusters.try_next() => next,
                };
                match next {
                    Ok(Some(cluster)) => play(&faults, &cluster),
                    Ok(None) => return ("simulated faults", Err("the watch of Clusters ended".to_owned())),
                    Err(error) => {
                        tracing::warn!(%error, "Clusters cannot be watched for simulated faults; trying again")
                    }
                }
            }
        });
    }

    /// Ends them.
    pub(super) async fn stop(self) {
        for member in self.members {
            drop(member);
            tokio::task::yield_now().await;
        }
    }
}

fn play(faults: &BTreeMap<String, simulated::Faults>, cluster: &DynamicObject) {
    let name = cluster.metadata.name.as_deref().unwrap_or_default();
    let Some(member) = faults.get(name) else { return };
    let wanted = cluster
        .metadata
        .annotations
        .as_ref()
        .and_then(|all| all.get(SIMULATED_FAULT_ANNOTATION));
    match wanted.map(|text| parse(text)) {
        None => member.recover(),
        Some(Some(fault)) => {
            // A new fault replaces the old one whole: first everything is well again.
            member.recover();
            member.inject(fault);
        }
        Some(None) => tracing::warn!(
            cluster = name,
            annotation = SIMULATED_FAULT_ANNOTATION,
            "the annotation is not WHAT/HOW (api, data or all; refuse, hang or garbage); ignored"
        ),
    }
}

fn parse(text: &str) -> Option<Fault> {
    let (what, how) = text.split_once('/')?;
    Some(Fault {
        what: what.parse().ok()?,
        how: how.parse().ok()?,
    })
}
