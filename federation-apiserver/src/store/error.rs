//! Why a store could not do what it was asked. Causes are in the source chain, not in the text.

use api::Revision;

use super::ObjectKey;

/// What lies below an error: a driver's error, or a sentence where there is none.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a write did not happen, or is not known to have happened.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The object was expected to be absent and is there.
    #[error("{key} already exists")]
    Exists {
        /// The object.
        key: ObjectKey,
    },
    /// The object is not at the revision the write was based on.
    #[error("{key} is not at the expected revision; read it again and retry")]
    Conflict {
        /// The object.
        key: ObjectKey,
        /// The revision it is at; none if it is gone.
        current: Option<Revision>,
    },
    /// Another process wrote an object of the kind meanwhile; look at all of them again and retry.
    #[error("{key} was made without knowing of another object of its kind; look at these again and retry")]
    Outdated {
        /// The object.
        key: ObjectKey,
    },
    /// The store takes no writes now. The write did not happen.
    #[error("write {key}: {lack}; it did not happen, try again")]
    NotTaken {
        /// The object.
        key: ObjectKey,
        /// What is missing.
        lack: Lack,
        /// What the database or its connection said.
        #[source]
        source: Cause,
    },
    /// The store went away in the middle. The write may or may not have happened: read the object before trying again.
    #[error("write {key}: the store cannot be reached; the outcome is unknown, read the object and retry")]
    Unavailable {
        /// The object.
        key: ObjectKey,
        /// What the database or its connection said.
        #[source]
        source: Cause,
    },
    /// The body is larger than [`super::BODY_BYTES_MAX`].
    #[error("{key} is too large: {size} bytes, the store takes {max}")]
    TooLarge {
        /// The object.
        key: ObjectKey,
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// The store has been closed; the write did not happen.
    #[error("write {key}: the store is closed")]
    Closed {
        /// The object.
        key: ObjectKey,
    },
}

/// What a store lacks to take a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// A way to it.
    Reach,
    /// Room on its disk.
    Disk,
    /// A connection that is free.
    Connections,
    /// The right to write: it is a standby, or was made read-only.
    Writable,
    /// A form of the content that it would take.
    Form,
}

impl std::fmt::Display for Lack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Reach => "PostgreSQL cannot be reached",
            Self::Disk => "PostgreSQL's disk is full",
            Self::Connections => "PostgreSQL has no connection left",
            Self::Writable => "PostgreSQL is read-only",
            Self::Form => "PostgreSQL refuses the content",
        })
    }
}

/// Why a store could not be read, followed, compacted or opened.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The log no longer holds what was asked for; load a new snapshot and follow from there.
    #[error("revision {after} is too old, the log begins after {floor}; load again")]
    Compacted {
        /// The revision that was to be followed.
        after: Revision,
        /// The highest revision that is gone.
        floor: Revision,
    },
    /// The store is behind the revision that was asked for: it was replaced by an older copy. Load again.
    #[error(
        "revision {after} is ahead of the store, which is at {current}; it was replaced by an older copy, load again"
    )]
    Rewound {
        /// The revision that was to be followed.
        after: Revision,
        /// The store's last revision.
        current: Revision,
    },
    /// The store cannot be reached now.
    #[error("{doing}: the store cannot be reached; check that PostgreSQL is up and the database address is right")]
    Unavailable {
        /// What was being done.
        doing: &'static str,
        /// What the database or its connection said.
        #[source]
        source: Cause,
    },
    /// The store holds something no version of Meridian wrote.
    #[error("{doing}: the store holds what Meridian did not write ({detail}); restore it from a backup")]
    Corrupt {
        /// What was being done.
        doing: &'static str,
        /// What is wrong.
        detail: String,
    },
    /// A Secret cannot be opened.
    #[error("{key} cannot be read from the store")]
    Sealed {
        /// The object.
        key: ObjectKey,
        /// Why, and what to do.
        #[source]
        source: Cause,
    },
    /// The store has been closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Whether only a new snapshot helps, because the log cannot be followed from where the reader is.
    #[must_use]
    pub fn needs_load(&self) -> bool {
        match self {
            Self::Compacted { .. } | Self::Rewound { .. } => true,
            Self::Unavailable { .. } | Self::Corrupt { .. } | Self::Sealed { .. } | Self::Closed => false,
        }
    }
}
