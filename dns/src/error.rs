//! What keeps a DNS server from starting or ends it. Everything else is retried and logged where it happens.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::server::CertificateError;
use crate::snapshot::ZoneError;
use crate::wire::Transport;

/// Why a DNS server does not run.
#[derive(Debug, thiserror::Error)]
pub enum DnsError {
    /// The zone's settings do not make a zone.
    #[error("the DNS zone cannot be served; next: correct --dns-zone or --federation-name")]
    Zone(#[source] ZoneError),
    /// A zone is to be served from two sources.
    #[error("the zone {0} is named twice; next: give each --zone-file another origin, and none that of --dns-zone")]
    ZoneTwice(String),
    /// The address is not to be had.
    #[error(
        "DNS cannot listen on {address} ({}); next: stop what listens there, or choose another with {}",
        transport.as_str(), transport.flag()
    )]
    Bind {
        /// The address.
        address: SocketAddr,
        /// For UDP or TCP.
        transport: Transport,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// The certificate of the encrypted transports cannot be used.
    #[error("DNS cannot be served over TLS")]
    Certificate(#[from] CertificateError),
    /// A thread or socket could not be made.
    #[error("the DNS server on {address} cannot start its workers")]
    Workers {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// The snapshot file cannot be read.
    #[error("the DNS snapshot {} cannot be read", path.display())]
    SnapshotRead {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// The snapshot file is not one.
    #[error("the DNS snapshot {} is not in a format this version reads; next: remove it, the hub fills it again", path.display())]
    SnapshotFormat {
        /// The file.
        path: PathBuf,
        /// The parser's reason.
        #[source]
        source: serde_json::Error,
    },
    /// The snapshot file is of another format version.
    #[error("the DNS snapshot {} has format {found}, this version reads {known}; next: remove it, the hub fills it again", path.display())]
    SnapshotVersion {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// A worker died; a defect.
    #[error("a part of the DNS server stopped unexpectedly: {0}")]
    Stopped(&'static str),
}
