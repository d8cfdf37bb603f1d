//! Ports that are free now, and networks of loopback that nobody else uses. Another process may take a port before its user
//! does; whoever starts a server says so then.

use std::net::{Ipv4Addr, TcpListener};

use crate::Failure;

/// As many free ports as asked, all different.
///
/// # Errors
/// If the system has none.
pub fn free(count: usize) -> Result<Vec<u16>, Failure> {
    // All are held until the last is found, so that none comes twice.
    let listeners = (0..count)
        .map(|_| TcpListener::bind("127.0.0.1:0"))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Failure::of("no free port", error))?;
    listeners
        .iter()
        .map(|listener| listener.local_addr().map(|address| address.port()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Failure::of("no free port", error))
}

/// A /16 of loopback that one federation's simulated members have for themselves as long as this value lives, so that tests
/// that run at once do not answer each other's probes.
#[derive(Debug)]
pub struct Network {
    second: u8,
    _held: TcpListener,
}

/// Holding this port of a network's last address is holding the network.
const HOLD: u16 = 7;

impl Network {
    /// The first that is free.
    ///
    /// # Errors
    /// If none is.
    pub fn free() -> Result<Self, Failure> {
        // 127.100.0.0/15 is left to who runs a federation by hand.
        (102..=199)
            .find_map(|second| {
                let held = TcpListener::bind((Ipv4Addr::new(127, second, 255, 254), HOLD)).ok()?;
                Some(Self { second, _held: held })
            })
            .ok_or_else(|| Failure("no free network of loopback".to_owned()))
    }

    /// `127.102.0.0/16`.
    #[must_use]
    pub fn cidr(&self) -> String {
        format!("127.{}.0.0/16", self.second)
    }
}
