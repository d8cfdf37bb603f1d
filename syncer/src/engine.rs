//! The one owner of what a syncer knows of its member: takes news in, settles dirty objects, keeps the order and the bounds.
//!
//! In: [`Input`]s, outcomes of deeds, time. Out: deeds (at most [`PARALLEL`] at once), reports. Absent: every decision, which
//! is `desired`'s, and every request, which is `apply`'s. While the member is away nothing is started and nothing forgotten.

mod endpoints;
mod news;
mod queue;
mod records;
mod session;
mod settle;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use api::{Manifest, PlacementKey};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::apply::Outcome;
use crate::error::SyncerError;
use crate::input::{Input, QUEUE};
use crate::kinds::ObjectId;
use crate::live::Live;
use crate::report::Outbox;
use endpoints::Endpoints;
use queue::Queue;
use records::Records;
use session::Session;

/// Most deeds at once in one member.
const PARALLEL: usize = 16;
/// Most objects settled before news is taken in again.
const SETTLED_AT_ONCE: usize = 256;

/// What a syncer knows of its member.
pub(crate) struct Engine {
    cluster: Arc<str>,
    /// Addresses of the Cluster for Services that have none.
    dns_addresses: Vec<String>,
    outbox: Arc<Outbox>,
    /// For the observers of the next session.
    inbox: mpsc::Sender<Input>,
    records: Records,
    objects: HashMap<ObjectId, Live>,
    endpoints: Endpoints,
    queue: Queue,
    /// Objects with a deed under way, whether or not anybody still wishes something about them: never two deeds at once.
    busy: HashSet<PlacementKey>,
    running: JoinSet<(PlacementKey, Arc<Manifest>, Outcome)>,
    session: Option<Session>,
    sessions: u64,
    /// Changes with the definitions in the member that are ours.
    definitions: watch::Sender<()>,
    /// The newest version of any object that was seen in the member.
    newest: Arc<AtomicU64>,
}

impl Engine {
    /// An engine that knows nothing yet.
    pub(crate) fn new(
        cluster: Arc<str>,
        dns_addresses: Vec<String>,
        outbox: Arc<Outbox>,
        inbox: mpsc::Sender<Input>,
        definitions: watch::Sender<()>,
        newest: Arc<AtomicU64>,
    ) -> Self {
        Self {
            cluster,
            dns_addresses,
            outbox,
            inbox,
            records: Records::default(),
            objects: HashMap::new(),
            endpoints: Endpoints::default(),
            queue: Queue::default(),
            busy: HashSet::new(),
            running: JoinSet::new(),
            session: None,
            sessions: 0,
            definitions,
            newest,
        }
    }

    /// Works until shutdown.
    pub(crate) async fn run(
        mut self,
        mut news: mpsc::Receiver<Input>,
        shutdown: CancellationToken,
    ) -> Result<(), SyncerError> {
        loop {
            self.dispatch(Instant::now());
            let due = self.queue.next_due();
            let more = self.session.is_some() && self.queue.len() > 0 && self.running.len() < PARALLEL;
            tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                input = news.recv() => {
                    let Some(input) = input else { return Ok(()) };
                    self.take(input);
                    // What arrived together is settled together: the order of kinds is then kept.
                    for _ in 0..QUEUE {
                        let Ok(input) = news.try_recv() else { break };
                        self.take(input);
                    }
                }
                Some(done) = self.running.join_next(), if !self.running.is_empty() => match done {
                    Ok((key, manifest, outcome)) => self.done(&key, &manifest, outcome, Instant::now()),
                    Err(source) => {
                        return Err(SyncerError::Panicked { cluster: self.cluster.to_string(), part: "engine", source });
                    }
                },
                // A long line is settled in parts, so that news and outcomes are not kept waiting.
                () = tokio::task::yield_now(), if more => {}
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    for key in self.queue.take_due(Instant::now()) {
                        self.enqueue(&key);
                    }
                }
            }
        }
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Manifests(manifests) => self.manifests_listed(manifests),
            Input::Manifest(manifest) => self.manifest_changed(*manifest),
            Input::ManifestGone(key) => self.manifest_gone(&key),
            Input::MemberUp(client) => self.member_up(client),
            Input::MemberRestored(client) => {
                // By their versions the objects of today would pass for older ones.
                self.objects.clear();
                self.member_up(client);
            }
            Input::MemberDown => self.member_down(),
            Input::Kind(session, kind, news) if self.is_current(session) => self.kind_news(&kind, news),
            Input::Endpoints(session, news) if self.is_current(session) => self.endpoint_news(news),
            // From a session that was given up.
            Input::Kind(..) | Input::Endpoints(..) => {}
        }
    }

    fn is_current(&self, session: u64) -> bool {
        self.session.as_ref().is_some_and(|s| s.number == session)
    }

    /// Puts an object in line, in the order in which things may exist.
    fn enqueue(&mut self, key: &PlacementKey) {
        if let Some(record) = self.records.get(key) {
            self.queue.push(record.rank(), key.clone());
        }
    }
}
