//! What runs once in a hub, however many processes serve its API: the controllers, and the syncers of push members.
//!
//! With a private PostgreSQL there is one process, and no Lease to keep. With a database that others may use too, the one that
//! leads runs them; each process says that it is there, and takes over what is said to the others.

use std::net::SocketAddr;
use std::sync::Arc;

use controllers::leadership::{self, Candidate};
use controllers::replicas::{self, Connect, Replica};
use federation_apiserver::UserInfo;
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use tokio_util::sync::CancellationToken;

use super::hub::Hub;
use super::{Parts, UpError, said, spawn_controllers, spawn_syncers, until_stopped};
use crate::data_dir::DataDir;
use crate::kubeconfig::{self, Entry};
use crate::pki::Pki;

/// The Lease of those that run the controllers.
const LEASE: &str = "meridian-controllers";

/// What this process runs where it leads.
#[derive(Clone)]
pub(crate) struct Led {
    /// As whom the controllers ask.
    pub(crate) controllers: Client,
    /// Which controllers.
    pub(crate) options: controllers::Options,
    /// As whom the syncers ask, and which members live in this process; none where they run elsewhere.
    pub(crate) syncers: Option<(Client, syncer::Nearby)>,
}

/// Another process may serve the same hub.
pub(crate) struct Others {
    candidate: Candidate,
    replica: Replica,
}

impl Others {
    /// Who this process is among them. `advertised` is how they reach it, where that is not the address it listens on.
    pub(crate) fn of(
        dir: &DataDir,
        pki: &Pki,
        hub: &Hub,
        served_at: SocketAddr,
        advertised: Option<&String>,
    ) -> Result<Self, UpError> {
        let identity = dir.identity()?;
        let reachable = super::hub::reachable(served_at);
        let address = match advertised {
            Some(name) => format!("{name}:{}", served_at.port()),
            None => reachable.to_string(),
        };
        let client = pki.client("peer", "system:meridian:apiserver", &[api::well_known::MASTERS_GROUP])?;
        let authority_pem = pki.authority_pem().to_owned();
        let connect: Connect = Arc::new(move |address| {
            let entry = Entry {
                name: kubeconfig::FEDERATION.to_owned(),
                server: format!("https://{address}"),
                authority_pem: authority_pem.clone(),
                identity: client.clone(),
            };
            Box::pin(client_of(entry))
        });
        Ok(Self {
            candidate: Candidate {
                client: hub.client(UserInfo::internal("leadership")),
                lease: LEASE,
                identity: identity.clone(),
            },
            replica: Replica {
                local: hub.client(UserInfo::internal("replicas")),
                identity,
                address,
                connect,
            },
        })
    }
}

async fn client_of(entry: Entry) -> Result<Client, Box<dyn std::error::Error + Send + Sync>> {
    let kubeconfig: Kubeconfig = serde_json::from_value(kubeconfig::render(&[entry]))?;
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}

fn begin(parts: &mut Parts, led: Led, stop: &CancellationToken) {
    spawn_controllers(parts, led.controllers, led.options, stop.clone());
    if let Some((client, nearby)) = led.syncers {
        spawn_syncers(parts, client, nearby, stop.clone());
    }
}

/// Runs what is led: at once where there is nobody else, else whenever this process leads.
pub(crate) fn spawn(parts: &mut Parts, led: Option<Led>, others: Option<Others>, stop: CancellationToken) {
    let Some(Others { candidate, replica }) = others else {
        if let Some(led) = led {
            begin(parts, led, &stop);
        }
        return;
    };
    let stop_replica = stop.clone();
    parts.spawn(async move {
        replicas::run(replica, stop_replica).await;
        ("the exchange with other API servers", Ok(()))
    });
    let Some(led) = led else { return };
    parts.spawn(async move {
        let work = |stop: CancellationToken| {
            let led = led.clone();
            async move {
                let mut parts = Parts::new();
                begin(&mut parts, led, &stop);
                until_stopped(&mut parts, &stop).await.map_err(said)
            }
        };
        let ended = leadership::lead(candidate, stop, work).await;
        ("the controllers", ended.unwrap_or(Ok(())))
    });
}
