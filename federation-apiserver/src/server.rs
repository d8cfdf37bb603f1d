//! One API server: its configuration, what its requests share, and the two ways in: a router for sockets and a service for
//! callers in the same process.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::header::USER_AGENT;
use http::{HeaderValue, Request};
use placement::removals::RemovalGuard;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::audit::Audit;
use crate::auth::bootstrap_tokens::BootstrapTokens;
use crate::auth::oidc::{Issuer, IssuerConfig, OidcError};
use crate::auth::service_accounts::AccountTokens;
use crate::auth::signing::KeyRing;
use crate::auth::{Authenticator, Authorizer, KeyError, SigningKey, TokenStore, UserInfo};
use crate::cache::{Cache, CacheConfig};
use crate::credentials::{self, Authority};
use crate::definitions;
use crate::flow::{Flow, FlowConfig};
use crate::http::answer;
use crate::kinds::{Catalog, Profile, Registry};
use crate::kubelet::Kubelet;
use crate::proxy::{Members, Positions};
use crate::roles;
use crate::store::{MemoryConfig, MemoryStore, Store, StoreError};
use crate::streams::{Streams, reports};
use crate::tunnel::{AllMembers, Tunnels};
use crate::write::claims::{Claims, ServiceRange};
use crate::write::{Admission, Backend, Engine, Present};

/// Makes the text of `/metrics`.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// Issuer of service account tokens where none is named.
pub const SERVICE_ACCOUNT_ISSUER: &str = "https://kubernetes.default.svc";

/// How service accounts prove who they are.
#[derive(Clone, Debug)]
pub struct ServiceAccountConfig {
    /// `iss` of their tokens, a URL.
    pub issuer: String,
    /// Where others find the public keys; made from the request's address where it is empty.
    pub jwks_uri: String,
    /// Audiences that this server is; the issuer where there are none.
    pub audiences: Vec<String>,
    /// Keys, of which the first signs; those in the store where there are none.
    pub keys: Vec<Arc<SigningKey>>,
}

impl Default for ServiceAccountConfig {
    fn default() -> Self {
        Self {
            issuer: SERVICE_ACCOUNT_ISSUER.to_owned(),
            jwks_uri: String::new(),
            audiences: Vec::new(),
            keys: Vec::new(),
        }
    }
}

/// How a server is set up.
#[derive(Clone)]
pub struct ServerConfig {
    /// What it serves.
    pub profile: Profile,
    /// `gitVersion` of `/version`: what clients take it for.
    pub git_version: String,
    /// Bearer tokens.
    pub tokens: Arc<TokenStore>,
    /// How service accounts prove who they are.
    pub service_accounts: ServiceAccountConfig,
    /// Issuers of others whose tokens are taken.
    pub issuers: Vec<IssuerConfig>,
    /// Signs client certificates that were asked for and approved; without, approved requests wait.
    pub authority: Option<Arc<Authority>>,
    /// How much is done at once.
    pub flow: FlowConfig,
    /// What is written down of requests; nothing without.
    pub audit: Option<Arc<Audit>>,
    /// Makes the text of `/metrics`; 404 without.
    pub metrics: Option<RenderMetrics>,
    /// Further pages; their routes are absolute, below `/console`.
    pub console: Option<Router>,
    /// Ways to the members, whose Pods and Nodes are read through; without, those of the hub are all there is.
    pub members: Option<Arc<dyn Members>>,
    /// Plays the machines; without, Pods have neither logs nor commands here.
    pub kubelet: Option<Arc<dyn Kubelet>>,
    /// Other processes may write to the same store: reads of the present ask it first.
    pub shared_store: bool,
    /// Addresses for Services.
    pub service_range: ServiceRange,
    /// How much may go from a member before an operator has to confirm it.
    pub removal_guard: RemovalGuard,
    /// How the watch cache is kept.
    pub cache: CacheConfig,
    /// Cancelled some time before the server stops: `/readyz` fails, and everything else goes on.
    pub leaving: CancellationToken,
    /// Cancelled when the server stops: watches end, `/readyz` fails.
    pub shutdown: CancellationToken,
}

impl ServerConfig {
    /// The usual setting of a profile.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        Self {
            profile,
            git_version: format!(
                "{}+meridian-{}",
                crate::PRESENTED_KUBERNETES_VERSION,
                env!("CARGO_PKG_VERSION")
            ),
            tokens: Arc::default(),
            service_accounts: ServiceAccountConfig::default(),
            issuers: Vec::new(),
            authority: None,
            audit: None,
            flow: FlowConfig::default(),
            leaving: CancellationToken::new(),
            metrics: None,
            console: None,
            members: None,
            kubelet: None,
            shared_store: false,
            service_range: ServiceRange::default(),
            removal_guard: RemovalGuard::default(),
            cache: CacheConfig {
                metrics: profile == Profile::Hub,
                ..CacheConfig::default()
            },
            shutdown: CancellationToken::new(),
        }
    }
}

/// A server could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The store could not be read.
    #[error("read the store at start")]
    Store(#[source] StoreError),
    /// The keys of service account tokens cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// An issuer of tokens cannot be trusted as described.
    #[error(transparent)]
    Issuer(#[from] OidcError),
    /// A role or a binding that must be there could not be made.
    #[error("write the {kind} {name} at start: {status}")]
    Role {
        /// `ClusterRole` or `ClusterRoleBinding`.
        kind: &'static str,
        /// Its name.
        name: &'static str,
        /// Why.
        status: machinery::status::Status,
    },
    /// A PriorityClass that must be there could not be made.
    #[error("create the PriorityClass {name} at start: {status}")]
    PriorityClass {
        /// Its name.
        name: &'static str,
        /// Why.
        status: machinery::status::Status,
    },
    /// A namespace that must be there could not be made.
    #[error("create the namespace {name} at start: {status}")]
    Namespace {
        /// Its name.
        name: &'static str,
        /// Why.
        status: machinery::status::Status,
    },
}

/// What all requests of a server share.
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) authenticator: Authenticator,
    /// Where others find the public keys of service accounts; empty for this very server.
    pub(crate) jwks_uri: String,
    /// Cancelled some time before the end.
    pub(crate) leaving: CancellationToken,
    /// Whose request is next.
    pub(crate) flow: Flow,
    /// What is written down of requests; none where nothing is.
    pub(crate) audit: Option<Arc<Audit>>,
    /// Signs client certificates; none where this server does not.
    pub(crate) authority: Option<Arc<Authority>>,
    pub(crate) metrics: Option<RenderMetrics>,
    pub(crate) version: Value,
    pub(crate) shutdown: CancellationToken,
    pub(crate) streams: Streams,
    /// Ways to the members.
    pub(crate) members: Option<Arc<dyn Members>>,
    /// Plays the machines.
    pub(crate) kubelet: Option<Arc<dyn Kubelet>>,
    /// Connections that syncers opened from within their members.
    pub(crate) tunnels: Arc<Tunnels>,
    /// Where watches of members go on.
    pub(crate) positions: Positions,
}

/// A running API server. Cheap to clone; dropping the last clone stops its cache.
#[derive(Clone)]
pub struct ApiServer {
    shared: Arc<Shared>,
    console: Option<Router>,
}

impl ApiServer {
    /// Makes a server over a store and waits until it has read it.
    ///
    /// # Errors
    /// The store cannot be read, or a namespace that must exist cannot be created.
    pub async fn new(store: Arc<dyn Store>, config: ServerConfig) -> Result<Self, ServerError> {
        let ServerConfig {
            profile,
            git_version,
            tokens,
            service_accounts,
            issuers,
            authority,
            audit,
            flow,
            leaving,
            metrics,
            console,
            members,
            kubelet,
            shared_store,
            service_range,
            removal_guard,
            cache,
            shutdown,
        } = config;
        let catalog = Arc::new(Catalog::new(Registry::shared(profile)));
        let durable = Self::backend(store, cache).await?;
        let ephemeral = Self::backend(Arc::new(MemoryStore::new(MemoryConfig::for_this_process())), cache).await?;
        let present = shared_store.then(|| Present::of(durable.clone()));
        let claims = Claims::new(service_range);
        let authorizer = Authorizer::new(&durable.cache);
        let admission = Admission::new(&durable.cache, profile);
        let ServiceAccountConfig {
            issuer,
            jwks_uri,
            audiences,
            keys,
        } = service_accounts;
        let keys = if keys.is_empty() {
            KeyRing::stored(&durable, jiff::Timestamp::now()).await?
        } else {
            KeyRing::fixed(&keys)
        };
        let authenticator = Authenticator {
            tokens,
            accounts: AccountTokens::new(&durable.cache, keys, issuer, audiences),
            bootstrap: BootstrapTokens::new(&durable.cache),
            issuers: issuers.into_iter().map(Issuer::new).collect::<Result<_, _>>()?,
        };
        let streams = Streams::new(durable.cache.clone(), catalog.clone(), removal_guard, shutdown.clone());
        let engine = Engine {
            catalog: catalog.clone(),
            durable,
            ephemeral,
            claims,
            authorizer,
            admission,
            present,
        };
        // Before anything else: what is stored of custom kinds is served from the first request on.
        definitions::serve_stored(&engine);
        engine.ensure_namespaces(profile).await?;
        engine.ensure_priority_classes().await?;
        roles::ensure(&engine).await?;
        match profile {
            Profile::Hub => {
                let (cache, ephemeral) = (engine.durable.cache.clone(), engine.ephemeral.clone());
                tokio::spawn(reports::forget(cache, ephemeral, shutdown.clone()));
            }
            Profile::Member => {}
        }
        let version = version(&git_version);
        let tunnels = Arc::<Tunnels>::default();
        let shared = Shared {
            engine,
            authenticator,
            jwks_uri,
            authority,
            audit,
            flow: Flow::new(flow),
            leaving,
            metrics,
            version,
            shutdown,
            streams,
            members: members.map(|reached| {
                let tunnels = tunnels.clone();
                Arc::new(AllMembers { reached, tunnels }) as Arc<dyn Members>
            }),
            kubelet,
            tunnels,
            positions: Positions::default(),
        };
        let shared = Arc::new(shared);
        tokio::spawn(roles::keep_aggregated(Arc::downgrade(&shared)));
        tokio::spawn(credentials::keep(Arc::downgrade(&shared)));
        tokio::spawn(definitions::follow(Arc::downgrade(&shared)));
        Ok(Self { shared, console })
    }

    async fn backend(store: Arc<dyn Store>, config: CacheConfig) -> Result<Backend, ServerError> {
        let cache = Cache::start(store.clone(), config).await.map_err(ServerError::Store)?;
        Ok(Backend {
            store,
            cache: Arc::new(cache),
        })
    }

    /// The HTTP surface.
    pub fn router(&self) -> Router {
        let api = Router::new().fallback(surface).with_state(self.shared.clone());
        match &self.console {
            Some(console) => api.merge(console.clone()),
            None => api,
        }
    }

    /// The watch cache of durable kinds.
    #[must_use]
    pub fn cache(&self) -> &Arc<Cache> {
        &self.shared.engine.durable.cache
    }

    /// Cancel it to end watches and to fail `/readyz`.
    #[must_use]
    pub fn shutdown(&self) -> &CancellationToken {
        &self.shared.shutdown
    }

    /// A way in for callers of the same process, who are taken to be `user`. Make a `kube::Client` of it with
    /// `kube::Client::new(server.local(user), "default")`.
    #[must_use]
    pub fn local(&self, user: UserInfo) -> LocalService {
        LocalService {
            shared: self.shared.clone(),
            user,
        }
    }
}

async fn surface(State(shared): State<Arc<Shared>>, request: Request<Body>) -> Response {
    answer(shared, request).await
}

/// `/version`.
fn version(git_version: &str) -> Value {
    let plain = git_version.trim_start_matches('v');
    let mut numbers = plain.split('.');
    let major = numbers.next().unwrap_or("1").to_owned();
    let minor = numbers.next().unwrap_or("36").to_owned();
    let before = minor
        .parse::<u32>()
        .map_or_else(|_| minor.clone(), |n| n.saturating_sub(1).to_string());
    json!({
        "major": major, "minor": minor,
        "emulationMajor": major, "emulationMinor": minor,
        "minCompatibilityMajor": major, "minCompatibilityMinor": before,
        "gitVersion": git_version, "gitCommit": "", "gitTreeState": "clean", "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "none", "compiler": "rustc",
        "platform": format!("{}/{}", std::env::consts::OS, platform(std::env::consts::ARCH)),
    })
}

fn platform(arch: &str) -> &str {
    match arch {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// The server as a tower service for one in-process user.
#[derive(Clone)]
pub struct LocalService {
    shared: Arc<Shared>,
    user: UserInfo,
}

impl std::fmt::Debug for LocalService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalService").field("user", &self.user.name).finish()
    }
}

impl<B> tower::Service<Request<B>> for LocalService
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response;
    type Error = std::convert::Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let shared = self.shared.clone();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(self.user.clone());
        // What these clients write is booked to them by this name.
        let who = self.user.name.rsplit(':').next().unwrap_or_default();
        if let Ok(agent) = HeaderValue::from_str(&format!("meridian-{who}")) {
            request.headers_mut().entry(USER_AGENT).or_insert(agent);
        }
        Box::pin(async move { Ok(answer(shared, request).await) })
    }
}
