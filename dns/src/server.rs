//! Sockets: datagrams and streams, answered from the snapshot that is served when they arrive.
//!
//! Own loops, not hickory's Server: its `ResponseHandler` takes messages, not bytes, so precompiled answers cannot pass
//! through it; and it spawns a task a datagram without a bound. In: bound sockets. Out: answers and counters.
//! Absent: everything about names.

mod accept;
mod batch;
mod connections;
mod credentials;
mod desk;
mod https;
mod quic;
mod tcp;
mod udp;

use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::error::DnsError;
use crate::wire::Transport;

pub(crate) use credentials::Credentials;
pub use credentials::{Certificate, CertificateError};
pub(crate) use desk::Desk;
pub(crate) use https::serve as serve_https;
pub(crate) use quic::{bind as bind_quic, serve as serve_quic};
pub(crate) use tcp::serve as serve_tcp;
pub(crate) use udp::Workers as UdpWorkers;

/// Attempts to find one free port for both transports when none is given.
const PORT_ATTEMPTS: usize = 16;

/// Both sockets of an address.
pub(crate) struct Sockets {
    pub(crate) address: SocketAddr,
    pub(crate) udp: Vec<std::net::UdpSocket>,
    pub(crate) tcp: TcpListener,
}

impl Sockets {
    /// Binds both, on the same port.
    pub(crate) async fn bind(listen: SocketAddr) -> Result<Self, DnsError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let failed = |address, transport| {
                move |source| DnsError::Bind {
                    address,
                    transport,
                    source,
                }
            };
            let udp = udp::bind(listen).map_err(failed(listen, Transport::Udp))?;
            let address = udp.first().map_or(Ok(listen), std::net::UdpSocket::local_addr);
            let address = address.map_err(failed(listen, Transport::Udp))?;
            // Sockets of another server of ours would share the address; a listener is one server's alone.
            match TcpListener::bind(address).await {
                Ok(tcp) => return Ok(Self { address, udp, tcp }),
                // Another process has the TCP port of the number that UDP was given: take another number.
                Err(_) if listen.port() == 0 && attempt < PORT_ATTEMPTS => {}
                Err(source) => {
                    return Err(DnsError::Bind {
                        address,
                        transport: Transport::Tcp,
                        source,
                    });
                }
            }
        }
    }
}

/// Binds a listener for a transport of its own address.
pub(crate) async fn listen(address: SocketAddr, transport: Transport) -> Result<TcpListener, DnsError> {
    TcpListener::bind(address).await.map_err(|source| DnsError::Bind {
        address,
        transport,
        source,
    })
}
