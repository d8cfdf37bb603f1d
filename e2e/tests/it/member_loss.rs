//! Step 4: a member goes and comes back; the names follow, and nobody else is touched.

use std::collections::BTreeMap;

use e2e::{Federation, eventually};

use crate::names::{CLIENTS, WEB, answer};
use crate::shop::PATIENCE;

/// Resource versions of everything in a member's shop, by kind and name.
pub(crate) type Versions = BTreeMap<String, String>;

/// Loses `us-1` by `lose`, watches the names, gets it back by `recover`.
pub(crate) fn lose_and_recover(
    federation: &Federation,
    versions_of_others: impl Fn() -> Versions,
    lose: impl Fn(),
    recover: impl Fn(),
) {
    let us = answer(federation, CLIENTS[0].0, WEB);
    let others = versions_of_others();
    assert!(!others.is_empty());
    lose();
    eventually("the lost member's addresses to leave the answers", PATIENCE, || {
        let now = answer(federation, CLIENTS[0].0, WEB);
        if now.iter().any(|address| us.contains(address)) {
            Err(format!("{now:?}"))
        } else {
            Ok(())
        }
    });
    eventually("the lost member to be shown as not ready", PATIENCE, || {
        ready(federation, "us-1", false)
    });
    for cluster in ["eu-1", "ap-1"] {
        ready(federation, cluster, true).unwrap();
    }
    recover();
    eventually("the member to be ready again", PATIENCE, || {
        ready(federation, "us-1", true)
    });
    eventually("the member's addresses to come back", PATIENCE, || {
        let now = answer(federation, CLIENTS[0].0, WEB);
        if now == us {
            Ok(())
        } else {
            Err(format!("{now:?}, not {us:?}"))
        }
    });
    federation
        .kubectl(&[
            "-n",
            "shop",
            "wait",
            "--for=condition=Available",
            "deployment",
            "--all",
            "--timeout=60s",
        ])
        .unwrap();
    assert_eq!(versions_of_others(), others, "other members were written to");
}

fn ready(federation: &Federation, cluster: &str, wanted: bool) -> Result<(), String> {
    let object = federation
        .kubectl_json(&["get", "cluster", cluster])
        .map_err(|error| error.0)?;
    let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let is = conditions.iter().any(|c| c["type"] == "Ready" && c["status"] == "True");
    if is == wanted {
        Ok(())
    } else {
        Err(format!("{cluster}: {conditions:?}"))
    }
}

/// Reads the versions out of `kubectl get -o json` of a member.
pub(crate) fn versions(list: &serde_json::Value) -> Versions {
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            let metadata = &item["metadata"];
            (
                format!("{}/{}", item["kind"], metadata["name"]),
                metadata["resourceVersion"].to_string(),
            )
        })
        .collect()
}
