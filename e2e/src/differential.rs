//! The same requests to a real kube-apiserver and to the hub, and what their answers differ in.
//!
//! In: scripts of requests (`e2e/differential/scripts/`, [`matrix`] of kinds and verbs, [`captured`] bodies). Out: a list of
//! differences after [`normal`] took away what must differ, less those that [`accepted`] rules explain.

pub mod accepted;
pub mod captured;
pub mod compare;
pub mod matrix;
pub mod normal;
pub mod play;
pub mod report;
pub mod script;
pub mod server;
pub mod values;

use std::path::PathBuf;

use serde::de::DeserializeOwned;

use crate::{Failure, tools};

/// The folder with scripts, kinds and accepted differences.
#[must_use]
pub fn folder() -> PathBuf {
    tools::root().join("e2e/differential")
}

/// Reads a YAML or JSON file below the repository's root.
///
/// # Errors
/// If it cannot be read, or says something else than `T`.
pub fn read<T: DeserializeOwned>(path: &std::path::Path) -> Result<T, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::of(path.display(), error))?;
    if path.extension().is_some_and(|extension| extension == "json") {
        return serde_json::from_str(&text).map_err(|error| Failure::of(path.display(), error));
    }
    serde_saphyr::from_str(&text).map_err(|error| Failure::of(path.display(), error))
}
