//! Whole states: read once without serving, or written into an empty database.
//!
//! In: a database, a snapshot. Out: a snapshot, or a database whose history begins anew after it. What watched the old history
//! is told that it is gone: the new one begins [`JUMP`] revisions later, so that no revision of the lost part means
//! anything in it. Absent: formats (`store::backup`).

use std::sync::Arc;

use api::Revision;
use sqlx::{PgPool, Row};

use super::PostgresConfig;
use super::encoding::Encoding;
use super::log::{Log, number};
use super::primary::Primary;
use crate::store::{Committed, Loaded, StoreError};

/// How many revisions a restored history leaves out: more than a hub commits between two backups.
pub(super) const JUMP: i64 = 1 << 33;
/// Objects in one statement.
const ROWS: usize = 500;

/// Why a database was not restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is something in it.
    #[error(
        "the database is not empty: it holds {0} objects; next: restore into an empty database, nothing was changed"
    )]
    NotEmpty(i64),
    /// A statement failed; nothing was changed.
    #[error("the restore failed and nothing was changed")]
    Failed(#[source] sqlx::Error),
}

/// Everything in a database at one revision. It may be in use meanwhile; nothing is changed, not even an older schema.
///
/// # Errors
/// [`StoreError`] if the database cannot be reached or read.
pub async fn load_once(config: PostgresConfig) -> Result<Loaded, StoreError> {
    let log = Log::new(
        Arc::new(Primary::find(config.sessions).await?),
        Encoding {
            keyring: config.keyring,
        },
    );
    let loaded = log.load().await;
    log.close().await;
    loaded
}

/// Fills an empty database with a snapshot, in one transaction. Returns the revision at which its history begins.
///
/// # Errors
/// [`RestoreError`]; the database is then as it was, except that its schema is up to date.
pub async fn restore(config: PostgresConfig, snapshot: &Loaded) -> Result<Revision, RestoreError> {
    let encoding = Encoding {
        keyring: config.keyring,
    };
    let primary = Primary::find(config.sessions).await?;
    let pool = primary.pool();
    let migrated = sqlx::migrate!("../migrations").run(&pool).await;
    migrated.map_err(|error| StoreError::Unavailable {
        doing: "bring the database schema up to date",
        source: error.into(),
    })?;
    let restored = fill(&pool, snapshot, &encoding).await;
    pool.close().await;
    restored
}

async fn fill(pool: &PgPool, snapshot: &Loaded, encoding: &Encoding) -> Result<Revision, RestoreError> {
    let failed = RestoreError::Failed;
    let mut transaction = pool.begin().await.map_err(failed)?;
    // The lock that orders commits: whoever writes at the same time waits, and then finds another history.
    sqlx::query("SELECT revision FROM meta FOR UPDATE")
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed)?;
    let count = sqlx::query("SELECT count(*) AS objects FROM objects")
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed)?;
    let there: i64 = count.try_get("objects").map_err(failed)?;
    if there > 0 {
        return Err(RestoreError::NotEmpty(there));
    }
    for objects in snapshot.objects.chunks(ROWS) {
        insert(&mut transaction, objects, encoding).await.map_err(failed)?;
    }
    let begins = number(snapshot.revision).saturating_add(JUMP);
    sqlx::query("DELETE FROM log")
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    sqlx::query("UPDATE meta SET revision = $1, compacted = $1, epoch = gen_random_uuid()")
        .bind(begins)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    let begins = u64::try_from(begins).ok().and_then(Revision::new);
    Ok(begins.unwrap_or(snapshot.revision))
}

async fn insert(
    transaction: &mut sqlx::Transaction<'_, sqlx::Postgres>,
    objects: &[Committed],
    encoding: &Encoding,
) -> Result<(), sqlx::Error> {
    let texts = |of: fn(&Committed) -> &str| objects.iter().map(|object| of(object).to_owned()).collect::<Vec<_>>();
    let numbers = |of: fn(&Committed) -> Revision| objects.iter().map(|object| number(of(object))).collect::<Vec<_>>();
    let bodies: Result<Vec<Vec<u8>>, _> = objects
        .iter()
        .map(|object| {
            encoding
                .encode(&object.key, &object.body)
                .map(std::borrow::Cow::into_owned)
        })
        .collect();
    let bodies = bodies.map_err(|error| sqlx::Error::Encode(error.into()))?;
    let insert = "INSERT INTO objects (kind, namespace, name, uid, revision, created_revision, body) \
                  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bytea[])";
    sqlx::query(insert)
        .bind(texts(|o| o.key.kind.as_str()))
        .bind(texts(|o| &o.key.namespace))
        .bind(texts(|o| &o.key.name))
        .bind(texts(|o| &o.uid))
        .bind(numbers(|o| o.revision))
        .bind(numbers(|o| o.created_revision))
        .bind(bodies)
        .execute(&mut **transaction)
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::super::test_server;
    use super::*;
    use crate::store::{Expect, PostgresStore, Store, contract};

    #[tokio::test]
    async fn a_snapshot_goes_into_an_empty_database_only() {
        let source = test_server::database().await;
        let store = PostgresStore::connect(source.clone()).await.unwrap();
        for number in 0..1200 {
            store
                .write(contract::put(&format!("c-{number}"), Expect::Absent, "{}"))
                .await
                .unwrap();
        }
        let snapshot = load_once(source.clone()).await.unwrap();
        assert_eq!(snapshot.objects.len(), 1200);

        let target = test_server::database().await;
        let begins = restore(target.clone(), &snapshot).await.unwrap();
        assert!(begins > snapshot.revision);
        let restored = PostgresStore::connect(target.clone()).await.unwrap();
        let loaded = restored.load().await.unwrap();
        assert_eq!(loaded.objects, snapshot.objects);
        assert_eq!((loaded.revision, loaded.compacted), (begins, begins));
        assert_ne!(loaded.epoch, snapshot.epoch);
        let later = contract::put("later", Expect::Absent, "{}");
        let later = restored.write(later).await.unwrap();
        assert_eq!(later.revision, begins.next(), "it takes writes");

        let refused = restore(target, &snapshot).await.unwrap_err();
        assert!(matches!(refused, RestoreError::NotEmpty(1201)), "{refused}");
        store.close().await;
        restored.close().await;
    }
}
