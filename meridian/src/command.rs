//! The commands: one file each. A command reads its arguments, asks or tells the hub, prints, and ends with an error that
//! names the next step.

use std::path::PathBuf;

use crate::cli::{Cli, Command, ExplainCommand, SimulateCommand};
use crate::data_dir::DataDirError;

mod apiserver;
mod backup;
mod confirm_removals;
mod dns;
mod drain;
mod ds;
mod explain;
mod join;
mod one_object;
mod overrides;
mod plan;
mod promote;
mod release;
mod resolve;
mod simulate;
mod status;
mod syncer;
pub(crate) mod timeline;
mod token;
mod unjoin;
mod version;

/// Why a command failed; printed as one line with its causes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// The hub or a member refused.
    #[error(transparent)]
    Hub(#[from] crate::hub::HubError),
    /// A cluster could not join.
    #[error(transparent)]
    Join(#[from] crate::membership::JoinError),
    /// The data directory is not usable.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The process could not be started.
    #[error(transparent)]
    Up(Box<crate::up::UpError>),
    /// A file could not be read or written.
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
    /// Anything with a sentence of its own.
    #[error("{0}")]
    Said(String),
    /// The command line was wrong: exit status 2.
    #[error("{0}")]
    Usage(String),
}

impl From<crate::up::UpError> for CommandError {
    fn from(error: crate::up::UpError) -> Self {
        Self::Up(Box::new(error))
    }
}

/// Runs a command.
pub(crate) async fn run(cli: Cli) -> Result<(), CommandError> {
    let data_dir = crate::config::data_dir(cli.global.data_dir.clone());
    match cli.command {
        Command::Up(args) => crate::up::run(&data_dir, *args).await.map_err(CommandError::from),
        Command::Apiserver(args) => apiserver::run(&data_dir, *args).await,
        Command::Syncer(args) => syncer::run(&data_dir, args).await,
        Command::Ds(args) => ds::run(&data_dir, &args),
        Command::Dns(args) => dns::run(&data_dir, *args).await,
        Command::Join(args) => join::run(&data_dir, args).await,
        Command::Unjoin(args) => unjoin::run(&data_dir, args).await,
        Command::Promote(args) => promote::run(&data_dir, args).await,
        Command::Release(args) => release::run(&data_dir, args).await,
        Command::Simulate(SimulateCommand::Fail(args)) => simulate::fail(&data_dir, args).await,
        Command::Simulate(SimulateCommand::Recover { hub, cluster }) => {
            simulate::recover(&data_dir, hub, cluster).await
        }
        Command::Simulate(SimulateCommand::Workloads(args)) => simulate::workloads(args).await,
        Command::Plan(args) => plan::run(&data_dir, args).await,
        Command::Explain(ExplainCommand::Placement(args)) => explain::placement(&data_dir, args).await,
        Command::Explain(ExplainCommand::Dns(args)) => resolve::explain(&data_dir, args).await,
        Command::Drain(args) => drain::run(&data_dir, args).await,
        Command::Uncordon(args) => drain::uncordon(&data_dir, args).await,
        Command::ConfirmRemovals(args) => confirm_removals::run(&data_dir, args).await,
        Command::Override(command) => overrides::run(&data_dir, command).await,
        Command::Resolve(args) => resolve::run(args).await,
        Command::Status(args) => status::run(&data_dir, args).await,
        Command::Timeline(args) => timeline::run(&data_dir, args).await,
        Command::Backup(args) => backup::write(&data_dir, args).await,
        Command::Restore(args) => backup::restore(&data_dir, args).await,
        Command::Token(args) => token::run(&data_dir, &args),
        Command::Kubeconfig => print_kubeconfig(&data_dir),
        Command::Version(args) => version::run(&args),
        Command::Completion { shell } => {
            clap_complete::generate(
                shell,
                &mut <Cli as clap::CommandFactory>::command(),
                "meridian",
                &mut std::io::stdout(),
            );
            Ok(())
        }
    }
}

fn print_kubeconfig(data_dir: &std::path::Path) -> Result<(), CommandError> {
    let path = data_dir.join("kubeconfig");
    let text = std::fs::read_to_string(&path).map_err(|error| CommandError::File(path, error))?;
    print!("{text}");
    Ok(())
}
