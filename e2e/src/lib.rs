//! What black-box tests stand on: the running `meridian`, real Kubernetes control planes, and the tools that users have.
//!
//! In: the binaries that `scripts/` installs and `cargo build` makes. Out: processes on loopback with their own ports and
//! directories, that stop when they are dropped, and answers of `kubectl` and `dig` as text and JSON. Nothing here looks
//! into the product's code: what a test sees, a user sees.

pub mod certificates;
pub mod control_plane;
pub mod database;
pub mod differential;
pub mod federation;
pub mod ports;
pub mod process;
pub mod tools;
pub mod wait;

pub use control_plane::ControlPlane;
pub use database::Database;
pub use federation::Federation;
pub use process::Process;
pub use wait::eventually;

/// Why something that a test needs did not work.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failure(pub String);

impl Failure {
    /// A failure with a cause.
    pub fn of(what: impl std::fmt::Display, cause: impl std::fmt::Display) -> Self {
        Self(format!("{what}: {cause}"))
    }
}
