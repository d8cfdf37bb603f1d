//! The federation's DNS server: names of federated Services, answered near the client, from a snapshot that outlives the
//! hub.
//!
//! In: what the hub says ([`follow`]), what probes see ([`probe`]), queries. Out: answers over UDP and TCP, `Resolution`
//! objects for the console, a snapshot on disk. The way of an answer: hub -> `follow` -> [`snapshot::Input`] ->
//! [`snapshot::Compiler`] (which asks [`choose`]) -> [`snapshot::Snapshot`] -> [`wire::answer`] -> `server`.
//!
//! Absent: writing anything but Resolutions; recursion; answers that depend on anything but the snapshot, the query and
//! where it came from. `follow` and `probe` never touch a packet, `wire` and `server` never touch the hub.

mod changes;
pub mod choose;
mod config;
mod dnssec;
mod error;
mod explain;
mod follow;
mod foresee;
mod master;
mod metric;
mod probe;
mod run;
mod secure;
mod server;
pub mod snapshot;
mod state;
mod transfer;
pub mod wire;

pub use config::{DnsConfig, SecureAddresses};
pub use dnssec::{KeyError, Signers, ZoneKey};
pub use error::DnsError;
pub use explain::{Explanation, explain};
pub use follow::load_snapshot;
pub use foresee::{Answers, Said, foresee};
pub use master::{ZoneFile, ZoneFileError};
pub use run::{DnsServer, run};
pub use server::{Certificate, CertificateError};
pub use state::DnsState;
pub use transfer::{TransferKeyError, TransferKeys, Transfers};
