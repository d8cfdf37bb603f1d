//! Flags of the commands that serve a hub. In: words. Out: values. Absent: what is done with them.

use ::controllers::{Options, UnknownController};
use clap::Args;
use ipnet::Ipv4Net;

use super::{ApiArgs, DnsArgs, DnsServingArgs, StoreArgs};

/// `meridian up`.
#[derive(Debug, Clone, Args)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    pub(crate) api: ApiArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    #[command(flatten)]
    pub(crate) dns: DnsArgs,
    #[command(flatten)]
    pub(crate) dns_serving: DnsServingArgs,
    /// Add this many simulated member clusters: us-1, eu-1, ap-1, us-2 ... Beyond 200 they have no Pods, and their syncers reach
    /// them without TLS.
    #[arg(long, env = "MERIDIAN_SIMULATE", value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1000))]
    pub(crate) simulate: u16,
    /// Loopback network whose first /24s (smaller networks beyond 256 members) the simulated members' load balancers get; two federations on one machine need two.
    #[arg(
        long,
        env = "MERIDIAN_SIMULATE_NETWORK",
        value_name = "CIDR",
        default_value = "127.101.0.0/16",
        value_parser = loopback_network
    )]
    pub(crate) simulate_network: Ipv4Net,
    #[command(flatten)]
    pub(crate) controllers: ControllersArgs,
}

/// `meridian apiserver`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ApiserverArgs {
    #[command(flatten)]
    pub(crate) api: ApiArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// Do not run the controllers in this process.
    #[arg(long)]
    pub(crate) no_controllers: bool,
    #[command(flatten)]
    pub(crate) controllers: ControllersArgs,
}

/// Which controllers run.
#[derive(Debug, Clone, Args)]
pub(crate) struct ControllersArgs {
    /// Generic controllers to run, as kube-controller-manager's flag of that name: `*` is all, -NAME all but that one. A
    /// kube-controller-manager can take over garbage-collector-controller, namespace-controller, serviceaccount-controller,
    /// resourcequota-controller.
    #[arg(
        long,
        env = "MERIDIAN_CONTROLLERS",
        value_name = "LIST",
        default_value = "*",
        allow_hyphen_values = true,
        value_parser = listed_controllers
    )]
    pub(crate) controllers: Options,
}

fn listed_controllers(list: &str) -> Result<Options, UnknownController> {
    Options::named(list.split(','))
}

/// Simulated members listen on their addresses, so no other than loopback will do; a /16 holds a network for as many as `--simulate` takes.
fn loopback_network(text: &str) -> Result<Ipv4Net, String> {
    let wrong = || format!("{text:?} is not a /16 of loopback such as 127.101.0.0/16");
    let network: Ipv4Net = text.parse().map_err(|_| wrong())?;
    if network.prefix_len() == 16 && network.network().is_loopback() {
        Ok(network.trunc())
    } else {
        Err(wrong())
    }
}
