//! Ports that are free now. Another process may take one before its user does; whoever starts a server says so then.

use std::net::TcpListener;

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
