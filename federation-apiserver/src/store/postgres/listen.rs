//! Bringing the commits of other processes to this one's followers.
//!
//! A notification says only that there is something; what it is is read from the log by cursor. Notifications get lost
//! with their connection, so every reconnection and a slow tick read as well. A tick that finds what no notification
//! announced means a deaf connection, which is replaced.

use std::sync::Arc;
use std::time::Duration;

use api::Revision;
use sqlx::postgres::PgListener;
use tokio::sync::Notify;

use super::commit::CHANNEL;
use super::history;
use super::log::Log;
use super::primary::Primary;
use super::session::{Backoff, CONNECT_TIMEOUT};
use crate::store::feed::Feed;
use crate::store::{Cause, StoreError};

/// How long a lost notification can delay others' commits.
const TICK: Duration = Duration::from_secs(3);
/// Commits read from the log at once.
const PAGE: usize = 256;

/// Follows the log until cancelled. `behind` wakes it when own commits wait for others'.
pub(super) async fn run(primary: Arc<Primary>, log: Arc<Log>, feed: Arc<Feed>, behind: Arc<Notify>) {
    let mut backoff = Backoff::new();
    loop {
        if let Err(error) = listen(&primary, &log, &feed, &behind, &mut backoff).await {
            tracing::warn!(error = &*error, "listening to PostgreSQL was interrupted");
            backoff.wait().await;
        }
    }
}

/// Listens on one connection until it is lost or deaf.
async fn listen(
    primary: &Primary,
    log: &Log,
    feed: &Feed,
    behind: &Notify,
    backoff: &mut Backoff,
) -> Result<(), Cause> {
    // Finds the server that takes writes now, and whether it has what was seen of it so far.
    let mut connection = primary.connect(std::convert::identity).await?;
    history::check(&mut connection, feed)
        .await
        .map_err(|failed| failed.cause)?;
    drop(connection);
    let mut listener = tokio::time::timeout(CONNECT_TIMEOUT, async {
        let mut listener = PgListener::connect_with(&primary.pool()).await?;
        listener.listen(CHANNEL).await?;
        Ok::<_, sqlx::Error>(listener)
    })
    .await??;
    // A new connection in here would be one we know nothing about; this function is the way to a new one.
    listener.eager_reconnect(false);
    catch_up(log, feed).await?;
    *backoff = Backoff::new();
    loop {
        let ticked = tokio::select! {
            () = behind.notified() => false,
            () = tokio::time::sleep(TICK) => true,
            received = listener.try_recv() => match received? {
                // Own commits are fed already when their notification comes back.
                Some(hint) if Revision::parse(hint.payload()).is_some_and(|revision| revision <= feed.head()) => continue,
                Some(_) => false,
                None => return Ok(()),
            },
        };
        let found = catch_up(log, feed).await?;
        if ticked && found > 0 {
            return Err(format!("{found} commits were not announced").into());
        }
    }
}

/// Reads the log to its end; how many commits were new.
async fn catch_up(log: &Log, feed: &Feed) -> Result<usize, StoreError> {
    let mut found = 0;
    loop {
        let before = feed.head();
        match log.page_after(before, PAGE).await {
            Ok((page, _)) if page.is_empty() => return Ok(found),
            Ok((page, made_by)) => {
                feed.offer(&page, made_by);
                found += page.len();
            }
            Err(StoreError::Compacted { floor: head, .. } | StoreError::Rewound { current: head, .. }) => {
                // Own commits may have moved the head meanwhile; then there is nothing to skip.
                if feed.head() == before {
                    tracing::warn!(from = %before, to = %head, "commits can no longer be read one by one");
                    feed.skip_to(head);
                }
            }
            Err(error) => return Err(error),
        }
    }
}
