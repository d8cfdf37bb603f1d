//! Reading what was committed: the whole state at once, or the log by cursor; and cutting the log's old end.
//!
//! Each answer comes from one snapshot of the database, so a list and its revision always agree.

use std::sync::Arc;

use api::Revision;
use async_trait::async_trait;
use futures::TryStreamExt;
use sqlx::postgres::{PgPool, PgRow};
use sqlx::{Executor, Row};

use super::encoding::{Encoding, RowError};
use super::primary::Primary;
use super::retention::Retention;
use crate::store::follow::LogReader;
use crate::store::{Committed, KindKey, Loaded, ObjectKey, Op, StoreError};

/// Log rows removed in one transaction, which holds the lock that commits wait for.
const COMPACT_STEP: i64 = 1000;

/// The tables as readers see them.
#[derive(Debug)]
pub(super) struct Log {
    primary: Arc<Primary>,
    encoding: Encoding,
}

/// A revision as the tables keep it.
pub(super) fn number(revision: Revision) -> i64 {
    i64::try_from(revision.get()).unwrap_or(i64::MAX)
}

/// A revision column.
pub(super) fn revision_of(row: &PgRow, column: &str) -> Result<Revision, StoreError> {
    let number: i64 = column_of(row, column)?;
    let revision = u64::try_from(number).ok().and_then(Revision::new);
    revision.ok_or_else(|| corrupt(format!("{column} is {number}")))
}

fn column_of<'r, T>(row: &'r PgRow, column: &str) -> Result<T, StoreError>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(column).map_err(|error| corrupt(error.to_string()))
}

fn corrupt(detail: String) -> StoreError {
    StoreError::Corrupt {
        doing: "read the store",
        detail,
    }
}

/// Text columns repeat from row to row; equal ones share their memory.
#[derive(Default)]
struct Shared {
    kind: Option<KindKey>,
    namespace: Arc<str>,
}

impl Shared {
    fn key(&mut self, row: &PgRow) -> Result<ObjectKey, StoreError> {
        let (kind, namespace, name): (&str, &str, &str) = (
            column_of(row, "kind")?,
            column_of(row, "namespace")?,
            column_of(row, "name")?,
        );
        let kind = match &self.kind {
            Some(known) if known.as_str() == kind => known.clone(),
            Some(_) | None => self.kind.insert(KindKey::stored(kind.into())).clone(),
        };
        if &*self.namespace != namespace {
            self.namespace = namespace.into();
        }
        Ok(ObjectKey {
            kind,
            namespace: self.namespace.clone(),
            name: name.into(),
        })
    }

    fn committed(&mut self, row: &PgRow, op: Op, encoding: &Encoding) -> Result<Committed, StoreError> {
        let key = self.key(row)?;
        let body = encoding
            .decode(&key, column_of(row, "body")?)
            .map_err(|error| match error {
                RowError::Damaged(detail) => corrupt(format!("body of {key}: {detail}")),
                RowError::Sealed(source) => StoreError::Sealed {
                    key: key.clone(),
                    source: source.into(),
                },
            })?;
        Ok(Committed {
            uid: column_of::<&str>(row, "uid")?.into(),
            op,
            revision: revision_of(row, "revision")?,
            created_revision: revision_of(row, "created_revision")?,
            body,
            key,
        })
    }
}

impl Log {
    pub(super) fn new(primary: Arc<Primary>, encoding: Encoding) -> Self {
        Self { primary, encoding }
    }

    fn pool(&self) -> PgPool {
        self.primary.pool()
    }

    pub(super) async fn close(&self) {
        self.primary.close().await;
    }

    /// The last revision, asked from the database.
    pub(super) async fn head(&self) -> Result<Revision, StoreError> {
        let pool = self.pool();
        let query = sqlx::query("SELECT revision FROM meta").fetch_one(&pool);
        revision_of(&query.await.map_err(away("read the last revision"))?, "revision")
    }

    /// Everything there is, at one revision.
    pub(super) async fn load(&self) -> Result<Loaded, StoreError> {
        let away = away("load all objects");
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let mut transaction = self.pool().begin_with(begin).await.map_err(away)?;
        let meta = "SELECT revision, compacted, epoch::text AS epoch FROM meta";
        let meta = sqlx::query(meta).fetch_one(&mut *transaction).await.map_err(away)?;
        let mut loaded = Loaded {
            revision: revision_of(&meta, "revision")?,
            compacted: revision_of(&meta, "compacted")?,
            epoch: column_of::<&str>(&meta, "epoch")?.into(),
            objects: Vec::new(),
        };
        let mut shared = Shared::default();
        let query = "SELECT kind, namespace, name, uid, revision, created_revision, body FROM objects \
                     ORDER BY kind, namespace, name";
        let mut rows = sqlx::query(query).fetch(&mut *transaction);
        while let Some(row) = rows.try_next().await.map_err(away)? {
            let (revision, created) = (revision_of(&row, "revision")?, revision_of(&row, "created_revision")?);
            let op = if revision == created { Op::Created } else { Op::Updated };
            loaded.objects.push(shared.committed(&row, op, &self.encoding)?);
        }
        drop(rows);
        transaction.rollback().await.map_err(away)?;
        Ok(loaded)
    }

    /// Moves the floor of the log and removes what is below, in steps that commits can pass between.
    pub(super) async fn compact(&self, through: Revision) -> Result<Revision, StoreError> {
        let away = away("compact the log");
        loop {
            let mut transaction = self.pool().begin().await.map_err(away)?;
            let floor = "UPDATE meta SET compacted = greatest(compacted, least($1, revision, compacted + $2)) \
                         RETURNING compacted, least($1, revision) AS target";
            let query = sqlx::query(floor).bind(number(through)).bind(COMPACT_STEP);
            let row = query.fetch_one(&mut *transaction).await.map_err(away)?;
            let (compacted, target) = (revision_of(&row, "compacted")?, revision_of(&row, "target")?);
            let query = sqlx::query("DELETE FROM log WHERE revision <= $1").bind(number(compacted));
            transaction.execute(query).await.map_err(away)?;
            transaction.commit().await.map_err(away)?;
            if compacted >= target {
                return Ok(compacted);
            }
        }
    }

    /// The revision through which the log may go, by its age and length.
    pub(super) async fn old_end(&self, retention: Retention) -> Result<Option<Revision>, StoreError> {
        let away = away("find the old end of the log");
        // Walks the log from its old end to the first row that is young: the rows that are about to go.
        let query = "SELECT m.revision, m.compacted, \
                     (SELECT l.revision FROM log l WHERE l.at >= now() - make_interval(secs => $1) \
                      ORDER BY l.revision LIMIT 1) AS young FROM meta m";
        let query = sqlx::query(query).bind(retention.age.as_secs_f64());
        let row = query.fetch_one(&self.pool()).await.map_err(away)?;
        let (head, compacted) = (revision_of(&row, "revision")?, revision_of(&row, "compacted")?);
        let young: Option<i64> = column_of(&row, "young")?;
        let young = young
            .and_then(|young| u64::try_from(young).ok())
            .and_then(Revision::new);
        Ok(retention.floor(head, young).filter(|floor| *floor > compacted))
    }
}

/// Names what was being done when PostgreSQL could not be reached.
fn away(doing: &'static str) -> impl Fn(sqlx::Error) -> StoreError + Copy {
    move |error| StoreError::Unavailable {
        doing,
        source: error.into(),
    }
}

const LOG_AFTER: &str = r"
SELECT m.revision AS head, m.compacted, l.revision, l.op, l.kind, l.namespace, l.name, l.uid, l.created_revision, l.body, l.batch
FROM meta m LEFT JOIN LATERAL (SELECT * FROM log WHERE log.revision > $1 ORDER BY log.revision LIMIT $2) l ON true
ORDER BY l.revision";

#[async_trait]
impl LogReader for Log {
    async fn log_after(&self, after: Revision, limit: usize) -> Result<Vec<Committed>, StoreError> {
        self.page_after(after, limit).await.map(|(commits, _)| commits)
    }
}

impl Log {
    /// Up to `limit` commits after a revision, and the transaction that made the last one.
    pub(super) async fn page_after(&self, after: Revision, limit: usize) -> Result<(Vec<Committed>, i64), StoreError> {
        let mut made_by = 0;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let query = sqlx::query(LOG_AFTER).bind(number(after)).bind(limit);
        let rows = query.fetch_all(&self.pool()).await.map_err(away("follow the log"))?;
        let mut shared = Shared::default();
        let mut commits = Vec::with_capacity(rows.len());
        for row in &rows {
            let (head, floor) = (revision_of(row, "head")?, revision_of(row, "compacted")?);
            if after < floor {
                return Err(StoreError::Compacted { after, floor });
            }
            if after > head {
                return Err(StoreError::Rewound { after, current: head });
            }
            let op = match column_of::<Option<i16>>(row, "op")? {
                None => break,
                Some(1) => Op::Created,
                Some(2) => Op::Updated,
                Some(3) => Op::Deleted,
                Some(other) => return Err(corrupt(format!("op is {other}"))),
            };
            commits.push(shared.committed(row, op, &self.encoding)?);
            made_by = column_of(row, "batch")?;
        }
        Ok((commits, made_by))
    }
}
