//! Zones of static records beside the federation's names, from master files (RFC 1035 5).
//!
//! In: `ORIGIN=FILE` pairs. Out: zones to serve, again whenever a file changes. A file that is broken or gone changes nothing: the
//! last good version stays, and the log says where the error is. `domain` reads the records; what it does not know of master files
//! (times with units, where an error is) is done before it. Absent: packets; secondary zones; signing.

mod build;
mod entries;
mod files;
mod follow;
mod read;

use std::fmt;
use std::sync::Arc;

pub use files::{ZoneFile, ZoneFileError};
pub(crate) use follow::{Beside, Keeper};

/// Where something stands in a master file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct At {
    /// The file, as it was named.
    file: Arc<str>,
    /// The line, from 1.
    line: usize,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Why a master file makes no zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MasterError {
    /// Something at a place in it.
    #[error("{0}: {1}")]
    At(At, String),
    /// The whole of it.
    #[error("{0}: {1}")]
    Whole(String, String),
}

/// A record as a master file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MasterRecord {
    owner: crate::snapshot::WireName,
    type_: u16,
    ttl: u32,
    data: Box<[u8]>,
    at: At,
}
