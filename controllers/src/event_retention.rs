//! Lets Events go after an hour without change, as kube-apiserver does: they are news, and would fill the store.
//! In: Events, a monotonic clock. Out: deletes. Age is counted from when an Event was last heard here, so that a step of the wall
//! clock deletes nothing and a restart only keeps them longer. Absent: writing Events (`runtime/recorder`).

use std::collections::BTreeMap;
use std::time::Duration;

use kube::api::PropagationPolicy;
use tokio::time::Instant;

use crate::runtime::drive::{Outcome, Reconcile, Work};
use crate::runtime::feed::News;
use crate::runtime::hub::{Deletion, Hub};
use crate::runtime::kind::{self, Kind};
use crate::runtime::shelf::Shelf;
use crate::runtime::watched::Id;

/// How long an Event stays after its last change.
const KEPT: Duration = Duration::from_secs(3600);
/// How often old ones are looked for.
const LOOK: Duration = Duration::from_secs(60);

/// The kinds it watches.
pub(crate) fn kinds() -> Vec<Kind> {
    vec![kind::EVENT]
}

/// The event retention controller.
pub(crate) struct EventRetention {
    hub: Hub,
    ages: Ages,
}

/// Every Event, and since when it stands as it does.
#[derive(Default)]
struct Ages {
    events: Shelf,
    heard: BTreeMap<Id, Instant>,
}

impl EventRetention {
    pub(crate) fn new(hub: Hub) -> Self {
        Self {
            hub,
            ages: Ages::default(),
        }
    }
}

impl Ages {
    fn hear(&mut self, news: News, now: Instant) {
        for moved in self.events.take(news.change) {
            match moved.new {
                Some(_) => self.heard.insert(moved.id, now),
                None => self.heard.remove(&moved.id),
            };
        }
    }

    fn old(&self, now: Instant) -> Vec<Id> {
        let is_old = |(_, heard): &(&Id, &Instant)| now.duration_since(**heard) >= KEPT;
        self.heard.iter().filter(is_old).map(|(id, _)| id.clone()).collect()
    }
}

impl Reconcile for EventRetention {
    type Key = Id;
    const NAME: &'static str = "event-retention";

    fn observe(&mut self, news: News) -> Vec<Id> {
        self.ages.hear(news, Instant::now());
        vec![]
    }

    fn look(&mut self, id: &Id) -> Option<Work> {
        let heard = self.ages.heard.get(id)?;
        let event = self.ages.events.get(id).filter(|_| heard.elapsed() >= KEPT)?.clone();
        let (hub, id) = (self.hub.clone(), id.clone());
        Some(Box::pin(async move {
            let what = Deletion {
                uid: event.uid(),
                // One that was told again meanwhile is news.
                resource_version: Some(event.resource_version()),
                propagation: PropagationPolicy::Background,
            };
            match hub.delete(&kind::EVENT, &id, what).await {
                Ok(()) => Outcome::rest(Duration::ZERO),
                Err(error) if error.is_conflict() => Outcome::rest(Duration::ZERO),
                Err(error) => Outcome::failed(error),
            }
        }))
    }

    fn tick(&mut self) -> Vec<Id> {
        self.ages.old(Instant::now())
    }

    fn tick_every(&self) -> Option<Duration> {
        Some(LOOK)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::runtime::shelf::Change;
    use crate::runtime::watched::Watched;

    fn told(name: &str, version: u64) -> News {
        let event = json!({"metadata": {"name": name, "namespace": "shop", "uid": name, "resourceVersion": version.to_string()}});
        News::of(kind::EVENT, Change::Applied(Arc::new(Watched::new(event))))
    }

    #[test]
    fn events_go_an_hour_after_they_were_last_told() {
        let mut ages = Ages::default();
        let start = Instant::now();
        ages.hear(told("once", 1), start);
        ages.hear(told("again", 2), start);
        ages.hear(told("again", 3), start + KEPT / 2);
        assert!(ages.old(start + KEPT / 2).is_empty());
        assert_eq!(ages.old(start + KEPT), [Id::new("shop", "once")]);
        assert_eq!(ages.old(start + KEPT * 2).len(), 2);
    }
}
