//! A time during which the member answers: its client, and one observer a kind that some manifest names.
//! In: the member coming and going, kinds turning up. Out: running observers. Absent: what they see.

use std::collections::HashMap;
use std::time::Duration;

use kube::Client;
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::Engine;
use crate::backoff::Backoff;
use crate::error::chain;
use crate::input::{Input, KindNews};
use crate::kinds::{KindId, Served};
use crate::observe::{self, Eye};

/// First and longest wait before a kind that is not served is looked for again.
const LOOK_AGAIN: Backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(10));

/// A time during which the member answers. Dropping it ends its observers.
pub(crate) struct Session {
    pub(crate) number: u64,
    pub(crate) client: Client,
    pub(crate) kinds: HashMap<KindId, KindState>,
    /// Cancelled when the session ends: what waits for an answer then waits no longer.
    pub(crate) ended: CancellationToken,
    _end: DropGuard,
    observers: JoinSet<()>,
}

/// How far a kind is known.
#[derive(Clone, Debug)]
pub(crate) enum KindState {
    /// Being listed.
    Listing,
    /// Listed once; watched since.
    Listed,
    /// The member does not serve it, or does not let us see it.
    Unserved {
        /// Why, and what to do.
        message: String,
        /// The member has no such kind, and so no object of it.
        absent: bool,
    },
}

impl Engine {
    /// The member answers: everything is looked at anew, which by equal hashes writes nothing.
    pub(super) fn member_up(&mut self, client: Client) {
        self.sessions += 1;
        let ended = CancellationToken::new();
        let mut session = Session {
            number: self.sessions,
            client,
            kinds: HashMap::new(),
            _end: ended.clone().drop_guard(),
            ended,
            observers: JoinSet::new(),
        };
        session.observers.spawn(observe::endpoints(self.eye(&session)));
        self.session = Some(session);
        for kind in self.records.kinds() {
            self.observe_kind(&kind);
        }
        for key in self.records.keys() {
            self.enqueue(&key);
        }
    }

    /// The member is away: observers end; what was known stays known.
    pub(super) fn member_down(&mut self) {
        self.session = None;
    }

    fn eye(&self, session: &Session) -> Eye {
        Eye {
            cluster: self.cluster.clone(),
            client: session.client.clone(),
            session: session.number,
            engine: self.inbox.clone(),
            definitions: self.definitions.subscribe(),
        }
    }

    /// Starts to observe a kind, once a session.
    pub(super) fn observe_kind(&mut self, kind: &KindId) {
        let Some(eye) = self
            .session
            .as_ref()
            .filter(|s| !s.kinds.contains_key(kind))
            .map(|s| self.eye(s))
        else {
            return;
        };
        if let Some(session) = &mut self.session {
            session.kinds.insert(kind.clone(), KindState::Listing);
            session.observers.spawn(find_and_observe(eye, kind.clone()));
        }
    }

    /// How the kind is served, where that is known without asking.
    pub(super) fn kind_state(&self, kind: &KindId) -> Option<&KindState> {
        self.session.as_ref()?.kinds.get(kind)
    }
}

/// Finds out how the kind is served, for as long as that takes, and observes it.
async fn find_and_observe(mut eye: Eye, kind: KindId) {
    let mut pause = LOOK_AGAIN;
    let served: Served = loop {
        let (message, absent) = match observe::resolve(&eye.client, &kind).await {
            Ok(Some(served)) => break served,
            Ok(None) => (
                format!(
                    "the member does not serve {kind}; next: install it in cluster {}",
                    eye.cluster
                ),
                true,
            ),
            Err(error) => (format!("{kind} could not be looked up: {}", chain(&error)), false),
        };
        let news = KindNews::Unserved { message, absent };
        if eye
            .engine
            .send(Input::Kind(eye.session, kind.clone(), news))
            .await
            .is_err()
        {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(pause.next()) => {}
            // A definition may bring it; that it is accepted is told a little earlier than that it is served.
            Ok(()) = eye.definitions.changed() => pause.reset(),
        }
    };
    observe::kind(eye, kind, served).await;
}
