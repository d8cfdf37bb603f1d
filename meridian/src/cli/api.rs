//! What the API server can be told: its address, who may come in, what is written down of it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ::placement::removals::RemovalGuard;
use clap::Args;

/// The API server's address, and whom it lets in.
#[derive(Debug, Clone, Args)]
pub(crate) struct ApiArgs {
    /// Address of the Kubernetes API and the console.
    #[arg(
        long,
        env = "MERIDIAN_ADDRESS",
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:7443"
    )]
    pub(crate) address: SocketAddr,
    /// Further names or addresses by which clients reach the API; they go into its certificate.
    #[arg(long, env = "MERIDIAN_ADVERTISE", value_name = "NAME", value_delimiter = ',')]
    pub(crate) advertise: Vec<String>,
    /// Requests that read at once; with the next figure they are the seats that priority and fairness give out.
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..100_000))]
    pub(crate) max_requests_inflight: u32,
    /// Requests that write at once.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..100_000))]
    pub(crate) max_mutating_requests_inflight: u32,
    /// Seconds for which a server that was told to stop goes on serving, while /readyz already fails.
    #[arg(
        long,
        env = "MERIDIAN_SHUTDOWN_DELAY_DURATION",
        value_name = "SECONDS",
        default_value_t = 0
    )]
    pub(crate) shutdown_delay_duration: u16,
    /// Hundredths of the objects that a member holds that may go from it at once without `meridian confirm-removals`; 100 lets
    /// everything go.
    #[arg(long, env = "MERIDIAN_REMOVALS_SHARE", value_name = "PERCENT", default_value_t = RemovalGuard::default().share_percent, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) removals_share: u8,
    /// Fewer objects than this may always go.
    #[arg(long, env = "MERIDIAN_REMOVALS_MINIMUM", value_name = "N", default_value_t = RemovalGuard::default().at_least)]
    pub(crate) removals_minimum: usize,
    #[command(flatten)]
    pub(crate) accounts: ServiceAccountArgs,
    #[command(flatten)]
    pub(crate) oidc: OidcArgs,
    #[command(flatten)]
    pub(crate) audit: AuditArgs,
}

impl ApiArgs {
    /// How long a server that was told to stop goes on serving.
    pub(crate) fn shutdown_delay(&self) -> Duration {
        Duration::from_secs(self.shutdown_delay_duration.into())
    }

    /// How much may go from a member unasked.
    pub(crate) fn removal_guard(&self) -> RemovalGuard {
        RemovalGuard {
            share_percent: self.removals_share,
            at_least: self.removals_minimum,
        }
    }
}

/// What is written down of requests.
#[derive(Debug, Clone, Args)]
pub(crate) struct AuditArgs {
    /// Which requests are written down, and how much of them: a Policy of audit.k8s.io/v1.
    #[arg(
        long,
        env = "MERIDIAN_AUDIT_POLICY_FILE",
        value_name = "FILE",
        requires = "audit_log_path"
    )]
    pub(crate) audit_policy_file: Option<PathBuf>,
    /// Where events are written, one JSON a line; - is standard output.
    #[arg(
        long,
        env = "MERIDIAN_AUDIT_LOG_PATH",
        value_name = "FILE",
        requires = "audit_policy_file"
    )]
    pub(crate) audit_log_path: Option<PathBuf>,
    /// Megabytes beyond which another file is begun.
    #[arg(long, value_name = "MB", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) audit_log_maxsize: u64,
    /// Old files that are kept; 0 keeps all.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) audit_log_maxbackup: usize,
    /// Days for which old files are kept; 0 keeps them.
    #[arg(long, value_name = "DAYS", default_value_t = 0)]
    pub(crate) audit_log_maxage: u16,
}

/// Tokens of service accounts.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServiceAccountArgs {
    /// Issuer that service account tokens name, a URL.
    #[arg(
        long,
        env = "MERIDIAN_SERVICE_ACCOUNT_ISSUER",
        value_name = "URL",
        default_value = federation_apiserver::server::SERVICE_ACCOUNT_ISSUER
    )]
    pub(crate) service_account_issuer: String,
    /// Where others find the public keys of service account tokens. [default: /openid/v1/jwks of this server]
    #[arg(long, value_name = "URL")]
    pub(crate) service_account_jwks_uri: Option<String>,
    /// Key that signs service account tokens (PKCS#8 PEM, P-256); of several the first signs, all prove. [default: keys
    /// in the database, made at first start]
    #[arg(long, value_name = "FILE")]
    pub(crate) service_account_signing_key_file: Vec<PathBuf>,
    /// Audience that this server is to service account tokens; may be repeated. [default: the issuer]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) api_audiences: Vec<String>,
}

/// Tokens of another issuer.
#[derive(Debug, Clone, Args)]
pub(crate) struct OidcArgs {
    /// Issuer of OpenID Connect tokens to take, an https URL.
    #[arg(
        long,
        env = "MERIDIAN_OIDC_ISSUER_URL",
        value_name = "URL",
        requires = "oidc_client_id"
    )]
    pub(crate) oidc_issuer_url: Option<String>,
    /// Client id that the issuer's tokens must be for.
    #[arg(
        long,
        env = "MERIDIAN_OIDC_CLIENT_ID",
        value_name = "ID",
        requires = "oidc_issuer_url"
    )]
    pub(crate) oidc_client_id: Option<String>,
    /// Claim that is the user name.
    #[arg(long, value_name = "CLAIM", default_value = "sub")]
    pub(crate) oidc_username_claim: String,
    /// What is put before user names; - for nothing. [default: the issuer's URL and #, nothing for the claim email]
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) oidc_username_prefix: Option<String>,
    /// Claim that lists the user's groups.
    #[arg(long, value_name = "CLAIM")]
    pub(crate) oidc_groups_claim: Option<String>,
    /// What is put before groups.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) oidc_groups_prefix: String,
    /// Claim that must be there with this text, CLAIM=TEXT; may be repeated.
    #[arg(long, value_name = "CLAIM=TEXT", value_delimiter = ',')]
    pub(crate) oidc_required_claim: Vec<String>,
    /// Signature algorithm that counts; may be repeated.
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_value = "RS256")]
    pub(crate) oidc_signing_algs: Vec<String>,
    /// Certificates (PEM) by which the issuer's server is trusted. [default: the system's]
    #[arg(long, value_name = "FILE")]
    pub(crate) oidc_ca_file: Option<PathBuf>,
    /// AuthenticationConfiguration (apiserver.config.k8s.io/v1) that names the issuers instead of the flags.
    #[arg(
        long,
        env = "MERIDIAN_AUTHENTICATION_CONFIG",
        value_name = "FILE",
        conflicts_with = "oidc_issuer_url"
    )]
    pub(crate) authentication_config: Option<PathBuf>,
}
