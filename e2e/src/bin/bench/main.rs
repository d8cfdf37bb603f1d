//! First figures of the whole path, each beside a peer in the same run: creates beside kube-apiserver + etcd, propagation beside
//! writing to the members directly, a bulk load, a restart, drift. Prints Markdown; `make bench` runs it.
//!
//! The machine may be shared and noisy: read the ratios, not the absolute figures.

mod bulk;
mod creates;
mod drift;
mod figures;
mod machine;
mod members;
mod objects;
mod propagation;
mod restart;

use std::process::ExitCode;

use e2e::{Failure, Federation};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    let dir = tempfile::tempdir().map_err(|error| Failure::of("a directory", error))?;
    let members = members::Members::start(dir.path())?;
    let mut federation = Federation::start(dir.path(), 0)?;
    println!("{}\n", machine::line());
    creates::run(&federation, &members).await?;
    members.join(&federation)?;
    propagation::run(&federation, &members).await?;
    drift::run(&federation, &members).await?;
    bulk::run(&federation, &members).await?;
    restart::run(&mut federation, &members).await?;
    federation.stop()
}
