//! One HTTPS request for one small JSON document, with a time limit and a size limit. No proxies, no redirects.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, HOST};
use http::{Request, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::config::OidcError;

const WITHIN: Duration = Duration::from_secs(10);
const BYTES_MAX: usize = 1 << 20;
const HTTPS: u16 = 443;

/// Fetches from servers that are trusted by some authorities.
pub(super) struct Fetcher {
    tls: Arc<rustls::ClientConfig>,
}

impl std::fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fetcher")
    }
}

impl Fetcher {
    /// Trusts these authorities, or the system's.
    pub(super) fn new(authority_pem: Option<&str>) -> Result<Self, OidcError> {
        let wrong = |error: Box<dyn std::error::Error + Send + Sync>| OidcError::Authority(error);
        let mut roots = rustls::RootCertStore::empty();
        match authority_pem {
            Some(pem) => {
                for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                    let certificate = certificate.map_err(|error| wrong(error.into()))?;
                    roots.add(certificate).map_err(|error| wrong(error.into()))?;
                }
            }
            None => {
                let found = rustls_native_certs::load_native_certs();
                let (_, unreadable) = roots.add_parsable_certificates(found.certs);
                tracing::debug!(unreadable, "the system's authorities were read");
            }
        }
        if roots.is_empty() {
            return Err(wrong("there are none".into()));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(error.into()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: Arc::new(tls) })
    }

    /// The document at an https URL.
    pub(super) async fn json(&self, url: &str) -> Result<Value, String> {
        tokio::time::timeout(WITHIN, self.get(url))
            .await
            .map_err(|_| format!("GET {url}: no answer in time"))?
            .map_err(|error| format!("GET {url}: {error}"))
    }

    async fn get(&self, url: &str) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let uri: Uri = url.parse()?;
        if uri.scheme_str() != Some("https") {
            return Err("only https is spoken".into());
        }
        let authority = uri.authority().ok_or("the URL names no host")?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(HTTPS))).await?;
        let name = ServerName::try_from(host.to_owned())?;
        let stream = TlsConnector::from(self.tls.clone()).connect(name, stream).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let request = Request::get(path)
            .header(HOST, authority.as_str())
            .header(ACCEPT, "application/json")
            .body(Empty::<Bytes>::new())?;
        let answer = async {
            let response = sender.send_request(request).await?;
            if response.status() != http::StatusCode::OK {
                return Err(format!("answered {}", response.status()).into());
            }
            let body = Limited::new(response.into_body(), BYTES_MAX)
                .collect()
                .await?
                .to_bytes();
            Ok(serde_json::from_slice(&body)?)
        };
        // The connection moves the bytes, and ends with the answer.
        tokio::pin!(connection, answer);
        tokio::select! {
            answered = &mut answer => answered,
            _ = &mut connection => answer.await,
        }
    }
}
