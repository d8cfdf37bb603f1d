//! What the member holds of ours, kind by kind, and the endpoints behind its Services.
//!
//! In: lists and watches of the member, by our label; endpoint slices of all Services, of which only counts are kept. Out:
//! [`Input`]s of one session. Absent: deciding; drift is judged by `desired`.

use std::sync::Arc;
use std::time::Duration;

use api::well_known::{MANAGED_LABEL, MANAGED_VALUE};
use futures::StreamExt;
use kube::Client;
use kube::api::{Api, DynamicObject};
use kube::runtime::watcher::{self, Event};
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use crate::access::REQUEST_TIMEOUT;
use crate::apply::within;
use crate::backoff::Backoff;
use crate::error::{RequestError, chain};
use crate::input::{EndpointNews, Input, KindNews, Slice, SliceId};
use crate::kinds::{self, KindId, ObjectId, Served};
use crate::live::Live;

/// Seconds after which a watch is renewed.
const WATCH_SECONDS: u32 = 240;
/// Label of an endpoint slice: its Service.
const SERVICE_NAME_LABEL: &str = "kubernetes.io/service-name";

/// A place to send what one session sees.
#[derive(Clone)]
pub(crate) struct Eye {
    pub(crate) cluster: Arc<str>,
    pub(crate) client: Client,
    pub(crate) session: u64,
    pub(crate) engine: mpsc::Sender<Input>,
    /// Changes when the member's definitions do, and with them perhaps which kinds it serves.
    pub(crate) definitions: watch::Receiver<()>,
}

impl Eye {
    async fn tell(&self, kind: &KindId, news: KindNews) -> Result<(), Ended> {
        self.engine
            .send(Input::Kind(self.session, kind.clone(), news))
            .await
            .map_err(|_| Ended)
    }

    async fn tell_endpoints(&self, news: EndpointNews) -> Result<(), Ended> {
        self.engine
            .send(Input::Endpoints(self.session, news))
            .await
            .map_err(|_| Ended)
    }
}

/// The engine is gone.
struct Ended;

/// How the kind is served; asks the member's discovery for kinds that are not built in.
pub(crate) async fn resolve(client: &Client, kind: &KindId) -> Result<Option<Served>, RequestError> {
    if let Some(served) = kinds::built_in(kind) {
        return Ok(Some(served));
    }
    let list = if kind.api_version.contains('/') {
        within(REQUEST_TIMEOUT, client.list_api_groups_aggregated()).await?
    } else {
        within(REQUEST_TIMEOUT, client.list_core_api_versions_aggregated()).await?
    };
    Ok(kinds::find(&list, kind))
}

/// Watches our objects of one kind until the session ends.
pub(crate) async fn kind(eye: Eye, kind: KindId, served: Served) {
    let objects: Api<DynamicObject> = served.api(eye.client.clone(), "");
    let config = watcher::Config::default()
        .labels(&format!("{MANAGED_LABEL}={MANAGED_VALUE}"))
        .timeout(WATCH_SECONDS);
    let mut events = watcher::watcher(objects, config).boxed();
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
    let mut listing = Vec::new();
    while let Some(event) = events.next().await {
        let told = match event {
            Ok(Event::Init) => {
                listing.clear();
                Ok(())
            }
            Ok(Event::InitApply(object)) => {
                listing.push(Live::new(&kind, object));
                Ok(())
            }
            Ok(Event::InitDone) => {
                backoff.reset();
                eye.tell(&kind, KindNews::Listed(std::mem::take(&mut listing))).await
            }
            Ok(Event::Apply(object)) => {
                backoff.reset();
                eye.tell(&kind, KindNews::Changed(Live::new(&kind, object))).await
            }
            Ok(Event::Delete(object)) => {
                let Live { id, uid, .. } = Live::new(&kind, object);
                eye.tell(&kind, KindNews::Gone { id, uid }).await
            }
            Err(error) => {
                let told = match &error {
                    watcher::Error::InitialListFailed(kube::Error::Api(status)) if matches!(status.code, 403..=405) => {
                        let message = format!("{kind} cannot be listed: {}", status.message);
                        let absent = status.code == 404;
                        eye.tell(&kind, KindNews::Unserved { message, absent }).await
                    }
                    _ => Ok(()),
                };
                tracing::debug!(cluster = %eye.cluster, %kind, error = chain(&error), "watch lost; it is resumed");
                tokio::time::sleep(backoff.next()).await;
                told
            }
        };
        if told.is_err() {
            return;
        }
    }
}

/// Watches endpoint slices until the session ends.
pub(crate) async fn endpoints(eye: Eye) {
    let Some(served) = kinds::built_in(&KindId::new("discovery.k8s.io/v1", "EndpointSlice")) else {
        return;
    };
    let slices: Api<DynamicObject> = served.api(eye.client.clone(), "");
    let config = watcher::Config::default()
        .labels(SERVICE_NAME_LABEL)
        .timeout(WATCH_SECONDS);
    let mut events = watcher::watcher(slices, config).boxed();
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
    let mut listing = Vec::new();
    while let Some(event) = events.next().await {
        let told = match event {
            Ok(Event::Init) => {
                listing.clear();
                Ok(())
            }
            Ok(Event::InitApply(object)) => {
                listing.extend(slice(&object));
                Ok(())
            }
            Ok(Event::InitDone) => {
                backoff.reset();
                eye.tell_endpoints(EndpointNews::Listed(std::mem::take(&mut listing)))
                    .await
            }
            Ok(Event::Apply(object)) => {
                backoff.reset();
                match slice(&object) {
                    Some(slice) => eye.tell_endpoints(EndpointNews::Changed(slice)).await,
                    None => Ok(()),
                }
            }
            Ok(Event::Delete(object)) => eye.tell_endpoints(EndpointNews::Gone(slice_id(&object))).await,
            Err(error) => {
                tracing::debug!(cluster = %eye.cluster, error = chain(&error), "watch of endpoint slices lost; it is resumed");
                tokio::time::sleep(backoff.next()).await;
                Ok(())
            }
        };
        if told.is_err() {
            return;
        }
    }
}

fn slice_id(object: &DynamicObject) -> SliceId {
    SliceId {
        namespace: object.metadata.namespace.clone().unwrap_or_default(),
        name: object.metadata.name.clone().unwrap_or_default(),
    }
}

/// What counts of a slice; none without a Service.
fn slice(object: &DynamicObject) -> Option<Slice> {
    let service = object.metadata.labels.as_ref()?.get(SERVICE_NAME_LABEL)?.clone();
    let endpoints = object.data.get("endpoints").and_then(Value::as_array);
    let ready = endpoints
        .into_iter()
        .flatten()
        // An endpoint that says nothing about itself is ready, by the API's definition.
        .filter(|e| {
            e.get("conditions")
                .and_then(|c| c.get("ready"))
                .and_then(Value::as_bool)
                .unwrap_or(true)
        })
        .count();
    let family = object
        .data
        .get("addressType")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    Some(Slice {
        id: slice_id(object),
        service,
        family,
        ready: i64::try_from(ready).unwrap_or(i64::MAX),
    })
}

/// The Service whose endpoints a slice holds.
pub(crate) fn service_of(slice: &Slice) -> ObjectId {
    ObjectId {
        kind: KindId::new("v1", "Service"),
        namespace: slice.id.namespace.clone(),
        name: slice.service.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ready_endpoints_are_counted() {
        let object: DynamicObject = serde_json::from_value(json!({
            "metadata": {"namespace": "shop", "name": "web-x", "labels": {SERVICE_NAME_LABEL: "web"}},
            "addressType": "IPv4",
            "endpoints": [{"conditions": {"ready": true}}, {"conditions": {"ready": false}}, {}]}))
        .unwrap();
        let counted = slice(&object).unwrap();
        assert_eq!(
            (counted.ready, counted.service.as_str(), counted.family.as_str()),
            (2, "web", "IPv4")
        );
        let stray: DynamicObject = serde_json::from_value(json!({"metadata": {"name": "x"}})).unwrap();
        assert_eq!(slice(&stray), None);
    }
}
