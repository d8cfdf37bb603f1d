//! One transaction for a batch of writes, and finding out what became of one whose end was not heard.
//!
//! First statement: the lock on the meta row, which orders all commits of all processes. Second, on a snapshot that is
//! newer than the lock: check each write's expected version, write current rows and log rows, move the revision by the
//! number that fit. Writes that do not fit take no revision and do not harm the others. Then one notification and COMMIT.

use api::Revision;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Row};

use super::batch::Pending;
use super::encoding::Encoding;
use super::log::{number, revision_of};
use super::session::{Failed, exchange};
use crate::store::{Change, Committed, Expect, Lack, Op, WriteError};

/// The channel on which followers are woken. Its payload is a hint which revision there is, never more.
pub(super) const CHANNEL: &str = "meridian_log";

/// What the transaction did with each write of the batch, in its order.
pub(super) type Results = Vec<Result<Committed, WriteError>>;

/// Why a batch has no results yet.
#[derive(Debug)]
pub(super) enum CommitError {
    /// It did not happen.
    NotDone(Failed),
    /// COMMIT was sent and its answer was not heard.
    Unknown {
        /// The last revision before the batch.
        base: Revision,
        /// What holds if it did happen.
        results: Results,
        failed: Failed,
    },
}

/// Runs the transaction. `batch_id` marks its log rows; its upper half is the process.
pub(super) async fn run(
    connection: &mut PgConnection,
    batch: &[Pending],
    batch_id: i64,
    encoding: &Encoding,
) -> Result<Results, CommitError> {
    let base = lock(connection).await.map_err(CommitError::NotDone)?.revision;
    let rows = write_rows(connection, batch, batch_id, base, encoding)
        .await
        .map_err(CommitError::NotDone)?;
    let results = results(batch, &rows).map_err(CommitError::NotDone)?;
    let Some(last) = results
        .iter()
        .rev()
        .find_map(|result| result.as_ref().ok())
        .map(|commit| commit.revision)
    else {
        exchange(sqlx::raw_sql("ROLLBACK").execute(connection))
            .await
            .map_err(CommitError::NotDone)?;
        return Ok(results);
    };
    let end = format!("NOTIFY {CHANNEL}, '{last}'; COMMIT");
    match exchange(sqlx::raw_sql(AssertSqlSafe(end)).execute(connection)).await {
        Ok(_) => Ok(results),
        Err(failed) => Err(CommitError::Unknown { base, results, failed }),
    }
}

struct Locked {
    revision: Revision,
    compacted: Revision,
}

/// Begins a transaction and takes the lock that orders commits.
async fn lock(connection: &mut PgConnection) -> Result<Locked, Failed> {
    let statement = "BEGIN; SELECT revision, compacted FROM meta FOR UPDATE";
    let row = exchange(sqlx::raw_sql(statement).fetch_one(connection)).await?;
    let read = |column| {
        revision_of(&row, column).map_err(|error| Failed {
            lack: Lack::Reach,
            cause: error.into(),
        })
    };
    Ok(Locked {
        revision: read("revision")?,
        compacted: read("compacted")?,
    })
}

const WRITE: &str = r"
WITH input AS (
    SELECT * FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::boolean[], $9::bytea[],
                         $10::bigint[])
        WITH ORDINALITY AS i (kind, namespace, name, uid, expected, deletes, body, based_on, place)
), others AS (
    SELECT l.kind, max(l.revision) AS revision FROM log l
    WHERE l.revision > (SELECT min(based_on) FROM input)
      AND l.kind IN (SELECT kind FROM input WHERE based_on IS NOT NULL) AND l.batch >> 32 <> $2 >> 32
    GROUP BY l.kind
), seen AS (
    SELECT i.*, o.revision AS current, o.created_revision AS created,
           coalesce(x.revision > i.based_on, false) AS outdated,
           CASE WHEN x.revision > i.based_on THEN false
                WHEN i.expected IS NULL THEN o.revision IS NULL AND NOT i.deletes
                ELSE coalesce(o.revision = i.expected, false) END AS fits
    FROM input i LEFT JOIN objects o USING (kind, namespace, name) LEFT JOIN others x USING (kind)
), taken AS (
    SELECT *, $1 + row_number() OVER (ORDER BY place) AS revision FROM seen WHERE fits
), put AS (
    INSERT INTO objects (kind, namespace, name, uid, revision, created_revision, body)
    SELECT kind, namespace, name, uid, revision, coalesce(created, revision), body FROM taken WHERE NOT deletes
    ON CONFLICT (kind, namespace, name) DO UPDATE
        SET uid = excluded.uid, revision = excluded.revision, created_revision = excluded.created_revision,
            body = excluded.body
), removed AS (
    DELETE FROM objects o USING taken t
    WHERE t.deletes AND o.kind = t.kind AND o.namespace = t.namespace AND o.name = t.name
), logged AS (
    INSERT INTO log (revision, batch, op, kind, namespace, name, uid, created_revision, body)
    SELECT revision, $2, CASE WHEN deletes THEN 3 WHEN created IS NULL THEN 1 ELSE 2 END,
           kind, namespace, name, uid, coalesce(created, revision), body
    FROM taken
), moved AS (
    UPDATE meta SET revision = $1 + (SELECT count(*) FROM taken) WHERE only_row AND EXISTS (SELECT FROM taken)
)
SELECT s.current, s.created, s.outdated, t.revision FROM seen s LEFT JOIN taken t USING (place) ORDER BY place";

async fn write_rows(
    connection: &mut PgConnection,
    batch: &[Pending],
    batch_id: i64,
    base: Revision,
    encoding: &Encoding,
) -> Result<Vec<PgRow>, Failed> {
    let writes = || batch.iter().map(|pending| &pending.write);
    let bodies: Result<Vec<_>, _> = writes()
        .map(|write| encoding.encode(&write.key, write.change.body()))
        .collect();
    let bodies = bodies.map_err(|error| Failed {
        lack: Lack::Reach,
        cause: error.into(),
    })?;
    let query = sqlx::query(WRITE)
        .bind(number(base))
        .bind(batch_id)
        .bind(writes().map(|write| write.key.kind.as_str()).collect::<Vec<_>>())
        .bind(writes().map(|write| &*write.key.namespace).collect::<Vec<_>>())
        .bind(writes().map(|write| &*write.key.name).collect::<Vec<_>>())
        .bind(writes().map(|write| &*write.uid).collect::<Vec<_>>())
        .bind(writes().map(|write| expected(write.expect)).collect::<Vec<_>>())
        .bind(
            writes()
                .map(|write| matches!(write.change, Change::Delete(_)))
                .collect::<Vec<_>>(),
        )
        .bind(bodies.iter().map(|body| &**body).collect::<Vec<&[u8]>>())
        .bind(writes().map(|write| write.based_on.map(number)).collect::<Vec<_>>());
    exchange(query.fetch_all(connection)).await
}

fn expected(expect: Expect) -> Option<i64> {
    match expect {
        Expect::Absent => None,
        Expect::Revision(revision) => Some(number(revision)),
    }
}

/// Pairs each write with its row.
fn results(batch: &[Pending], rows: &[PgRow]) -> Result<Results, Failed> {
    let broken = |cause: crate::store::Cause| Failed {
        lack: Lack::Reach,
        cause,
    };
    if rows.len() != batch.len() {
        return Err(broken(
            format!("{} writes gave {} results", batch.len(), rows.len()).into(),
        ));
    }
    let read = |row: &PgRow, column: &str| -> Result<Option<Revision>, Failed> {
        let number: Option<i64> = row.try_get(column).map_err(|error| broken(error.into()))?;
        Ok(number
            .and_then(|number| u64::try_from(number).ok())
            .and_then(Revision::new))
    };
    let result = |(pending, row): (&Pending, &PgRow)| {
        let write = &pending.write;
        let key = write.key.clone();
        let (current, created) = (read(row, "current")?, read(row, "created")?);
        let Some(revision) = read(row, "revision")? else {
            let outdated: bool = row.try_get("outdated").map_err(|error| broken(error.into()))?;
            return Ok(Err(match (write.expect, current) {
                (Expect::Absent | Expect::Revision(_), _) if outdated => WriteError::Outdated { key },
                (Expect::Absent, Some(_)) => WriteError::Exists { key },
                (Expect::Absent | Expect::Revision(_), current) => WriteError::Conflict { key, current },
            }));
        };
        let op = match (&write.change, created) {
            (Change::Delete(_), _) => Op::Deleted,
            (Change::Put(_), None) => Op::Created,
            (Change::Put(_), Some(_)) => Op::Updated,
        };
        let created_revision = created.unwrap_or(revision);
        Ok(Ok(Committed {
            key,
            uid: write.uid.clone(),
            op,
            revision,
            created_revision,
            body: write.change.body().clone(),
        }))
    };
    batch.iter().zip(rows).map(result).collect()
}

/// Whether a batch with an unknown outcome was committed, asked on a new connection. None: the log is too short to tell.
pub(super) async fn happened(
    connection: &mut PgConnection,
    batch_id: i64,
    base: Revision,
) -> Result<Option<bool>, Failed> {
    // The lock waits for a backend that may still be committing behind the broken connection.
    let Locked { compacted, .. } = lock(connection).await?;
    let query = "SELECT EXISTS (SELECT FROM log WHERE revision > $1 AND batch = $2)";
    let found: bool = exchange(
        sqlx::query_scalar(query)
            .bind(number(base))
            .bind(batch_id)
            .fetch_one(&mut *connection),
    )
    .await?;
    exchange(sqlx::raw_sql("ROLLBACK").execute(connection)).await?;
    Ok(if found || compacted <= base { Some(found) } else { None })
}

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, Connection, Row};

    use super::super::{PostgresStore, session, test_server};
    use super::*;
    use crate::store::{KindKey, ObjectKey, Store, Write};

    #[tokio::test]
    async fn the_write_finds_its_rows_by_index() {
        let config = test_server::database().await;
        PostgresStore::connect(config.clone()).await.unwrap().close().await;
        let mut connection = PgConnection::connect_with(&session::committing(config.sessions[0].clone()))
            .await
            .unwrap();
        let prepare = format!("PREPARE write AS {WRITE}");
        sqlx::raw_sql(AssertSqlSafe(prepare))
            .execute(&mut connection)
            .await
            .unwrap();
        let explain = "EXPLAIN EXECUTE write(1, 1, '{a}', '{a}', '{a}', '{a}', '{1}', '{f}', '{a}', '{1}')";
        let plan = sqlx::raw_sql(explain).fetch_all(&mut connection).await.unwrap();
        let plan = plan
            .iter()
            .map(|row| row.get::<String, _>(0))
            .collect::<Vec<_>>()
            .join("\n");
        assert!(!plan.contains("Seq Scan"), "{plan}");
        assert_eq!(plan.matches("Index Scan using objects_pkey").count(), 2, "{plan}");
    }

    fn service(name: &str, based_on: Option<Revision>) -> Write {
        Write {
            key: ObjectKey::new(&KindKey::new("", "services"), "shop", name),
            uid: name.into(),
            expect: Expect::Absent,
            based_on,
            change: Change::Put("{}".into()),
        }
    }

    #[tokio::test]
    async fn what_rests_on_all_of_a_kind_is_outdated_by_other_processes_only() {
        let config = test_server::database().await;
        let (ours, theirs) = (
            PostgresStore::connect(config.clone()).await.unwrap(),
            PostgresStore::connect(config).await.unwrap(),
        );
        let begin = ours.health().await.unwrap();
        ours.write(service("a", Some(begin))).await.unwrap();
        ours.write(service("b", Some(begin))).await.unwrap();
        theirs.write(service("c", None)).await.unwrap();
        let outdated = ours.write(service("d", Some(begin))).await.unwrap_err();
        assert!(matches!(outdated, WriteError::Outdated { .. }), "{outdated}");
        let mut other = service("d", Some(begin));
        other.key = ObjectKey::new(&KindKey::new("", "configmaps"), "shop", "d");
        ours.write(other).await.unwrap();
        let seen = ours.health().await.unwrap();
        ours.write(service("d", Some(seen))).await.unwrap();
    }
}
