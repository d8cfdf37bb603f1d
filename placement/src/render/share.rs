//! A cluster's share of the replicas, where each kind keeps them.
//! In: the manifest with the hub's numbers, the share. Out: the manifest with the cluster's. Absent: how shares are decided.

use api::PlacementSpec;
use api::placement::ReplicaBounds;
use serde_json::{Map, Value, json};

/// Writes the share of one cluster. For a Job it is a share of the completions, or of the parallelism where it counts none.
pub(super) fn put(manifest: &mut Map<String, Value>, spec: &PlacementSpec, share: i64) {
    let kind = manifest
        .get("kind")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let Some(desired) = manifest.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    if kind != "Job" {
        desired.insert("replicas".to_owned(), json!(share));
        return;
    }
    let number = |key: &str| desired.get(key).and_then(Value::as_i64);
    let parallelism = number("parallelism").unwrap_or(1);
    let Some(completions) = number("completions") else {
        desired.insert("parallelism".to_owned(), json!(share));
        return;
    };
    let divided = spec.clusters.iter().any(|target| target.replicas != Some(completions));
    if divided && completions > 0 {
        // Rounded up: a copy that may run no pod would never complete its share.
        let part = i128::from(parallelism) * i128::from(share);
        let whole = i128::from(completions);
        let part = i64::try_from((part + whole - 1) / whole).unwrap_or(parallelism);
        desired.insert("parallelism".to_owned(), json!(part.clamp(0, parallelism)));
    }
    desired.insert("completions".to_owned(), json!(share));
}

/// Writes the share of an autoscaler's bounds.
pub(super) fn put_bounds(manifest: &mut Map<String, Value>, bounds: ReplicaBounds) {
    if let Some(desired) = manifest.get_mut("spec").and_then(Value::as_object_mut) {
        desired.insert("minReplicas".to_owned(), json!(bounds.min_replicas));
        desired.insert("maxReplicas".to_owned(), json!(bounds.max_replicas));
    }
}

#[cfg(test)]
mod tests {
    use api::placement::TargetCluster;

    use super::*;

    fn rendered(kind: &str, spec: Value, shares: &[i64], of: usize) -> Value {
        let placement = PlacementSpec {
            clusters: shares
                .iter()
                .enumerate()
                .map(|(at, share)| TargetCluster {
                    name: format!("c-{at}"),
                    replicas: Some(*share),
                    bounds: None,
                    ..Default::default()
                })
                .collect(),
            ..PlacementSpec::default()
        };
        let mut manifest = json!({"kind": kind, "spec": spec}).as_object().unwrap().clone();
        put(&mut manifest, &placement, shares[of]);
        manifest["spec"].clone()
    }

    #[test]
    fn each_kind_has_its_numbers() {
        let replicas = rendered("Deployment", json!({"replicas": 9}), &[4, 5], 1);
        assert_eq!(replicas, json!({"replicas": 5}));
        let job = json!({"completions": 7, "parallelism": 3});
        let first = rendered("Job", job.clone(), &[3, 2, 2], 0);
        assert_eq!(first, json!({"completions": 3, "parallelism": 2}));
        let second = rendered("Job", job.clone(), &[3, 2, 2], 1);
        assert_eq!(second, json!({"completions": 2, "parallelism": 1}));
        let whole = rendered("Job", job.clone(), &[7], 0);
        assert_eq!(whole, job, "one cluster, or duplicated: as it is");
        let queue = rendered("Job", json!({"parallelism": 5}), &[3, 2], 0);
        assert_eq!(queue, json!({"parallelism": 3}));
        let paused = rendered("Job", json!({"completions": 4, "parallelism": 0}), &[2, 2], 0);
        assert_eq!(paused, json!({"completions": 2, "parallelism": 0}));
    }
}
