//! The manifest stream of one cluster, resumable.
//!
//! In: list and watch of `clusters/NAME/manifests` on the hub. Out: [`Input`]s. Absent: deciding. The hub being away is
//! retried for ever and changes nothing.

use std::sync::Arc;
use std::time::Duration;

use api::metadata::ObjectMeta;
use api::well_known::{API_VERSION, GROUP, VERSION};
use api::{Manifest, ManifestSpec};
use futures::StreamExt;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::runtime::watcher::{self, Event};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::error::chain;
use crate::input::Input;

/// Seconds after which a watch is renewed; a connection that died silently is noticed no later.
const WATCH_SECONDS: u32 = 60;

/// Follows until shutdown. Starts over whenever `hub_returned` counts up.
pub(crate) async fn run(
    hub: Client,
    cluster: Arc<str>,
    engine: mpsc::Sender<Input>,
    mut hub_returned: watch::Receiver<u64>,
    shutdown: CancellationToken,
) {
    let resource = ApiResource {
        group: GROUP.to_owned(),
        version: VERSION.to_owned(),
        api_version: API_VERSION.to_owned(),
        kind: "Manifest".to_owned(),
        plural: format!("clusters/{cluster}/manifests"),
    };
    let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(3));
    loop {
        hub_returned.mark_unchanged();
        let manifests: Api<DynamicObject> = Api::all_with(hub.clone(), &resource);
        let events = watcher::watcher(manifests, watcher::Config::default().timeout(WATCH_SECONDS));
        let mut events = std::pin::pin!(events);
        let mut listing: Vec<Manifest> = Vec::new();
        loop {
            let event = tokio::select! {
                () = shutdown.cancelled() => return,
                changed = hub_returned.changed() => match changed {
                    Ok(()) => break,
                    // The reporter ended: so will this syncer.
                    Err(_) => return,
                },
                event = events.next() => event,
            };
            let input = match event {
                None => break,
                Some(Err(error)) => {
                    if backoff.attempts() == 0 {
                        tracing::warn!(%cluster, error = chain(&error), "the manifest stream was lost; it is resumed, nothing changes in the member");
                    }
                    let delay = backoff.next();
                    tokio::select! {
                        () = shutdown.cancelled() => return,
                        () = tokio::time::sleep(delay) => continue,
                    }
                }
                Some(Ok(event)) => {
                    backoff.reset();
                    match event {
                        Event::Init => {
                            listing.clear();
                            None
                        }
                        Event::InitApply(object) => {
                            listing.extend(read(&cluster, object));
                            None
                        }
                        Event::InitDone => Some(Input::Manifests(std::mem::take(&mut listing))),
                        Event::Apply(object) => read(&cluster, object).map(|m| Input::Manifest(Box::new(m))),
                        Event::Delete(object) => read(&cluster, object).map(|m| Input::ManifestGone(m.key())),
                    }
                }
            };
            if let Some(input) = input
                && engine.send(input).await.is_err()
            {
                return;
            }
        }
    }
}

/// Reads a manifest. One that cannot be read is skipped with a word, which leaves its object in the member as it is.
fn read(cluster: &str, mut object: DynamicObject) -> Option<Manifest> {
    let metadata = ObjectMeta {
        name: object.metadata.name,
        namespace: object.metadata.namespace,
        uid: object.metadata.uid,
        resource_version: object.metadata.resource_version,
        ..ObjectMeta::default()
    };
    let spec = object
        .data
        .get_mut("spec")
        .map(serde_json::Value::take)
        .unwrap_or_default();
    match serde_json::from_value::<ManifestSpec>(spec) {
        Ok(spec) => Some(Manifest { metadata, spec }),
        Err(error) => {
            let placement = format!("{}/{}", metadata.namespace(), metadata.name());
            tracing::error!(%cluster, %placement, %error, "a manifest of the hub cannot be read; its object is left as it is. Next: run hub and syncer of one version");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use api::ManifestAction;
    use serde_json::json;

    use super::*;

    #[test]
    fn manifests_are_read_and_nonsense_is_skipped() {
        let object = |spec: serde_json::Value| -> DynamicObject {
            serde_json::from_value(json!({"apiVersion": API_VERSION, "kind": "Manifest",
                "metadata": {"namespace": "shop", "name": "service-web", "uid": "u"}, "spec": spec}))
            .unwrap()
        };
        let good = json!({"action": "Absent", "resource": {"apiVersion": "v1", "kind": "Service", "namespace": "shop", "name": "web"}});
        let manifest = read("eu-1", object(good)).unwrap();
        assert_eq!(manifest.key().to_string(), "shop/service-web");
        assert_eq!(manifest.spec.action, ManifestAction::Absent);
        assert!(read("eu-1", object(json!({"action": "Explode"}))).is_none());
        assert!(read("eu-1", object(json!(null))).is_none());
    }
}
