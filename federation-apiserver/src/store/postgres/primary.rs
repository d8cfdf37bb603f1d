//! Which of several PostgreSQL servers takes writes, and connections to it.
//!
//! In: the addresses of a cluster of servers, as libpq writes them (`postgres://USER@A,B/DATABASE`). Out: connections to the one
//! that is not in recovery, and a pool for readers that follows it. The one in use is asked first, so that nothing moves
//! while it works. Absent: deciding who is promoted, and fencing the server before it: that is what runs PostgreSQL.

use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};

use super::session;
use crate::store::{Cause, StoreError};

/// Connections for reading, listening and compaction; commits have one of their own.
const READERS_MAX: u32 = 4;
/// Parameter by which libpq chooses among servers; here it is always the one that takes writes.
const CHOICE: &str = "target_session_attrs";

/// The servers, and which one is in use.
#[derive(Debug)]
pub(super) struct Primary {
    candidates: Vec<PgConnectOptions>,
    at: AtomicUsize,
    pool: ArcSwap<PgPool>,
}

impl Primary {
    /// Finds the server that takes writes.
    pub(super) async fn find(candidates: Vec<PgConnectOptions>) -> Result<Self, StoreError> {
        let away = |source: Cause| StoreError::Unavailable {
            doing: "connect to PostgreSQL",
            source,
        };
        let none = || away("no address is given".into());
        let first = candidates.first().ok_or_else(none)?;
        let primary = Self {
            pool: ArcSwap::from_pointee(pool(first)),
            at: AtomicUsize::new(0),
            candidates,
        };
        // The first connection proves that there is one, and which.
        drop(primary.connect(std::convert::identity).await.map_err(away)?);
        Ok(primary)
    }

    /// The pool for readers.
    pub(super) fn pool(&self) -> PgPool {
        PgPool::clone(&self.pool.load())
    }

    /// A connection of its own to the server that takes writes.
    pub(super) async fn connect(
        &self,
        settings: fn(PgConnectOptions) -> PgConnectOptions,
    ) -> Result<PgConnection, Cause> {
        let count = self.candidates.len();
        let start = self.at.load(Ordering::Relaxed);
        let mut last: Cause = "no address is given".into();
        for place in (start..start + count).map(|place| place % count) {
            let Some(options) = self.candidates.get(place) else {
                continue;
            };
            match writable(settings(options.clone()), count > 1).await {
                Ok(connection) => {
                    if place != start {
                        self.move_to(place, options);
                    }
                    return Ok(connection);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn move_to(&self, place: usize, options: &PgConnectOptions) {
        tracing::warn!(
            host = options.get_host(),
            port = options.get_port(),
            "another PostgreSQL server takes writes now"
        );
        self.at.store(place, Ordering::Relaxed);
        let before = self.pool.swap(std::sync::Arc::new(pool(options)));
        tokio::spawn(async move { before.close().await });
    }

    pub(super) async fn close(&self) {
        self.pool().close().await;
    }
}

fn pool(options: &PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(READERS_MAX)
        .acquire_timeout(session::CONNECT_TIMEOUT)
        .connect_lazy_with(options.clone())
}

/// Connects; where there are others to try, only to a server that takes writes.
async fn writable(options: PgConnectOptions, choosing: bool) -> Result<PgConnection, Cause> {
    let mut connection = session::connect(&options).await?;
    if choosing {
        let query = sqlx::query_scalar("SELECT pg_is_in_recovery()").fetch_one(&mut connection);
        let in_recovery: bool = tokio::time::timeout(session::CONNECT_TIMEOUT, query).await??;
        if in_recovery {
            return Err("it is a standby and takes no writes".into());
        }
    }
    Ok(connection)
}

/// One address for each server that an address with several hosts names. Other parameters hold for all.
pub(super) fn addresses(address: &str) -> Vec<String> {
    let Some((scheme, rest)) = address.split_once("://") else {
        return vec![address.to_owned()];
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let (user, hosts) = match authority.rsplit_once('@') {
        Some((user, hosts)) => (format!("{user}@"), hosts),
        None => (String::new(), authority),
    };
    let tail = without_choice(tail);
    hosts
        .split(',')
        .map(|host| format!("{scheme}://{user}{host}{tail}"))
        .collect()
}

fn without_choice(tail: &str) -> String {
    let Some((path, query)) = tail.split_once('?') else {
        return tail.to_owned();
    };
    let others: Vec<&str> = query
        .split('&')
        .filter(|pair| pair.split('=').next() != Some(CHOICE))
        .collect();
    if others.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", others.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_a_server() {
        assert_eq!(
            addresses("postgres://me:p,w@a:5433,b,[::1]:7/hub?target_session_attrs=read-write&sslmode=require"),
            [
                "postgres://me:p,w@a:5433/hub?sslmode=require",
                "postgres://me:p,w@b/hub?sslmode=require",
                "postgres://me:p,w@[::1]:7/hub?sslmode=require"
            ]
        );
        assert_eq!(addresses("postgres:///hub?host=/run"), ["postgres:///hub?host=/run"]);
        assert_eq!(
            addresses("postgres://a,b/hub?target_session_attrs=any"),
            ["postgres://a/hub", "postgres://b/hub"]
        );
    }
}
