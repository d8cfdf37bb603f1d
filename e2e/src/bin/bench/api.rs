//! The API beside kube-apiserver + etcd, in turn and each alone with the load: updates, GET, LIST of 500 and of 15,000 objects,
//! a thousand watchers.

use std::time::{Duration, Instant};

use e2e::Failure;
use futures::AsyncReadExt;
use http::Request;
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use tokio::task::JoinSet;

use crate::figures::Series;
use crate::members::client;
use crate::objects;
use crate::pair::{Pair, Side};

/// Objects in the large list.
const LARGE: usize = 15_000;
/// Objects in the small one, in a namespace of its own.
const SMALL: usize = 500;
const CLIENTS: usize = 20;

/// Prints the table.
pub(crate) async fn run(pair: &Pair) -> Result<(), Failure> {
    for side in pair.sides() {
        let hub = side.client().await?;
        fill(&side, "default", LARGE).await?;
        let small = DynamicObject::new("small", &objects::namespaces());
        let namespaces: Api<DynamicObject> = Api::all_with(hub, &objects::namespaces());
        namespaces
            .create(&PostParams::default(), &small)
            .await
            .map_err(|error| Failure::of("namespace small", error))?;
        fill(&side, "small", SMALL).await?;
    }
    println!("### Reads and updates with {LARGE} ConfigMaps of 1 KB, {CLIENTS} clients\n");
    println!("| what | hub /s | p50 ms | p99 ms | kube-apiserver + etcd /s | p50 ms | p99 ms | ratio |");
    println!("|---|---|---|---|---|---|---|---|");
    for (what, load, count) in [
        ("update (merge patch)", Load::Update, 2000),
        ("GET", Load::Get, 10_000),
        ("LIST of 500", Load::ListSmall, 1000),
        ("LIST of 15,000", Load::ListLarge, 40),
    ] {
        let mut found = Vec::new();
        for side in pair.sides() {
            found.push(measure(&side, load, count).await?);
        }
        let [ours, theirs] = &found[..] else { continue };
        println!(
            "| {what} | {:.0} | {:.1} | {:.1} | {:.0} | {:.1} | {:.1} | {:.2} |",
            ours.rate(),
            ours.quantile(0.5),
            ours.quantile(0.99),
            theirs.rate(),
            theirs.quantile(0.5),
            theirs.quantile(0.99),
            ours.rate() / theirs.rate()
        );
    }
    println!();
    watchers(pair).await
}

#[derive(Clone, Copy)]
enum Load {
    Update,
    Get,
    ListSmall,
    ListLarge,
}

/// Creates ConfigMaps `c-0` and so on.
pub(crate) async fn fill(side: &Side, namespace: &'static str, count: usize) -> Result<(), Failure> {
    let mut workers = JoinSet::new();
    for worker in 0..CLIENTS {
        let api: Api<DynamicObject> = Api::namespaced_with(side.client().await?, namespace, &objects::config_maps());
        workers.spawn(async move {
            for number in (worker..count).step_by(CLIENTS) {
                let object = objects::config_map(&format!("c-{number}"));
                api.create(&PostParams::default(), &object)
                    .await
                    .map_err(|error| Failure::of(format!("c-{number}"), error))?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(result) = workers.join_next().await {
        result.map_err(|error| Failure::of("a worker", error))??;
    }
    Ok(())
}

async fn measure(side: &Side, load: Load, count: usize) -> Result<Series, Failure> {
    let clients = match load {
        Load::ListLarge => 2,
        Load::Update | Load::Get | Load::ListSmall => CLIENTS,
    };
    let mut connections = Vec::new();
    for _ in 0..clients {
        connections.push(side.client().await?);
    }
    let began = Instant::now();
    let mut workers = JoinSet::new();
    for (worker, connection) in connections.into_iter().enumerate() {
        workers.spawn(async move {
            let mut latencies = Vec::with_capacity(count / clients);
            for number in 0..count / clients {
                let name = format!("c-{}", (worker + number * clients) % SMALL);
                let began = Instant::now();
                one(&connection, load, &name, number).await?;
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

async fn one(client: &Client, load: Load, name: &str, number: usize) -> Result<(), Failure> {
    let path = match load {
        Load::Update => {
            let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), "default", &objects::config_maps());
            let patch = serde_json::json!({"data": {"round": number.to_string()}});
            let patched = api.patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await;
            return patched.map(drop).map_err(|error| Failure::of(name, error));
        }
        Load::Get => format!("/api/v1/namespaces/default/configmaps/{name}"),
        Load::ListSmall => "/api/v1/namespaces/small/configmaps".to_owned(),
        Load::ListLarge => "/api/v1/namespaces/default/configmaps".to_owned(),
    };
    let request = Request::get(path.as_str()).body(Vec::new());
    let request = request.map_err(|error| Failure::of(&path, error))?;
    // The bytes alone: reading them as JSON would measure the load, not the server.
    let answer = client
        .request_text(request)
        .await
        .map_err(|error| Failure::of(&path, error))?;
    if answer.is_empty() {
        return Err(Failure(format!("{path} answered nothing")));
    }
    Ok(())
}

/// Watches that are open at a time, some of which look at what they get.
const WATCHERS: usize = 1000;
const LOOKING: usize = 20;
const STREAMS_A_CONNECTION: usize = 50;
const WRITES: usize = 1000;
const WRITES_A_SECOND: u32 = 200;

/// A thousand watches of one kind while it is written to: from a write until a watcher has it.
async fn watchers(pair: &Pair) -> Result<(), Failure> {
    println!("### {WATCHERS} watchers of one kind, {WRITES_A_SECOND} small writes a second\n");
    println!("| | p50 ms | p99 ms | until the last had all, s | watches that the server ended before |");
    println!("|---|---|---|---|---|");
    for side in pair.sides() {
        let (series, wall, cut) = watch(&side).await?;
        println!(
            "| {} | {:.1} | {:.1} | {:.1} | {cut} |",
            side.name(),
            series.quantile(0.5),
            series.quantile(0.99),
            wall.as_secs_f64()
        );
    }
    println!();
    Ok(())
}

async fn watch(side: &Side) -> Result<(Series, Duration, usize), Failure> {
    let namespace = DynamicObject::new("watched", &objects::namespaces());
    let namespaces: Api<DynamicObject> = Api::all_with(side.client().await?, &objects::namespaces());
    namespaces
        .create(&PostParams::default(), &namespace)
        .await
        .map_err(|error| Failure::of("namespace watched", error))?;
    let mut watchers = JoinSet::new();
    let mut connection = side.client().await?;
    for number in 0..WATCHERS {
        if number % STREAMS_A_CONNECTION == 0 {
            connection = side.client().await?;
        }
        let path = "/api/v1/namespaces/watched/configmaps?watch=true&labelSelector=bench";
        let request = Request::get(path)
            .body(Vec::new())
            .map_err(|error| Failure::of(path, error))?;
        let stream = connection
            .request_stream(request)
            .await
            .map_err(|error| Failure::of(path, error))?;
        watchers.spawn(receive(stream, number < LOOKING));
    }
    let api: Api<DynamicObject> = Api::namespaced_with(side.client().await?, "watched", &objects::config_maps());
    let began = Instant::now();
    let mut pace = tokio::time::interval(Duration::from_secs(1) / WRITES_A_SECOND);
    let mut written = Vec::with_capacity(WRITES);
    let mut writes = JoinSet::new();
    for number in 0..WRITES {
        pace.tick().await;
        let mut object = objects::small_config_map(&format!("w-{number:05}"));
        object.metadata.labels = Some(
            [
                ("bench".to_owned(), "true".to_owned()),
                ("federation.meridian.dev/hub-only".to_owned(), "true".to_owned()),
            ]
            .into(),
        );
        let api = api.clone();
        written.push(Instant::now());
        writes.spawn(async move { api.create(&PostParams::default(), &object).await.map(drop) });
    }
    while let Some(result) = writes.join_next().await {
        result
            .map_err(|error| Failure::of("a writer", error))?
            .map_err(|error| Failure::of("a write", error))?;
    }
    let (mut latencies, mut cut) = (Vec::new(), 0);
    while let Some(result) = watchers.join_next().await {
        let (seen, whole) = result.map_err(|error| Failure::of("a watcher", error))??;
        let late = seen.into_iter().filter_map(|(number, at)| {
            let begun = written.get(number)?;
            Some(at.duration_since(*begun))
        });
        latencies.extend(late);
        cut += usize::from(!whole);
    }
    let wall = began.elapsed();
    Ok((Series::new(latencies, wall), wall, cut))
}

/// Reads a watch until it told of every write; when it told of each, where it looks, and whether it told of all before the
/// server ended it, as one does with a client that is too slow.
async fn receive(stream: impl futures::AsyncBufRead, looking: bool) -> Result<(Vec<(usize, Instant)>, bool), Failure> {
    let mut stream = std::pin::pin!(stream);
    let (mut told, mut seen, mut rest) = (0, Vec::new(), Vec::new());
    let mut buffer = vec![0; 64 << 10];
    while told < WRITES {
        let read = tokio::time::timeout(Duration::from_secs(120), stream.read(&mut buffer))
            .await
            .map_err(|error| Failure::of(format!("after {told} events"), error))?
            .map_err(|error| Failure::of("a watch", error))?;
        let at = Instant::now();
        let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else {
            return Ok((seen, false));
        };
        told += piece.iter().filter(|byte| **byte == b'\n').count();
        if looking {
            rest.extend_from_slice(piece);
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line);
                let number = line
                    .split("\"name\":\"w-")
                    .nth(1)
                    .and_then(|tail| tail.get(..5)?.parse().ok());
                seen.extend(number.map(|number: usize| (number, at)));
            }
        }
    }
    Ok((seen, true))
}

/// A client that is connected.
pub(crate) async fn connected(kubeconfig: &std::path::Path, context: Option<&str>) -> Result<Client, Failure> {
    let connection = client(kubeconfig, context).await?;
    connection
        .apiserver_version()
        .await
        .map_err(|error| Failure::of("a first request", error))?;
    Ok(connection)
}
