//! Secrets that were stored before there was a key, or under a key that is to go, are sealed anew under the present one.
//!
//! In: the rows of Secrets. Out: the same rows, sealed; no revision, because nothing changed. Runs once at each start. The log
//! keeps older bodies as they were written until its old end is cut off, some minutes later.

use std::sync::Arc;

use sqlx::Row;
use sqlx::postgres::PgRow;

use super::encoding::Encoding;
use super::primary::Primary;
use super::seal::SEALED_KINDS;
use super::session::Backoff;
use crate::store::{Cause, KindKey, ObjectKey};

/// Rows read at a time.
const PAGE: i64 = 200;

/// Seals what is not sealed with the present key, until that is done or it is cancelled.
pub(super) async fn run(primary: Arc<Primary>, encoding: Encoding) {
    if encoding.keyring.is_none() {
        return;
    }
    let mut backoff = Backoff::new();
    loop {
        match all(&primary, &encoding).await {
            Ok(0) => return,
            Ok(count) => {
                tracing::info!(count, "Secrets were sealed with the present key");
                return;
            }
            Err(error) => {
                tracing::warn!(
                    error = &*error,
                    "not all Secrets are sealed with the present key yet; it is tried again"
                );
                backoff.wait().await;
            }
        }
    }
}

async fn all(primary: &Primary, encoding: &Encoding) -> Result<u64, Cause> {
    let mut count = 0;
    for kind in SEALED_KINDS {
        let mut after = (String::new(), String::new());
        loop {
            let page = "SELECT kind, namespace, name, revision, body FROM objects WHERE kind = $1 \
                        AND (namespace, name) > ($2, $3) ORDER BY namespace, name LIMIT $4";
            let query = sqlx::query(page).bind(kind).bind(&after.0).bind(&after.1).bind(PAGE);
            let rows = query.fetch_all(&primary.pool()).await?;
            let Some(last) = rows.last() else { break };
            after = (last.try_get("namespace")?, last.try_get("name")?);
            for row in &rows {
                count += u64::from(one(primary, encoding, row).await?);
            }
        }
    }
    Ok(count)
}

/// Seals one row anew, unless it was written meanwhile. Whether it was needed.
async fn one(primary: &Primary, encoding: &Encoding, row: &PgRow) -> Result<bool, Cause> {
    let body: &[u8] = row.try_get("body")?;
    if encoding.is_current(body) {
        return Ok(false);
    }
    let (kind, namespace, name): (&str, &str, &str) =
        (row.try_get("kind")?, row.try_get("namespace")?, row.try_get("name")?);
    let key = ObjectKey::new(&KindKey::stored(kind.into()), namespace, name);
    let plain = encoding.decode(&key, body)?;
    let sealed = encoding.encode(&key, &plain)?;
    let revision: i64 = row.try_get("revision")?;
    let update =
        "UPDATE objects SET body = $1 WHERE kind = '/secrets' AND namespace = $2 AND name = $3 AND revision = $4";
    sqlx::query(update)
        .bind(&*sealed)
        .bind(namespace)
        .bind(name)
        .bind(revision)
        .execute(&primary.pool())
        .await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sqlx::postgres::PgConnection;
    use sqlx::{Connection, Executor};

    use super::*;
    use crate::store::postgres::{Keyring, PostgresConfig, PostgresStore, test_server};
    use crate::store::{Change, Expect, Store, StoreError, Write};

    fn secret(name: &str) -> Write {
        Write {
            key: ObjectKey::new(&KindKey::new("", "secrets"), "shop", name),
            uid: name.into(),
            expect: Expect::Absent,
            based_on: None,
            change: Change::Put("{\"data\":\"hush\"}".into()),
        }
    }

    async fn readable(config: &PostgresConfig) -> i64 {
        let mut connection = PgConnection::connect_with(&config.sessions[0]).await.unwrap();
        let query = "SELECT count(*) AS n FROM objects WHERE position('hush'::bytea in body) > 0";
        connection.fetch_one(query).await.unwrap().get("n")
    }

    #[tokio::test]
    async fn secrets_are_sealed_and_keys_are_rotated() {
        let plain = test_server::database().await;
        let store = PostgresStore::connect(plain.clone()).await.unwrap();
        store.write(secret("before")).await.unwrap();
        store.close().await;
        assert_eq!(readable(&plain).await, 1);

        let (old, new) = (Keyring::generate("old").unwrap(), Keyring::generate("new").unwrap());
        let with = |text: &str| PostgresConfig {
            keyring: Some(Arc::new(Keyring::parse(text).unwrap())),
            ..plain.clone()
        };
        for keys in [old.clone(), format!("{new}{old}"), new] {
            let store = PostgresStore::connect(with(&keys)).await.unwrap();
            if keys == old {
                store.write(secret("after")).await.unwrap();
            }
            let loaded = store.load().await.unwrap();
            assert_eq!(loaded.objects.len(), 2);
            assert!(
                loaded
                    .objects
                    .iter()
                    .all(|object| &object.body[..] == b"{\"data\":\"hush\"}")
            );
            let sealed = async {
                let encoding = Encoding {
                    keyring: with(&keys).keyring,
                };
                while all(&store_primary(&plain).await, &encoding).await.unwrap() > 0 {}
            };
            tokio::time::timeout(Duration::from_secs(20), sealed).await.unwrap();
            store.close().await;
            assert_eq!(readable(&plain).await, 0);
        }
        let refused = PostgresStore::connect(plain.clone())
            .await
            .unwrap()
            .load()
            .await
            .unwrap_err();
        assert!(matches!(refused, StoreError::Sealed { .. }), "{refused}");
    }

    async fn store_primary(config: &PostgresConfig) -> Primary {
        Primary::find(config.sessions.clone()).await.unwrap()
    }
}
