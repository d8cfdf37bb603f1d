//! What is true: the current objects, and the ordered log of every commit that made them so.
//!
//! Decided here: the contract that every store keeps. In: writes that name the version they were based on. Out: commits,
//! each with its own [`Revision`]: gap-free, in commit order, one sequence for all kinds. A store knows bytes and keys
//! only; deliberately absent are JSON, resource versions inside bodies, validation, and watching by kind (`cache`).
//!
//! Two stores keep the contract and pass the same suite: [`MemoryStore`] and [`PostgresStore`].

pub mod backup;
#[cfg(test)]
mod contract;
mod error;
mod feed;
mod follow;
mod key;
mod memory;
mod postgres;

use std::sync::Arc;

use api::Revision;
use async_trait::async_trait;
use bytes::Bytes;

pub use error::{Cause, Lack, StoreError, WriteError};
pub use follow::Follow;
pub use key::{KindKey, ObjectKey};
pub use memory::{MemoryConfig, MemoryStore};
pub use postgres::{Keyring, KeyringError, PostgresConfig, PostgresStore, RestoreError, Retention, load_once, restore};

/// The largest body a store takes. The HTTP surface refuses far smaller ones; this bounds what a bug could store.
pub const BODY_BYTES_MAX: usize = 8 << 20;

/// What the writer saw; the write happens only if it is still so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// The object must not exist.
    Absent,
    /// The object must be at exactly this revision.
    Revision(Revision),
}

/// What a write does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Stores this body: canonical JSON without `metadata.resourceVersion`.
    Put(Bytes),
    /// Removes the object; the body is its last state, kept in the log for those who watch.
    Delete(Bytes),
}

impl Change {
    /// The bytes that go into the log.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        match self {
            Self::Put(body) | Self::Delete(body) => body,
        }
    }
}

/// One conditional write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Which object.
    pub key: ObjectKey,
    /// `metadata.uid` of the object; stored beside the body.
    pub uid: Arc<str>,
    /// The version the change was computed from.
    pub expect: Expect,
    /// What of all objects of the kind was looked at: the write happens only if no other process wrote one of the kind after
    /// this revision. For what must be unique among them, such as addresses. None where only the object itself counts.
    pub based_on: Option<Revision>,
    /// The change.
    pub change: Change,
}

/// What a commit did to its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// The object came to be.
    Created,
    /// The object has a new body.
    Updated,
    /// The object is gone.
    Deleted,
}

/// A write that is durable, or a current object as the commit that last wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Which object.
    pub key: ObjectKey,
    /// Its uid.
    pub uid: Arc<str>,
    /// What happened to it.
    pub op: Op,
    /// The commit's place in the order of all commits.
    pub revision: Revision,
    /// The commit that created this incarnation.
    pub created_revision: Revision,
    /// The body; for a deletion the last one.
    pub body: Bytes,
}

/// Everything that exists, at one revision.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The last commit that the snapshot contains.
    pub revision: Revision,
    /// The highest revision whose commit the log no longer holds; the log can be followed from here on.
    pub compacted: Revision,
    /// Identity of this history: it changes when a database is replaced by one that may lack commits.
    pub epoch: Arc<str>,
    /// The objects in key order, each as created or updated by its last commit.
    pub objects: Vec<Committed>,
}

/// A durable, ordered store of objects. All methods may be called from any number of tasks at once.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Commits one write. Returns `Ok` only once the write is durable; on [`WriteError::Unavailable`] it may or may not
    /// have happened, on every other error it did not.
    async fn write(&self, write: Write) -> Result<Committed, WriteError>;

    /// A consistent snapshot of all objects, for a start or after [`StoreError::Compacted`].
    async fn load(&self) -> Result<Loaded, StoreError>;

    /// All commits after a revision, in order and without gaps: the logged ones first, then each new one as it happens,
    /// whoever wrote it.
    fn follow(&self, after: Revision) -> Follow;

    /// Forgets the log up to and including a revision (clamped to the last commit). Current objects are not touched.
    /// Returns the floor that now holds.
    async fn compact(&self, through: Revision) -> Result<Revision, StoreError>;

    /// Whether the store can take writes now, and its last revision.
    async fn health(&self) -> Result<Revision, StoreError>;
}
