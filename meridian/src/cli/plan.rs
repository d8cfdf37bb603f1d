//! Flags of `meridian plan`. In: words. Out: values. Absent: what is done with them.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::{DnsArgs, HubArgs, OutputArgs};

/// `meridian plan`.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("thought").required(true).multiple(true).args(["files", "lose", "lose_region"]))]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) hub: HubArgs,
    /// Manifests to think of as applied: a file, a directory, - for standard input; may be repeated.
    #[arg(short = 'f', long = "filename", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Namespace of manifests that name none.
    #[arg(short, long, default_value = "default")]
    pub(crate) namespace: String,
    /// Cluster to think of as dead, its API and its data path; may be repeated.
    #[arg(long, value_name = "CLUSTER")]
    pub(crate) lose: Vec<String>,
    /// Region whose clusters to think of as dead; may be repeated.
    #[arg(long, value_name = "REGION")]
    pub(crate) lose_region: Vec<String>,
    /// Think of the lost clusters as unjoined, too: their work goes elsewhere.
    #[arg(long)]
    pub(crate) unjoined: bool,
    /// Print the final manifest for each cluster.
    #[arg(long)]
    pub(crate) show_manifests: bool,
    #[command(flatten)]
    pub(crate) dns: DnsArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
