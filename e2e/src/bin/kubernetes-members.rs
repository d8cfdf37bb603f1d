//! Three real Kubernetes control planes on loopback, for `make demo MEMBERS=kubernetes`: starts them, writes `ready`, cuts
//! a member's power while the file `off` lies in its directory, stays until SIGTERM or SIGINT, stops them.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use e2e::{ControlPlane, Failure};

/// While a file of this name lies in a member's directory, the member has no power.
const OFF: &str = "off";
/// How often it is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(200);

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
            return Err(Failure(format!(
                "{} holds something else; next: give another --dir",
                arguments.dir.display()
            )));
        }
        std::fs::remove_dir_all(&arguments.dir).map_err(file)?;
    }
    let mut planes = Vec::new();
    for (name, number) in [("us-1", 1), ("eu-1", 2), ("ap-1", 3)] {
        let (dir, addresses) = (
            arguments.dir.join(name),
            format!("127.{}.0.0/24", 100 + u16::from(number)),
        );
        let plane = ControlPlane::start_with(name, number, &dir, &arguments.meridian, &addresses)?;
        planes.push((plane, true));
    }
    std::fs::write(arguments.dir.join("ready"), "").map_err(file)?;
    let mut looks = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            _ = interrupt.recv() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
            _ = looks.tick() => {}
        }
        for (plane, on) in &mut planes {
            let wanted = !arguments.dir.join(plane.name()).join(OFF).exists();
            match (*on, wanted) {
                (true, false) => plane.cut_power()?,
                (false, true) => plane.restore_power()?,
                (true, true) | (false, false) => {}
            }
            *on = wanted;
        }
    }
}
