//! Whether the database still holds what this process has seen of it.
//!
//! A standby that is promoted may lack the last commits of the server before it. The process that has seen them must not go on
//! as if nothing had happened: revisions that were given out would mean other commits by now. In: the last commit that was
//! seen, and the transaction that made it. Out: yes; or a history that begins anew, above every revision that was ever
//! given out, so that every client of the old one is told that its past is gone. Nothing of that happens with synchronous
//! replication: then the promoted server has all that was acknowledged.

use api::Revision;
use sqlx::Row;
use sqlx::postgres::PgConnection;

use super::log::{number, revision_of};
use super::restore::JUMP;
use super::session::{Failed, exchange};
use crate::store::Lack;
use crate::store::feed::{Feed, Seen};

/// Compares what was seen with the database on a new connection, and begins a new history where they differ.
pub(super) async fn check(connection: &mut PgConnection, feed: &Feed) -> Result<(), Failed> {
    let Some(seen) = feed.seen() else { return Ok(()) };
    if holds(connection, seen).await? {
        return Ok(());
    }
    let begins = begin_anew(connection, seen.revision).await?;
    tracing::error!(
        last = %seen.revision, begins = %begins,
        "PostgreSQL lacks commits that were acknowledged: a standby took over that did not have them, or an older copy. What it \
         has is served from now on, and every client lists anew. Next: docs/backup.md, section on fail-over"
    );
    metrics::counter!("meridian_store_histories_lost_total").increment(1);
    feed.skip_to(begins);
    Ok(())
}

async fn holds(connection: &mut PgConnection, seen: Seen) -> Result<bool, Failed> {
    let query =
        "SELECT m.compacted, m.revision, (SELECT l.batch FROM log l WHERE l.revision = $1) AS batch FROM meta m";
    let row = exchange(sqlx::query(query).bind(number(seen.revision)).fetch_one(connection)).await?;
    let broken = |error: crate::store::Cause| Failed {
        lack: Lack::Reach,
        cause: error,
    };
    let compacted = revision_of(&row, "compacted").map_err(|error| broken(error.into()))?;
    let batch: Option<i64> = row.try_get("batch").map_err(|error| broken(error.into()))?;
    Ok(match batch {
        Some(batch) => batch == seen.batch,
        // It was cut off at the old end; whoever follows from there is told so.
        None => seen.revision <= compacted,
    })
}

/// Moves the history above a revision that it lacks, unless another process has done so already. Returns where it begins.
async fn begin_anew(connection: &mut PgConnection, lacking: Revision) -> Result<Revision, Failed> {
    let query = "UPDATE meta SET revision = greatest(revision, $1) + $2, compacted = greatest(revision, $1) + $2, \
                 epoch = gen_random_uuid() WHERE compacted < $1";
    exchange(
        sqlx::query(query)
            .bind(number(lacking))
            .bind(JUMP)
            .execute(&mut *connection),
    )
    .await?;
    let row = exchange(sqlx::query("SELECT revision FROM meta").fetch_one(connection)).await?;
    revision_of(&row, "revision").map_err(|error| Failed {
        lack: Lack::Reach,
        cause: error.into(),
    })
}

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, Connection, Executor};

    use super::*;
    use crate::store::contract::{put, read};
    use crate::store::postgres::test_server;
    use crate::store::{Expect, PostgresStore, Store, StoreError};

    #[tokio::test]
    async fn a_database_that_lacks_commits_begins_a_new_history() {
        let config = test_server::database().await;
        let (ours, theirs) = (
            PostgresStore::connect(config.clone()).await.unwrap(),
            PostgresStore::connect(config.clone()).await.unwrap(),
        );
        let begin = ours.health().await.unwrap();
        let (mut follow, mut other) = (ours.follow(begin), theirs.follow(begin));
        for name in ["a", "b", "lost"] {
            ours.write(put(name, Expect::Absent, "{}")).await.unwrap();
        }
        let last = read(&mut follow, 3).await[2].revision;
        read(&mut other, 3).await;
        // What a promoted standby looks like that never heard of the last commit; others have written on it since.
        let mut connection = PgConnection::connect_with(&config.sessions[0]).await.unwrap();
        let back = format!(
            "DELETE FROM objects WHERE name = 'lost'; UPDATE log SET batch = 0, name = 'instead' WHERE revision = {last}"
        );
        connection.execute(sqlx::raw_sql(AssertSqlSafe(back))).await.unwrap();
        test_server::cut_connections(&config).await;

        let later = ours.write(put("later", Expect::Absent, "{}")).await.unwrap();
        assert!(
            later.revision.get() > last.get() + 1000,
            "{} after {last}",
            later.revision
        );
        for follow in [&mut follow, &mut other] {
            let told = loop {
                match tokio::time::timeout(std::time::Duration::from_secs(20), follow.next())
                    .await
                    .unwrap()
                {
                    Err(error @ StoreError::Unavailable { .. }) => tracing::debug!(%error, "not yet"),
                    told => break told,
                }
            };
            assert!(matches!(told, Err(StoreError::Compacted { .. })), "{told:?}");
        }
        let loaded = theirs.load().await.unwrap();
        let names: Vec<&str> = loaded.objects.iter().map(|object| &*object.key.name).collect();
        assert_eq!(names, ["a", "b", "later"]);
        assert_eq!(
            loaded.revision, later.revision,
            "one new history, whoever noticed first"
        );
    }

    #[tokio::test]
    async fn a_lost_connection_alone_changes_nothing() {
        let config = test_server::database().await;
        let store = PostgresStore::connect(config.clone()).await.unwrap();
        let first = store.write(put("a", Expect::Absent, "{}")).await.unwrap();
        test_server::cut_connections(&config).await;
        let second = store.write(put("b", Expect::Absent, "{}")).await.unwrap();
        assert_eq!(second.revision, first.revision.next());
    }
}
