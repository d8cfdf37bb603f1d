//! The hub's watches as one stream of events, and single questions to it. In: a client. Out: [`Event`]s, [`Answer`]s.
//! Absent: what events change.

use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, Stream, StreamExt};
use kube::api::{Api, ListParams};
use kube::core::{ApiResource, DynamicObject};
use kube::runtime::WatchStreamExt;
use kube::runtime::utils::Backoff;
use kube::runtime::watcher;
use tokio::time::timeout;

use super::object::{self, Kind, Seen};
use super::world::Doubted;
use api::well_known;

/// Seconds after which the hub ends a watch that then goes on: bounds how long a dead connection goes unnoticed.
const WATCH_SECONDS: u32 = 60;
/// Longest single question.
const QUESTION_MAX: Duration = Duration::from_secs(5);
/// First and longest wait after a watch failed. Short: a hub that restarts should be heard at once.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// News of the hub.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// An object is so now.
    Seen(Kind, Seen),
    /// An object was deleted, observed.
    Gone(Kind, Seen),
    /// A whole list begins.
    ListBegan(Kind),
    /// An object of the list.
    Listed(Kind, Seen),
    /// The list is whole.
    ListEnded(Kind),
    /// An object is there but cannot be read.
    Unreadable(Kind, String),
    /// The watch failed; it is tried again.
    Lost(Kind),
    /// The hub answers for this kind again.
    Alive(Kind),
}

/// The hub's word on one object.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) doubted: Doubted,
    pub(crate) said: Said,
}

/// What the hub said.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    /// Here it is.
    There(Box<Seen>),
    /// There is none, by the API's own word.
    NotThere,
    /// An error; nothing is known.
    Nothing,
}

/// Where a kind is served.
pub(crate) fn resource(kind: Kind) -> ApiResource {
    let ours = |kind: &str, plural: &str| ApiResource {
        group: well_known::GROUP.into(),
        version: well_known::VERSION.into(),
        api_version: well_known::API_VERSION.into(),
        kind: kind.into(),
        plural: plural.into(),
    };
    match kind {
        Kind::Service => ApiResource {
            group: String::new(),
            version: "v1".into(),
            api_version: "v1".into(),
            kind: "Service".into(),
            plural: "services".into(),
        },
        Kind::Placement => ours("Placement", "placements"),
        Kind::Cluster => ours("Cluster", "clusters"),
        Kind::Region => ours("Region", "regions"),
        Kind::DnsPolicy => ours("DNSPolicy", "dnspolicies"),
        Kind::ServiceImport => ApiResource {
            group: well_known::MULTICLUSTER_GROUP.into(),
            version: "v1beta1".into(),
            api_version: well_known::MULTICLUSTER_API_VERSION.into(),
            kind: "ServiceImport".into(),
            plural: "serviceimports".into(),
        },
    }
}

/// All kinds, watched for ever.
pub(crate) fn all(hub: &kube::Client) -> BoxStream<'static, Event> {
    futures::stream::select_all(Kind::ALL.map(|kind| watch(hub.clone(), kind).boxed())).boxed()
}

fn watch(hub: kube::Client, kind: Kind) -> impl Stream<Item = Event> + Send {
    let api: Api<DynamicObject> = Api::all_with(hub, &resource(kind));
    let config = watcher::Config::default().timeout(WATCH_SECONDS);
    watcher(api, config).backoff(Wait::default()).map(move |event| match event {
        Ok(watcher::Event::Apply(object)) => read(kind, &object, Event::Seen),
        Ok(watcher::Event::Delete(object)) => read(kind, &object, Event::Gone),
        Ok(watcher::Event::Init) => Event::ListBegan(kind),
        Ok(watcher::Event::InitApply(object)) => read(kind, &object, Event::Listed),
        Ok(watcher::Event::InitDone) => Event::ListEnded(kind),
        Err(error) => {
            tracing::debug!(%error, kind = kind.as_str(), "the watch of {} failed; it is tried again", kind.as_str());
            Event::Lost(kind)
        }
    })
}

fn read(kind: Kind, object: &DynamicObject, event: fn(Kind, Seen) -> Event) -> Event {
    match object::read(kind, object) {
        Ok(seen) => event(kind, seen),
        Err(error) => {
            let cause = std::error::Error::source(&error)
                .map(ToString::to_string)
                .unwrap_or_default();
            tracing::warn!(cause, "{error}");
            let name = object.metadata.name.clone().unwrap_or_default();
            let key = object
                .metadata
                .namespace
                .as_ref()
                .map_or(name.clone(), |namespace| format!("{namespace}/{name}"));
            Event::Unreadable(kind, key)
        }
    }
}

/// Asks the hub for one object.
pub(crate) fn ask(hub: kube::Client, doubted: Doubted) -> BoxFuture<'static, Answer> {
    async move {
        let resource = resource(doubted.kind);
        let api: Api<DynamicObject> = if doubted.namespace.is_empty() {
            Api::all_with(hub, &resource)
        } else {
            Api::namespaced_with(hub, &doubted.namespace, &resource)
        };
        let said = match timeout(QUESTION_MAX, api.get(&doubted.name)).await {
            Ok(Ok(object)) => match object::read(doubted.kind, &object) {
                Ok(seen) => Said::There(Box::new(seen)),
                Err(_) => Said::Nothing,
            },
            // Only a Status of the API counts: a proxy's 404 has none.
            Ok(Err(kube::Error::Api(status))) if status.code == 404 && status.reason == "NotFound" => Said::NotThere,
            Ok(Err(_)) | Err(_) => Said::Nothing,
        };
        Answer { doubted, said }
    }
    .boxed()
}

/// Asks whether the hub answers for a kind at all: a watch that was resumed says nothing until something changes.
pub(crate) fn ping(hub: kube::Client, kind: Kind) -> BoxFuture<'static, Event> {
    async move {
        let api: Api<DynamicObject> = Api::all_with(hub, &resource(kind));
        match timeout(QUESTION_MAX, api.list(&ListParams::default().limit(1))).await {
            Ok(Ok(_)) => Event::Alive(kind),
            Ok(Err(_)) | Err(_) => Event::Lost(kind),
        }
    }
    .boxed()
}

/// Doubling waits with jitter.
#[derive(Debug, Default)]
struct Wait {
    failures: u32,
}

impl Iterator for Wait {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let (first, longest) = BACKOFF;
        let wait = first.saturating_mul(1 << self.failures.min(8)).min(longest);
        self.failures = self.failures.saturating_add(1);
        Some(wait.mul_f64(0.75 + 0.5 * rand::random::<f64>()))
    }
}

impl Backoff for Wait {
    fn reset(&mut self) {
        self.failures = 0;
    }
}
