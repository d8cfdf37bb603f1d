//! `meridian up`: every part in one process, built in the order in which data flows, stopped in reverse.
//!
//! In: settings. Out: a federation that runs until a signal or until a part fails. No part knows that it shares the process:
//! controllers, syncers and DNS are Kubernetes clients whose transport happens to be the server itself.

use std::net::SocketAddr;
use std::path::Path;

use api::well_known::{DNS_USER, MASTERS_GROUP};
use dns::{DnsConfig, DnsServer};
use federation_apiserver::UserInfo;
use federation_apiserver::store::StoreError;
use kube::Client;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::cli::UpArgs;
use crate::data_dir::{DataDir, DataDirError};
use crate::dns_settings::{self, DnsSettingsError};
use crate::kubeconfig::{self, Entry};
use crate::lifecycle;
use crate::pki::{Pki, PkiError};
use crate::postgres::PostgresError;

mod access;
pub(crate) mod control;
pub(crate) mod hub;
mod simulated_members;

/// Why the federation could not start, or why it ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpError {
    /// The data directory.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// Certificates.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// The private server.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    /// How DNS answers.
    #[error("DNS cannot be served")]
    DnsSettings(#[from] DnsSettingsError),
    /// The keys of Secrets.
    #[error("Secrets cannot be sealed")]
    Encryption(#[from] crate::encryption::EncryptionError),
    /// The database.
    #[error("PostgreSQL at {address} cannot be used; next: check that it runs, --database-url, and the user's rights")]
    Store {
        /// Where, without the password.
        address: String,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// An address is taken.
    #[error("{what} cannot listen on {address}; next: stop what listens there, or give another {flag}")]
    Listen {
        /// Which part.
        what: &'static str,
        /// The address.
        address: SocketAddr,
        /// Its flag.
        flag: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The API server.
    #[error("the API server cannot start")]
    ApiServer(#[source] Box<federation_apiserver::server::ServerError>),
    /// TLS.
    #[error("TLS cannot be set up")]
    Tls(#[from] federation_apiserver::serve::TlsError),
    /// The DNS server.
    #[error(transparent)]
    Dns(#[from] dns::DnsError),
    /// Flags about who may come in.
    #[error(transparent)]
    Access(#[from] access::AccessError),
    /// The token file.
    #[error("the token file cannot be used")]
    Tokens(#[from] federation_apiserver::auth::TokenError),
    /// Metrics.
    #[error("metrics cannot be set up")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
    /// A file.
    #[error("{what} cannot be written; next: check owner and free space")]
    File {
        /// Which.
        what: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A simulated member.
    #[error("simulated member {name} cannot start: {detail}")]
    Simulated {
        /// Its name.
        name: String,
        /// Why.
        detail: String,
    },
    /// A part ended though nobody asked it to.
    #[error("{part} ended: {detail}")]
    PartEnded {
        /// Which.
        part: &'static str,
        /// How.
        detail: String,
    },
}

/// A part that runs: its name, and why it ended.
pub(crate) type Parts = JoinSet<(&'static str, Result<(), String>)>;

/// Runs everything until a signal, or until a part fails.
pub(crate) async fn run(data_dir: &Path, args: UpArgs) -> Result<(), UpError> {
    let UpArgs {
        api,
        store,
        dns,
        dns_serving,
        simulate,
        simulate_network,
        controllers,
    } = args;
    let dir = DataDir::open(data_dir)?;
    let _in_use = dir.lock()?;
    let stop = CancellationToken::new();
    let leaving = CancellationToken::new();
    lifecycle::leave_on_signal(leaving.clone(), stop.clone(), api.shutdown_delay());

    // Addresses before anything that takes time: a taken port is said at once.
    let listener = listen(api.address).await?;
    let dns_settings = dns_settings::settings(&dir, &dns, &dns_serving)?;
    let pki = Pki::open(&dir.pki())?;
    let transfers = dns_settings::transfers(&dns_serving)?;
    let secure = dns_settings::secure(&dns_serving);
    let certificate = dns_settings::certificate(&dns_serving, &dns.dns_zone, Some(&pki))?;
    let mut hub = hub::Hub::start(&dir, &pki, &api, &store, leaving, stop.clone()).await?;
    let dns_server = DnsServer::bind(DnsConfig {
        listen: dns.dns_address,
        zone: dns.dns_zone,
        federation: dns.federation_name,
        ns_name: None,
        snapshot_path: Some(dir.dns_snapshot()),
        hub: Some(hub.client(UserInfo::new(DNS_USER, [MASTERS_GROUP]))),
        zone_files: dns_serving.zone_file,
        secure,
        certificate,
        transfers,
        settings: dns_settings,
    })
    .await?;

    let served_at = listener.local_addr().unwrap_or(api.address);
    let mut entries = vec![Entry {
        name: kubeconfig::FEDERATION.to_owned(),
        server: format!("https://{}", hub::reachable(served_at)),
        authority_pem: pki.authority_pem().to_owned(),
        identity: pki.client("admin", "meridian-admin", &[MASTERS_GROUP])?,
    }];
    // Before the first request is taken: who finds the hub ready finds the way to it, too.
    write_kubeconfig(&dir, &entries)?;
    let mut parts = Parts::new();
    hub.serve(&mut parts, listener);
    let administrator = hub.client(UserInfo::internal("up"));
    let crowd = simulated_members::Crowd::default();
    let led = control::Led {
        controllers: hub.client(UserInfo::internal("controllers")),
        options: controllers.controllers,
        syncers: Some((hub.client(UserInfo::internal("syncers")), crowd.nearby())),
    };
    let others = match &store.database_url {
        Some(_) => Some(control::Others::of(&dir, &pki, &hub, served_at, api.advertise.first())?),
        None => None,
    };
    control::spawn(&mut parts, Some(led), others, stop.clone());
    let stop_dns = stop.clone();
    parts.spawn(async move { ("the DNS server", dns_server.serve(stop_dns).await.map_err(said)) });

    let members = crowd
        .start(&administrator, simulate, simulate_network, stop.clone())
        .await?;
    entries.extend(members.entries());
    write_kubeconfig(&dir, &entries)?;
    members.play_faults(&mut parts, administrator, stop.clone());
    tracing::info!(
        api = %served_at, dns = %dns.dns_address, kubeconfig = %dir.kubeconfig().display(),
        "the federation is up"
    );

    let ended = until_stopped(&mut parts, &stop).await;
    members.stop().await;
    hub.stop().await;
    ended
}

/// Waits for the stop or for a part that ends by itself, then until all parts ended: everything that asks the hub ends
/// before the hub's store does.
pub(crate) async fn until_stopped(parts: &mut Parts, stop: &CancellationToken) -> Result<(), UpError> {
    let ended = tokio::select! {
        biased;
        () = stop.cancelled() => None,
        ended = parts.join_next() => ended,
    };
    stop.cancel();
    while let Some(late) = parts.join_next().await {
        report_end(late);
    }
    match ended {
        None => Ok(()),
        Some(Ok((part, result))) => Err(UpError::PartEnded {
            part,
            detail: result.err().unwrap_or_else(|| "it was not asked to".to_owned()),
        }),
        Some(Err(error)) => Err(UpError::PartEnded {
            part: "a part",
            detail: error.to_string(),
        }),
    }
}

fn write_kubeconfig(dir: &DataDir, entries: &[Entry]) -> Result<(), UpError> {
    kubeconfig::write(&dir.kubeconfig(), entries).map_err(|source| UpError::File {
        what: "the kubeconfig",
        source,
    })
}

fn report_end(end: Result<(&'static str, Result<(), String>), tokio::task::JoinError>) {
    match end {
        Ok((_, Ok(()))) => {}
        Ok((part, Err(error))) => tracing::warn!(part, error, "a part ended with an error while stopping"),
        Err(error) => tracing::warn!(%error, "a part panicked while stopping"),
    }
}

fn said(error: impl std::error::Error + 'static) -> String {
    crate::output::with_causes(&error)
}

/// Listens for the API.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, UpError> {
    TcpListener::bind(address).await.map_err(|source| UpError::Listen {
        what: "the API server",
        address,
        flag: "--address",
        source,
    })
}

/// The reconcilers.
fn spawn_controllers(parts: &mut Parts, client: Client, options: controllers::Options, stop: CancellationToken) {
    parts.spawn(async move {
        (
            "the controllers",
            controllers::run(client, stop, options).await.map_err(said),
        )
    });
}

fn spawn_syncers(parts: &mut Parts, client: Client, nearby: syncer::Nearby, stop: CancellationToken) {
    parts.spawn(async move {
        syncer::supervise(client, nearby, stop).await;
        ("the syncers", Ok(()))
    });
}
