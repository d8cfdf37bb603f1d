//! A DNS server from start to end: parts in flow order, stopped in reverse.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::{DnsConfig, SecureAddresses};
use crate::error::DnsError;
use crate::follow::{self, Engine, Follow};
use crate::master::{Beside, Keeper, ZoneFile};
use crate::probe;
use crate::secure::Secure;
use crate::server::{Desk, Sockets, UdpWorkers, serve_tcp};
use crate::snapshot::Zone;
use crate::state::DnsState;
use crate::transfer::{self, Transfers};
use crate::wire::Settings;

/// A server whose sockets are bound and whose snapshot is loaded from disk, where there is one.
pub struct DnsServer {
    address: SocketAddr,
    sockets: Sockets,
    engine: Engine,
    state: DnsState,
    settings: Arc<Settings>,
    transfers: Arc<Transfers>,
    hub: Option<kube::Client>,
    keeper: Keeper,
    beside: watch::Receiver<Beside>,
    secure: Secure,
}

impl DnsServer {
    /// Binds and loads.
    ///
    /// # Errors
    /// [`DnsError`] where the zone's settings are wrong or the address is not to be had. A snapshot that cannot be read is
    /// no error: it is logged, and the hub fills it again.
    pub async fn bind(config: DnsConfig) -> Result<Self, DnsError> {
        let DnsConfig {
            listen,
            zone,
            federation,
            ns_name,
            snapshot_path,
            hub,
            zone_files,
            secure,
            certificate,
            transfers,
            settings,
        } = config;
        let sockets = Sockets::bind(listen).await?;
        let secure = Secure::bind(secure, certificate).await?;
        let failed = |source| DnsError::Workers {
            address: listen,
            source,
        };
        let address = sockets.udp.local_addr().map_err(failed)?;
        let zone = Zone::new(&zone, &federation, ns_name.as_deref(), Some(address.ip())).map_err(DnsError::Zone)?;
        let alone = hub.is_none() && !zone_files.is_empty();
        check_origins(&zone, &zone_files, alone)?;
        let reading = tokio::task::spawn_blocking(move || Keeper::start(zone_files));
        let (keeper, beside) = reading.await.map_err(|_| DnsError::Stopped("reading master files"))?;
        let zones = beside.borrow().clone();
        let (engine, state) = Engine::start(zone, snapshot_path, zones, alone);
        Ok(Self {
            address,
            sockets,
            engine,
            state,
            settings: Arc::new(settings),
            transfers: Arc::new(transfers),
            hub,
            keeper,
            beside,
            secure,
        })
    }

    /// The address, with the port that was given where none was asked for.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Addresses of the encrypted transports, with the ports that were given where none was asked for.
    #[must_use]
    pub fn secure_addrs(&self) -> SecureAddresses {
        self.secure.addresses()
    }

    /// Handle for health, metrics and `explain`.
    #[must_use]
    pub fn state(&self) -> DnsState {
        self.state.clone()
    }

    /// Serves until `shutdown`.
    ///
    /// # Errors
    /// [`DnsError`] where workers cannot start, or one ends on its own.
    pub async fn serve(self, shutdown: CancellationToken) -> Result<(), DnsError> {
        let Self {
            address,
            sockets,
            engine,
            state,
            settings,
            transfers,
            hub,
            keeper,
            beside,
            secure,
        } = self;
        let stop = shutdown.child_token();
        let failed = |source| DnsError::Workers { address, source };
        let desk = Desk::new(state.clone(), settings, transfers.clone());
        let workers = UdpWorkers::start(sockets.udp, &desk, &stop).map_err(failed)?;
        let (probes, targets, verdicts) = probe::Prober::new(engine.last_verdicts());
        let mut parts: JoinSet<&'static str> = JoinSet::new();
        secure.spawn(&mut parts, &desk, &stop);
        {
            let stop = stop.clone();
            parts.spawn(async move {
                serve_tcp(sockets.tcp, desk, None, stop).await;
                "tcp"
            });
        }
        {
            let stop = stop.clone();
            parts.spawn(async move {
                probes.run(stop).await;
                "probe"
            });
        }
        {
            let stop = stop.clone();
            parts.spawn(async move {
                keeper.run(stop).await;
                "master files"
            });
        }
        {
            let (state, stop) = (state.clone(), stop.clone());
            parts.spawn(async move {
                transfer::notify(state, transfers, stop).await;
                "notify"
            });
        }
        if let Some(hub) = hub.clone() {
            let (state, stop) = (state.clone(), stop.clone());
            parts.spawn(async move {
                follow::resolutions(hub, state, stop).await;
                "resolutions"
            });
        }
        {
            let (state, stop) = (state.clone(), stop.clone());
            let follow = Follow {
                hub,
                engine,
                state,
                targets,
                verdicts,
                beside,
            };
            parts.spawn(async move {
                follow.run(stop).await;
                "follow"
            });
        }
        tracing::info!(%address, "DNS answers on {address}");
        // Any part that ends before it is told to ends the server: half a server would answer ever staler.
        let ended = parts.join_next().await;
        let expected = shutdown.is_cancelled();
        stop.cancel();
        while parts.join_next().await.is_some() {}
        if tokio::task::spawn_blocking(move || workers.join()).await.is_err() {
            tracing::error!("the DNS workers could not be waited for");
        }
        match ended {
            _ if expected => Ok(()),
            Some(Ok(part)) => Err(DnsError::Stopped(part)),
            Some(Err(_)) | None => Err(DnsError::Stopped("a task ended by a panic")),
        }
    }
}

/// No zone may be named twice; the federation's only where there is none.
fn check_origins(zone: &Zone, files: &[ZoneFile], alone: bool) -> Result<(), DnsError> {
    let mut seen = BTreeSet::new();
    for file in files {
        let again = !seen.insert(&file.origin);
        let ours = file.origin == zone.apex || file.origin == zone.clusterset;
        if again || ours && !alone {
            return Err(DnsError::ZoneTwice(file.origin.to_string()));
        }
    }
    Ok(())
}

/// Binds and serves until `shutdown`.
///
/// # Errors
/// As [`DnsServer::bind`] and [`DnsServer::serve`].
pub async fn run(config: DnsConfig, shutdown: CancellationToken) -> Result<(), DnsError> {
    DnsServer::bind(config).await?.serve(shutdown).await
}
