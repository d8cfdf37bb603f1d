//! `meridian dns`: a DNS server as a client of a hub elsewhere. It starts from its snapshot when the hub is away, and serves zones of
//! master files without any.

use std::path::Path;

use dns::{DnsConfig, DnsServer};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::CommandError;
use crate::cli::DnsServeArgs;
use crate::data_dir::DataDir;
use crate::pki::Pki;
use crate::up::{self, UpError};
use crate::{dns_settings, health, hub};

/// Runs until a signal.
pub(crate) async fn run(data_dir: &Path, args: DnsServeArgs) -> Result<(), CommandError> {
    let stop = CancellationToken::new();
    crate::lifecycle::stop_on_signal(stop.clone());
    let dir = DataDir::open(data_dir)?;
    let settings = dns_settings::settings(&dir, &args.dns, &args.serving).map_err(UpError::from)?;
    // A data directory that a hub of this machine uses, too, has its authority.
    let pki = if dir.pki().exists() {
        Some(Pki::open(&dir.pki()).map_err(UpError::from)?)
    } else {
        None
    };
    let transfers = dns_settings::transfers(&args.serving).map_err(UpError::from)?;
    let secure = dns_settings::secure(&args.serving);
    let certificate =
        dns_settings::certificate(&args.serving, &args.dns.dns_zone, pki.as_ref()).map_err(UpError::from)?;
    let hub = hub_of(&args, data_dir).await?;
    let server = DnsServer::bind(DnsConfig {
        listen: args.dns.dns_address,
        zone: args.dns.dns_zone,
        federation: args.dns.federation_name,
        ns_name: None,
        snapshot_path: Some(dir.dns_snapshot()),
        hub,
        zone_files: args.serving.zone_file,
        secure,
        certificate,
        transfers,
        settings,
    })
    .await
    .map_err(UpError::from)?;
    let state = server.state();
    let mut parts = JoinSet::new();
    health::serve(&mut parts, args.metrics_address, move || state.ready(), stop.clone()).await?;
    let serving = stop.clone();
    parts.spawn(async move {
        (
            "the DNS server",
            server
                .serve(serving)
                .await
                .map_err(|error| crate::output::with_causes(&error)),
        )
    });
    Ok(up::until_stopped(&mut parts, &stop).await?)
}

/// The hub; none where zones of master files are to be served and no hub was named.
async fn hub_of(args: &DnsServeArgs, data_dir: &Path) -> Result<Option<kube::Client>, CommandError> {
    let named = args.hub.hub_kubeconfig.is_some() || data_dir.join("kubeconfig").exists();
    match hub::client(&args.hub, data_dir).await {
        Ok(client) => Ok(Some(client)),
        Err(error) if !named && !args.serving.zone_file.is_empty() => {
            tracing::info!(%error, "no hub: DNS serves master files, and the last snapshot where there is one");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
