//! The command line: what can be typed, and its help. Flags, then `MERIDIAN_*`, then the file of `--config`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

mod adopt;
mod api;
mod dns;
mod hub;
mod members;
mod operate;
mod plan;

pub(crate) use adopt::{PromoteArgs, ReleaseArgs};
pub(crate) use api::{ApiArgs, AuditArgs, OidcArgs, ServiceAccountArgs};
pub(crate) use dns::{ClientSubnet, DnsServeArgs, DnsServingArgs, DsArgs};
pub(crate) use hub::{ApiserverArgs, UpArgs};
pub(crate) use members::{JoinArgs, Mode, SyncerArgs, UnjoinArgs};
pub(crate) use operate::{
    ConfirmRemovalsArgs, DrainArgs, OverrideCommand, TimelineArgs, UncordonArgs, WhichClusters, WordArgs,
};
pub(crate) use plan::PlanArgs;

/// One Kubernetes API over many clusters: plain objects in, healthy addresses out.
#[derive(Debug, Parser)]
#[command(name = "meridian", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// What every command takes.
    #[command(flatten)]
    pub(crate) global: Global,
}

/// The parts say themselves what a failed request means; the client library would say it once more, as an error.
const DEFAULT_LOG: &str = "info,kube_client=off";

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Directory of Meridian's own files: kubeconfig, certificates, the private PostgreSQL, the DNS snapshot.
    /// [default: $XDG_DATA_HOME/meridian]
    #[arg(long, global = true, env = "MERIDIAN_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// YAML file with flags by their long names; a flag or a MERIDIAN_* variable wins over it.
    #[arg(long, global = true, env = "MERIDIAN_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// What to log, as tracing filters (info, debug, dns=trace ...).
    #[arg(long, global = true, env = "MERIDIAN_LOG", value_name = "FILTER", default_value = DEFAULT_LOG)]
    pub(crate) log: String,
    /// How to log.
    #[arg(long, global = true, env = "MERIDIAN_LOG_FORMAT", value_enum, default_value = "text")]
    pub(crate) log_format: LogFormat,
}

/// How to log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything in one process: PostgreSQL, API server, controllers, syncers, DNS, console.
    Up(Box<UpArgs>),
    /// Run the API server and the console alone.
    Apiserver(Box<ApiserverArgs>),
    /// Run syncers alone, as clients of a hub.
    Syncer(SyncerArgs),
    /// Run a DNS server alone, as a client of a hub.
    Dns(Box<DnsServeArgs>),
    /// Print the DS records of the zones that this data directory has keys for: what the zone above needs.
    Ds(DsArgs),
    /// Register a member cluster.
    Join(JoinArgs),
    /// Take a member cluster out of the federation.
    Unjoin(UnjoinArgs),
    /// Federate what already runs in a member, without a restart.
    Promote(PromoteArgs),
    /// Hand an object back to the members that hold it: it leaves the hub, its copies stay.
    Release(ReleaseArgs),
    /// Make a simulated member fail or recover; play the machines of a control plane that has none.
    #[command(subcommand)]
    Simulate(SimulateCommand),
    /// Show what the federation would do, were manifests applied or clusters lost; changes nothing.
    Plan(PlanArgs),
    /// Say why something is as it is.
    #[command(subcommand)]
    Explain(ExplainCommand),
    /// Take traffic, then replicas, away from a cluster or a region.
    Drain(DrainArgs),
    /// End a drain: traffic and replicas return.
    Uncordon(UncordonArgs),
    /// Say that what is to go from clusters may go, however much it is: it is held back, or refused, until somebody says so.
    ConfirmRemovals(ConfirmRemovalsArgs),
    /// Say that a cluster or an address is down, or up, whatever is observed; for a time and with a reason.
    #[command(subcommand)]
    Override(OverrideCommand),
    /// Ask the DNS server for a name, as a client at a place would.
    Resolve(ResolveArgs),
    /// Show the federation at a glance.
    Status(StatusArgs),
    /// Show what happened when: health, names, moves, refusals of members, words of operators.
    Timeline(TimelineArgs),
    /// Write everything on the hub, at one moment, into a file; the hub may run meanwhile.
    Backup(BackupArgs),
    /// Fill an empty database from a backup; the hub must not run yet.
    Restore(BackupArgs),
    /// Print a bearer token, for the console and for clients without certificates.
    Token(TokenArgs),
    /// Print the kubeconfig of the federation.
    Kubeconfig,
    /// Print the version.
    Version(OutputArgs),
    /// Print a completion script for a shell.
    Completion {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Where and how the hub is reached.
#[derive(Debug, Clone, Args)]
pub(crate) struct HubArgs {
    /// Kubeconfig of the hub. [default: `kubeconfig` in the data directory, else $KUBECONFIG]
    #[arg(long, env = "MERIDIAN_KUBECONFIG", value_name = "FILE")]
    pub(crate) hub_kubeconfig: Option<PathBuf>,
}

/// How data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// A table or sentences.
    Text,
    /// The same with more columns.
    Wide,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// KIND/NAME lines.
    Name,
}

/// How data is printed.
#[derive(Debug, Clone, Args)]
pub(crate) struct OutputArgs {
    /// Output format.
    #[arg(short, long, value_enum, default_value = "text")]
    pub(crate) output: OutputFormat,
}

/// Where objects are kept.
#[derive(Debug, Clone, Args)]
pub(crate) struct StoreArgs {
    /// PostgreSQL to use (postgres://user:password@host/database). [default: a private server in the data directory]
    #[arg(long, env = "MERIDIAN_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub(crate) database_url: Option<String>,
    /// Keys that Secrets are sealed with in the database, one NAME:KEY a line, 32 bytes in base64; the first seals, the others
    /// still open what they sealed. [default: pki/encryption.keys in the data directory beside a private PostgreSQL, none
    /// otherwise]
    #[arg(long, env = "MERIDIAN_ENCRYPTION_KEY_FILE", value_name = "FILE")]
    pub(crate) encryption_key_file: Option<PathBuf>,
}

/// What the DNS server answers.
#[derive(Debug, Clone, Args)]
pub(crate) struct DnsArgs {
    /// Address of the DNS server, UDP and TCP.
    #[arg(
        long,
        env = "MERIDIAN_DNS_ADDRESS",
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:5300"
    )]
    pub(crate) dns_address: SocketAddr,
    /// Zone the names are in.
    #[arg(
        long,
        env = "MERIDIAN_DNS_ZONE",
        value_name = "ZONE",
        default_value = "meridian.internal"
    )]
    pub(crate) dns_zone: String,
    /// Name of the federation, a label of every name.
    #[arg(long, env = "MERIDIAN_FEDERATION_NAME", value_name = "NAME", default_value = "fed")]
    pub(crate) federation_name: String,
}

/// `meridian backup` and `meridian restore`.
#[derive(Debug, Clone, Args)]
pub(crate) struct BackupArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// The backup; - is standard output or input. It holds Secrets: keep it as you keep those.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// `meridian simulate`.
#[derive(Debug, Subcommand)]
pub(crate) enum SimulateCommand {
    /// Make a simulated member's API, its data path or both go away.
    Fail(FaultArgs),
    /// Bring a simulated member back.
    Recover {
        #[command(flatten)]
        hub: HubArgs,
        /// Name of the cluster.
        cluster: String,
    },
    /// Play node, pods, load balancers and their data path for a real control plane that has no machines.
    Workloads(WorkloadsArgs),
}

/// `meridian simulate fail`.
#[derive(Debug, Clone, Args)]
pub(crate) struct FaultArgs {
    #[command(flatten)]
    pub(crate) hub: HubArgs,
    /// Name of the cluster.
    pub(crate) cluster: String,
    /// What goes away.
    #[arg(long, value_enum, default_value = "all")]
    pub(crate) what: FaultWhat,
    /// How it goes away.
    #[arg(long, value_enum, default_value = "refuse")]
    pub(crate) how: FaultHow,
}

/// What goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FaultWhat {
    /// The member's API server.
    Api,
    /// The addresses of its Services.
    Data,
    /// Both.
    All,
}

/// How it goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FaultHow {
    /// Connections are refused.
    Refuse,
    /// Connections are taken and never answered.
    Hang,
    /// Answers are nonsense.
    Garbage,
}

/// `meridian simulate workloads`.
#[derive(Debug, Clone, Args)]
pub(crate) struct WorkloadsArgs {
    /// Kubeconfig of the control plane.
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: PathBuf,
    /// Context in it. [default: its current context]
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// Name to answer with on the data path.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: String,
    /// Loopback network for load-balancer addresses.
    #[arg(long, value_name = "CIDR")]
    pub(crate) addresses: String,
    /// Region of its node.
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// Availability zone of its node.
    #[arg(long, value_name = "ZONE")]
    pub(crate) zone: Option<String>,
    /// Milliseconds that a pod takes to become ready.
    #[arg(long, value_name = "MS", default_value_t = 500)]
    pub(crate) ready_delay_ms: u64,
}

/// `meridian explain`.
#[derive(Debug, Subcommand)]
pub(crate) enum ExplainCommand {
    /// Which clusters hold an object, how many replicas each, and why.
    Placement(ExplainPlacementArgs),
    /// Why a client at an address gets the answer it gets.
    Dns(ResolveArgs),
}

/// `meridian explain placement`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ExplainPlacementArgs {
    #[command(flatten)]
    pub(crate) hub: HubArgs,
    /// Kind of the object: deployment, service ...; or KIND/NAME.
    pub(crate) kind: String,
    /// Name of the object.
    pub(crate) name: Option<String>,
    /// Namespace of the object.
    #[arg(short, long, default_value = "default")]
    pub(crate) namespace: String,
    /// Name every cluster that was not chosen; of very many the placement holds the first of each reason only.
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `meridian resolve` and `meridian explain dns`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ResolveArgs {
    /// The name.
    pub(crate) name: String,
    /// Where the client is: an IP address.
    #[arg(long, value_name = "IP")]
    pub(crate) from: Option<std::net::IpAddr>,
    #[command(flatten)]
    pub(crate) dns: DnsArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `meridian status`.
#[derive(Debug, Clone, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) hub: HubArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `meridian token`.
#[derive(Debug, Clone, Args)]
pub(crate) struct TokenArgs {
    /// User the token stands for; made if there is none yet.
    #[arg(long, default_value = "admin")]
    pub(crate) user: String,
    /// What the user may do.
    #[arg(long, value_enum, default_value = "admin")]
    pub(crate) role: TokenRole,
    /// Further group of the user, for role bindings to name; may be repeated.
    #[arg(long = "group")]
    pub(crate) groups: Vec<String>,
}

/// What the bearer of a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TokenRole {
    /// Everything.
    Admin,
    /// Read everything but Secrets.
    Viewer,
    /// What roles allow that are bound to the user or its groups, and nothing else.
    User,
}

impl Cli {
    /// Reads the command line; values of the configuration file stand in for flags that were not given.
    ///
    /// # Errors
    /// A clap error, to be printed with its own exit status.
    pub(crate) fn read(words: Vec<OsString>) -> Result<Self, clap::Error> {
        let first = Self::command().try_get_matches_from(&words);
        let file = match &first {
            Ok(matches) => Self::from_arg_matches(matches)?.global.config,
            Err(_) => None,
        };
        let Some(path) = file else {
            return Self::from_arg_matches(&first?);
        };
        let defaults = crate::config::file_defaults(&path)
            .map_err(|error| Self::command().error(clap::error::ErrorKind::Io, error))?;
        let mut command = Self::command();
        let unknown = crate::config::unknown_keys(&command, &defaults);
        if let Some(key) = unknown.first() {
            let message = format!(
                "{}: {key:?} is no flag of any command; next: see meridian --help",
                path.display()
            );
            return Err(command.error(clap::error::ErrorKind::UnknownArgument, message));
        }
        command = crate::config::with_defaults(command, &defaults);
        Self::from_arg_matches(&command.try_get_matches_from(&words)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_win_over_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("meridian.yaml");
        std::fs::write(&file, "dns-zone: example.org\naddress: 127.0.0.1:9999\n").unwrap();
        let words = |extra: &[&str]| {
            let mut words: Vec<OsString> = ["meridian", "up", "--config"].map(OsString::from).to_vec();
            words.push(file.clone().into_os_string());
            words.extend(extra.iter().map(OsString::from));
            words
        };
        let Command::Up(up) = Cli::read(words(&["--address", "127.0.0.1:1"])).unwrap().command else {
            panic!()
        };
        assert_eq!(up.dns.dns_zone, "example.org");
        assert_eq!(up.api.address.port(), 1);
        std::fs::write(&file, "dns-zoen: example.org\n").unwrap();
        assert!(Cli::read(words(&[])).unwrap_err().to_string().contains("dns-zoen"));
    }
}
