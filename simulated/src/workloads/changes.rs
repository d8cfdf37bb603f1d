//! A watch as changes: the complete list first, then one object at a time, resumed for ever.

use std::fmt::Debug;
use std::time::Duration;

use futures::{Stream, StreamExt};
use kube::api::Api;
use kube::runtime::watcher::{self, Event};
use serde::de::DeserializeOwned;

/// News of objects of one kind.
#[derive(Debug)]
pub(crate) enum Change<K> {
    /// Exactly these are there.
    Listed(Vec<K>),
    /// One is new or changed.
    Put(K),
    /// One is gone.
    Gone(K),
}

/// Follows a kind. Errors are retried and never end the stream.
pub(crate) fn follow<K>(api: Api<K>) -> impl Stream<Item = Change<K>> + Send + Unpin
where
    K: kube::Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let events = watcher::watcher(api, watcher::Config::default().timeout(240));
    let changes = events.scan(Vec::new(), |listing, event| {
        let mut pause = false;
        let change = match event {
            Ok(Event::Init) => {
                listing.clear();
                None
            }
            Ok(Event::InitApply(object)) => {
                listing.push(object);
                None
            }
            Ok(Event::InitDone) => Some(Change::Listed(std::mem::take(listing))),
            Ok(Event::Apply(object)) => Some(Change::Put(object)),
            Ok(Event::Delete(object)) => Some(Change::Gone(object)),
            Err(error) => {
                tracing::debug!(%error, "watch lost; it is resumed");
                pause = true;
                None
            }
        };
        async move {
            if pause {
                tokio::time::sleep(Duration::from_millis(rand::random_range(100..500))).await;
            }
            Some(change)
        }
    });
    changes.filter_map(std::future::ready).boxed()
}

/// Namespace and name.
pub(crate) type Key = (String, String);

/// Namespace and name of an object.
pub(crate) fn key<K: kube::Resource>(object: &K) -> Key {
    let meta = object.meta();
    (
        meta.namespace.clone().unwrap_or_default(),
        meta.name.clone().unwrap_or_default(),
    )
}
