//! What was said to another API server, said here again.
//!
//! In: watches of another's Reports, Heartbeats and Resolutions, without those that it has from others. Out: the same objects
//! here, marked as relayed. The younger word wins, by when it was received. What goes away there goes here by itself: each
//! API server forgets what is of Placements and clusters that are gone.

use std::pin::pin;
use std::time::Duration;

use api::well_known::{RECEIVED_ANNOTATION, RELAYED_LABEL};
use futures::StreamExt;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::runtime::hub::{Hub, HubError};
use crate::runtime::kind::{HEARTBEAT, Kind, REPORT, RESOLUTION};
use crate::runtime::watched::Watched;

/// Attempts at a copy that others race.
const ATTEMPTS_MAX: usize = 4;
/// Seconds after which a watch is begun anew: another API server may have died without a word.
const WATCH_SECONDS: u32 = 60;

/// Takes over until it is cancelled from outside.
pub(super) async fn run(remote: Client, local: Client) {
    let hub = Hub::new(local);
    tokio::join!(
        follow(&remote, &hub, REPORT),
        follow(&remote, &hub, HEARTBEAT),
        follow(&remote, &hub, RESOLUTION),
    );
}

async fn follow(remote: &Client, hub: &Hub, kind: Kind) {
    let api: Api<Watched> = Api::all_with(remote.clone(), &kind.api_resource());
    let own = watcher::Config::default()
        .labels(&format!("!{RELAYED_LABEL}"))
        .timeout(WATCH_SECONDS);
    let mut events = pin!(watcher(api, own).default_backoff());
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Apply(object) | watcher::Event::InitApply(object)) => {
                if let Err(error) = take_over(hub, &kind, &object).await {
                    tracing::debug!(object = %object.id(), error = error.chain(), "not taken over; its next word will be");
                }
            }
            Ok(watcher::Event::Init | watcher::Event::InitDone | watcher::Event::Delete(_)) => {}
            Err(error) => {
                tracing::debug!(kind = %kind.kind, %error, "watch of another API server lost; it is begun again")
            }
        }
    }
}

/// Writes the copy, unless what is here is as young.
async fn take_over(hub: &Hub, kind: &Kind, object: &Watched) -> Result<(), HubError> {
    let id = object.id();
    for _ in 0..ATTEMPTS_MAX {
        let here = hub.get(kind, &id).await?;
        if here
            .as_ref()
            .is_some_and(|here| !is_news(&here.value(), &object.value()))
        {
            return Ok(());
        }
        let copy = copy_of(kind, &object.value(), here.as_ref().map(|here| here.resource_version()));
        let written = match &here {
            Some(_) => hub.replace(kind, &id, &copy).await,
            None => hub.create(kind, &id, &copy).await,
        };
        match written {
            Ok(_) => return Ok(()),
            Err(error) if error.is_conflict() => tokio::time::sleep(Duration::from_millis(5)).await,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// When an object was received; empty where it does not say.
fn received(object: &Value) -> &str {
    let annotated = object
        .pointer("/metadata/annotations")
        .and_then(|all| all.get(RECEIVED_ANNOTATION));
    let said = annotated.or_else(|| object.pointer("/spec/received"));
    said.and_then(Value::as_str).unwrap_or_default()
}

fn is_news(here: &Value, there: &Value) -> bool {
    here.get("spec") != there.get("spec") && received(here) <= received(there)
}

fn copy_of(kind: &Kind, object: &Value, version: Option<&str>) -> Value {
    let text = |pointer: &str| object.pointer(pointer).cloned().unwrap_or_default();
    let mut copy = json!({
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {
            "name": text("/metadata/name"),
            "labels": {RELAYED_LABEL: "true"},
            "annotations": text("/metadata/annotations"),
        },
        "spec": text("/spec"),
    });
    if let Some(metadata) = copy.pointer_mut("/metadata").and_then(Value::as_object_mut) {
        if let Some(namespace) = object.pointer("/metadata/namespace") {
            metadata.insert("namespace".to_owned(), namespace.clone());
        }
        if let Some(version) = version {
            metadata.insert("resourceVersion".to_owned(), Value::from(version));
        }
    }
    copy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_younger_word_wins() {
        let report = |received: &str, applied: bool| {
            json!({"metadata": {"name": "eu-1.web", "namespace": "shop", "annotations": {RECEIVED_ANNOTATION: received}},
                "spec": {"applied": applied}})
        };
        assert!(is_news(&report("1", false), &report("2", true)));
        assert!(!is_news(&report("2", false), &report("1", true)));
        assert!(!is_news(&report("1", true), &report("2", true)), "the same word");
        let copy = copy_of(&REPORT, &report("2", true), Some("7"));
        assert_eq!(received(&copy), "2");
        assert_eq!(copy["metadata"]["labels"], json!({RELAYED_LABEL: "true"}));
        assert_eq!(copy["metadata"]["resourceVersion"], "7");
        let beat = json!({"spec": {"received": "3"}});
        assert_eq!(received(&beat), "3");
    }
}
