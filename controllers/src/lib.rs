//! Reconcilers that keep the hub true: ordinary clients of its Kubernetes API, in its process or far away.
//!
//! Decided here: when to look and what to write; *what is right* is decided by the pure functions of `placement`. In: watches
//! of the hub. Out: Placements, status, conditions, Events, deletes of what nobody owns. Nothing is decided before every
//! kind concerned was listed once, and a list that lacks something is no proof that it is gone. Absent: members (syncers
//! reach them), DNS, moves and roll-outs. One process of several runs them, by [`leadership`].

mod aggregation;
mod event_retention;
mod exports;
mod failure;
mod garbage;
mod health;
mod history;
pub mod leadership;
mod namespaces;
mod options;
mod placement;
mod quota;
mod removals;
pub mod replicas;
mod runtime;
mod service_accounts;
mod serving;

use std::time::Duration;

use kube::Client;
use tokio_util::sync::CancellationToken;

use runtime::discovery::{self, Served};
use runtime::drive::drive;
use runtime::feed::Feeds;
use runtime::hub::Hub;
use runtime::recorder::recorder;
use runtime::tasks::Tasks;

pub use options::{Options, UnknownController};

/// The controllers stopped although nobody asked them to.
#[derive(Debug, thiserror::Error)]
pub enum ControllersError {
    /// A part ended by itself or panicked.
    #[error("the controllers' part {name:?} ended ({how}); start the controllers again, and report this with the log")]
    Ended {
        /// Which part.
        name: String,
        /// How it ended.
        how: &'static str,
    },
}

/// Runs every controller until `shutdown`. The hub may be away at the start and at any time: they wait and go on.
///
/// # Errors
/// [`ControllersError`] when a part ended by a defect; the others are stopped then.
pub async fn run(client: Client, shutdown: CancellationToken, options: Options) -> Result<(), ControllersError> {
    let Options {
        garbage,
        namespaces,
        service_accounts,
        quotas,
    } = options;
    let served = tokio::select! {
        served = discover(&client) => served,
        () = shutdown.cancelled() => return Ok(()),
    };
    let hub = Hub::new(client.clone());
    let mut tasks = Tasks::default();
    let mut feeds = Feeds::default();
    let (recorder, scribe) = recorder(hub.clone());
    tasks.spawn("events", scribe.run());

    let news = feeds.subscribe_with_custom(&placement::kinds());
    let controller = placement::PlacementController::new(hub.clone(), recorder.clone());
    tasks.spawn("placement", drive(controller, placement::kinds(), news));

    let news = feeds.subscribe_with_custom(&aggregation::kinds());
    let controller = aggregation::Aggregation::new(hub.clone(), recorder.clone());
    tasks.spawn("aggregation", drive(controller, aggregation::kinds(), news));

    let news = feeds.subscribe(&health::kinds());
    let controller = health::Health::new(hub.clone(), recorder.clone());
    tasks.spawn("health", drive(controller, health::kinds(), news));

    let news = feeds.subscribe(&serving::kinds());
    let controller = serving::Serving::new(hub.clone(), recorder.clone());
    tasks.spawn("serving", drive(controller, serving::kinds(), news));

    let news = feeds.subscribe(&removals::kinds());
    let controller = removals::Removals::new(hub.clone(), recorder.clone());
    tasks.spawn("removals", drive(controller, removals::kinds(), news));

    let news = feeds.subscribe(&failure::kinds());
    let controller = failure::Failure::new(hub.clone(), recorder);
    tasks.spawn("failure", drive(controller, failure::kinds(), news));

    let news = feeds.subscribe(&history::kinds());
    tasks.spawn(
        "history",
        drive(history::History::new(hub.clone()), history::kinds(), news),
    );

    let news = feeds.subscribe(&exports::definitions::kinds());
    let controller = exports::definitions::Definitions::new(hub.clone());
    tasks.spawn("definitions", drive(controller, exports::definitions::kinds(), news));
    let news = feeds.subscribe(&exports::kinds());
    tasks.spawn(
        "exports",
        drive(exports::Exports::new(hub.clone()), exports::kinds(), news),
    );

    if namespaces {
        let news = feeds.subscribe(&namespaces::kinds());
        tasks.spawn(
            "namespaces",
            drive(namespaces::Namespaces::new(hub.clone()), namespaces::kinds(), news),
        );
    }

    if service_accounts {
        let news = feeds.subscribe(&service_accounts::kinds());
        let controller = service_accounts::ServiceAccounts::new(hub.clone());
        tasks.spawn("service accounts", drive(controller, service_accounts::kinds(), news));
    }

    let news = feeds.subscribe(&event_retention::kinds());
    let controller = event_retention::EventRetention::new(hub.clone());
    tasks.spawn("event retention", drive(controller, event_retention::kinds(), news));

    if quotas {
        let kinds = quota::kinds(&served);
        let news = feeds.subscribe_with_custom(&kinds);
        tasks.spawn("quota", drive(quota::Quotas::new(hub.clone()), kinds, news));
    }

    if garbage {
        let kinds = garbage::kinds(&served);
        let news = feeds.subscribe_with_custom(&kinds);
        tasks.spawn("garbage", drive(garbage::Garbage::new(hub), kinds, news));
    }
    feeds.start(&client, &mut tasks);

    let ended = tokio::select! {
        ended = tasks.first_to_end() => ended,
        () = shutdown.cancelled() => None,
    };
    tasks.stop().await;
    match ended {
        Some((name, panicked)) => {
            let how = if panicked { "it panicked" } else { "by itself" };
            Err(ControllersError::Ended { name, how })
        }
        None => Ok(()),
    }
}

/// Which kinds the hub serves; asked until it answers.
async fn discover(client: &Client) -> Vec<Served> {
    let mut wait = Duration::from_millis(50);
    loop {
        match discovery::served(client).await {
            Ok(served) => return served,
            Err(error) => {
                tracing::warn!(%error, "the hub does not answer yet; waiting for it");
                tokio::time::sleep(wait.mul_f64(0.5 + rand::random::<f64>() / 2.0)).await;
                wait = (wait * 2).min(Duration::from_secs(5));
            }
        }
    }
}
