//! From a create on the hub until every member has the object, and until the hub says that all replicas are ready; beside
//! creating the same in the members directly.

use std::time::{Duration, Instant};

use e2e::{Failure, Federation};
use futures::TryStreamExt;
use kube::api::{DynamicObject, PostParams, WatchEvent, WatchParams};
use kube::{Api, Client};
use tokio::sync::mpsc;

use crate::figures::Series;
use crate::members::{Members, hub};
use crate::objects;

const ROUNDS: u32 = 20;
const PATIENCE: Duration = Duration::from_secs(30);

/// An object was seen: by which watcher, its name, how many replicas are ready.
type Sight = (usize, String, u64);

/// Prints the table.
pub(crate) async fn run(federation: &Federation, members: &Members) -> Result<(), Failure> {
    let hub = hub(federation).await?;
    let clients = members.clients().await?;
    let (seen, mut sights) = mpsc::channel(1024);
    for (index, client) in clients.iter().chain([&hub]).enumerate() {
        follow(index, client.clone(), seen.clone()).await?;
    }
    let mut arrived = Vec::new();
    let mut ready = Vec::new();
    let mut direct = Vec::new();
    for round in 0..ROUNDS {
        let name = format!("hop-{round}");
        let began = Instant::now();
        create(&hub, objects::deployment(&name, 3)).await?;
        let (all, done) = watch_out(&mut sights, &name, began, 3, 3, Some(3)).await?;
        arrived.push(all);
        ready.push(done);
        let name = format!("direct-{round}");
        let began = Instant::now();
        for client in &clients {
            create(client, objects::deployment(&name, 1)).await?;
        }
        direct.push(watch_out(&mut sights, &name, began, 3, 1, None).await?.1);
    }
    let wall = Duration::from_secs(1);
    let (arrived, ready, direct) = (
        Series::new(arrived, wall),
        Series::new(ready, wall),
        Series::new(direct, wall),
    );
    println!("### Create on the hub until it is in three members, {ROUNDS} times one after the other\n");
    println!("| | p50 ms | p90 ms | p99 ms |\n|---|---|---|---|");
    for (what, series) in [
        ("object in all three members", &arrived),
        ("all replicas ready in the hub's status", &ready),
        ("writing to the members directly, until ready there", &direct),
    ] {
        println!(
            "| {what} | {:.1} | {:.1} | {:.1} |",
            series.quantile(0.5),
            series.quantile(0.9),
            series.quantile(0.99)
        );
    }
    println!(
        "\nReady on the hub / ready directly, p50: {:.2}\n",
        ready.quantile(0.5) / direct.quantile(0.5)
    );
    Ok(())
}

async fn create(client: &Client, object: DynamicObject) -> Result<(), Failure> {
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), "default", &objects::deployments());
    api.create(&PostParams::default(), &object)
        .await
        .map(|_| ())
        .map_err(|error| Failure::of("create", error))
}

async fn follow(index: usize, client: Client, seen: mpsc::Sender<Sight>) -> Result<(), Failure> {
    let api: Api<DynamicObject> = Api::namespaced_with(client, "default", &objects::deployments());
    let list = api
        .list(&Default::default())
        .await
        .map_err(|error| Failure::of("list", error))?;
    let from = list.metadata.resource_version.unwrap_or_default();
    let stream = api
        .watch(&WatchParams::default(), &from)
        .await
        .map_err(|error| Failure::of("watch", error))?;
    tokio::spawn(async move {
        let mut stream = std::pin::pin!(stream);
        while let Ok(Some(event)) = stream.try_next().await {
            if let WatchEvent::Added(object) | WatchEvent::Modified(object) = event {
                let ready = object
                    .data
                    .pointer("/status/readyReplicas")
                    .and_then(|n| n.as_u64())
                    .unwrap_or(0);
                if seen
                    .send((index, object.metadata.name.unwrap_or_default(), ready))
                    .await
                    .is_err()
                {
                    return;
                }
            }
        }
    });
    Ok(())
}

/// When all members had the object, and when `ready` replicas were seen ready by the watcher `at` (none: by each member).
async fn watch_out(
    sights: &mut mpsc::Receiver<Sight>,
    name: &str,
    began: Instant,
    members: usize,
    ready: u64,
    at: Option<usize>,
) -> Result<(Duration, Duration), Failure> {
    let mut has = vec![false; members];
    let mut done = vec![false; members + 1];
    let mut arrived = None;
    loop {
        let sight = tokio::time::timeout(PATIENCE, sights.recv()).await;
        let Ok(Some((index, seen, count))) = sight else {
            return Err(Failure(format!(
                "{name} was not seen everywhere within {PATIENCE:?}: {has:?} {done:?}"
            )));
        };
        if seen != name {
            continue;
        }
        if let Some(has) = has.get_mut(index) {
            *has = true;
        }
        done[index] |= count >= ready;
        if arrived.is_none() && has.iter().all(|has| *has) {
            arrived = Some(began.elapsed());
        }
        let finished = match at {
            Some(at) => done[at],
            None => done[..members].iter().all(|done| *done),
        };
        if let (true, Some(arrived)) = (finished, arrived) {
            return Ok((arrived, began.elapsed()));
        }
    }
}
