//! How a connection to PostgreSQL is set up, and the rule that every exchange on it ends in time.

use std::time::Duration;

use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgConnection};

use crate::store::{Cause, Lack};

/// A connection that takes longer is not coming.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// An exchange within a commit that takes longer counts as a lost connection. Longer than `lock_timeout` below, so that
/// PostgreSQL's own word comes first.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(15);

/// Waits between attempts: doubling, with jitter.
#[derive(Debug)]
pub(super) struct Backoff(Duration);

impl Backoff {
    const MIN: Duration = Duration::from_millis(20);
    const MAX: Duration = Duration::from_secs(2);

    pub(super) fn new() -> Self {
        Self(Self::MIN)
    }

    pub(super) async fn wait(&mut self) {
        tokio::time::sleep(self.0.mul_f64(rand::random_range(0.5..1.0))).await;
        self.0 = (self.0 * 2).min(Self::MAX);
    }
}

/// Settings of every session, whatever the database's defaults are.
pub(super) fn configured(options: PgConnectOptions) -> PgConnectOptions {
    options.application_name("meridian").options([
        // What is acknowledged is on disk, and on a synchronous standby where there is one.
        ("synchronous_commit", "on"),
        // A process that stops in the middle of a commit must not hold up the others for longer.
        ("idle_in_transaction_session_timeout", "5s"),
        ("lock_timeout", "10s"),
        ("statement_timeout", "60s"),
        // Statements are short; compiling one costs more than running it.
        ("jit", "off"),
        // A plan made for an empty table would stay after the table has grown.
        ("plan_cache_mode", "force_custom_plan"),
    ])
}

/// The settings of the connection that commits: one plan for its one statement, by index whatever the tables' sizes were
/// when it was made.
pub(super) fn committing(options: PgConnectOptions) -> PgConnectOptions {
    options.options([
        ("plan_cache_mode", "force_generic_plan"),
        ("enable_seqscan", "off"),
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
    ])
}

/// Opens a connection in bounded time.
pub(super) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, Cause> {
    Ok(tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(options)).await??)
}

/// Runs one exchange in bounded time.
pub(super) async fn exchange<T>(work: impl Future<Output = sqlx::Result<T>>) -> Result<T, Failed> {
    match tokio::time::timeout(EXCHANGE_TIMEOUT, work).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(Failed {
            lack: lack(&error),
            cause: error.into(),
        }),
        Err(late) => Err(Failed {
            lack: Lack::Reach,
            cause: late.into(),
        }),
    }
}

/// An exchange that did not work out.
#[derive(Debug)]
pub(super) struct Failed {
    /// [`Lack::Form`]: PostgreSQL refuses what was sent, and would again.
    pub(super) lack: Lack,
    pub(super) cause: Cause,
}

impl Failed {
    /// No connection came about.
    pub(super) fn to_connect(cause: Cause) -> Self {
        let lack = cause.downcast_ref().map_or(Lack::Reach, lack);
        Self { lack, cause }
    }
}

/// What is missing, by PostgreSQL's code: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn lack(error: &sqlx::Error) -> Lack {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    match code.as_deref() {
        Some("53100") => Lack::Disk,
        Some("53300") => Lack::Connections,
        Some("25006") => Lack::Writable,
        // Classes: data exception, integrity constraint, program limit exceeded.
        Some(code) if ["22", "23", "54"].iter().any(|class| code.starts_with(class)) => Lack::Form,
        _ if matches!(error, sqlx::Error::Encode(_)) => Lack::Form,
        _ => Lack::Reach,
    }
}
