//! The DNS server alone, as `meridian dns` runs it from master files without a hub: what dig and kdig see.

mod conformance;
mod server;
mod zones;
