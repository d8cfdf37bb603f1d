//! Keeps the service account `default` in every namespace, as pods and charts expect it.
//! In: namespaces, service accounts. Out: service accounts that were missing. Absent: tokens.

use std::time::Duration;

use serde_json::json;

use crate::runtime::drive::{Outcome, Reconcile, Work};
use crate::runtime::feed::News;
use crate::runtime::hub::Hub;
use crate::runtime::kind::{self, Kind};
use crate::runtime::shelf::Shelf;
use crate::runtime::watched::Id;

const NAME: &str = "default";

/// The kinds it watches.
pub(crate) fn kinds() -> Vec<Kind> {
    vec![kind::NAMESPACE, kind::SERVICE_ACCOUNT]
}

/// The service account controller.
pub(crate) struct ServiceAccounts {
    hub: Hub,
    namespaces: Shelf,
    accounts: Shelf,
}

impl ServiceAccounts {
    pub(crate) fn new(hub: Hub) -> Self {
        Self {
            hub,
            namespaces: Shelf::default(),
            accounts: Shelf::default(),
        }
    }
}

impl Reconcile for ServiceAccounts {
    type Key = String;
    const NAME: &'static str = "service-accounts";

    fn observe(&mut self, news: News) -> Vec<String> {
        if news.kind == kind::NAMESPACE {
            return self
                .namespaces
                .take(news.change)
                .into_iter()
                .map(|moved| moved.id.name)
                .collect();
        }
        let moved = self.accounts.take(news.change).into_iter();
        moved
            .filter(|moved| moved.id.name == NAME)
            .map(|moved| moved.id.namespace)
            .collect()
    }

    fn look(&mut self, namespace: &String) -> Option<Work> {
        let alive = self
            .namespaces
            .get(&Id::new("", namespace))
            .is_some_and(|namespace| !namespace.is_deleting());
        let id = Id::new(namespace, NAME);
        if !alive || self.accounts.get(&id).is_some() {
            return None;
        }
        let hub = self.hub.clone();
        Some(Box::pin(async move {
            let account = json!({
                "apiVersion": "v1", "kind": "ServiceAccount",
                "metadata": {"name": NAME, "namespace": id.namespace},
            });
            match hub.create(&kind::SERVICE_ACCOUNT, &id, &account).await {
                // Somebody else made it, or the namespace went: news will tell.
                Err(error) if error.is_conflict() || error.is_not_found() => Outcome::rest(Duration::ZERO),
                written => Outcome::wrote(&kind::SERVICE_ACCOUNT, written, Duration::ZERO),
            }
        }))
    }
}
