-- The store: current objects, the ordered log of commits, and the one row that orders them.
-- Keys compare bytewise (COLLATE "C"), so that order does not depend on the database's locale.

-- One row. Its lock, held to the end of a commit, makes revisions gap-free and in commit order. It is rewritten by every
-- commit: a nearly empty page keeps those updates in place, and vacuum need not wait for a share of one row.
CREATE TABLE meta (
    only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    revision  bigint  NOT NULL,  -- the last commit
    compacted bigint  NOT NULL,  -- the highest revision that the log no longer holds
    epoch     uuid    NOT NULL   -- identity of this history; changes when a copy that may lack commits takes over
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

INSERT INTO meta (revision, compacted, epoch) VALUES (1, 1, gen_random_uuid());

CREATE TABLE objects (
    kind             text COLLATE "C" NOT NULL,  -- GROUP/PLURAL
    namespace        text COLLATE "C" NOT NULL,  -- empty for cluster-scoped kinds
    name             text COLLATE "C" NOT NULL,
    uid              text COLLATE "C" NOT NULL,
    revision         bigint NOT NULL,
    created_revision bigint NOT NULL,
    body             bytea  NOT NULL,
    PRIMARY KEY (kind, namespace, name)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE log (
    revision         bigint PRIMARY KEY,
    batch            bigint NOT NULL,            -- random, one a transaction: tells whether an interrupted COMMIT happened
    op               smallint NOT NULL,          -- 1 created, 2 updated, 3 deleted
    kind             text COLLATE "C" NOT NULL,
    namespace        text COLLATE "C" NOT NULL,
    name             text COLLATE "C" NOT NULL,
    uid              text COLLATE "C" NOT NULL,
    created_revision bigint NOT NULL,
    body             bytea  NOT NULL,            -- of a deletion: the last one
    at               timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.2);

-- Large bodies come compressed (store/postgres/encoding.rs); PostgreSQL would try again for nothing.
ALTER TABLE objects ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE log ALTER COLUMN body SET STORAGE EXTERNAL;
