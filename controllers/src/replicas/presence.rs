//! Leases by which API servers know each other, named and labelled as kube-apiserver's identity Leases are.
//!
//! In: Leases. Out: the own one, renewed; the addresses of those that are renewed. One that is no longer renewed is gone, by
//! time measured here, and its Lease is removed after a while. Absent: what follows from it.

use std::collections::BTreeMap;
use std::time::Duration;

use api::well_known::ADDRESS_ANNOTATION;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::json;
use tokio::time::Instant;

use super::Replica;

const NAMESPACE: &str = "kube-system";
const LABEL: &str = "apiserver.kubernetes.io/identity";
const LABEL_VALUE: &str = "meridian-apiserver";
const MANAGER: &str = "meridian-apiserver";
/// The own Lease is renewed when it is older than this.
const RENEW_AFTER: Duration = Duration::from_secs(5);
/// A Lease that was not renewed for this long is of one that is gone.
const GONE_AFTER: Duration = Duration::from_secs(20);
/// A Lease that was not renewed for this long is removed.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(120);
const DEADLINE: Duration = Duration::from_secs(5);

/// What is known of the Leases.
pub(super) struct Presence {
    leases: Api<Lease>,
    name: String,
    address: String,
    renewed: Option<Instant>,
    /// When each Lease was first seen in the version that it has.
    seen: BTreeMap<String, (Option<String>, Instant)>,
}

impl Presence {
    pub(super) fn new(replica: &Replica) -> Self {
        Self {
            leases: Api::namespaced(replica.local.clone(), NAMESPACE),
            name: format!("apiserver-{}", replica.identity),
            address: replica.address.clone(),
            renewed: None,
            seen: BTreeMap::new(),
        }
    }

    /// Renews the own Lease where it is time, and says where the others are.
    pub(super) async fn look(&mut self) -> Result<Vec<String>, kube::Error> {
        if self.renewed.is_none_or(|at| at.elapsed() >= RENEW_AFTER) {
            self.renew().await?;
            self.renewed = Some(Instant::now());
        }
        let ours = ListParams::default().labels(&format!("{LABEL}={LABEL_VALUE}"));
        let found = within(self.leases.list(&ours)).await?.items;
        let now = Instant::now();
        let mut seen = BTreeMap::new();
        let mut others = Vec::new();
        for lease in found {
            let (name, version) = (lease.name_any(), lease.resource_version());
            if name == self.name {
                continue;
            }
            let known = self.seen.remove(&name).filter(|(before, _)| *before == version);
            let (_, since) = seen.entry(name.clone()).or_insert(known.unwrap_or((version, now)));
            let age = now.duration_since(*since);
            let address = lease.annotations().get(ADDRESS_ANNOTATION);
            if age < GONE_AFTER {
                others.extend(address.filter(|address| **address != self.address).cloned());
            } else if age > FORGOTTEN_AFTER {
                // Whoever is first; that it is gone already is as good.
                let removed = within(self.leases.delete(&name, &DeleteParams::default())).await;
                tracing::debug!(
                    lease = name,
                    removed = removed.is_ok(),
                    "the Lease of an API server that is gone"
                );
            }
        }
        self.seen = seen;
        Ok(others)
    }

    async fn renew(&self) -> Result<(), kube::Error> {
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self.name, "labels": {LABEL: LABEL_VALUE}, "annotations": {ADDRESS_ANNOTATION: self.address}},
            "spec": {"holderIdentity": self.name, "leaseDurationSeconds": GONE_AFTER.as_secs(), "renewTime": now},
        });
        let params = PatchParams::apply(MANAGER).force();
        within(self.leases.patch(&self.name, &params, &Patch::Apply(&lease)))
            .await
            .map(drop)
    }

    /// Takes the own Lease away.
    pub(super) async fn leave(&self) {
        if let Err(error) = within(self.leases.delete(&self.name, &DeleteParams::default())).await {
            tracing::debug!(%error, "the own Lease stays until others remove it");
        }
    }
}

async fn within<T>(request: impl Future<Output = Result<T, kube::Error>>) -> Result<T, kube::Error> {
    tokio::time::timeout(DEADLINE, request).await.unwrap_or_else(|_| {
        let timeout = std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer within 5 s");
        Err(kube::Error::Service(timeout.into()))
    })
}
