//! Flags of the commands that serve a hub. In: words. Out: values. Absent: what is done with them.

use ::controllers::{Options, UnknownController};
use clap::Args;

use super::{ApiArgs, DnsArgs, StoreArgs};

/// `meridian up`.
#[derive(Debug, Clone, Args)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    pub(crate) api: ApiArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    #[command(flatten)]
    pub(crate) dns: DnsArgs,
    /// Add this many simulated member clusters: us-1, eu-1, ap-1, us-2 ...
    #[arg(long, env = "MERIDIAN_SIMULATE", value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=200))]
    pub(crate) simulate: u16,
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
