//! 1,000 Deployments and 1,000 Services into three members: through the hub, beside writing them there directly.

use std::time::{Duration, Instant};

use e2e::{Failure, Federation};
use kube::api::{DynamicObject, ListParams, PostParams};
use kube::{Api, Client};
use serde_json::json;
use tokio::task::JoinSet;

use crate::machine::cpu_seconds;
use crate::members::{Members, hub};
use crate::objects;

const OBJECTS: usize = 1000;
const WRITERS: usize = 20;
const PATIENCE: Duration = Duration::from_secs(600);

/// Prints the figures.
pub(crate) async fn run(federation: &Federation, members: &Members) -> Result<(), Failure> {
    let hub = hub(federation).await?;
    let clients = members.clients().await?;
    // Deployments without replicas: the peers' controllers would else be what is measured.
    for client in &clients {
        namespace(client, "direct").await?;
    }
    let began = Instant::now();
    let mut writing = JoinSet::new();
    for client in &clients {
        writing.spawn(write(client.clone(), "direct"));
    }
    while let Some(result) = writing.join_next().await {
        result.map_err(|error| Failure::of("a writer", error))??;
    }
    let direct = began.elapsed();
    eprintln!("bench: waiting until the members' controllers have worked off the direct load");
    for client in &clients {
        settled(client).await?;
    }
    eprintln!("bench: bulk through the hub");

    namespace(&hub, "bulk").await?;
    let pid = federation
        .process_id()
        .ok_or_else(|| Failure("the hub does not run".to_owned()))?;
    let cpu_before = cpu_seconds(pid)?;
    let began = Instant::now();
    write(hub, "bulk").await?;
    let written = began.elapsed();
    for client in &clients {
        arrived(client, began).await?;
    }
    let through = began.elapsed();
    let cpu = cpu_seconds(pid)? - cpu_before;
    println!("### {OBJECTS} Deployments (no replicas) and {OBJECTS} Services into three members, {WRITERS} writers\n");
    println!("| | s |\n|---|---|");
    println!(
        "| directly, the three members side by side | {:.1} |",
        direct.as_secs_f64()
    );
    println!("| through the hub, until acknowledged | {:.1} |", written.as_secs_f64());
    println!(
        "| through the hub, until in all members | {:.1} |",
        through.as_secs_f64()
    );
    println!(
        "\nRatio: {:.2}. CPU of the hub process (controllers, syncers and DNS in it; PostgreSQL beside): ",
        through.as_secs_f64() / direct.as_secs_f64()
    );
    println!(
        "{:.1} ms an object.\n",
        cpu * 1000.0 / f64::from(u32::try_from(2 * OBJECTS).unwrap_or(1))
    );
    Ok(())
}

async fn namespace(client: &Client, name: &str) -> Result<(), Failure> {
    let kind = kube::api::ApiResource {
        group: String::new(),
        version: "v1".to_owned(),
        api_version: "v1".to_owned(),
        kind: "Namespace".to_owned(),
        plural: "namespaces".to_owned(),
    };
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &kind);
    api.create(&PostParams::default(), &DynamicObject::new(name, &kind).data(json!({})))
        .await
        .map(|_| ())
        .map_err(|error| Failure::of(format!("namespace {name}"), error))
}

async fn write(client: Client, namespace: &'static str) -> Result<(), Failure> {
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let client = client.clone();
        writers.spawn(async move {
            let deployments: Api<DynamicObject> =
                Api::namespaced_with(client.clone(), namespace, &objects::deployments());
            let services: Api<DynamicObject> = Api::namespaced_with(client, namespace, &objects::services());
            for number in (writer..OBJECTS).step_by(WRITERS) {
                let name = format!("bulk-{number}");
                let wrong = |error: kube::Error| Failure::of(format!("{namespace}/{name}"), error);
                deployments
                    .create(&PostParams::default(), &objects::deployment(&name, 0))
                    .await
                    .map_err(wrong)?;
                services
                    .create(&PostParams::default(), &objects::service(&name))
                    .await
                    .map_err(wrong)?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(result) = writers.join_next().await {
        result.map_err(|error| Failure::of("a writer", error))??;
    }
    Ok(())
}

/// Waits until a member's controllers have seen every Deployment of the direct load, which they would else work off at the
/// cost of the other one.
async fn settled(client: &Client) -> Result<(), Failure> {
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), "direct", &objects::deployments());
    let began = Instant::now();
    loop {
        let list = api
            .list(&ListParams::default())
            .await
            .map_err(|error| Failure::of("list", error))?;
        let seen = |object: &DynamicObject| object.data.pointer("/status/observedGeneration").is_some();
        let unseen = list.iter().filter(|object| !seen(object)).count();
        if unseen == 0 {
            return Ok(());
        }
        if began.elapsed() > PATIENCE {
            return Err(Failure(format!(
                "{unseen} Deployments were not seen by their controllers after {PATIENCE:?}"
            )));
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

async fn arrived(client: &Client, began: Instant) -> Result<(), Failure> {
    for kind in [objects::deployments(), objects::services()] {
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), "bulk", &kind);
        loop {
            let count = api
                .list_metadata(&ListParams::default())
                .await
                .map(|list| list.items.len())
                .unwrap_or(0);
            if count >= OBJECTS {
                break;
            }
            if began.elapsed() > PATIENCE {
                return Err(Failure(format!(
                    "{count} of {OBJECTS} {} after {PATIENCE:?}",
                    kind.plural
                )));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    Ok(())
}
