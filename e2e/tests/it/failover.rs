//! Replicas follow: away from a cluster that failed, back when it is well, and never before they are ready elsewhere.

use std::collections::BTreeMap;
use std::time::Duration;

use e2e::{Federation, eventually};
use serde_json::Value;

use crate::shop::{PATIENCE, deploy};

/// A failed cluster is given work again a minute after it came back.
const RETURN_PATIENCE: Duration = Duration::from_secs(240);

/// The shares of `web`, by cluster.
fn shares(federation: &Federation) -> Result<BTreeMap<String, i64>, String> {
    let placement = federation
        .kubectl_json(&["-n", "shop", "get", "placement", "deployment-web"])
        .map_err(|error| error.0)?;
    let targets = placement["spec"]["clusters"].as_array().cloned().unwrap_or_default();
    Ok(targets
        .iter()
        .map(|target| (text(&target["name"]), target["replicas"].as_i64().unwrap_or_default()))
        .collect())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn shares_are(federation: &Federation, wanted: &[(&str, i64)]) -> Result<(), String> {
    let wanted: BTreeMap<String, i64> = wanted
        .iter()
        .map(|(name, count)| ((*name).to_owned(), *count))
        .collect();
    let found = shares(federation)?;
    if found == wanted {
        Ok(())
    } else {
        Err(format!("{found:?}"))
    }
}

fn ready(federation: &Federation) -> Result<i64, String> {
    let deployment = federation
        .kubectl_json(&["-n", "shop", "get", "deployment", "web"])
        .map_err(|error| error.0)?;
    Ok(deployment["status"]["readyReplicas"].as_i64().unwrap_or_default())
}

fn failed(federation: &Federation, cluster: &str) -> Result<(String, String), String> {
    let object = federation
        .kubectl_json(&["get", "cluster", cluster])
        .map_err(|error| error.0)?;
    let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let found = conditions.iter().find(|condition| condition["type"] == "Failed");
    let found = found.ok_or_else(|| format!("{conditions:?}"))?;
    Ok((text(&found["status"]), text(&found["reason"])))
}

fn simulate(federation: &Federation, words: &[&str]) {
    federation.command(&[&["simulate"], words].concat()).unwrap();
}

#[test]
fn replicas_leave_a_failed_cluster_and_return_when_it_is_well() {
    let dir = tempfile::tempdir().unwrap();
    let federation = Federation::start(dir.path(), 3).unwrap();
    deploy(&federation);
    shares_are(&federation, &[("ap-1", 3), ("eu-1", 3), ("us-1", 3)]).unwrap();

    // Its API alone is no failure: the data path serves on.
    simulate(&federation, &["fail", "eu-1", "--what", "api"]);
    simulate(&federation, &["fail", "us-1", "--how", "hang"]);
    eventually("replicas to leave the failed cluster", PATIENCE, || {
        shares_are(&federation, &[("ap-1", 6), ("eu-1", 3)])
    });
    assert_eq!(
        failed(&federation, "us-1").unwrap(),
        ("True".to_owned(), "Dead".to_owned())
    );
    assert!(failed(&federation, "eu-1").is_err(), "eu-1 was judged failed");
    simulate(&federation, &["recover", "eu-1"]);
    eventually("all replicas to be ready elsewhere", PATIENCE, || {
        match ready(&federation)? {
            9 => Ok(()),
            count => Err(format!("{count} ready")),
        }
    });
    let explained = federation
        .command(&["explain", "placement", "deployment", "web", "-n", "shop"])
        .unwrap();
    assert!(explained.contains("ClusterFailed"), "{explained}");
    // What is everywhere anyway stays: nothing is gained by taking it away.
    let service = federation
        .kubectl_json(&["-n", "shop", "get", "placement", "service-web"])
        .unwrap();
    assert_eq!(service["spec"]["clusters"].as_array().unwrap().len(), 3);
    eventually("an Event that says so", PATIENCE, || {
        let events = federation.kubectl(&["get", "events", "-A"]).map_err(|error| error.0)?;
        if events.contains("ClusterFailed") {
            Ok(())
        } else {
            Err(events)
        }
    });

    // In the order in which it happened: names first, then the verdict, then replicas.
    eventually("a timeline of it", PATIENCE, || {
        let told = federation
            .command(&["timeline", "--since", "10m", "--cluster", "us-1", "-o", "json"])
            .map_err(|error| error.0)?;
        let entries: Value = serde_json::from_str(&told).unwrap();
        let entries = entries.as_array().unwrap();
        let at = |what: &str| entries.iter().position(|entry| entry["what"] == what);
        match (at("ClusterNotServing"), at("ClusterFailed"), at("Rescheduled")) {
            (Some(names), Some(failed), Some(moved)) if names < failed && failed < moved => Ok(()),
            _ => Err(told),
        }
    });
    let table = federation.command(&["timeline", "-n", "shop"]).unwrap();
    assert!(
        table.starts_with("TIME") && table.contains("Deployment shop/web"),
        "{table}"
    );

    simulate(&federation, &["recover", "us-1"]);
    eventually("the cluster to be seen again", PATIENCE, || {
        match failed(&federation, "us-1")? {
            (_, reason) if reason == "Returning" => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    let early = shares(&federation).unwrap();
    assert!(
        !early.contains_key("us-1"),
        "it has to be well for a while first: {early:?}"
    );
    eventually("its share to come back", RETURN_PATIENCE, || {
        shares_are(&federation, &[("ap-1", 3), ("eu-1", 3), ("us-1", 3)])
    });
    assert_eq!(
        failed(&federation, "us-1").unwrap(),
        ("False".to_owned(), "Returned".to_owned())
    );
}

#[test]
fn when_most_clusters_seem_dead_nobody_is_believed() {
    let dir = tempfile::tempdir().unwrap();
    let federation = Federation::start(dir.path(), 3).unwrap();
    deploy(&federation);
    std::thread::scope(|both| {
        for cluster in ["us-1", "eu-1"] {
            let federation = &federation;
            both.spawn(move || simulate(federation, &["fail", cluster]));
        }
    });
    eventually("the doubt to be told", PATIENCE, || {
        for cluster in ["us-1", "eu-1"] {
            match failed(&federation, cluster)? {
                (status, reason) if status == "Unknown" && reason == "TooManyAtOnce" => {}
                other => return Err(format!("{cluster}: {other:?}")),
            }
        }
        Ok(())
    });
    shares_are(&federation, &[("ap-1", 3), ("eu-1", 3), ("us-1", 3)]).unwrap();
    simulate(&federation, &["recover", "us-1"]);
    simulate(&federation, &["recover", "eu-1"]);
    eventually("the doubt to end", PATIENCE, || match failed(&federation, "us-1")? {
        (status, _) if status == "False" => Ok(()),
        other => Err(format!("{other:?}")),
    });
}

#[test]
fn replicas_that_move_are_ready_there_before_they_go_here() {
    let dir = tempfile::tempdir().unwrap();
    let federation = Federation::start(dir.path(), 3).unwrap();
    deploy(&federation);
    let policy = dir.path().join("policy.yaml");
    std::fs::write(
        &policy,
        "apiVersion: federation.meridian.dev/v1alpha1\nkind: PropagationPolicy\nmetadata: {name: web, namespace: shop}\n\
         spec:\n  resourceSelectors: [{apiVersion: apps/v1, kind: Deployment, name: web}]\n  placement:\n    \
         clusterAffinity: {clusterNames: [ap-1]}\n    replicaScheduling: {replicaSchedulingType: Divided}\n",
    )
    .unwrap();
    federation
        .kubectl(&["apply", "-f", &policy.display().to_string()])
        .unwrap();
    let mut least = i64::MAX;
    let mut together = false;
    eventually("the move to end", PATIENCE, || {
        least = least.min(ready(&federation)?);
        let now = shares(&federation)?;
        together |= now.get("ap-1") == Some(&9) && now.len() > 1;
        shares_are(&federation, &[("ap-1", 9)])
    });
    assert!(least >= 9, "only {least} were ready at one time");
    assert!(together, "the move was never seen under way");
}
