//! What many objects cost: memory beside kube-apiserver + etcd, the rate of creates as they grow, and the start with all of them.

use std::time::Instant;

use e2e::Failure;
use kube::Api;
use kube::api::{DynamicObject, PostParams};
use tokio::task::JoinSet;

use crate::api::fill;
use crate::machine::memory_mib;
use crate::objects;
use crate::pair::{Pair, Side};

const COMPARED: usize = 20_000;
const ALL: usize = 200_000;
const SAMPLE: usize = 2000;
const CLIENTS: usize = 20;

/// Prints the figures.
pub(crate) async fn run(pair: &mut Pair) -> Result<(), Failure> {
    println!("### Memory, MiB (proportional set size)\n");
    println!("| objects | hub | its PostgreSQL | kube-apiserver | etcd | hub to kube-apiserver |");
    println!("|---|---|---|---|---|---|");
    memory(pair, 0)?;
    for side in pair.sides() {
        fill(&side, "default", COMPARED).await?;
    }
    memory(pair, COMPARED)?;
    println!("\n### Creates at {CLIENTS} clients as objects grow\n");
    println!("| objects there | creates/s |");
    println!("|---|---|");
    let [hub, _] = pair.sides();
    let mut there = COMPARED;
    println!("| {there} | {:.0} |", rate(&hub, there, SAMPLE).await?);
    there += SAMPLE;
    while there < ALL {
        let more = (ALL - there).min(40_000);
        let rate = rate(&hub, there, more).await?;
        there += more;
        println!("| {there} | {rate:.0} |");
    }
    pair.hub.stop()?;
    let began = Instant::now();
    pair.hub.restart()?;
    println!(
        "\nStart with {there} objects, until ready: {:.1} s; memory then: {:.0} MiB\n",
        began.elapsed().as_secs_f64(),
        memory_mib(&pids(pair.hub.process_id()), "meridian")?
    );
    Ok(())
}

fn pids(pid: Option<u32>) -> Vec<u32> {
    pid.into_iter().collect()
}

fn memory(pair: &Pair, objects: usize) -> Result<(), Failure> {
    let hub = pids(pair.hub.process_id());
    let peer = pair.peer.process_ids();
    let (ours, postgres) = (memory_mib(&hub, "meridian")?, memory_mib(&hub, "postgres")?);
    let (server, etcd) = (memory_mib(&peer, "kube-apiserver")?, memory_mib(&peer, "etcd")?);
    println!(
        "| {objects} | {ours:.0} | {postgres:.0} | {server:.0} | {etcd:.0} | {:.2} |",
        ours / server
    );
    Ok(())
}

/// Creates more objects; how many a second.
async fn rate(side: &Side, there: usize, more: usize) -> Result<f64, Failure> {
    let mut connections = Vec::new();
    for _ in 0..CLIENTS {
        connections.push(side.client().await?);
    }
    let began = Instant::now();
    let mut workers = JoinSet::new();
    for (worker, connection) in connections.into_iter().enumerate() {
        let api: Api<DynamicObject> = Api::namespaced_with(connection, "default", &objects::config_maps());
        workers.spawn(async move {
            for number in (worker..more).step_by(CLIENTS) {
                let object = objects::config_map(&format!("c-{}", there + number));
                api.create(&PostParams::default(), &object)
                    .await
                    .map_err(|error| Failure::of("a create", error))?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(result) = workers.join_next().await {
        result.map_err(|error| Failure::of("a worker", error))??;
    }
    Ok(f64::from(u32::try_from(more).unwrap_or(u32::MAX)) / began.elapsed().as_secs_f64())
}
