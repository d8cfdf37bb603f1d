//! What a DNS server is told at start.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::master::ZoneFile;
use crate::server::Certificate;
use crate::transfer::Transfers;
use crate::wire::Settings;

/// Settings of a DNS server.
pub struct DnsConfig {
    /// Address for UDP and TCP; port 0 picks a free one for both.
    pub listen: SocketAddr,
    /// The zone, for example `meridian.internal`.
    pub zone: String,
    /// The federation's label in names, for example `fed`.
    pub federation: String,
    /// Name of this server in NS and SOA records; `ns1.ZONE`, with the listen address as its own, where absent.
    pub ns_name: Option<String>,
    /// Where the snapshot is kept; without it, a restart needs the hub before it can answer.
    pub snapshot_path: Option<PathBuf>,
    /// The hub; without it, the server answers from the snapshot on disk alone.
    pub hub: Option<kube::Client>,
    /// Zones that are served from master files.
    pub zone_files: Vec<ZoneFile>,
    /// Addresses of the encrypted transports.
    pub secure: SecureAddresses,
    /// Their certificate; needed where there is one of those addresses.
    pub certificate: Option<Certificate>,
    /// Who is given whole zones.
    pub transfers: Transfers,
    /// How it answers.
    pub settings: Settings,
}

/// Addresses of the encrypted transports; none is served where none is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SecureAddresses {
    /// DNS over TLS (RFC 7858).
    pub tls: Option<SocketAddr>,
    /// DNS over HTTPS (RFC 8484).
    pub https: Option<SocketAddr>,
    /// DNS over QUIC (RFC 9250).
    pub quic: Option<SocketAddr>,
}

impl SecureAddresses {
    /// Whether none is served.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl std::fmt::Debug for DnsConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            listen,
            zone,
            federation,
            ns_name,
            snapshot_path,
            hub,
            zone_files,
            secure,
            certificate,
            transfers,
            settings,
        } = self;
        f.debug_struct("DnsConfig")
            .field("listen", listen)
            .field("zone", zone)
            .field("federation", federation)
            .field("ns_name", ns_name)
            .field("snapshot_path", snapshot_path)
            .field("hub", &hub.is_some())
            .field("zone_files", zone_files)
            .field("secure", secure)
            .field("certificate", certificate)
            .field("transfers", transfers)
            .field("settings", settings)
            .finish()
    }
}
