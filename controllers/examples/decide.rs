//! How long decisions take: ten thousand Deployments over a thousand clusters, first placed, then decided again, in each manner.
//! Prints a table of seconds on one core, as `make bench` has it; nothing depends on them. `cargo run --release -p controllers --example decide [OBJECTS] [CLUSTERS]`.

use api::{Cluster, PlacementSpec, PropagationPolicy};
use jiff::Timestamp;
use placement::{FederatedObject, Inputs, decide};
use serde_json::{Value, json};
use tokio::time::Instant;

fn main() -> Result<(), serde_json::Error> {
    let mut counts = std::env::args().skip(1).filter_map(|word| word.parse::<usize>().ok());
    let (objects, clusters) = (counts.next().unwrap_or(10_000), counts.next().unwrap_or(1_000));
    let clusters = (0..clusters).map(cluster).collect::<Result<Vec<Cluster>, _>>()?;
    let manners = [
        ("no policy", json!(null)),
        (
            "one cluster in ten, by label",
            json!({"clusterAffinity": {"labelSelector": {"matchLabels": {"tenth": "3"}}}}),
        ),
        (
            "by room",
            json!({"replicaScheduling": {"weightPreference": {"dynamicWeight": "AvailableReplicas"}}}),
        ),
        (
            "in few",
            json!({"replicaScheduling": {"replicaDivisionPreference": "Aggregated"}}),
        ),
        (
            "spread over regions and clusters",
            json!({"spreadConstraints": [{"spreadByField": "region", "minGroups": 3}, {"spreadByField": "cluster", "maxGroups": 10}]}),
        ),
    ];
    println!(
        "## Deciding: {objects} Deployments over {} clusters, one core\n",
        clusters.len()
    );
    println!("| policy | s, first | s, again |\n|---|---|---|");
    for (what, placement) in manners {
        let policies = match &placement {
            Value::Null => vec![],
            placement => vec![policy(placement)?],
        };
        let run = |previous: Option<&[PlacementSpec]>| {
            let begun = Instant::now();
            let decided: Vec<PlacementSpec> = (0..objects)
                .filter_map(|index| FederatedObject::from_value(&deployment(index)))
                .enumerate()
                .map(|(index, object)| {
                    let inputs = Inputs {
                        object: &object,
                        policies: &policies,
                        clusters: &clusters,
                        previous: previous.and_then(|previous| previous.get(index)),
                        now: Timestamp::UNIX_EPOCH,
                        leaders: &[],
                        ailing: &[],
                        autoscaler: None,
                    };
                    decide(&inputs).into_spec()
                })
                .collect();
            (begun.elapsed(), decided)
        };
        let (first, decided) = run(None);
        let (again, _) = run(Some(&decided));
        println!("| {what} | {:.2} | {:.2} |", first.as_secs_f64(), again.as_secs_f64());
    }
    Ok(())
}

fn cluster(index: usize) -> Result<Cluster, serde_json::Error> {
    let free = json!({"cpu": format!("{}", 8 + index % 50), "memory": "64Gi", "pods": "110"});
    serde_json::from_value(json!({
        "metadata": {"name": format!("c-{index:04}"), "labels": {"tenth": format!("{}", index % 10)}},
        "spec": {"region": format!("r-{}", index % 12)},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "capacity": {"groups": [{"nodes": 4, "allocatable": free, "requested": {}, "free": [{"nodes": 4, "resources": free}]}]},
        },
    }))
}

fn policy(placement: &Value) -> Result<PropagationPolicy, serde_json::Error> {
    serde_json::from_value(json!({"metadata": {"name": "p", "namespace": "shop"}, "spec": {
        "resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment"}], "placement": placement}}))
}

fn deployment(index: usize) -> Value {
    let container = json!({"name": "a", "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}});
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": format!("d-{index}"), "namespace": "shop"},
        "spec": {"replicas": 20, "template": {"spec": {"containers": [container]}}}})
}
