//! An operator's words: a drain takes names, then replicas, away and gives them back; an override moves names until it is taken back
//! or expires.

use std::collections::BTreeMap;

use e2e::{Federation, eventually};
use serde_json::Value;

use crate::shop::PATIENCE;

pub(crate) const NAME: &str = "hello.default.fed.svc.meridian.internal";
pub(crate) const REGIONAL: &str = "hello.default.fed.svc.us-east.meridian.internal";

pub(crate) fn start(dir: &std::path::Path) -> Federation {
    let federation = Federation::start(dir, 3).unwrap();
    federation
        .kubectl(&["apply", "--server-side=false", "-f", "examples/hello.yaml"])
        .unwrap();
    eventually("six replicas and three addresses", PATIENCE, || {
        let (ready, addresses) = (ready(&federation)?, addresses(&federation, NAME)?);
        if ready == 6 && addresses.len() == 3 {
            Ok(())
        } else {
            Err(format!("{ready} ready, {addresses:?}"))
        }
    });
    federation
}

fn json(federation: &Federation, words: &[&str]) -> Result<Value, String> {
    federation.kubectl_json(words).map_err(|error| error.0)
}

fn ready(federation: &Federation) -> Result<i64, String> {
    let deployment = json(federation, &["get", "deployment", "hello"])?;
    Ok(deployment["status"]["readyReplicas"].as_i64().unwrap_or_default())
}

fn shares(federation: &Federation) -> Result<BTreeMap<String, i64>, String> {
    let placement = json(federation, &["get", "placement", "deployment-hello"])?;
    let targets = placement["spec"]["clusters"].as_array().cloned().unwrap_or_default();
    let share = |target: &Value| {
        let name = target["name"].as_str().unwrap_or_default().to_owned();
        (name, target["replicas"].as_i64().unwrap_or_default())
    };
    Ok(targets.iter().map(share).collect())
}

fn shares_are(federation: &Federation, wanted: &[(&str, i64)]) -> Result<(), String> {
    let found = shares(federation)?;
    let wanted = wanted.iter().map(|(name, count)| ((*name).to_owned(), *count));
    if found == wanted.collect() {
        Ok(())
    } else {
        Err(format!("{found:?}"))
    }
}

/// The addresses that a name is answered with; names on the way are left out.
pub(crate) fn addresses(federation: &Federation, name: &str) -> Result<Vec<String>, String> {
    let mut lines = federation.dig(&[name]).map_err(|error| error.0)?;
    lines.retain(|line| !line.ends_with('.'));
    lines.sort();
    Ok(lines)
}

pub(crate) fn until_answered(federation: &Federation, what: &str, name: &str, wanted: impl Fn(&[String]) -> bool) {
    eventually(what, PATIENCE, || {
        let found = addresses(federation, name)?;
        if wanted(&found) {
            Ok(())
        } else {
            Err(format!("{found:?}"))
        }
    });
}

/// The exit status of a command.
fn status(federation: &Federation, words: &[&str]) -> Option<i32> {
    let mut command = federation.meridian().unwrap();
    command.args(words).output().unwrap().status.code()
}

#[test]
fn a_drain_takes_names_then_replicas_and_uncordon_gives_them_back() {
    let dir = tempfile::tempdir().unwrap();
    let federation = start(dir.path());
    let own = addresses(&federation, REGIONAL).unwrap();
    assert_eq!(own.len(), 1, "{own:?}");
    shares_are(&federation, &[("ap-1", 2), ("eu-1", 2), ("us-1", 2)]).unwrap();

    let dry = federation.command(&["drain", "us-1", "--dry-run"]).unwrap();
    assert!(dry.contains("would be drained"), "{dry}");
    assert_eq!(status(&federation, &["drain", "mars-1"]), Some(1));
    assert_eq!(status(&federation, &["drain"]), Some(2));
    assert_eq!(status(&federation, &["drain", "us-1", "--region", "us-east"]), Some(2));
    let spec = json(&federation, &["get", "cluster", "us-1"]).unwrap();
    assert!(
        spec["spec"].get("taints").is_none(),
        "a dry run changes nothing: {spec}"
    );

    let begun = federation
        .command(&["drain", "--region", "us-east", "--wait=false"])
        .unwrap();
    assert!(begun.contains("cluster/us-1 is being drained"), "{begun}");
    // Names first: nobody is led there any more while every replica still runs there.
    until_answered(&federation, "its address to leave the names", NAME, |found| {
        found.len() == 2 && !found.contains(&own[0])
    });
    shares_are(&federation, &[("ap-1", 2), ("eu-1", 2), ("us-1", 2)]).unwrap();
    let explained = federation
        .command(&["explain", "placement", "deployment", "hello"])
        .unwrap();
    assert!(explained.contains("us-1 is being drained"), "{explained}");
    eventually("the verdict in the Resolution", PATIENCE, || {
        let resolution = json(&federation, &["get", "resolution", "hello"])?;
        let candidates = resolution["spec"]["candidates"].as_array().cloned().unwrap_or_default();
        let said = candidates.iter().find(|candidate| candidate["cluster"] == "us-1");
        match said {
            Some(said) if said["serving"] != true && said["reason"] == "its cluster is being drained" => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });

    // The same command again: the drain that began goes on, and it waits for its end. Meanwhile never fewer are ready than wanted.
    let mut least = i64::MAX;
    std::thread::scope(|both| {
        let waits = both.spawn(|| federation.command(&["drain", "us-1", "-o", "json"]).unwrap());
        while !waits.is_finished() {
            least = least.min(ready(&federation).unwrap());
        }
        let done: Value = serde_json::from_str(&waits.join().unwrap()).unwrap();
        assert_eq!(
            (&done["done"], &done["left"]["replicas"]),
            (&Value::from(true), &Value::from(0))
        );
    });
    assert!(least >= 6, "only {least} were ready at one time");
    shares_are(&federation, &[("ap-1", 3), ("eu-1", 3)]).unwrap();
    let placement = json(&federation, &["get", "placement", "deployment-hello"]).unwrap();
    assert_eq!(placement["spec"]["excluded"][0]["reason"], "ClusterDrained");
    let service = json(&federation, &["get", "placement", "service-hello"]).unwrap();
    assert_eq!(
        service["spec"]["clusters"].as_array().unwrap().len(),
        3,
        "what is everywhere stays"
    );

    // The others would be the last: refused, and nothing is changed.
    federation.command(&["drain", "eu-1", "--wait=false"]).unwrap();
    let refused = federation.command(&["drain", "ap-1"]).unwrap_err().0;
    assert!(refused.contains("Deployment default/hello"), "{refused}");

    federation.command(&["uncordon", "eu-1"]).unwrap();
    federation.command(&["uncordon", "us-1"]).unwrap();
    until_answered(&federation, "its address to return", NAME, |found| found.len() == 3);
    eventually("its share to return", PATIENCE, || {
        shares_are(&federation, &[("ap-1", 2), ("eu-1", 2), ("us-1", 2)])
    });
}

#[test]
fn an_override_is_believed_until_it_is_taken_back_or_expires() {
    let dir = tempfile::tempdir().unwrap();
    let federation = start(dir.path());
    let own = addresses(&federation, REGIONAL).unwrap();
    assert_eq!(
        status(&federation, &["override", "cluster", "us-1", "--down"]),
        Some(2),
        "no reason, no end"
    );
    let why = ["--reason", "it answers nonsense", "--for", "30m"];
    federation
        .command(&[&["override", "cluster", "us-1", "--down"], &why[..]].concat())
        .unwrap();
    until_answered(&federation, "its address to leave", NAME, |found| {
        found.len() == 2 && !found.contains(&own[0])
    });
    let listed = federation.command(&["override", "list"]).unwrap();
    assert!(
        listed.contains("it answers nonsense") && listed.contains("us-1"),
        "{listed}"
    );
    eventually("the reason in the explanation", PATIENCE, || {
        let explained = federation.command(&["explain", "dns", NAME]).map_err(|error| error.0)?;
        if explained.contains("an operator says that it is down: it answers nonsense") {
            Ok(())
        } else {
            Err(explained)
        }
    });
    shares_are(&federation, &[("ap-1", 2), ("eu-1", 2), ("us-1", 2)]).unwrap();
    federation.command(&["override", "cluster", "us-1", "--clear"]).unwrap();
    until_answered(&federation, "its address to return", NAME, |found| {
        found.contains(&own[0])
    });

    // One address, for a moment: it returns by itself.
    let short = ["--reason", "a moment", "--for", "3s"];
    federation
        .command(&[&["override", "address", &own[0], "--down"], &short[..]].concat())
        .unwrap();
    until_answered(&federation, "the address to leave", REGIONAL, |found| {
        !found.contains(&own[0])
    });
    until_answered(&federation, "the word to expire", REGIONAL, |found| found == own);

    // Up is believed against probes.
    federation
        .command(&[&["override", "cluster", "us-1", "--up"], &why[..]].concat())
        .unwrap();
    federation
        .command(&["simulate", "fail", "us-1", "--what", "data"])
        .unwrap();
    eventually("the probes to fail", PATIENCE, || {
        let resolution = json(&federation, &["get", "resolution", "hello"])?;
        let candidates = resolution["spec"]["candidates"].as_array().cloned().unwrap_or_default();
        match candidates.iter().find(|candidate| candidate["cluster"] == "us-1") {
            Some(one) if one["probesFail"] == true && one["serving"] == true => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    assert_eq!(addresses(&federation, REGIONAL).unwrap(), own);
}
