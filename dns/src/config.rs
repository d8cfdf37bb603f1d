//! What a DNS server is told at start.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::master::ZoneFile;
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
    /// How it answers.
    pub settings: Settings,
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
            .field("settings", settings)
            .finish()
    }
}
