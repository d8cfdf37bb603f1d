//! The API servers of one hub, as each of them knows the others: who is there, and what was said to one of them only.
//!
//! What is stored is the same for all. Reports, Heartbeats and Resolutions are kept in memory by the one they were sent to;
//! here each takes them over from the others, so that whichever process leads the controllers knows all of them. In: Leases
//! of API servers, watches of the others. Out: the own Lease; copies, marked as such, which nobody takes over again. Absent:
//! who leads ([`crate::leadership`]); and anything to do where there is one API server.

mod presence;
mod relay;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use kube::Client;
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

/// Makes a client of the API server at an address.
pub type Connect =
    Arc<dyn Fn(String) -> BoxFuture<'static, Result<Client, Box<dyn std::error::Error + Send + Sync>>> + Send + Sync>;

/// How often the own Lease is renewed and the others' are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// This API server among those of the hub.
#[derive(Clone)]
pub struct Replica {
    /// A way in to this one.
    pub local: Client,
    /// Who this is; the same after a restart.
    pub identity: String,
    /// Where the others reach it, HOST:PORT.
    pub address: String,
    /// How the others are reached.
    pub connect: Connect,
}

/// Says that this API server is there, and takes over what is said to the others, until shutdown.
pub async fn run(replica: Replica, shutdown: CancellationToken) {
    let mut presence = presence::Presence::new(&replica);
    let mut relays = Relays::default();
    loop {
        match presence.look().await {
            Ok(others) => relays.follow(&replica, others).await,
            Err(error) => tracing::debug!(%error, "the other API servers are not known now"),
        }
        tokio::select! {
            () = shutdown.cancelled() => break,
            () = tokio::time::sleep(LOOK_EVERY.mul_f64(rand::random_range(0.8..1.2))) => {}
        }
    }
    presence.leave().await;
}

/// One relay an address.
#[derive(Default)]
struct Relays {
    running: BTreeMap<String, AbortHandle>,
    tasks: JoinSet<()>,
}

impl Relays {
    async fn follow(&mut self, replica: &Replica, addresses: Vec<String>) {
        while self.tasks.try_join_next().is_some() {}
        self.running.retain(|address, task| {
            let there = addresses.contains(address);
            if !there {
                tracing::info!(address, "an API server is gone");
                task.abort();
            }
            there && !task.is_finished()
        });
        for address in addresses {
            if self.running.contains_key(&address) {
                continue;
            }
            match (replica.connect)(address.clone()).await {
                Ok(remote) => {
                    tracing::info!(address, "an API server was found; what is said to it is taken over");
                    let task = self.tasks.spawn(relay::run(remote, replica.local.clone()));
                    self.running.insert(address, task);
                }
                Err(error) => tracing::warn!(address, %error, "no client of the other API server can be made"),
            }
        }
    }
}
