//! From a change behind the hub's back until it is undone.

use std::time::{Duration, Instant};

use e2e::{Failure, Federation};
use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams};
use serde_json::json;

use crate::figures::Series;
use crate::members::Members;
use crate::objects;

const ROUNDS: u32 = 20;
const PATIENCE: Duration = Duration::from_secs(30);

/// Prints the figures.
pub(crate) async fn run(_federation: &Federation, members: &Members) -> Result<(), Failure> {
    let clients = members.clients().await?;
    let mut latencies = Vec::new();
    for round in 0..ROUNDS {
        let Some(client) = clients.get(round as usize % clients.len()) else {
            break;
        };
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), "default", &objects::deployments());
        let name = format!("hop-{round}");
        let patch =
            json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "somebody/else:2"}]}}}});
        let began = Instant::now();
        api.patch(&name, &PatchParams::default(), &Patch::Strategic(&patch))
            .await
            .map_err(|e| Failure::of(&name, e))?;
        loop {
            let object = api.get(&name).await.map_err(|error| Failure::of(&name, error))?;
            let image = object
                .data
                .pointer("/spec/template/spec/containers/0/image")
                .and_then(|i| i.as_str());
            if image == Some("registry.example.com/app:1") {
                break;
            }
            if began.elapsed() > PATIENCE {
                return Err(Failure(format!("{name}: the drift was not undone within {PATIENCE:?}")));
            }
        }
        latencies.push(began.elapsed());
    }
    let series = Series::new(latencies, Duration::from_secs(1));
    println!("### Drift in a member until it is undone, {ROUNDS} times\n");
    println!(
        "p50 {:.1} ms, p99 {:.1} ms\n",
        series.quantile(0.5),
        series.quantile(0.99)
    );
    Ok(())
}
