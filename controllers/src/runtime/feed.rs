//! One watch a kind, shared by every controller that wants it.
//! In: who wants which kinds. Out: [`News`], first a whole list of each kind, then its changes. A watch that is lost is begun
//! again, with backoff, and tells a whole list again; it never tells that everything is gone because it could not ask.
//! Queues are bounded: a controller that is slow slows its feeds, it does not lose news.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;

use futures::StreamExt;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::custom;
use super::kind::Kind;
use super::shelf::Change;
use super::tasks::Tasks;
use super::watched::Watched;

/// A controller's queue: a burst of changes of all its kinds; more than that waits in the watch.
const NEWS_QUEUED_MAX: usize = 1024;

/// A change of one kind.
#[derive(Clone, Debug)]
pub(crate) struct News {
    pub(crate) kind: Kind,
    pub(crate) change: Change,
    /// What it is about as trees, for as long as somebody has not looked at it: parsed once for all readers.
    _trees: Arc<[Arc<Value>]>,
}

impl News {
    /// News of a change.
    pub(crate) fn of(kind: Kind, change: Change) -> Self {
        let trees = match &change {
            Change::Applied(object) | Change::Deleted(object) => object.settle().into_iter().collect(),
            Change::Reset(all) => all.iter().filter_map(|object| object.settle()).collect(),
        };
        Self {
            kind,
            change,
            _trees: trees,
        }
    }
}

/// Who wants what, until it is started.
#[derive(Default)]
pub(crate) struct Feeds {
    wanted: BTreeMap<Kind, Vec<mpsc::Sender<News>>>,
    /// Who wants the custom kinds too, whichever there will be.
    custom: Vec<mpsc::Sender<News>>,
}

impl Feeds {
    /// News of these kinds.
    pub(crate) fn subscribe(&mut self, kinds: &[Kind]) -> mpsc::Receiver<News> {
        let (sender, receiver) = mpsc::channel(NEWS_QUEUED_MAX);
        for kind in kinds {
            self.wanted.entry(kind.clone()).or_default().push(sender.clone());
        }
        receiver
    }

    /// News of these kinds, and of all that definitions bring.
    pub(crate) fn subscribe_with_custom(&mut self, kinds: &[Kind]) -> mpsc::Receiver<News> {
        let (sender, receiver) = mpsc::channel(NEWS_QUEUED_MAX);
        for kind in kinds {
            self.wanted.entry(kind.clone()).or_default().push(sender.clone());
        }
        self.custom.push(sender);
        receiver
    }

    /// Starts one watch a kind.
    pub(crate) fn start(self, client: &Client, tasks: &mut Tasks) {
        if !self.custom.is_empty() {
            tasks.spawn("watch custom kinds", custom::follow_all(client.clone(), self.custom));
        }
        for (kind, readers) in self.wanted {
            let name = format!("watch {}", kind.plural);
            tasks.spawn(name, follow(client.clone(), kind, readers));
        }
    }
}

pub(super) async fn follow(client: Client, kind: Kind, readers: Vec<mpsc::Sender<News>>) {
    let api: Api<Watched> = Api::all_with(client, &kind.api_resource());
    let mut events = pin!(watcher(api, watcher::Config::default()).default_backoff());
    let mut listed = Vec::new();
    while let Some(event) = events.next().await {
        let change = match event {
            Ok(watcher::Event::Init) => {
                listed = Vec::new();
                continue;
            }
            Ok(watcher::Event::InitApply(object)) => {
                listed.push(Arc::new(typed(object, &kind)));
                continue;
            }
            Ok(watcher::Event::InitDone) => Change::Reset(std::mem::take(&mut listed)),
            Ok(watcher::Event::Apply(object)) => Change::Applied(Arc::new(typed(object, &kind))),
            Ok(watcher::Event::Delete(object)) => Change::Deleted(Arc::new(typed(object, &kind))),
            Err(error) if is_unserved(&error) => {
                tracing::debug!(kind = %kind.kind, "{} are not served now; they are asked for again", kind.plural);
                continue;
            }
            Err(error) => {
                tracing::warn!(kind = %kind.kind, %error, "watch of {} lost; it will be begun again", kind.plural);
                continue;
            }
        };
        let news = News::of(kind.clone(), change);
        for reader in &readers {
            // A reader that is gone is stopping, and so are we.
            if reader.send(news.clone()).await.is_err() {
                return;
            }
        }
    }
}

/// Whether the kind itself was not found: its definition goes, and this watch with it.
fn is_unserved(error: &watcher::Error) -> bool {
    let (watcher::Error::InitialListFailed(cause) | watcher::Error::WatchStartFailed(cause)) = error else {
        return false;
    };
    matches!(cause, kube::Error::Api(status) if status.code == 404)
}

/// Items of lists come without kind and version.
fn typed(object: Watched, kind: &Kind) -> Watched {
    let value = object.value();
    if value.get("apiVersion").is_some() && value.get("kind").is_some() {
        return object;
    }
    let mut value = (*value).clone();
    if let Value::Object(map) = &mut value {
        map.entry("apiVersion").or_insert_with(|| json!(kind.api_version));
        map.entry("kind").or_insert_with(|| json!(kind.kind));
    }
    Watched::new(value)
}
