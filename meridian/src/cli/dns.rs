//! Flags of what serves names. In: words. Out: values. Absent: what is done with them.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use dns::ZoneFile;
use ipnet::IpNet;

use super::{DnsArgs, HubArgs};

/// `meridian dns`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DnsServeArgs {
    #[command(flatten)]
    pub(crate) hub: HubArgs,
    #[command(flatten)]
    pub(crate) dns: DnsArgs,
    #[command(flatten)]
    pub(crate) serving: DnsServingArgs,
    /// Address of metrics and health (HTTP).
    #[arg(
        long,
        env = "MERIDIAN_METRICS_ADDRESS",
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:7445"
    )]
    pub(crate) metrics_address: SocketAddr,
}

/// How names are served.
#[derive(Debug, Clone, Args)]
pub(crate) struct DnsServingArgs {
    /// Also serve this zone from a master file (RFC 1035), and again whenever the file changes; may be repeated. `meridian dns` serves
    /// such zones without any hub, too.
    #[arg(long, env = "MERIDIAN_ZONE_FILE", value_name = "ORIGIN=FILE", value_delimiter = ',')]
    pub(crate) zone_file: Vec<ZoneFile>,
    /// Serve DNS over TLS (RFC 7858) at this address, usually port 853.
    #[arg(long, env = "MERIDIAN_DOT_ADDRESS", value_name = "HOST:PORT")]
    pub(crate) dot_address: Option<SocketAddr>,
    /// Serve DNS over HTTPS (RFC 8484) at this address, path /dns-query, usually port 443.
    #[arg(long, env = "MERIDIAN_DOH_ADDRESS", value_name = "HOST:PORT")]
    pub(crate) doh_address: Option<SocketAddr>,
    /// Serve DNS over QUIC (RFC 9250) at this address, usually port 853.
    #[arg(long, env = "MERIDIAN_DOQ_ADDRESS", value_name = "HOST:PORT")]
    pub(crate) doq_address: Option<SocketAddr>,
    /// PEM file of the certificate of the three, and those up to its authority; read again when it changes. [default: one of the
    /// hub's own authority, where this process has it]
    #[arg(long, env = "MERIDIAN_DNS_TLS_CERT", value_name = "FILE", requires = "dns_tls_key")]
    pub(crate) dns_tls_cert: Option<PathBuf>,
    /// PEM file of its key.
    #[arg(long, env = "MERIDIAN_DNS_TLS_KEY", value_name = "FILE", requires = "dns_tls_cert")]
    pub(crate) dns_tls_key: Option<PathBuf>,
    /// Sign this zone (DNSSEC, ECDSA P-256), one that is served here; may be repeated. Its key is made at first start and kept in the data directory;
    /// `meridian ds` prints what the zone above needs.
    #[arg(long, env = "MERIDIAN_DNSSEC", value_name = "ZONE", value_delimiter = ',')]
    pub(crate) dnssec: Vec<String>,
    /// File with the keys that whole zones are given for (AXFR signed by TSIG), one ALGORITHM:NAME:SECRET a line, as dig -y takes them:
    /// hmac-sha256:secondary.example:BASE64.
    #[arg(long, env = "MERIDIAN_TRANSFER_KEY_FILE", value_name = "FILE")]
    pub(crate) transfer_key_file: Option<PathBuf>,
    /// Networks from which whole zones are given to whoever asks, signed or not.
    #[arg(long, env = "MERIDIAN_TRANSFER_ALLOW", value_name = "CIDR", value_delimiter = ',')]
    pub(crate) transfer_allow: Vec<IpNet>,
    /// Secondary that is told when a zone changed (NOTIFY, signed with the first key); may be repeated.
    #[arg(
        long,
        env = "MERIDIAN_DNS_SECONDARY",
        value_name = "HOST:PORT",
        value_delimiter = ','
    )]
    pub(crate) dns_secondary: Vec<SocketAddr>,
    /// What this server calls itself when asked which one answers: NSID and id.server. [default: the host's name]
    #[arg(long, env = "MERIDIAN_DNS_ID", value_name = "TEXT")]
    pub(crate) dns_id: Option<String>,
    /// What it answers to version.bind; empty to refuse. [default: Meridian and its version]
    #[arg(long, env = "MERIDIAN_DNS_VERSION", value_name = "TEXT")]
    pub(crate) dns_version: Option<String>,
    /// File with the secrets of DNS cookies, 32 hexadecimal digits a line: the first makes cookies, all are recognised. Servers
    /// of one address share it. [default: dns-cookie.secret in the data directory, made at first start]
    #[arg(long, env = "MERIDIAN_DNS_COOKIE_SECRET_FILE", value_name = "FILE")]
    pub(crate) dns_cookie_secret_file: Option<PathBuf>,
    /// Answers alike that one client network (/24, /56) gets by UDP in a second; 0 for no limit.
    #[arg(long, env = "MERIDIAN_DNS_RATE_LIMIT", value_name = "N", default_value_t = 200)]
    pub(crate) dns_rate_limit: u32,
    /// One in so many answers above the limit is sent empty with TC, so that a real client comes back by TCP; 0 for none.
    #[arg(long, env = "MERIDIAN_DNS_RATE_LIMIT_SLIP", value_name = "N", default_value_t = 2)]
    pub(crate) dns_rate_limit_slip: u32,
    /// Networks that are not limited.
    #[arg(
        long,
        env = "MERIDIAN_DNS_RATE_LIMIT_EXEMPT",
        value_name = "CIDR",
        value_delimiter = ',',
        default_value = "127.0.0.0/8,::1/128"
    )]
    pub(crate) dns_rate_limit_exempt: Vec<IpNet>,
    /// Only count what would be limited.
    #[arg(long, env = "MERIDIAN_DNS_RATE_LIMIT_DRY_RUN")]
    pub(crate) dns_rate_limit_dry_run: bool,
    /// What is made of client subnets in queries (RFC 7871).
    #[arg(long, env = "MERIDIAN_DNS_CLIENT_SUBNET", value_enum, default_value = "use")]
    pub(crate) dns_client_subnet: ClientSubnet,
}

/// What is made of client subnets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ClientSubnet {
    /// Clients are where their subnet is.
    Use,
    /// They are repeated, and clients are where their resolver is.
    Echo,
    /// As if they were not there.
    Ignore,
}

/// `meridian ds`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DsArgs {
    /// Zones; all that have a key where none is named.
    #[arg(value_name = "ZONE")]
    pub(crate) zones: Vec<String>,
}
