//! One look at a target: a connection, or what it answers to a GET. In: a target, the time it may take. Out: what was seen. Absent: what
//! it means ([`super::hysteresis`]).

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::hysteresis::{self, Seen};
use crate::snapshot::{Check, ProbeTarget};

/// Looks once.
pub(super) async fn look(target: &ProbeTarget, within: Duration) -> Seen {
    match timeout(within, seen(target)).await {
        Ok(seen) => seen,
        Err(_) => Seen::Failed,
    }
}

async fn seen(target: &ProbeTarget) -> Seen {
    let stream = match TcpStream::connect(target.address).await {
        Ok(stream) => stream,
        Err(error) => return hysteresis::read(&error),
    };
    let Check::Http { tls, host, path } = &target.check else {
        return Seen::Accepted;
    };
    let named = if host.is_empty() {
        target.address.to_string()
    } else {
        host.clone()
    };
    let answered = if *tls {
        let name = match ServerName::try_from(host.clone()) {
            Ok(name) => name,
            // Without a name the address is asked for, which tells the server none.
            Err(_) => ServerName::IpAddress(target.ip().into()),
        };
        match TLS.connect(name, stream).await {
            Ok(stream) => get(stream, &named, path).await,
            Err(_) => return Seen::Failed,
        }
    } else {
        get(stream, &named, path).await
    };
    match answered {
        Some(status) if (200..400).contains(&status) => Seen::Accepted,
        Some(_) | None => Seen::Failed,
    }
}

/// The status that a GET is answered with; none where it is not.
async fn get(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, host: &str, path: &str) -> Option<u16> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    let request = Request::get(path)
        .header(header::HOST, host)
        .header(header::USER_AGENT, "meridian-probe")
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .ok()?;
    // The connection is driven until the head of the answer is there, and may end with it; both are dropped then.
    let (answer, mut ended) = (sender.send_request(request), false);
    tokio::pin!(answer, connection);
    loop {
        tokio::select! {
            answer = &mut answer => return Some(answer.ok()?.status().as_u16()),
            _ = &mut connection, if !ended => ended = true,
        }
    }
}

static TLS: LazyLock<TlsConnector> = LazyLock::new(|| {
    let provider = Arc::new(ring::default_provider());
    let anyone = Arc::new(Anyone(Arc::clone(&provider)));
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .map(|builder| {
            builder
                .dangerous()
                .with_custom_certificate_verifier(anyone)
                .with_no_client_auth()
        });
    match config {
        Ok(config) => TlsConnector::from(Arc::new(config)),
        Err(error) => {
            // The versions are the provider's own.
            tracing::error!(%error, "probes over TLS cannot be made");
            let none = rustls::RootCertStore::empty();
            let config = ClientConfig::builder()
                .with_root_certificates(none)
                .with_no_client_auth();
            TlsConnector::from(Arc::new(config))
        }
    }
});

/// Takes every certificate: a probe asks whether somebody serves there, sends nothing secret, and believes no word of the answer but
/// its status. A certificate that ran out would otherwise take a name off the world.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A server that answers every request with a status, or hangs up, or says nothing.
    async fn server(answer: Option<&'static str>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut asked = [0_u8; 2048];
                    let read = stream.read(&mut asked).await.unwrap_or_default();
                    let asked = String::from_utf8_lossy(&asked[..read]).into_owned();
                    match answer {
                        Some("hang") => std::future::pending::<()>().await,
                        Some(status) => {
                            let right = asked.starts_with("GET /healthz ") && asked.contains("host: shop.example.com");
                            let status = if right { status } else { "400 Bad Request" };
                            let text = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
                            drop(stream.write_all(text.as_bytes()).await);
                        }
                        None => {}
                    }
                });
            }
        });
        address
    }

    #[tokio::test]
    async fn what_an_answer_says() {
        let rows = [
            (Some("200 OK"), Seen::Accepted),
            (Some("302 Found"), Seen::Accepted),
            (Some("404 Not Found"), Seen::Failed),
            (Some("503 Service Unavailable"), Seen::Failed),
            (Some("nonsense"), Seen::Failed),
            (Some("hang"), Seen::Failed),
            (None, Seen::Failed),
        ];
        for (answer, expected) in rows {
            let address = server(answer).await;
            let http = |tls| ProbeTarget {
                address,
                check: Check::Http {
                    tls,
                    host: "shop.example.com".to_owned(),
                    path: "/healthz".to_owned(),
                },
            };
            let within = Duration::from_millis(500);
            assert_eq!(look(&http(false), within).await, expected, "{answer:?}");
            assert_eq!(look(&http(true), within).await, Seen::Failed, "it speaks no TLS");
            assert_eq!(look(&ProbeTarget::from(address), within).await, Seen::Accepted);
        }
    }
}
