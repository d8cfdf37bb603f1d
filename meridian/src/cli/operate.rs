//! Flags of the commands by which an operator moves traffic: drain, uncordon, override, and sees what came of it. In: words. Out: values. Absent: what is
//! done with them.

use std::net::IpAddr;

use clap::{ArgAction, Args, Subcommand};
use jiff::SignedDuration;

use super::{HubArgs, OutputArgs};

/// Which clusters.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct WhichClusters {
    /// Name of the cluster.
    pub(crate) cluster: Option<String>,
    /// Every cluster of this region.
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
}

/// `meridian drain`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DrainArgs {
    #[command(flatten)]
    pub(crate) hub: HubArgs,
    #[command(flatten)]
    pub(crate) which: WhichClusters,
    /// Drain though no other cluster is left for something that runs there.
    #[arg(long)]
    pub(crate) force: bool,
    /// Say what would be done, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Wait until the names are forgotten and the replicas are gone.
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true", value_name = "BOOL")]
    pub(crate) wait: bool,
    /// Seconds to wait. The drain goes on after them; the same command waits again.
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    pub(crate) timeout: u64,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `meridian uncordon`.
#[derive(Debug, Clone, Args)]
pub(crate) struct UncordonArgs {
    #[command(flatten)]
    pub(crate) hub: HubArgs,
    #[command(flatten)]
    pub(crate) which: WhichClusters,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `meridian confirm-removals`.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(crate) struct ConfirmRemovalsArgs {
    #[command(flatten)]
    pub(crate) hub: HubArgs,
    /// Names of clusters.
    #[arg(required_unless_present = "all", conflicts_with = "all", value_name = "CLUSTER")]
    pub(crate) clusters: Vec<String>,
    /// Every cluster.
    #[arg(long)]
    pub(crate) all: bool,
    /// How long it counts: 90s, 30m, 2h.
    #[arg(long = "for", value_name = "TIME", default_value = "10m", value_parser = duration)]
    pub(crate) lasts: SignedDuration,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `meridian timeline`.
#[derive(Debug, Clone, Args)]
pub(crate) struct TimelineArgs {
    #[command(flatten)]
    pub(crate) hub: HubArgs,
    /// How far back: 30m, 2h. Events live for an hour after their last change.
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = crate::command::timeline::span)]
    pub(crate) since: SignedDuration,
    /// Only what is about this cluster, or names it.
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    /// Only objects of this namespace.
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Go on with what happens, until stopped.
    #[arg(short, long)]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `meridian override`.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum OverrideCommand {
    /// Say whether all addresses of a cluster serve.
    Cluster {
        /// Name of the cluster.
        name: String,
        #[command(flatten)]
        word: WordArgs,
    },
    /// Say whether one address serves.
    Address {
        /// The IP address.
        address: IpAddr,
        #[command(flatten)]
        word: WordArgs,
    },
    /// Show what was said, and until when it counts.
    List {
        #[command(flatten)]
        hub: HubArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
}

/// What is said.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(crate) struct WordArgs {
    #[command(flatten)]
    pub(crate) hub: HubArgs,
    #[command(flatten)]
    pub(crate) verdict: VerdictArgs,
    /// Why, for whoever looks at three in the morning.
    #[arg(long, value_name = "TEXT", required_unless_present = "clear")]
    pub(crate) reason: Option<String>,
    /// How long it counts: 90s, 30m, 2h.
    #[arg(long = "for", value_name = "TIME", required_unless_present = "clear", value_parser = duration)]
    pub(crate) lasts: Option<SignedDuration>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// Down, up, or nothing any more.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct VerdictArgs {
    /// Not answered while another address may be.
    #[arg(long)]
    pub(crate) down: bool,
    /// Answered; neither probes nor reports are believed against it.
    #[arg(long)]
    pub(crate) up: bool,
    /// Take back what was said.
    #[arg(long)]
    pub(crate) clear: bool,
}

fn duration(text: &str) -> Result<SignedDuration, String> {
    let parsed: SignedDuration = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    if parsed > SignedDuration::ZERO {
        Ok(parsed)
    } else {
        Err("must be longer than nothing".to_owned())
    }
}
