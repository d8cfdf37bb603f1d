//! The hub's half of the process: PostgreSQL, the store, the API server, and the way in for parts of the same process.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use federation_apiserver::auth::TokenStore;
use federation_apiserver::flow::FlowConfig;
use federation_apiserver::serve;
use federation_apiserver::store::{PostgresConfig, PostgresStore};
use federation_apiserver::{ApiServer, Profile, ServerConfig, UserInfo};
use kube::Client;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Parts, UpError, access};
use crate::cli::{ApiArgs, StoreArgs};
use crate::data_dir::DataDir;
use crate::pki::{Pki, server_names};
use crate::postgres::PrivatePostgres;
use crate::ways::Ways;
use crate::{console_assets, encryption, telemetry, tokens};

/// A hub that runs.
pub(crate) struct Hub {
    postgres: Option<PrivatePostgres>,
    store: Arc<PostgresStore>,
    server: ApiServer,
    tls: Arc<rustls::ServerConfig>,
    tokens: Arc<TokenStore>,
    token_file: std::path::PathBuf,
    stop: CancellationToken,
}

impl Hub {
    /// Starts what is missing, opens the store, reads it.
    pub(crate) async fn start(
        dir: &DataDir,
        pki: &Pki,
        api: &ApiArgs,
        store: &StoreArgs,
        leaving: CancellationToken,
        stop: CancellationToken,
    ) -> Result<Self, UpError> {
        let service_accounts = access::service_accounts(&api.accounts)?;
        let issuers = access::issuers(&api.oidc)?;
        let audit = access::audit(&api.audit)?;
        let metrics = telemetry::metrics()?;
        let names = [server_names(api.address.ip()), api.advertise.clone()].concat();
        let identity = pki.server("apiserver", &names)?;
        let tls = serve::tls_config(&identity.certificate, &identity.key, Some(pki.authority_pem()))?;
        let token_file = dir.pki().join(tokens::FILE);
        tokens::ensure(&token_file, "admin", tokens::ADMIN_GROUPS).map_err(|source| UpError::File {
            what: "the token file",
            source,
        })?;
        let known = Arc::new(TokenStore::default());
        known.read(&token_file).await?;

        let keyring = encryption::keyring(dir, store)?;
        let (postgres, config, address) = match &store.database_url {
            Some(url) => {
                let address = without_password(url);
                let config = PostgresConfig::parse(url).map_err(|source| UpError::Store {
                    address: address.clone(),
                    source,
                })?;
                (None, config, address)
            }
            None => {
                let postgres = PrivatePostgres::start(&dir.postgres()).await?;
                let config = PostgresConfig::of(postgres.options());
                (Some(postgres), config, dir.postgres().display().to_string())
            }
        };
        let store = match PostgresStore::connect(config.with_keyring(keyring)).await {
            Ok(store) => Arc::new(store),
            Err(source) => {
                if let Some(postgres) = postgres {
                    postgres.stop().await;
                }
                return Err(UpError::Store { address, source });
            }
        };
        let config = ServerConfig {
            tokens: Arc::clone(&known),
            service_accounts,
            issuers,
            audit,
            flow: FlowConfig {
                seats: api.max_requests_inflight + api.max_mutating_requests_inflight,
            },
            leaving,
            authority: Some(Arc::new(pki.signing_authority()?)),
            metrics: Some(Arc::new(move || metrics.render())),
            console: Some(console_assets::router()),
            members: Some(Arc::new(Ways::default())),
            shared_store: postgres.is_none(),
            removal_guard: api.removal_guard(),
            shutdown: stop.clone(),
            ..ServerConfig::new(Profile::Hub)
        };
        let server = ApiServer::new(store.clone(), config)
            .await
            .map_err(|error| UpError::ApiServer(Box::new(error)))?;
        Ok(Self {
            postgres,
            store,
            server,
            tls,
            tokens: known,
            token_file,
            stop,
        })
    }

    /// Takes requests from now on.
    pub(crate) fn serve(&mut self, parts: &mut Parts, listener: TcpListener) {
        let (router, tls, stop) = (self.server.router(), Arc::clone(&self.tls), self.stop.clone());
        parts.spawn(async move {
            serve::serve_tls(listener, router, tls, stop).await;
            ("the API server", Ok(()))
        });
        if let Some(postgres) = self.postgres.clone() {
            let stop = self.stop.clone();
            parts.spawn(async move {
                postgres.keep_alive(stop).await;
                ("the private PostgreSQL", Ok(()))
            });
        }
        let (tokens, file, stop) = (Arc::clone(&self.tokens), self.token_file.clone(), self.stop.clone());
        parts.spawn(async move {
            tokens.follow(file, stop).await;
            ("the token file", Ok(()))
        });
    }

    /// A client for a part of this process.
    pub(crate) fn client(&self, user: UserInfo) -> Client {
        Client::new(self.server.local(user), "default")
    }

    /// Ends the store, then PostgreSQL, if it is ours.
    pub(crate) async fn stop(self) {
        self.store.close().await;
        if let Some(postgres) = self.postgres {
            postgres.stop().await;
        }
    }
}

/// An address that a client on this machine can connect to.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port())
    } else {
        address
    }
}

/// A database address for people and logs.
fn without_password(url: &str) -> String {
    let (head, tail) = match url.rsplit_once('@') {
        Some((head, tail)) => (head, tail),
        None => return url.split('?').next().unwrap_or_default().to_owned(),
    };
    let scheme_and_user = match head.split_once("://") {
        Some((scheme, user)) => format!("{scheme}://{}", user.split(':').next().unwrap_or_default()),
        None => String::new(),
    };
    format!("{scheme_and_user}@{}", tail.split('?').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        for (url, shown) in [
            (
                "postgres://me:secret@db:5432/hub?sslmode=require",
                "postgres://me@db:5432/hub",
            ),
            ("postgres://me:p@ss@db/hub", "postgres://me@db/hub"),
            ("postgres:///hub?host=/run&password=secret", "postgres:///hub"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
