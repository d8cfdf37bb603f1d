//! Meridian: one Kubernetes API over many clusters, and names that follow their health. This file parses, dispatches and
//! sets the exit status; the parts are in the other crates, their wiring in [`up`].

mod cli;
mod command;
mod config;
mod console_assets;
mod data_dir;
mod descriptors;
mod dns_keys;
mod dns_settings;
mod encryption;
mod health;
mod hub;
mod kubeconfig;
mod lifecycle;
mod membership;
mod output;
mod pki;
mod postgres;
mod pull;
mod telemetry;
mod tokens;
mod up;
mod ways;

use std::process::ExitCode;

/// A fifth of the hub's work under load was glibc's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match cli::Cli::read(std::env::args_os().collect()) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    if let Err(error) = telemetry::logs(&cli.global.log, cli.global.log_format) {
        eprintln!("meridian: --log {:?}: {error}", cli.global.log);
        return ExitCode::from(2);
    }
    descriptors::raise();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("meridian: the runtime cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(Box::pin(command::run(cli))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("meridian: {}", output::with_causes(&error));
            ExitCode::from(if matches!(error, command::CommandError::Usage(_)) {
                2
            } else {
                1
            })
        }
    }
}
