//! Whether this process has seen what others wrote, asked before it answers for the present.
//!
//! With one process over a store its cache is the present. With several, a request that means the present first asks the store
//! for its last revision and waits until the cache has it; requests that come while one asks share the next answer (as
//! kube-apiserver does it since 1.31 with etcd's progress notifications). Absent: requests that name a version, which say
//! themselves how old an answer may be.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::commit::Backend;

/// Requests that wait for one answer; more wait at the door.
const WAITING_MAX: usize = 1024;
/// How long a request waits. The store is away then, and what the cache has is the best that is known.
const WITHIN: Duration = Duration::from_secs(2);

/// A way to ask.
#[derive(Clone, Debug)]
pub(crate) struct Present {
    questions: mpsc::Sender<oneshot::Sender<()>>,
}

impl Present {
    /// Starts the task that asks; it ends with the last clone.
    pub(crate) fn of(backend: Backend) -> Self {
        let (questions, waiting) = mpsc::channel(WAITING_MAX);
        tokio::spawn(answer(Arc::new(backend), waiting));
        Self { questions }
    }

    /// Waits until the cache has everything that was committed before the call.
    pub(crate) async fn reached(&self) {
        let (answer, answered) = oneshot::channel();
        let asked = async {
            if self.questions.send(answer).await.is_ok() {
                // That nobody answers any more is the end of the server.
                let _ = answered.await.is_ok();
            }
        };
        if tokio::time::timeout(WITHIN, asked).await.is_err() {
            metrics::counter!("meridian_apiserver_unconfirmed_reads_total").increment(1);
            tracing::debug!("the store could not be asked in time; the answer may lack what others wrote");
        }
    }
}

async fn answer(backend: Arc<Backend>, mut waiting: mpsc::Receiver<oneshot::Sender<()>>) {
    while let Some(first) = waiting.recv().await {
        let mut askers = vec![first];
        while let Ok(more) = waiting.try_recv() {
            askers.push(more);
        }
        match tokio::time::timeout(WITHIN, backend.store.health()).await {
            Ok(Ok(last)) => {
                backend.cache.wait_for(last, WITHIN).await;
            }
            Ok(Err(error)) => tracing::debug!(%error, "the store cannot be asked for its last revision"),
            Err(_) => tracing::debug!("the store does not say its last revision"),
        }
        for asker in askers {
            // Who has gone meanwhile needs no answer.
            let _ = asker.send(()).is_ok();
        }
    }
}
