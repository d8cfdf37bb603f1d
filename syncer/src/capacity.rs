//! What the member's nodes have room for, kept true by watches of its nodes and pods.
//!
//! In: the member's nodes, and of its pods where they run and what they request. Out: the newest [`Capacity`], or nothing while
//! it is not known: both were not listed yet, may not be seen, or there are no nodes. Absent: which nodes are alike
//! (`capacity/grouping.rs`), what fits (the hub).

mod grouping;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use api::capacity::{Capacity, Resources, requests_of};
use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::runtime::watcher::{self, Event};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::backoff::Backoff;
use crate::error::chain;
use grouping::NodeFacts;

/// Seconds after which a watch is renewed.
const WATCH_SECONDS: u32 = 240;
/// Changes are told together, once in so long: pods come and go in crowds.
const SETTLES: Duration = Duration::from_secs(1);

/// Watches for as long as it lives.
pub(crate) struct Sight {
    seen: watch::Receiver<Option<Capacity>>,
    _watching: JoinSet<()>,
}

impl Sight {
    /// Begins to watch.
    pub(crate) fn open(cluster: Arc<str>, client: Client) -> Self {
        let (tell, seen) = watch::channel(None);
        let mut watching = JoinSet::new();
        watching.spawn(run(cluster, client, tell));
        Self {
            seen,
            _watching: watching,
        }
    }

    /// What is known now.
    pub(crate) fn seen(&self) -> Option<Capacity> {
        self.seen.borrow().clone()
    }
}

/// What was seen of one kind; not whole before its first list.
struct Table<T> {
    rows: HashMap<String, T>,
    listing: HashMap<String, T>,
    whole: bool,
}

impl<T> Table<T> {
    fn new() -> Self {
        Self {
            rows: HashMap::new(),
            listing: HashMap::new(),
            whole: false,
        }
    }

    /// Takes an event; `read` says what is kept of an object, if anything.
    fn take(&mut self, event: Event<DynamicObject>, read: fn(&Value) -> Option<T>) {
        let key = |object: &DynamicObject| {
            let metadata = &object.metadata;
            let namespace = metadata.namespace.as_deref().unwrap_or_default();
            format!("{namespace}/{}", metadata.name.as_deref().unwrap_or_default())
        };
        let kept = |object: DynamicObject| {
            let mut value = object.data;
            if let Some(map) = value.as_object_mut() {
                let metadata = serde_json::json!({"name": object.metadata.name, "labels": object.metadata.labels});
                map.insert("metadata".to_owned(), metadata);
            }
            read(&value)
        };
        match event {
            Event::Init => self.listing.clear(),
            Event::InitApply(object) => {
                let key = key(&object);
                if let Some(row) = kept(object) {
                    self.listing.insert(key, row);
                }
            }
            Event::InitDone => {
                self.rows = std::mem::take(&mut self.listing);
                self.whole = true;
            }
            Event::Apply(object) => {
                let key = key(&object);
                match kept(object) {
                    Some(row) => {
                        self.rows.insert(key, row);
                    }
                    None => {
                        self.rows.remove(&key);
                    }
                }
            }
            Event::Delete(object) => {
                self.rows.remove(&key(&object));
            }
        }
    }
}

async fn run(cluster: Arc<str>, client: Client, tell: watch::Sender<Option<Capacity>>) {
    let mut nodes = Box::pin(events::<Node>(cluster.clone(), client.clone()));
    let mut pods = Box::pin(events::<Pod>(cluster, client));
    let mut by_node: Table<NodeFacts> = Table::new();
    let mut by_pod: Table<(String, Resources)> = Table::new();
    let mut settles = tokio::time::interval(SETTLES);
    settles.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut changed = false;
    loop {
        tokio::select! {
            Some(event) = nodes.next() => by_node.take(event, NodeFacts::of),
            Some(event) = pods.next() => by_pod.take(event, bound),
            _ = settles.tick() => {
                if changed && by_node.whole && by_pod.whole {
                    changed = false;
                    let now = grouping::capacity(by_node.rows.values(), by_pod.rows.values());
                    tell.send_if_modified(|seen| {
                        let other = *seen != now;
                        *seen = now;
                        other
                    });
                }
                continue;
            }
            else => return,
        }
        changed = true;
    }
}

/// The events of a kind, resumed for ever. What may not be seen has none: the capacity stays unknown.
fn events<K>(cluster: Arc<str>, client: Client) -> impl Stream<Item = Event<DynamicObject>>
where
    K: kube::Resource<DynamicType = ()>,
{
    let resource = ApiResource::erase::<K>(&());
    let api: Api<DynamicObject> = Api::all_with(client, &resource);
    let events = watcher::watcher(api, watcher::Config::default().timeout(WATCH_SECONDS));
    let backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(30));
    futures::stream::unfold((events.boxed(), backoff), move |(mut events, mut backoff)| {
        let (cluster, kind) = (cluster.clone(), resource.kind.clone());
        async move {
            loop {
                match events.next().await? {
                    Ok(event) => {
                        backoff.reset();
                        return Some((event, (events, backoff)));
                    }
                    Err(error) => {
                        tracing::debug!(%cluster, kind, error = chain(&error), "watch lost; it is resumed");
                        tokio::time::sleep(backoff.next()).await;
                    }
                }
            }
        }
    })
}

/// The node of a pod and what it requests there; none while it has no node, or once it is done.
fn bound(pod: &Value) -> Option<(String, Resources)> {
    let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str);
    let node = text("/spec/nodeName").filter(|node| !node.is_empty())?;
    if matches!(text("/status/phase"), Some("Succeeded" | "Failed")) {
        return None;
    }
    Some((node.to_owned(), requests_of(pod.get("spec")?)))
}
