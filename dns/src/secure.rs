//! The encrypted transports of one server, from their addresses to their tasks.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::config::SecureAddresses;
use crate::error::DnsError;
use crate::server::{Certificate, Credentials, Desk, bind_quic, listen, serve_https, serve_quic, serve_tcp};
use crate::wire::Transport;

/// Application protocols as TLS names them (RFC 7858 and its errata, 8484, 9250).
const DOT: &[&[u8]] = &[b"dot"];
const DOH: &[&[u8]] = &[b"h2", b"http/1.1"];
const DOQ: &[&[u8]] = &[b"doq"];

/// Bound sockets with their settings.
#[derive(Default)]
pub(crate) struct Secure {
    credentials: Option<Credentials>,
    tls: Option<(TcpListener, TlsAcceptor)>,
    https: Option<(TcpListener, TlsAcceptor)>,
    quic: Option<quinn::Endpoint>,
}

impl Secure {
    /// Binds what is asked for.
    pub(crate) async fn bind(addresses: SecureAddresses, certificate: Option<Certificate>) -> Result<Self, DnsError> {
        let Some(certificate) = certificate.filter(|_| !addresses.is_empty()) else {
            return Ok(Self::default());
        };
        let credentials = Credentials::read(certificate)?;
        let SecureAddresses { tls, https, quic } = addresses;
        let mut all = Self::default();
        if let Some(address) = tls {
            let acceptor = TlsAcceptor::from(Arc::new(credentials.settings(DOT)?));
            all.tls = Some((listen(address, Transport::Tls).await?, acceptor));
        }
        if let Some(address) = https {
            let acceptor = TlsAcceptor::from(Arc::new(credentials.settings(DOH)?));
            all.https = Some((listen(address, Transport::Https).await?, acceptor));
        }
        if let Some(address) = quic {
            let bound = bind_quic(address, credentials.settings(DOQ)?);
            all.quic = Some(bound.map_err(|source| DnsError::Bind {
                address,
                transport: Transport::Quic,
                source,
            })?);
        }
        all.credentials = Some(credentials);
        Ok(all)
    }

    /// Where they are served, with the ports that were given where none was asked for.
    pub(crate) fn addresses(&self) -> SecureAddresses {
        let of =
            |bound: &Option<(TcpListener, TlsAcceptor)>| -> Option<SocketAddr> { bound.as_ref()?.0.local_addr().ok() };
        SecureAddresses {
            tls: of(&self.tls),
            https: of(&self.https),
            quic: self.quic.as_ref().and_then(|endpoint| endpoint.local_addr().ok()),
        }
    }

    /// Serves them.
    pub(crate) fn spawn(self, parts: &mut JoinSet<&'static str>, desk: &Desk, stop: &CancellationToken) {
        let Self {
            credentials,
            tls,
            https,
            quic,
        } = self;
        if let Some(credentials) = credentials {
            let stop = stop.clone();
            parts.spawn(async move {
                credentials.follow(stop).await;
                "certificate"
            });
        }
        if let Some((listener, acceptor)) = tls {
            let (desk, stop) = (desk.clone(), stop.clone());
            parts.spawn(async move {
                serve_tcp(listener, desk, Some(acceptor), stop).await;
                "tls"
            });
        }
        if let Some((listener, acceptor)) = https {
            let (desk, stop) = (desk.clone(), stop.clone());
            parts.spawn(async move {
                serve_https(listener, desk, acceptor, stop).await;
                "https"
            });
        }
        if let Some(endpoint) = quic {
            let (desk, stop) = (desk.clone(), stop.clone());
            parts.spawn(async move {
                serve_quic(endpoint, desk, stop).await;
                "quic"
            });
        }
    }
}
