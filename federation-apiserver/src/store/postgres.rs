//! The store on PostgreSQL: the product's truth. SQL is only in this folder.
//!
//! Writes queue for one committer a process, which commits them in groups; the lock on one row orders the groups of all
//! processes. Own commits are fed to followers directly, others' are read from the log when a notification or a slow
//! tick says so. Nothing is acknowledged before PostgreSQL has it on disk. Absent: who starts PostgreSQL, and what a
//! body means.

mod batch;
mod commit;
mod committer;
mod encoding;
#[cfg(test)]
mod faults;
mod history;
mod listen;
mod log;
mod primary;
mod reseal;
mod restore;
mod retention;
mod seal;
mod session;
#[cfg(test)]
pub(super) mod test_server;

use std::sync::Arc;
use std::time::Duration;

use api::Revision;
use async_trait::async_trait;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::feed::Feed;
use super::{BODY_BYTES_MAX, Committed, Follow, Loaded, Store, StoreError, Write, WriteError};
use batch::Pending;
use committer::Committer;
use encoding::Encoding;
use log::Log;
use primary::Primary;

pub use restore::{RestoreError, load_once, restore};
pub use retention::Retention;
pub use seal::{Keyring, KeyringError};

/// Writes that may wait; more wait at the door, each in its own task.
const WRITES_QUEUED_MAX: usize = 4096;

/// How to reach PostgreSQL, and the store's bounds.
#[derive(Clone, Debug)]
pub struct PostgresConfig {
    /// One for each server that may be the one that takes writes.
    sessions: Vec<PgConnectOptions>,
    /// Writes in one transaction at most.
    pub batch_max: usize,
    /// How long a write is retried while PostgreSQL is away before it is answered with [`WriteError::Unavailable`].
    pub write_timeout: Duration,
    /// How long the log is kept.
    pub retention: Retention,
    /// What Secrets are sealed with; none where they are stored as they are.
    pub keyring: Option<Arc<Keyring>>,
}

impl PostgresConfig {
    /// The defaults for a database address: `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, or
    /// `postgres:///DATABASE?host=/SOCKET/DIRECTORY&user=USER`. Of several hosts, `@A:5432,B:5432/`, the one is used that takes
    /// writes.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the address cannot be read.
    pub fn parse(address: &str) -> Result<Self, StoreError> {
        let read = |address: String| address.parse::<PgConnectOptions>();
        let sessions: Result<Vec<_>, _> = primary::addresses(address).into_iter().map(read).collect();
        let sessions = sessions.map_err(|error| StoreError::Unavailable {
            doing: "read the database address",
            source: error.into(),
        })?;
        Ok(Self::of_servers(sessions))
    }

    /// The defaults for connection options.
    #[must_use]
    pub fn of(options: PgConnectOptions) -> Self {
        Self::of_servers(vec![options])
    }

    /// The same, with Secrets sealed.
    #[must_use]
    pub fn with_keyring(self, keyring: Option<Arc<Keyring>>) -> Self {
        Self { keyring, ..self }
    }

    fn of_servers(servers: Vec<PgConnectOptions>) -> Self {
        Self {
            sessions: servers.into_iter().map(session::configured).collect(),
            batch_max: 128,
            write_timeout: Duration::from_secs(10),
            retention: Retention::default(),
            keyring: None,
        }
    }
}

/// A [`Store`] on PostgreSQL 15 or newer. Dropping it stops its tasks; [`PostgresStore::close`] also waits for them.
#[derive(Debug)]
pub struct PostgresStore {
    queue: mpsc::Sender<Pending>,
    feed: Arc<Feed>,
    log: Arc<Log>,
    write_timeout: Duration,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl PostgresStore {
    /// Connects, brings the schema up to date, and starts the store's tasks.
    ///
    /// # Errors
    /// [`StoreError`] if PostgreSQL cannot be reached or its schema is not one this version knows.
    pub async fn connect(config: PostgresConfig) -> Result<Self, StoreError> {
        let PostgresConfig {
            sessions,
            batch_max,
            write_timeout,
            retention,
            keyring,
        } = config;
        let encoding = Encoding { keyring };
        let primary = Arc::new(Primary::find(sessions).await?);
        sqlx::migrate!("../migrations")
            .run(&primary.pool())
            .await
            .map_err(|error| StoreError::Unavailable {
                doing: "bring the database schema up to date",
                source: error.into(),
            })?;
        let log = Arc::new(Log::new(primary.clone(), encoding.clone()));
        let feed = Arc::new(Feed::new(log.head().await?));
        let (queue, writes) = mpsc::channel(WRITES_QUEUED_MAX);
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let behind = Arc::new(Notify::new());
        let committer = Committer::new(
            primary.clone(),
            writes,
            feed.clone(),
            behind.clone(),
            batch_max,
            encoding.clone(),
        );
        let primary_of_reseal = primary.clone();
        tasks.spawn(committer.run(stop.clone()));
        tasks.spawn(
            stop.clone()
                .run_until_cancelled_owned(listen::run(primary, log.clone(), feed.clone(), behind)),
        );
        tasks.spawn(
            stop.clone()
                .run_until_cancelled_owned(retention::run(log.clone(), retention)),
        );
        tasks.spawn(
            stop.clone()
                .run_until_cancelled_owned(reseal::run(primary_of_reseal, encoding)),
        );
        tasks.close();
        tracing::debug!(revision = %feed.head(), "PostgreSQL store opened");
        Ok(Self {
            queue,
            feed,
            log,
            write_timeout,
            stop,
            tasks,
        })
    }

    /// Commits what is queued, refuses what comes later, and ends followers and connections.
    pub async fn close(&self) {
        self.stop.cancel();
        self.tasks.wait().await;
        self.feed.close();
        self.log.close().await;
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.stop.cancel();
        self.feed.close();
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn write(&self, write: Write) -> Result<Committed, WriteError> {
        let size = write.change.body().len();
        let key = write.key.clone();
        if size > BODY_BYTES_MAX {
            return Err(WriteError::TooLarge {
                key,
                size,
                max: BODY_BYTES_MAX,
            });
        }
        let (answer, answered) = oneshot::channel();
        let pending = Pending {
            write,
            answer,
            deadline: Instant::now() + self.write_timeout,
        };
        if self.queue.send(pending).await.is_err() {
            return Err(WriteError::Closed { key });
        }
        answered.await.unwrap_or_else(|gone| {
            Err(WriteError::Unavailable {
                key,
                source: gone.into(),
            })
        })
    }

    async fn load(&self) -> Result<Loaded, StoreError> {
        self.log.load().await
    }

    fn follow(&self, after: Revision) -> Follow {
        Follow::new(after, &self.feed, self.log.clone())
    }

    async fn compact(&self, through: Revision) -> Result<Revision, StoreError> {
        self.log.compact(through).await
    }

    async fn health(&self) -> Result<Revision, StoreError> {
        self.log.head().await
    }
}
