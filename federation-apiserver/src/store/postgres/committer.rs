//! The one task of a process that commits: takes what waits, commits it as one transaction, answers each writer.
//!
//! While a batch is in flight the next one collects; there is no artificial delay. A lost connection before COMMIT is
//! retried until the writers' deadline; one during COMMIT is looked up in the log first. Success is answered only for
//! what PostgreSQL has confirmed or the log shows.

use std::collections::VecDeque;
use std::sync::Arc;

use sqlx::postgres::PgConnection;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::batch::{self, Pending};
use super::commit::{self, CommitError, Results};
use super::encoding::Encoding;
use super::history;
use super::primary::Primary;
use super::session::{self, Backoff, Failed};
use crate::store::feed::{Feed, Offered};
use crate::store::{Cause, Lack, WriteError};
use api::Revision;

#[derive(Debug)]
pub(super) struct Committer {
    primary: Arc<Primary>,
    connection: Option<PgConnection>,
    queue: mpsc::Receiver<Pending>,
    held: VecDeque<Pending>,
    feed: Arc<Feed>,
    /// Wakes the log reader when others' commits came before ours.
    behind: Arc<Notify>,
    batch_max: usize,
    encoding: Encoding,
    /// Random; marks the commits of this process among those of all.
    process: i32,
}

/// How a batch ended.
enum Ended {
    /// The results, and the transaction.
    Done(Results, i64),
    /// Not done: PostgreSQL will not take something in it, or time is over.
    NotDone(Failed),
    /// Not known to be done, and out of time.
    Unknown(Cause),
}

/// Why one attempt has no results.
enum NoResults {
    /// It did not happen and may be tried again.
    NotDone(Failed),
    /// It may have happened: trying again could answer a success with a conflict.
    Unknown(Cause),
}

impl Committer {
    pub(super) fn new(
        primary: Arc<Primary>,
        queue: mpsc::Receiver<Pending>,
        feed: Arc<Feed>,
        behind: Arc<Notify>,
        batch_max: usize,
        encoding: Encoding,
    ) -> Self {
        let batch_max = batch_max.max(1);
        Self {
            primary,
            connection: None,
            queue,
            held: VecDeque::new(),
            feed,
            behind,
            batch_max,
            encoding,
            process: rand::random(),
        }
    }

    /// Commits until told to stop, then what is still queued.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        loop {
            if self.held.is_empty() {
                let first = tokio::select! {
                    biased;
                    () = stop.cancelled(), if !self.queue.is_closed() => {
                        self.queue.close();
                        continue;
                    }
                    first = self.queue.recv() => first,
                };
                let Some(first) = first else { return };
                self.held.push_back(first);
            }
            let batch = batch::next(&mut self.held, self.batch_max, || self.queue.try_recv().ok());
            self.commit(batch).await;
        }
    }

    async fn commit(&mut self, batch: Vec<Pending>) {
        let begun = Instant::now();
        let size = batch.len();
        match self.attempt(&batch).await {
            Ended::Done(results, made_by) => {
                metrics::histogram!("meridian_store_commit_duration_seconds").record(begun.elapsed().as_secs_f64());
                metrics::histogram!("meridian_store_batch_size").record(size as f64);
                let commits: Vec<_> = results
                    .iter()
                    .filter_map(|result| result.as_ref().ok())
                    .cloned()
                    .collect();
                if self.feed.offer(&commits, made_by) == Offered::Gap {
                    self.behind.notify_one();
                }
                for (pending, result) in batch.into_iter().zip(results) {
                    pending.answer(result);
                }
            }
            Ended::NotDone(Failed {
                lack: Lack::Form,
                cause,
            }) if size > 1 => {
                // One write must not fail the others: each goes alone, and the culprit gets the answer.
                tracing::warn!(
                    error = &*cause,
                    size,
                    "PostgreSQL refused a batch; its writes go one by one"
                );
                for pending in batch {
                    Box::pin(self.commit(vec![pending])).await;
                }
            }
            Ended::NotDone(Failed { lack, cause }) => {
                tracing::warn!(error = &*cause, size, "writes are refused: {lack}");
                let source = Shared(cause.into());
                for pending in batch {
                    let key = pending.write.key.clone();
                    let source = Box::new(source.clone());
                    pending.answer(Err(WriteError::NotTaken { key, lack, source }));
                }
            }
            Ended::Unknown(cause) => {
                tracing::warn!(error = &*cause, size, "it is unknown whether writes happened");
                let source = Shared(cause.into());
                for pending in batch {
                    let key = pending.write.key.clone();
                    let source = Box::new(source.clone());
                    pending.answer(Err(WriteError::Unavailable { key, source }));
                }
            }
        }
    }

    /// Tries until there are results, the content is refused, or time is over; at least once.
    async fn attempt(&mut self, batch: &[Pending]) -> Ended {
        let deadline = batch
            .iter()
            .map(|pending| pending.deadline)
            .min()
            .unwrap_or_else(Instant::now);
        let mut backoff = Backoff::new();
        loop {
            let failed = match self.run_once(batch, deadline).await {
                Ok((results, made_by)) => return Ended::Done(results, made_by),
                Err(NoResults::Unknown(cause)) => return Ended::Unknown(cause),
                Err(NoResults::NotDone(failed)) => failed,
            };
            if failed.lack == Lack::Form || Instant::now() >= deadline {
                return Ended::NotDone(failed);
            }
            tracing::debug!(error = &*failed.cause, "a batch did not go through and is tried again");
            backoff.wait().await;
        }
    }

    async fn run_once(&mut self, batch: &[Pending], deadline: Instant) -> Result<(Results, i64), NoResults> {
        let mut connection = self.connect().await.map_err(NoResults::NotDone)?;
        // The upper half tells whose commit a row of the log is, the lower one which.
        let batch_id = i64::from(self.process) << 32 | i64::from(rand::random::<u32>());
        match commit::run(&mut connection, batch, batch_id, &self.encoding).await {
            Ok(results) => {
                // Only a connection that is in a known state is used again.
                self.connection = Some(connection);
                Ok((results, batch_id))
            }
            Err(CommitError::NotDone(failed)) => Err(NoResults::NotDone(failed)),
            Err(CommitError::Unknown { base, results, failed }) => {
                drop(connection);
                tracing::warn!(
                    error = &*failed.cause,
                    "connection lost in COMMIT; asking the log what happened"
                );
                match self.find_out(batch_id, base, deadline).await {
                    Some(true) => Ok((results, batch_id)),
                    Some(false) => Err(NoResults::NotDone(Failed {
                        lack: Lack::Reach,
                        ..failed
                    })),
                    None => Err(NoResults::Unknown(Box::new(OutcomeUnknown(failed.cause)))),
                }
            }
        }
    }

    /// Asks until there is an answer or time is over.
    async fn find_out(&mut self, batch_id: i64, base: Revision, deadline: Instant) -> Option<bool> {
        let mut backoff = Backoff::new();
        loop {
            let asked = async {
                let mut connection = self.connect().await?;
                let answer = commit::happened(&mut connection, batch_id, base).await?;
                self.connection = Some(connection);
                Ok::<_, Failed>(answer)
            };
            match asked.await {
                Ok(answer) => return answer,
                Err(failed) if Instant::now() >= deadline => {
                    tracing::warn!(error = &*failed.cause, "the log could not be asked in time");
                    return None;
                }
                Err(failed) => tracing::debug!(error = &*failed.cause, "the log cannot be asked yet"),
            }
            backoff.wait().await;
        }
    }

    async fn connect(&mut self) -> Result<PgConnection, Failed> {
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => {
                let connected = self.primary.connect(session::committing).await;
                let mut connection = connected.map_err(Failed::to_connect)?;
                // Before anything is committed on top of it.
                history::check(&mut connection, &self.feed).await?;
                Ok(connection)
            }
        }
    }
}

/// One cause for all writers of a batch.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
struct Shared(Arc<dyn std::error::Error + Send + Sync>);

/// The end of a commit was not heard and could not be looked up.
#[derive(Debug, thiserror::Error)]
#[error("the connection broke in COMMIT and the log could not be asked")]
struct OutcomeUnknown(#[source] Cause);
