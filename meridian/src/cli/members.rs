//! Arguments of the commands that take members in, work for them and let them go.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::HubArgs;

/// `meridian syncer`.
#[derive(Debug, Clone, Args)]
pub(crate) struct SyncerArgs {
    #[command(flatten)]
    pub(crate) hub: HubArgs,
    /// Only this cluster; every joined push cluster where absent.
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    /// Run inside the member --cluster, as a client of the hub at this URL with an identity of its own. What `meridian join --mode pull`
    /// prints runs this.
    #[arg(long = "hub", env = "MERIDIAN_HUB", value_name = "URL", requires_all = ["cluster", "hub_ca_file"])]
    pub(crate) hub_address: Option<String>,
    /// PEM file of the authority of the hub's certificate.
    #[arg(long, value_name = "FILE", requires = "hub_address")]
    pub(crate) hub_ca_file: Option<PathBuf>,
    /// File with the token that the first certificate is asked for with; not read once there is a certificate.
    #[arg(long, value_name = "FILE", requires = "hub_address")]
    pub(crate) bootstrap_token_file: Option<PathBuf>,
    /// Kubeconfig of the member. [default: the service account of the pod]
    #[arg(long, value_name = "FILE", requires = "hub_address")]
    pub(crate) member_kubeconfig: Option<PathBuf>,
    /// Address of metrics and health (HTTP).
    #[arg(
        long,
        env = "MERIDIAN_METRICS_ADDRESS",
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:7444"
    )]
    pub(crate) metrics_address: SocketAddr,
}

/// `meridian join`.
#[derive(Debug, Clone, Args)]
pub(crate) struct JoinArgs {
    #[command(flatten)]
    pub(crate) hub: HubArgs,
    /// Name of the cluster in the federation, a DNS label.
    pub(crate) name: String,
    /// Where its syncer runs.
    #[arg(long, value_enum, default_value = "push")]
    pub(crate) mode: Mode,
    /// Kubeconfig of the member. With pull, what runs the syncer is applied there; without, it is printed.
    #[arg(long, value_name = "FILE", required_if_eq("mode", "push"))]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Context in it. [default: its current context]
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// Region the cluster is in.
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// Availability zone of the cluster; repeatable.
    #[arg(long = "zone", value_name = "ZONE")]
    pub(crate) zones: Vec<String>,
    /// Cloud or room that runs it.
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
    /// Labels of the Cluster object, KEY=VALUE; repeatable.
    #[arg(long = "label", value_name = "KEY=VALUE")]
    pub(crate) labels: Vec<String>,
    /// With pull: URL at which the member reaches the hub. [default: that of the hub's kubeconfig]
    #[arg(long = "hub", value_name = "URL")]
    pub(crate) hub_address: Option<String>,
    /// With pull: image that runs the syncer; its entrypoint is the meridian binary.
    #[arg(long, value_name = "IMAGE", default_value = concat!("meridian:", env!("CARGO_PKG_VERSION")))]
    pub(crate) image: String,
    /// Take the cluster in though another one was joined under this name before, or another federation took it in.
    #[arg(long)]
    pub(crate) repair: bool,
}

/// Where a syncer runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// Beside the hub, reaching into the member.
    Push,
    /// In the member, reaching out to the hub.
    Pull,
}

/// `meridian unjoin`.
#[derive(Debug, Clone, Args)]
pub(crate) struct UnjoinArgs {
    #[command(flatten)]
    pub(crate) hub: HubArgs,
    /// Name of the cluster.
    pub(crate) name: String,
    /// What Meridian put there stays, without its marks; else it is deleted there.
    #[arg(long)]
    pub(crate) keep: bool,
    /// Seconds to wait until the member has let go of everything.
    #[arg(long, default_value_t = 60)]
    pub(crate) timeout: u64,
    /// Take it out after the timeout though it did not confirm; what it may still hold is printed.
    #[arg(long)]
    pub(crate) force: bool,
}
