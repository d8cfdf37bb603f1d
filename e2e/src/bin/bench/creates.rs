//! Creates of one-kilobyte ConfigMaps at 1, 20 and 100 clients: the hub beside kube-apiserver + etcd, in turn.

use std::path::Path;
use std::time::Instant;

use e2e::{Failure, Federation};
use kube::Api;
use kube::api::{DynamicObject, PostParams};
use tokio::task::JoinSet;

use crate::figures::Series;
use crate::members::{Members, client};
use crate::objects;

const ROUNDS: usize = 2;

/// Prints the table.
pub(crate) async fn run(federation: &Federation, members: &Members) -> Result<(), Failure> {
    let hub = federation.data_dir().join("kubeconfig");
    let peer = members.peer();
    println!("### Creates of 1 KB ConfigMaps\n");
    println!(
        "| clients | hub creates/s | p50 ms | p99 ms | kube-apiserver + etcd creates/s | p50 ms | p99 ms | ratio |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for clients in [1, 20, 100] {
        for round in 0..ROUNDS {
            let count = if clients == 1 { 300 } else { 2000 };
            let prefix = format!("c{clients}-{round}");
            let ours = creates(&hub, Some("federation"), &prefix, clients, count).await?;
            let theirs = creates(&peer, None, &prefix, clients, count).await?;
            println!(
                "| {clients} | {:.0} | {:.1} | {:.1} | {:.0} | {:.1} | {:.1} | {:.2} |",
                ours.rate(),
                ours.quantile(0.5),
                ours.quantile(0.99),
                theirs.rate(),
                theirs.quantile(0.5),
                theirs.quantile(0.99),
                ours.rate() / theirs.rate()
            );
        }
    }
    println!();
    Ok(())
}

async fn creates(
    kubeconfig: &Path,
    context: Option<&str>,
    prefix: &str,
    clients: usize,
    count: usize,
) -> Result<Series, Failure> {
    let mut connections = Vec::new();
    for _ in 0..clients {
        let connection = client(kubeconfig, context).await?;
        connection
            .apiserver_version()
            .await
            .map_err(|error| Failure::of("a first request", error))?;
        connections.push(connection);
    }
    let began = Instant::now();
    let mut workers = JoinSet::new();
    for (worker, connection) in connections.into_iter().enumerate() {
        let names: Vec<String> = (0..count / clients)
            .map(|number| format!("{prefix}-{worker}-{number}"))
            .collect();
        workers.spawn(async move {
            let api: Api<DynamicObject> = Api::namespaced_with(connection, "default", &objects::config_maps());
            let mut latencies = Vec::with_capacity(names.len());
            for name in names {
                let object = objects::config_map(&name);
                let began = Instant::now();
                api.create(&PostParams::default(), &object)
                    .await
                    .map_err(|error| Failure::of(name, error))?;
                latencies.push(began.elapsed());
            }
            Ok::<_, Failure>(latencies)
        });
    }
    let mut all = Vec::new();
    while let Some(result) = workers.join_next().await {
        all.extend(result.map_err(|error| Failure::of("a worker", error))??);
    }
    Ok(Series::new(all, began.elapsed()))
}
