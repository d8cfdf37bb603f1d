//! Three real Kubernetes control planes on loopback, for `make demo MEMBERS=kubernetes`: starts them, writes `ready`, stays
//! until SIGTERM or SIGINT, stops them.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use e2e::{ControlPlane, Failure};

/// Three real Kubernetes control planes on loopback.
#[derive(Parser)]
struct Arguments {
    /// Directory for their data, certificates, kubeconfigs and logs; made anew at each start.
    #[arg(long)]
    dir: PathBuf,
    /// The meridian binary that plays their machines.
    #[arg(long)]
    meridian: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kubernetes-members: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let file = |error| Failure::of(arguments.dir.display(), error);
    let mut interrupt = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt()).map_err(file)?;
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(file)?;
    if arguments.dir.exists() {
        // Only what an earlier run of this program made is removed.
        if !arguments.dir.join("us-1").exists() {
            return Err(Failure(format!("{} holds something else; next: give another --dir", arguments.dir.display())));
        }
        std::fs::remove_dir_all(&arguments.dir).map_err(file)?;
    }
    let mut planes = Vec::new();
    for (name, number) in [("us-1", 1), ("eu-1", 2), ("ap-1", 3)] {
        let plane = ControlPlane::start_with(name, number, &arguments.dir.join(name), &arguments.meridian)?;
        let ids: Vec<String> = plane.ids().iter().map(u32::to_string).collect();
        std::fs::write(arguments.dir.join(name).join("pids"), ids.join(" ")).map_err(file)?;
        planes.push(plane);
    }
    std::fs::write(arguments.dir.join("ready"), "").map_err(file)?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
