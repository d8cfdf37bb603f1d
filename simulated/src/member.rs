//! One simulated member: an API server over a memory store behind a listener that can fail, and the loops of its workloads.
//!
//! In: [`MemberConfig`]. Out: an endpoint with certificates, as a kubeconfig would name them. Dropping the member ends it. What
//! it holds survives every fault, because faults are only in front of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use api::well_known::MASTERS_GROUP;
use federation_apiserver::serve::{TlsError, serve_tls, tls_config};
use federation_apiserver::server::ServerError;
use federation_apiserver::store::MemoryStore;
use federation_apiserver::{ApiServer, Profile, ServerConfig, UserInfo};
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::Api;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::addresses::AddressRange;
use crate::certificates;
use crate::faults::{Fault, Faults};
use crate::gate::{self, Serve};
use crate::kubelet::SimulatedKubelet;
use crate::near::{NONSENSE, Near};
use crate::workloads::{self, ControlPlane, WorkloadsConfig};

/// A member to be.
#[derive(Clone, Debug)]
pub struct MemberConfig {
    /// Its name.
    pub name: String,
    /// Its region.
    pub region: Option<String>,
    /// Its zone.
    pub zone: Option<String>,
    /// Addresses for its Services of type LoadBalancer, for example `127.101.0.0/24`.
    pub addresses: AddressRange,
    /// Where its API listens; port 0 takes any.
    pub listen: SocketAddr,
    /// How long its pods take to become ready.
    pub ready_delay: Duration,
    /// Its workloads have Pods, not only statuses: many members with much in them can do without.
    pub pods: bool,
}

impl MemberConfig {
    /// A member on a free port of loopback whose pods become ready after half a second.
    #[must_use]
    pub fn new(name: &str, addresses: AddressRange) -> Self {
        Self {
            name: name.to_owned(),
            region: None,
            zone: None,
            addresses,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            ready_delay: Duration::from_millis(500),
            pods: false,
        }
    }
}

/// A simulated member could not be started.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    /// Its certificates could not be made.
    #[error("make the certificates of simulated member {member}")]
    Certificates {
        /// The member.
        member: String,
        /// Why.
        #[source]
        source: rcgen::Error,
    },
    /// Its certificates could not be used.
    #[error("use the certificates of simulated member {member}")]
    Tls {
        /// The member.
        member: String,
        /// Why.
        #[source]
        source: TlsError,
    },
    /// Its address is taken.
    #[error("listen on {address} for simulated member {member}; free the address or choose another")]
    Listen {
        /// The member.
        member: String,
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Its API server did not start.
    #[error("start the API server of simulated member {member}")]
    Server {
        /// The member.
        member: String,
        /// Why.
        #[source]
        source: Box<ServerError>,
    },
    /// Its identity could not be read.
    #[error("read the namespace kube-system of simulated member {member}")]
    Identity {
        /// The member.
        member: String,
        /// Why.
        #[source]
        source: Box<kube::Error>,
    },
}

/// A running simulated member.
pub struct Member {
    config: MemberConfig,
    address: SocketAddr,
    certificates: certificates::Certificates,
    identity: String,
    faults: Faults,
    server: ApiServer,
    _stop: DropGuard,
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Member")
            .field("name", &self.config.name)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Member {
    /// Starts a member; it runs until it is dropped.
    ///
    /// # Errors
    /// [`MemberError`] with the member's name and what to do.
    pub async fn start(config: MemberConfig) -> Result<Self, MemberError> {
        let member = || config.name.clone();
        let certificates = certificates::make(&config.name).map_err(|source| MemberError::Certificates {
            member: member(),
            source,
        })?;
        let tls = tls_config(
            &certificates.server,
            &certificates.server_key,
            Some(&certificates.authority),
        )
        .map_err(|source| MemberError::Tls {
            member: member(),
            source,
        })?;
        let listen = |address: SocketAddr| async move {
            let bound = TcpListener::bind(address).await.and_then(|l| Ok((l.local_addr()?, l)));
            bound.map_err(|source| (address, source))
        };
        let unbound = |(address, source)| MemberError::Listen {
            member: member(),
            address,
            source,
        };
        let (address, listener) = listen(config.listen).await.map_err(unbound)?;
        let (inner, inner_listener) = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.map_err(unbound)?;

        let stop = CancellationToken::new();
        let guard = stop.clone().drop_guard();
        let mut server_config = ServerConfig::new(Profile::Member);
        server_config.shutdown = stop.clone();
        server_config.kubelet = Some(Arc::new(SimulatedKubelet { member: member() }));
        let server = ApiServer::new(Arc::new(MemoryStore::default()), server_config)
            .await
            .map_err(|source| MemberError::Server {
                member: member(),
                source: Box::new(source),
            })?;
        let client = kube::Client::new(server.local(UserInfo::internal("simulated")), "default");
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let system = namespaces
            .get("kube-system")
            .await
            .map_err(|source| MemberError::Identity {
                member: member(),
                source: Box::new(source),
            })?;

        let faults = Faults::default();
        tokio::spawn(serve_tls(inner_listener, server.router(), tls.clone(), stop.clone()));
        let front = Front {
            inner,
            tls: TlsAcceptor::from(tls),
        };
        tokio::spawn(gate::run(address, listener, faults.api(), front, stop.clone()));
        let workloads = WorkloadsConfig {
            member: config.name.clone(),
            region: config.region.clone(),
            zone: config.zone.clone(),
            addresses: config.addresses,
            ready_delay: config.ready_delay,
            pods: config.pods,
            control_plane: ControlPlane::Simulated,
            faults: faults.clone(),
        };
        tokio::spawn(workloads::run(client, workloads, stop));
        let identity = system.metadata.uid.unwrap_or_default();
        Ok(Self {
            config,
            address,
            certificates,
            identity,
            faults,
            server,
            _stop: guard,
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// What it was started with.
    #[must_use]
    pub fn config(&self) -> &MemberConfig {
        &self.config
    }

    /// URL of its Kubernetes API.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Uid of its `kube-system` namespace.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Certificate of its authority, PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.certificates.authority
    }

    /// Certificate of its administrator, PEM.
    #[must_use]
    pub fn client_certificate_pem(&self) -> &str {
        &self.certificates.admin
    }

    /// Key of its administrator, PEM.
    #[must_use]
    pub fn client_key_pem(&self) -> &str {
        &self.certificates.admin_key
    }

    /// A client past all faults, for whoever looks at the member from inside.
    #[must_use]
    pub fn local_client(&self) -> kube::Client {
        kube::Client::new(self.server.local(UserInfo::internal("simulated-admin")), "default")
    }

    /// A client of its administrator for whoever lives in this process: without sockets, but not past its faults.
    #[must_use]
    pub fn near_client(&self) -> kube::Client {
        let near = Near {
            api: self.server.local(UserInfo::new("admin", [MASTERS_GROUP])),
            fault: self.faults.api(),
        };
        kube::Client::new(near, "default")
    }

    /// Its faults; a clone can be kept to inject some later.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Something fails from now on; open connections are cut.
    pub fn fault(&self, fault: Fault) {
        self.faults.inject(fault);
    }

    /// Everything works again; nothing was lost.
    pub fn recover(&self) {
        self.faults.recover();
    }
}

/// The listener that fails on demand, in front of the one that never does.
struct Front {
    inner: SocketAddr,
    tls: TlsAcceptor,
}

impl Serve for Front {
    fn serve(&self, mut outside: TcpStream) -> BoxFuture<'static, ()> {
        let inner = self.inner;
        Box::pin(async move {
            let relayed = async {
                let mut inside = TcpStream::connect(inner).await?;
                inside.set_nodelay(true)?;
                tokio::io::copy_bidirectional(&mut outside, &mut inside).await
            };
            if let Err(error) = relayed.await {
                tracing::trace!(%error, "a connection to a simulated member ended");
            }
        })
    }

    fn garbage(&self, stream: TcpStream) -> BoxFuture<'static, ()> {
        let tls = self.tls.clone();
        Box::pin(async move {
            let answered = async {
                let mut stream = tls.accept(stream).await?;
                let length = NONSENSE.len();
                let page = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{NONSENSE}"
                );
                stream.write_all(page.as_bytes()).await?;
                stream.shutdown().await
            };
            if let Err(error) = answered.await {
                tracing::trace!(%error, "nonsense was not wanted");
            }
        })
    }
}
