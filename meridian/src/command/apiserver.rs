//! `meridian apiserver`: the API server and the console alone, with the controllers unless told otherwise.

use std::path::Path;

use federation_apiserver::UserInfo;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::CommandError;
use crate::cli::ApiserverArgs;
use crate::data_dir::DataDir;
use crate::kubeconfig::{self, Entry};
use crate::pki::Pki;
use crate::up::{self, UpError};

/// Runs until a signal.
pub(crate) async fn run(data_dir: &Path, args: ApiserverArgs) -> Result<(), CommandError> {
    let dir = DataDir::open(data_dir)?;
    let _in_use = dir.lock()?;
    let stop = CancellationToken::new();
    let leaving = CancellationToken::new();
    crate::lifecycle::leave_on_signal(leaving.clone(), stop.clone(), args.api.shutdown_delay());
    let listener = up::listen(args.api.address).await?;
    let pki = Pki::open(&dir.pki()).map_err(UpError::from)?;
    let mut hub = up::hub::Hub::start(&dir, &pki, &args.api, &args.store, leaving, stop.clone()).await?;
    let served_at = listener.local_addr().unwrap_or(args.api.address);
    let mut parts = JoinSet::new();
    hub.serve(&mut parts, listener);
    let led = (!args.no_controllers).then(|| up::control::Led {
        controllers: hub.client(UserInfo::internal("controllers")),
        options: args.controllers.controllers.clone(),
        syncers: None,
    });
    let others = match &args.store.database_url {
        Some(_) => {
            let advertised = args.api.advertise.first();
            Some(up::control::Others::of(&dir, &pki, &hub, served_at, advertised)?)
        }
        None => None,
    };
    up::control::spawn(&mut parts, led, others, stop.clone());
    let entry = Entry {
        name: kubeconfig::FEDERATION.to_owned(),
        server: format!("https://{}", up::hub::reachable(served_at)),
        authority_pem: pki.authority_pem().to_owned(),
        identity: pki
            .client("admin", "meridian-admin", &[api::well_known::MASTERS_GROUP])
            .map_err(UpError::from)?,
    };
    kubeconfig::write(&dir.kubeconfig(), &[entry]).map_err(|error| CommandError::File(dir.kubeconfig(), error))?;
    tracing::info!(api = %served_at, kubeconfig = %dir.kubeconfig().display(), "the API server is up");
    let ended = up::until_stopped(&mut parts, &stop).await;
    hub.stop().await;
    Ok(ended?)
}
