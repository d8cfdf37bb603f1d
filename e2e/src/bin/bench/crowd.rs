//! A thousand simulated members and ten thousand objects, each placed in three of them, all in one process: how long it takes, what it
//! costs at rest, what one member that hangs does to the others, and what a restart of all syncers writes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use e2e::{Failure, Federation};
use futures::stream::{self, StreamExt, TryStreamExt};
use kube::api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::{Value, json};

use crate::figures::Series;
use crate::machine::{cpu_seconds, memory_mib};
use crate::members::hub;
use crate::objects;

/// Three of each group, in three regions; one more has nothing.
const GROUPS: usize = 333;
const MEMBERS: u16 = 1000;
/// Half of them Deployments of three replicas, half ConfigMaps.
const OBJECTS: usize = 10_000;
const WRITERS: usize = 20;
const NAMESPACE: &str = "crowd";
const PATIENCE: Duration = Duration::from_secs(900);
/// How long it is left alone before anything is measured at rest.
const SETTLE: Duration = Duration::from_secs(30);
const REST: Duration = Duration::from_secs(60);
const SAMPLES: usize = 100;
/// Members that are asked at once.
const ASKED: usize = 16;

/// Prints the figures.
pub(crate) async fn run(dir: &std::path::Path) -> Result<(), Failure> {
    let dir = dir.join("crowd");
    std::fs::create_dir_all(&dir).map_err(|error| Failure::of(dir.display(), error))?;
    let began = Instant::now();
    let federation = Federation::start(&dir, MEMBERS)?;
    let pid = federation
        .process_id()
        .ok_or_else(|| Failure("the hub does not run".to_owned()))?;
    let client = hub(&federation).await?;
    until("all members are ready", || ready(&client)).await?;
    let started = began.elapsed();
    let empty = rest(pid).await?;
    eprintln!("bench: placing {OBJECTS} objects in {MEMBERS} members");
    let (acknowledged, placed, cpu) = place(&client, pid).await?;
    let full = rest(pid).await?;

    println!("### {MEMBERS} simulated members and {OBJECTS} objects, each in three of them, all in one process\n");
    println!("| | |\n|---|---|");
    println!(
        "| all members ready after the start, s | {:.0} |",
        started.as_secs_f64()
    );
    println!(
        "| {OBJECTS} objects acknowledged, {WRITERS} writers, s | {:.1} |",
        acknowledged.as_secs_f64()
    );
    println!("| all of them in all their members, s | {:.1} |", placed.as_secs_f64());
    println!("| CPU of all that, hub, members and PostgreSQL, s | {cpu:.0} |");
    println!("| CPU at rest, without objects, s a minute | {:.1} |", empty.cpu);
    println!("| CPU at rest, with all of them, s a minute | {:.1} |", full.cpu);
    println!("| memory without objects, hub and members, MiB | {:.0} |", empty.memory);
    println!("| memory with all of them, MiB | {:.0} |", full.memory);

    eprintln!("bench: one member hangs");
    let well = latencies(&federation, &client, "well").await?;
    federation.command(&["simulate", "fail", "us-1", "--what", "api", "--how", "hang"])?;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let hanging = latencies(&federation, &client, "hanging").await?;
    federation.command(&["simulate", "recover", "us-1"])?;
    for (what, series) in [("all are well", well), ("one of its members hangs", hanging)] {
        let (half, most) = (series.quantile(0.5), series.quantile(0.99));
        println!("| from a create until in a member, {what}, p50 / p99 ms | {half:.1} / {most:.1} |");
    }
    until("the member is back", || ready(&client)).await?;
    tokio::time::sleep(SETTLE).await;

    eprintln!("bench: all syncers start anew");
    let before = versions(&federation).await?;
    anew(&client).await?;
    tokio::time::sleep(SETTLE).await;
    until("all members are ready", || ready(&client)).await?;
    let after = versions(&federation).await?;
    let written = after
        .iter()
        .filter(|(name, version)| before.get(*name) != Some(version))
        .count();
    println!("| objects in members | {} |", before.len());
    println!("| of these written to by a restart of all syncers | {written} |\n");
    Ok(())
}

struct Rest {
    /// Seconds of CPU in a minute.
    cpu: f64,
    /// MiB of the hub's process, members in it.
    memory: f64,
}

async fn rest(pid: u32) -> Result<Rest, Failure> {
    tokio::time::sleep(SETTLE).await;
    let before = cpu_seconds(pid)?;
    tokio::time::sleep(REST).await;
    Ok(Rest {
        cpu: cpu_seconds(pid)? - before,
        memory: memory_mib(&[pid], "meridian")?,
    })
}

/// Asks until it is so; what is missing is said where it takes too long.
async fn until<F>(what: &str, mut look: impl FnMut() -> F) -> Result<(), Failure>
where
    F: Future<Output = Result<Option<String>, Failure>>,
{
    let began = Instant::now();
    loop {
        // A hub that has all hands full may end a connection.
        let missing = match look().await {
            Ok(None) => return Ok(()),
            Ok(Some(missing)) => missing,
            Err(failure) => failure.0,
        };
        if began.elapsed() > PATIENCE {
            return Err(Failure(format!("in vain: {what}; {missing}")));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn ours(kind: &str, plural: &str) -> ApiResource {
    ApiResource {
        group: "federation.meridian.dev".to_owned(),
        version: "v1alpha1".to_owned(),
        api_version: "federation.meridian.dev/v1alpha1".to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    }
}

async fn ready(client: &Client) -> Result<Option<String>, Failure> {
    let clusters: Api<DynamicObject> = Api::all_with(client.clone(), &ours("Cluster", "clusters"));
    let list = clusters
        .list(&ListParams::default())
        .await
        .map_err(|error| Failure::of("clusters", error))?;
    let is_ready = |cluster: &&DynamicObject| {
        let conditions = cluster.data.pointer("/status/conditions").and_then(Value::as_array);
        let mut conditions = conditions.into_iter().flatten();
        conditions.any(|one| one.get("type") == Some(&json!("Ready")) && one.get("status") == Some(&json!("True")))
    };
    let ready = list.iter().filter(is_ready).count();
    Ok((ready < usize::from(MEMBERS)).then(|| format!("{ready} are ready")))
}

/// Places everything: time until acknowledged, time until in the members, CPU.
async fn place(client: &Client, pid: u32) -> Result<(Duration, Duration, f64), Failure> {
    let wrong = |what: String| move |error: kube::Error| Failure::of(what, error);
    let namespaces: Api<DynamicObject> = Api::all_with(client.clone(), &objects::namespaces());
    let namespace = DynamicObject::new(NAMESPACE, &objects::namespaces());
    let made = namespaces.create(&PostParams::default(), &namespace).await;
    made.map_err(wrong(NAMESPACE.to_owned()))?;
    let kind = ours("PropagationPolicy", "propagationpolicies");
    let policies: Api<DynamicObject> = Api::namespaced_with(client.clone(), NAMESPACE, &kind);
    for group in 1..=GROUPS {
        let selects = |api_version: &str, kind: &str| {
            let labels = json!({"matchLabels": {"group": group.to_string()}});
            json!({"apiVersion": api_version, "kind": kind, "labelSelector": labels})
        };
        let names = ["us", "eu", "ap"].map(|region| format!("{region}-{group}"));
        let policy = DynamicObject::new(&format!("group-{group}"), &kind).data(json!({"spec": {
            "resourceSelectors": [selects("apps/v1", "Deployment"), selects("v1", "ConfigMap")],
            "placement": {"clusterAffinity": {"clusterNames": names}}}}));
        policies
            .create(&PostParams::default(), &policy)
            .await
            .map_err(wrong(format!("policy {group}")))?;
    }
    let cpu = cpu_seconds(pid)?;
    let began = Instant::now();
    let writes = stream::iter(0..OBJECTS).map(|number| {
        let client = client.clone();
        async move {
            let name = format!("o-{number}");
            let (kind, mut object) = match number % 2 {
                0 => (objects::deployments(), objects::deployment(&name, 3)),
                _ => (objects::config_maps(), objects::small_config_map(&name)),
            };
            object.metadata.labels = Some([("group".to_owned(), (number / 2 % GROUPS + 1).to_string())].into());
            let api: Api<DynamicObject> = Api::namespaced_with(client, NAMESPACE, &kind);
            let made = api.create(&PostParams::default(), &object).await;
            made.map(drop).map_err(|error| Failure::of(name, error))
        }
    });
    writes.buffer_unordered(WRITERS).try_collect::<Vec<()>>().await?;
    let acknowledged = began.elapsed();
    until("everything is placed", || applied(client)).await?;
    Ok((acknowledged, began.elapsed(), cpu_seconds(pid)? - cpu))
}

/// How many Placements are applied everywhere, by the hub's own table.
async fn applied(client: &Client) -> Result<Option<String>, Failure> {
    let path = format!("/apis/federation.meridian.dev/v1alpha1/namespaces/{NAMESPACE}/placements?includeObject=None");
    let request = http::Request::get(path).header(http::header::ACCEPT, "application/json;as=Table;v=v1;g=meta.k8s.io");
    let request = request
        .body(Vec::new())
        .map_err(|error| Failure::of("a request", error))?;
    let table: Value = client
        .request(request)
        .await
        .map_err(|error| Failure::of("placements", error))?;
    let columns = table
        .pointer("/columnDefinitions")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let column = columns
        .iter()
        .position(|column| column.get("name") == Some(&json!("Applied")));
    let column = column.ok_or_else(|| Failure("placements have no column Applied".to_owned()))?;
    let rows = table
        .pointer("/rows")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let is_applied = |row: &&Value| row.get("cells").and_then(|cells| cells.get(column)) == Some(&json!("True"));
    let done = rows.iter().filter(is_applied).count();
    Ok((done < OBJECTS).then(|| format!("{done} of {} are applied", rows.len())))
}

/// From a create on the hub until it is in `ap-1`, one after the other.
async fn latencies(federation: &Federation, client: &Client, name: &str) -> Result<Series, Failure> {
    let member = crate::members::client(&federation.data_dir().join("kubeconfig"), Some("ap-1")).await?;
    let kind = objects::config_maps();
    let there: Api<DynamicObject> = Api::namespaced_with(member, NAMESPACE, &kind);
    let here: Api<DynamicObject> = Api::namespaced_with(client.clone(), NAMESPACE, &kind);
    let begun = Instant::now();
    let mut latencies = Vec::new();
    for number in 0..SAMPLES {
        let name = format!("{name}-{number}");
        let mut object = objects::small_config_map(&name);
        object.metadata.labels = Some([("group".to_owned(), "1".to_owned())].into());
        let began = Instant::now();
        here.create(&PostParams::default(), &object)
            .await
            .map_err(|error| Failure::of(&name, error))?;
        while there
            .get_opt(&name)
            .await
            .map_err(|error| Failure::of(&name, error))?
            .is_none()
        {
            if began.elapsed() > PATIENCE {
                return Err(Failure(format!("{name} never came to ap-1")));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        latencies.push(began.elapsed());
    }
    Ok(Series::new(latencies, begun.elapsed()))
}

/// The versions of all that is Meridian's in all members.
async fn versions(federation: &Federation) -> Result<BTreeMap<String, String>, Failure> {
    let path = federation.data_dir().join("kubeconfig");
    let kubeconfig = Kubeconfig::read_from(&path).map_err(|error| Failure::of(path.display(), error))?;
    let names: Vec<String> = kubeconfig.contexts.iter().map(|context| context.name.clone()).collect();
    let members = names.into_iter().filter(|name| name != "federation").map(|name| {
        let kubeconfig = kubeconfig.clone();
        async move {
            let wrong = |error: kube::Error| Failure::of(&name, error);
            let options = KubeConfigOptions {
                context: Some(name.clone()),
                ..KubeConfigOptions::default()
            };
            let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
            let client = Client::try_from(config.map_err(|error| Failure::of(&name, error))?).map_err(wrong)?;
            let mut versions = Vec::new();
            for kind in [objects::deployments(), objects::config_maps(), objects::namespaces()] {
                let api: Api<DynamicObject> = Api::all_with(client.clone(), &kind);
                let managed = ListParams::default().labels("federation.meridian.dev/managed=true");
                for object in api.list_metadata(&managed).await.map_err(wrong)? {
                    let key = format!("{name} {} {}", kind.plural, object.metadata.name.unwrap_or_default());
                    versions.push((key, object.metadata.resource_version.unwrap_or_default()));
                }
            }
            Ok::<_, Failure>(versions)
        }
    });
    let all: Vec<Vec<(String, String)>> = stream::iter(members).buffer_unordered(ASKED).try_collect().await?;
    Ok(all.into_iter().flatten().collect())
}

/// Starts every syncer anew: one of what it was started with is another.
async fn anew(client: &Client) -> Result<(), Failure> {
    let clusters: Api<DynamicObject> = Api::all_with(client.clone(), &ours("Cluster", "clusters"));
    let list = clusters
        .list_metadata(&ListParams::default())
        .await
        .map_err(|error| Failure::of("clusters", error))?;
    let patch = json!({"spec": {"dns": {"addresses": ["192.0.2.1"]}}});
    let patches = list.iter().map(|cluster| {
        let (clusters, patch) = (&clusters, &patch);
        let name = cluster.metadata.name.clone().unwrap_or_default();
        async move {
            let patched = clusters
                .patch(&name, &PatchParams::default(), &Patch::Merge(patch))
                .await;
            patched.map(drop).map_err(|error| Failure::of(name, error))
        }
    });
    stream::iter(patches)
        .buffer_unordered(ASKED)
        .try_collect::<Vec<()>>()
        .await
        .map(drop)
}
