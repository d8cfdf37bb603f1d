//! What is probed, and at which pace. In: an address with a port, what a policy says of the probe. Out: a target, which is text on disk.
//! Absent: probing ([`crate::probe`]).

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use api::dns_policy::{Probe, ProbeType};
use serde::{Deserialize, Serialize};

/// Time between probes of one address where no policy says otherwise.
const INTERVAL_SECONDS: u32 = 1;
/// A probe that took longer has failed, where no policy says otherwise.
const TIMEOUT_SECONDS: u32 = 1;
/// The longest that a probe may take.
const TIMEOUT_SECONDS_MAX: u32 = 10;
/// Failures in a row that take an address down, and successes that bring it back, where no policy says otherwise.
const THRESHOLD: u32 = 2;

/// An address and what is asked of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ProbeTarget {
    /// Where.
    pub address: SocketAddr,
    /// What.
    pub check: Check,
}

/// What is asked of an address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// A connection.
    Tcp,
    /// A GET that is answered with a status from 200 to 399.
    Http {
        /// Over TLS, whoever's certificate it is.
        tls: bool,
        /// The host that is asked for; the address itself where empty.
        host: String,
        /// The path.
        path: String,
    },
}

/// How often a target is probed, and what it takes to change one's mind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Between two probes.
    pub interval: Duration,
    /// For one.
    pub timeout: Duration,
    /// Failures in a row that take it down.
    pub failures: u32,
    /// Successes in a row that bring it back.
    pub successes: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self::of(&Probe::default())
    }
}

impl Pace {
    /// The pace that a policy says.
    #[must_use]
    pub fn of(probe: &Probe) -> Self {
        let seconds = |said: Option<u32>, otherwise: u32| {
            Duration::from_secs(u64::from(said.unwrap_or(otherwise).clamp(1, 3600)))
        };
        // Looks share their number at once: none may take long.
        let timeout = probe.timeout_seconds.map(|seconds| seconds.min(TIMEOUT_SECONDS_MAX));
        let count = |said: Option<u32>| said.unwrap_or(THRESHOLD).clamp(1, 100);
        Self {
            interval: seconds(probe.interval_seconds, INTERVAL_SECONDS),
            timeout: seconds(timeout, TIMEOUT_SECONDS),
            failures: count(probe.failure_threshold),
            successes: count(probe.success_threshold),
        }
    }
}

impl Check {
    /// The check that a policy says.
    #[must_use]
    pub fn of(probe: &Probe) -> Self {
        let tls = match probe.probe_type.unwrap_or_default() {
            ProbeType::Tcp => return Self::Tcp,
            ProbeType::Http => false,
            ProbeType::Https => true,
        };
        Self::Http {
            tls,
            host: probe.host.clone(),
            path: if probe.path.is_empty() {
                "/".to_owned()
            } else {
                probe.path.clone()
            },
        }
    }
}

impl ProbeTarget {
    /// The address without its port.
    #[must_use]
    pub fn ip(&self) -> IpAddr {
        self.address.ip()
    }
}

impl From<SocketAddr> for ProbeTarget {
    fn from(address: SocketAddr) -> Self {
        Self {
            address,
            check: Check::Tcp,
        }
    }
}

impl fmt::Display for ProbeTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.check {
            Check::Tcp => write!(f, "{}", self.address),
            Check::Http { tls, host, path } => {
                let scheme = if *tls { "https" } else { "http" };
                write!(f, "{} {scheme} {path} {host}", self.address)
            }
        }
    }
}

impl From<ProbeTarget> for String {
    fn from(target: ProbeTarget) -> Self {
        target.to_string()
    }
}

impl FromStr for ProbeTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split(' ');
        let address = words.next().unwrap_or_default();
        let address = address
            .parse()
            .map_err(|_| format!("{address:?} is no address with a port"))?;
        let check = match (words.next(), words.next(), words.next(), words.next()) {
            (None, ..) => Check::Tcp,
            (Some(scheme @ ("http" | "https")), Some(path), Some(host), None) => Check::Http {
                tls: scheme == "https",
                host: host.to_owned(),
                path: path.to_owned(),
            },
            _ => return Err(format!("{text:?} is nothing that is probed")),
        };
        Ok(Self { address, check })
    }
}

impl TryFrom<String> for ProbeTarget {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_text_and_back() {
        let probe = |value: serde_json::Value| Check::of(&serde_json::from_value(value).unwrap());
        for check in [
            probe(serde_json::json!({})),
            probe(serde_json::json!({"type": "Http"})),
            probe(serde_json::json!({"type": "Https", "path": "/healthz?full", "host": "shop.example.com"})),
        ] {
            let target = ProbeTarget {
                address: "[2001:db8::1]:443".parse().unwrap(),
                check,
            };
            assert_eq!(target.to_string().parse(), Ok(target));
        }
        // As older snapshots have it.
        assert_eq!(
            "127.0.0.1:80".parse(),
            Ok(ProbeTarget::from(SocketAddr::from(([127, 0, 0, 1], 80))))
        );
        assert!("127.0.0.1:80 gopher / x".parse::<ProbeTarget>().is_err());
    }
}
