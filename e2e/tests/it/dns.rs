//! The DNS server: alone, as `meridian dns` runs it from master files without a hub, and with a federation; what dig and kdig see.

mod conformance;
mod exports;
mod secondaries;
mod secure;
mod server;
mod signed;
mod zones;
