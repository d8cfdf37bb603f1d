//! Figures of the API and of the whole path, each beside a peer in the same run: reads and writes beside kube-apiserver + etcd,
//! propagation beside writing to the members directly, a bulk load, a restart, drift. Prints Markdown; `make bench` runs it.
//!
//! The machine may be shared and noisy: read the ratios, not the absolute figures. Words after the command pick parts:
//! `bench bulk restart`.

mod api;
mod bulk;
mod creates;
mod crowd;
mod drift;
mod figures;
mod machine;
mod members;
mod objects;
mod pair;
mod propagation;
mod replicas;
mod restart;
mod size;

use std::process::ExitCode;

use e2e::{Failure, Federation};

/// What can be picked.
const PARTS: [&str; 9] = [
    "api",
    "size",
    "replicas",
    "crowd",
    "creates",
    "propagation",
    "drift",
    "bulk",
    "restart",
];

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
    let picked: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = picked.iter().find(|part| !PARTS.contains(&part.as_str())) {
        return Err(Failure(format!(
            "there is no part {unknown:?}; the parts are {}",
            PARTS.join(", ")
        )));
    }
    let wanted = |part: &str| picked.is_empty() || picked.iter().any(|word| word == part);
    let dir = tempfile::tempdir().map_err(|error| Failure::of("a directory", error))?;
    println!("{}\n", machine::line());
    if wanted("api") {
        api::run(&pair::Pair::start(&dir.path().join("api"))?).await?;
    }
    if wanted("size") {
        size::run(&mut pair::Pair::start(&dir.path().join("size"))?).await?;
    }
    if wanted("replicas") {
        replicas::run(dir.path()).await?;
    }
    if wanted("crowd") {
        crowd::run(dir.path()).await?;
    }
    if !PARTS[4..].iter().any(|part| wanted(part)) {
        return Ok(());
    }
    let members = members::Members::start(dir.path())?;
    let mut federation = Federation::start(dir.path(), 0)?;
    if wanted("creates") {
        creates::run(&federation, &members).await?;
    }
    members.join(&federation)?;
    // Drift is made in the objects of propagation.
    if wanted("propagation") || wanted("drift") {
        propagation::run(&federation, &members).await?;
    }
    if wanted("drift") {
        drift::run(&federation, &members).await?;
    }
    if wanted("bulk") {
        bulk::run(&federation, &members).await?;
    }
    if wanted("restart") {
        restart::run(&mut federation, &members).await?;
    }
    federation.stop()
}
